/**
 * The tape: records which operation made each value, and computes gradients from a loss back to everything it was made from.
 *
 * Loading this file registers it with `core/`. There is no list of operations: each value points to the node that made it.
 */
import { hasHooks, hooked, isRetained } from "./hooks.ts";
import { bare, Ownership } from "./ownership.ts";
import { type BackwardStep, notDifferentiable, type Rule } from "./rules/rule.ts";
import { rules } from "./rules/table.ts";
import { describe } from "../core/arguments.ts";
import { isFloating, type TypedArray } from "../core/dtype.ts";
import { peekGradient } from "../core/gradient_slot.ts";
import { scalar } from "../core/memory/allocate.ts";
import { cast, copyOf } from "../core/ops/elementwise.ts";
import {
  type BackwardOptions,
  type OpName,
  type OpNode,
  type OpSettings,
  origin,
  registerRecorder,
} from "../core/record.ts";
import { sameShape, type Shape, show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

/** A tensor saved for the backward pass, with the version that its memory had then. */
export class Saved {
  readonly #version: number;

  /** Saves `value`. */
  constructor(readonly value: Tensor) {
    this.#version = value.version.count;
  }

  /**
   * The value, if it was not written in place since.
   *
   * @throws {Error} If it was; the message names `op`, which saved it.
   */
  read(op: string): Tensor {
    if (this.value.version.count === this.#version) return this.value;
    throw new Error(
      `Cannot go back through ${op}: its value of shape ${
        show(this.value.shape)
      } was modified in place after it was used; ` +
        `modify a clone(), or go backward first`,
    );
  }
}

/** The node of a primitive operation. */
export class RuleNode<K extends OpName> implements OpNode, BackwardStep<OpSettings[K]> {
  readonly #rule: Rule<K> | typeof notDifferentiable;
  #saved: Saved[];
  #y: Saved | null;
  readonly inputs: readonly Tensor[];

  constructor(
    readonly name: K,
    rule: Rule<K> | typeof notDifferentiable,
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
    return bare(this.#saved[0].read(this.name));
  }

  get b(): Tensor {
    return bare(this.#saved[1].read(this.name));
  }

  get y(): Tensor {
    return bare(this.#y!.read(this.name));
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
    return this.#rule(g, this);
  }

  release(): void {
    this.#saved = [];
    this.#y = null;
  }
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
  const before = recording;
  recording = false;
  try {
    const result = body();
    if (result instanceof Promise) {
      throw new TypeError("Cannot run an asynchronous function in noGrad: await inside it would record again");
    }
    return result;
  } finally {
    recording = before;
  }
}

registerRecorder({ record: recordOp, beforeWrite, backward });

function recordOp<K extends OpName>(op: K, out: Tensor, inputs: readonly Tensor[], settings: OpSettings[K]): void {
  if (!recording || rules[op] === notDifferentiable || !isFloating(out.dtype)) return;
  out.requiresGrad = true;
  out.node = new RuleNode(op, rules[op], out, inputs, settings);
}

function beforeWrite(out: Tensor, x: Tensor, verb: string): void {
  if (!recording) return;
  const what = out.requiresGrad ? (out.node === null ? "a leaf that requires a gradient" : origin(out.node)) : "";
  if (what !== "") {
    throw new Error(
      `Cannot ${verb} in place: the tensor is ${what}; use the method without "_", or do it inside noGrad(() => …)`,
    );
  }
  throw new Error(
    `Cannot ${verb} in place a value of shape ${
      show(x.shape)
    } that requires a gradient: it would be lost; use the method without "_"`,
  );
}

function backward(root: Tensor, { gradient, retainGraph = false }: BackwardOptions): void {
  noGrad(() => new BackwardPass(root, gradient, retainGraph).run());
}

const { backward: ruleBackward } = RuleNode.prototype;

/**
 * The backward pass from one value: visits each value that it was made from once, when the gradient of that value is complete.
 * `run` it once, or call `step` until it returns `false`, without recording.
 */
export class BackwardPass {
  readonly #grads: Map<Tensor, Tensor>;
  readonly #pending: Map<Tensor, number>;
  readonly #ready: Tensor[];
  readonly #blocks = new Ownership();
  /** Memory that more than one gradient may use. */
  readonly #shared = new Set<TypedArray>();

  /** A pass from `root`, whose own gradient is `gradient`, or 1 if it has one element. */
  constructor(root: Tensor, gradient: Tensor | undefined, readonly retainGraph: boolean) {
    this.#grads = new Map([[root, firstGradient(root, gradient)]]);
    this.#pending = countUses(root);
    this.#ready = [root];
  }

  /** Leaves a gradient on every leaf, and releases the memory of all other gradients that no other code has seen. */
  run(): void {
    while (this.step());
  }

  /** Visits one value; returns whether there may be others. */
  step(): boolean {
    const x = this.#ready.pop();
    if (x !== undefined) this.#visit(x);
    else this.#blocks.releaseAll();
    return x !== undefined;
  }

  #visit(x: Tensor): void {
    const g = this.#grads.get(x);
    this.#grads.delete(x);
    if (g !== undefined) this.#blocks.track(() => this.#receive(x, g));
    if (x.node === null) return;
    for (const input of x.node.inputs) if (input.requiresGrad) this.#countUse(input);
    if (!this.retainGraph) x.node.release();
  }

  #countUse(input: Tensor): void {
    const left = this.#pending.get(input)! - 1;
    this.#pending.set(input, left);
    if (left === 0) this.#ready.push(input);
  }

  /** Runs the hooks on the complete gradient of `x`, leaves it on a leaf, and sends it on to what `x` was made from. */
  #receive(x: Tensor, arrived: Tensor): void {
    const g = hasHooks(x) ? this.#runHooks(x, this.#unshared(arrived)) : arrived;
    if (x.node === null || isRetained(x)) {
      const before = peekGradient(x);
      const first = () => x.node === null ? this.#unshared(g) : copyOf(g); // g of a value that is not a leaf is still needed
      this.#blocks.leave(x, before === null ? first() : bare(before).add(g));
    }
    if (x.node === null) return;
    const { inputs } = x.node;
    const parts = this.#inputGradients(x.node, g);
    for (let i = 0; i < inputs.length; i++) {
      if (inputs[i].requiresGrad && parts[i] !== null) this.#add(inputs[i], fitTo(parts[i]!, inputs[i]), g, parts);
    }
  }

  /** Adds `part` to the gradient of `input`. */
  #add(input: Tensor, part: Tensor, g: Tensor, parts: readonly (Tensor | null)[]): void {
    const sum = this.#grads.get(input);
    if (part.data === g.data || parts.filter((other) => other?.data === part.data).length > 1) {
      this.#shared.add(part.data);
    }
    this.#grads.set(input, sum === undefined ? part : sum.add(part));
  }

  #runHooks(x: Tensor, g: Tensor): Tensor {
    return this.#blocks.runUserCode(g, () => hooked(x, g));
  }

  /** `g`, or a copy if another gradient uses its memory: the user may write into what the user sees. */
  #unshared(g: Tensor): Tensor {
    return this.#shared.has(g.data) ? copyOf(g) : g;
  }

  /**
   * The gradients of a node's inputs. A `Function`, and a `backward` that was put on a node, are the user's code: it may keep what it
   * sees and what it returns.
   */
  #inputGradients(node: OpNode, g: Tensor): readonly (Tensor | null)[] {
    if (node instanceof RuleNode && node.backward === ruleBackward) return node.backward(g);
    return this.#blocks.runUserCode(g, () => node.backward(g)).map((part) => part && bare(part));
  }
}

