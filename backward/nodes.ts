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

// Values that were written in place. The node of such a value is that of the writing; what was made of it before still leads to what it
// was then, which an alias stands for.

/** What a tensor was up to a version of its memory. */
interface State {
  readonly version: number;
  readonly alias: Tensor;
}

const states = new WeakMap<Tensor, State[]>();
/** The tensor that was written last in a memory, by the version that its views share, and the count after that. */
const writings = new WeakMap<object, { readonly tensor: Tensor; readonly count: number }>();
let anyWritten = false;

/** Notes that `alias` is what x was up to now: x is about to be written, and to get another node. */
export function noteState(x: Tensor, alias: Tensor): void {
  anyWritten = true;
  states.set(x, [...(states.get(x) ?? []), { version: x.version.count, alias }]);
  writings.set(x.version, { tensor: x, count: x.version.count + 1 });
}

/** Whether x was made as a view of another recorded tensor, and not by a writing of its own. */
export function isViewOfAnother(x: Tensor): boolean {
  return x.node?.inputs.some(({ data, version }) => data === x.data && version === x.version) === true &&
    states.get(x)?.some(({ alias }) => x.node!.inputs.includes(alias)) !== true;
}

/**
 * Checks that x is no view that was taken before its memory was written and recorded: its own history has nothing of that.
 *
 * @throws {Error} If it is.
 */
export function requireCurrent(x: Tensor): void {
  if (!anyWritten || !x.requiresGrad || !(x.node instanceof RuleNode)) return;
  const last = writings.get(x.version);
  if (last === undefined || last.tensor === x || x.node.born >= last.count) return;
  throw new Error(
    `Cannot use a view of shape ${show(x.shape)}: what it is a view of was written in place since, take the view again`,
  );
}

/** The inputs of a node, those that were written since by aliases of what they were at these versions, when it was made. */
export function inputsThen(inputs: readonly Tensor[], versions: () => readonly number[]): readonly Tensor[] {
  if (!anyWritten) return inputs;
  const then = versions();
  return inputs.map((x, i) => states.get(x)?.find(({ version }) => version >= then[i])?.alias ?? x);
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
  readonly #inputs: readonly Tensor[];
  /** The version that the result's memory had when it was made. */
  readonly born: number;

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
    this.#inputs = inputs;
    this.born = y.version.count;
  }

  get inputs(): readonly Tensor[] {
    return inputsThen(this.#inputs, () => this.#saved.map(({ version }) => version));
  }

  get a(): Tensor {
    return this.input(0);
  }

  get b(): Tensor {
    return this.input(1);
  }

  input(place: number): Tensor {
    return forRule(this.#saved[place].read(this.name));
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
