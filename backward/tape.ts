/**
 * The tape: remembers which operation made each value, and walks back from a loss to everything it was made from.
 * Loading this file registers it with `core/`. There is no list of operations: each value points to the step that made it.
 */
import { hasHooks, hooked, isRetained } from "./hooks.ts";
import { bare, Ownership } from "./ownership.ts";
import { notDifferentiable, type Rule, type Step } from "./rules/rule.ts";
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

/** A value kept for the way back, with the count of edits its memory had then. */
export class Saved {
  readonly #edits: number;

  /** Keeps `value`. */
  constructor(readonly value: Tensor) {
    this.#edits = value.version.count;
  }

  /**
   * The value, if nobody wrote into it since.
   *
   * @throws {Error} If its memory was edited in place.
   */
  read(op: string): Tensor {
    if (this.value.version.count === this.#edits) return this.value;
    throw new Error(
      `Cannot go back through ${op}: its value of shape ${
        show(this.value.shape)
      } was edited in place after it was used; ` +
        `edit a clone(), or go backward first`,
    );
  }
}

/** The step of a primitive operation. */
export class RuleNode<K extends OpName> implements OpNode, Step<OpSettings[K]> {
  readonly #rule: Rule<K> | typeof notDifferentiable;
  #kept: Saved[];
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
    this.#kept = inputs.map((x) => new Saved(x));
    this.inputs = inputs;
  }

  get a(): Tensor {
    return bare(this.#kept[0].read(this.name));
  }

  get b(): Tensor {
    return bare(this.#kept[1].read(this.name));
  }

  get y(): Tensor {
    return bare(this.#y!.read(this.name));
  }

  get shape(): readonly number[] {
    return this.#kept[0].value.shape;
  }

  get wants(): boolean[] {
    return this.inputs.map((x) => x.requiresGrad);
  }

  backward(g: Tensor): readonly (Tensor | null)[] {
    if (this.#y === null) throw releasedError(this.name);
    if (this.#rule === notDifferentiable) throw new Error(`Cannot go back through ${this.name}: it has no derivative`);
    return this.#rule(g, this);
  }

  release(): void {
    this.#kept = [];
    this.#y = null;
  }
}

/** What going back a second time meets. */
export function releasedError(op: string): Error {
  return new Error(
    `Cannot go backward through ${op} a second time: its values were let go, use backward({ retainGraph: true }) the first time`,
  );
}

let recording = true;

/** Whether operations are recorded just now. */
export function isGradEnabled(): boolean {
  return recording;
}

/**
 * Runs `body` without recording: for updates of parameters, and for predictions.
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

// The way back: from a loss to everything it was made from, each value once, when its gradient is complete.

const { backward: ruleBack } = RuleNode.prototype;

/** One walk; `run` it once, or `step` as long as that says true, without recording. */
export class BackwardPass {
  readonly #grads: Map<Tensor, Tensor>;
  readonly #pending: Map<Tensor, number>;
  readonly #ready: Tensor[];
  readonly #memory = new Ownership();
  /** Memory in which more than one gradient may lie. */
  readonly #shared = new Set<TypedArray>();

  /** A walk from `root`, whose own gradient is `gradient`, or 1 for a single number. */
  constructor(root: Tensor, gradient: Tensor | undefined, readonly retainGraph: boolean) {
    this.#grads = new Map([[root, firstGradient(root, gradient)]]);
    this.#pending = countUses(root);
    this.#ready = [root];
  }

  /** Leaves a gradient on every leaf; the memory of all others, which nobody has seen, is used again. */
  run(): void {
    while (this.step());
  }

  /** Goes through one value; whether there are others left. */
  step(): boolean {
    const x = this.#ready.pop();
    if (x !== undefined) this.#visit(x);
    else this.#memory.end();
    return x !== undefined;
  }

  #visit(x: Tensor): void {
    const g = this.#grads.get(x);
    this.#grads.delete(x);
    if (g !== undefined) this.#memory.own(() => this.#receive(x, g));
    if (x.node === null) return;
    for (const input of x.node.inputs) if (input.requiresGrad) this.#arrived(input);
    if (!this.retainGraph) x.node.release();
  }

  #arrived(input: Tensor): void {
    const left = this.#pending.get(input)! - 1;
    this.#pending.set(input, left);
    if (left === 0) this.#ready.push(input);
  }

  /** Leaves the complete gradient of `x` where it is wanted, and sends it on to what `x` was made from. */
  #receive(x: Tensor, arrived: Tensor): void {
    const g = hasHooks(x) ? this.#showHooks(x, this.#apart(arrived)) : arrived;
    if (x.node === null || isRetained(x)) {
      const before = peekGradient(x);
      const first = () => x.node === null ? this.#apart(g) : copyOf(g); // from a value that is no leaf, g goes on
      this.#memory.leave(x, before === null ? first() : bare(before).add(g));
    }
    if (x.node === null) return;
    const { inputs } = x.node;
    const parts = this.#stepBack(x.node, g);
    for (let i = 0; i < inputs.length; i++) {
      if (inputs[i].requiresGrad && parts[i] !== null) this.#send(inputs[i], fit(parts[i]!, inputs[i]), g, parts);
    }
  }

  /** Adds `part` to what has arrived for `input` so far. */
  #send(input: Tensor, part: Tensor, g: Tensor, parts: readonly (Tensor | null)[]): void {
    const sum = this.#grads.get(input);
    if (part.data === g.data || parts.filter((other) => other?.data === part.data).length > 1) {
      this.#shared.add(part.data);
    }
    this.#grads.set(input, sum === undefined ? part : sum.add(part));
  }

  #showHooks(x: Tensor, g: Tensor): Tensor {
    return this.#memory.show(g, () => hooked(x, g));
  }

  /** What others will see shares no memory with a gradient that goes elsewhere, so that no edit of it spreads. */
  #apart(g: Tensor): Tensor {
    return this.#shared.has(g.data) ? copyOf(g) : g;
  }

  /**
   * The gradients of what a step was made from. A `Function` is not the library's,
   * nor is a `back` that somebody put on a node: it may keep what it sees and what it answers.
   */
  #stepBack(node: OpNode, g: Tensor): readonly (Tensor | null)[] {
    if (node instanceof RuleNode && node.backward === ruleBack) return node.backward(g);
    return this.#memory.show(g, () => node.backward(g)).map((part) => part && bare(part));
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

/** How often each value below `root` is used above it: a gradient is complete when all uses have sent theirs. */
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

/** A gradient in the shape and kind of its value: sums over the dimensions that broadcasting added or repeated. */
function fit(g: Tensor, x: Tensor): Tensor {
  return unbroadcast(g, x.shape).to(x.dtype);
}

/** Undoes broadcasting: sum over added dimensions, and over those that were 1. */
function unbroadcast(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const lead = g.shape.length - shape.length;
  const repeated = g.shape.flatMap((n, d) => (d < lead || (shape[d - lead] === 1 && n !== 1) ? [d] : []));
  return g.sum(repeated, true).view(...shape);
}