function firstGradient(root: Tensor, gradient: Tensor | undefined): Tensor {
  if (!root.requiresGrad) {
    throw new Error(
      `Cannot go backward from a tensor of shape ${
        show(root.shape)
      }: it does not require a gradient, nothing it was made from does`,
    );
  }
  if (gradient === undefined && root.numel() !== 1) {
    throw new RangeError(
      `Cannot go backward from shape ${
        show(root.shape)
      }: a gradient can be created only for scalar outputs, take sum() or mean(), or give one`,
    );
  }
  if (gradient !== undefined && !sameShape(gradient.shape, root.shape)) {
    throw new RangeError(
      `Cannot go backward from shape ${show(root.shape)} with a gradient of shape ${show(gradient.shape)}: they differ`,
    );
  }
  if (gradient !== undefined) return copyOf(cast(bare(gradient), root.dtype));
  const one = scalar(1, root.dtype);
  return root.shape.length === 0 ? one : one.view(...root.shape);
}

/** How often each value that `root` was made from is used: its gradient is complete when each use has added its part. */
function countUses(root: Tensor): Map<Tensor, number> {
  const uses = new Map<Tensor, number>([[root, 0]]);
  const open = [root];
  for (let x = open.pop(); x !== undefined; x = open.pop()) {
    for (const input of x.node?.inputs ?? []) {
      if (!input.requiresGrad) continue;
      const seen = uses.get(input);
      uses.set(input, (seen ?? 0) + 1);
      if (seen === undefined) open.push(input);
    }
  }
  return uses;
}

/** A gradient in the shape and dtype of its value. */
function fitTo(g: Tensor, x: Tensor): Tensor {
  return unbroadcast(g, x.shape).to(x.dtype);
}

/** Undoes broadcasting: sums over the dimensions that it added, and over those that it repeated. */
function unbroadcast(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const lead = g.shape.length - shape.length;
  const repeated = g.shape.flatMap((n, d) => (d < lead || (shape[d - lead] === 1 && n !== 1) ? [d] : []));
  return g.sum(repeated, true).view(...shape);
}
