/** What the tape is made of: the node of an operation with what it saved, and whether anything is being recorded. */
import { bare } from "./ownership.ts";
import { type BackwardStep, type Derivative, notDifferentiable } from "./rules/rule.ts";
import { describe } from "../core/arguments.ts";
import type { OpName, OpNode, OpSettings } from "../core/record.ts";
import { show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

/** A tensor saved for the backward pass, with the version that its memory had then. */
export class Saved {
  /** Saves `value`. */
  constructor(readonly value: Tensor, readonly version: number = value.version.count) {}

  /**
   * The value, if it was not written in place since.
   *
   * @throws {Error} If it was; the message names `op`, which saved it.
   */
  read(op: string): Tensor {
    if (this.value.version.count === this.version) return this.value;
    throw new Error(
      `Cannot go back through ${op}: its value of shape ${
        show(this.value.shape)
      } was modified in place after it was used; ` +
        `modify a clone(), or go backward first`,
    );
  }
}

/** A saved value as rules read it: with its history where they are recorded, and else a plain view. */
function forRule(x: Tensor): Tensor {
  return recording ? x : bare(x);
}

/** The node of a primitive operation. */
export class RuleNode<K extends OpName> implements OpNode, BackwardStep<OpSettings[K]> {
  readonly #rule: Derivative<K>;
  #saved: Saved[];
  #y: Saved | null;
  readonly inputs: readonly Tensor[];

  constructor(
    readonly name: K,
    rule: Derivative<K>,
    y: Tensor,
    inputs: readonly Tensor[],
    readonly settings: OpSettings[K],
  ) {
    this.#rule = rule;
    this.#y = new Saved(y);
    this.#saved = inputs.map((x) => new Saved(x));
    this.inputs = inputs;
  }

  get a(): Tensor {
    return forRule(this.#saved[0].read(this.name));
  }

  get b(): Tensor {
    return forRule(this.#saved[1].read(this.name));
  }

  get y(): Tensor {
    return forRule(this.#y!.read(this.name));
  }

  get isRecorded(): boolean {
    return recording;
  }

  get shape(): readonly number[] {
    return this.#saved[0].value.shape;
  }

  get needsInputGrad(): boolean[] {
    return this.inputs.map((x) => x.requiresGrad);
  }

  backward(g: Tensor): readonly (Tensor | null)[] {
    if (this.#y === null) throw releasedError(this.name);
    if (this.#rule === notDifferentiable) throw new Error(`Cannot go back through ${this.name}: it has no derivative`);
    if (typeof this.#rule === "function") return this.#rule(g, this);
    const { once } = this.#rule;
    return differentiatedOnce(this.name, [g, ...this.inputs], () => once(g, this));
  }

  release(): void {
    this.#saved = [];
    this.#y = null;
  }
}

/**
 * The gradients that `rule` computes from tensors, unrecorded. Where they would have been recorded, a pass that reaches one of them
 * throws: it would be lost.
 */
export function differentiatedOnce(
  op: string,
  from: readonly Tensor[],
  rule: () => readonly (Tensor | null)[],
): readonly (Tensor | null)[] {
  const parts = noGrad(rule);
  const inputs = from.filter((x) => x.requiresGrad);
  if (!recording || inputs.length === 0) return parts;
  return parts.map((part) => {
    if (part === null) return null;
    const out = part.detach();
    out.requiresGrad = true;
    out.node = { name: `${op}Backward`, inputs, backward: () => refuseTwice(op), release: () => {} };
    return out;
  });
}

function refuseTwice(op: string): never {
  throw new Error(
    `Cannot differentiate ${op} twice: its derivative has none of its own, take the first one without createGraph`,
  );
}

/** The error for a second backward pass through a node whose values were released. */
export function releasedError(op: string): Error {
  return new Error(
    `Cannot go backward through ${op} a second time: its saved values were freed, use backward({ retainGraph: true }) the first time`,
  );
}

let recording = true;

/** Whether operations are being recorded: `false` within `noGrad`. PyTorch's `is_grad_enabled`. */
export function isGradEnabled(): boolean {
  return recording;
}

/**
 * Runs `body` without recording, for updates of parameters and for predictions; returns what `body` returns. PyTorch's `no_grad`.
 *
 * @example
 * ```ts
 * import { noGrad, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const w = tensor([1, 2]).requiresGrad_();
 * noGrad(() => w.sub_(1));
 * assertEquals(w.toArray(), [0, 1]);
 * ```
 * @throws {TypeError} If `body` is asynchronous: recording would be on again before it ends.
 */
export function noGrad<T>(body: () => T): T {
  if (typeof body !== "function") {
    throw new TypeError(`Cannot run ${describe(body)} in noGrad: give a function, as in noGrad(() => …)`);
  }
  return withRecording(false, () => {
    const result = body();
    if (result instanceof Promise) {
      throw new TypeError("Cannot run an asynchronous function in noGrad: await inside it would record again");
    }
    return result;
  });
}

/** Runs `body` with recording on or off. */
export function withRecording<T>(on: boolean, body: () => T): T {
  const before = recording;
  recording = on;
  try {
    return body();
  } finally {
    recording = before;
  }
}
