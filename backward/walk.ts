/** The way back: from a loss to everything it was made from, each value once, when its gradient is complete. */
import { scalar } from "../core/allocate.ts";
import type { Numbers } from "../core/dtype.ts";
import { leaveGradient, peekGradient } from "../core/gradient_slot.ts";
import { give, watchTaken } from "../core/pool.ts";
import type { OpNode } from "../core/record.ts";
import { sameShape, type Shape, show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { hooked, isRetained, isWatched } from "./hooks.ts";
import { RuleNode } from "./node.ts";

/** One walk; `run` it once, without recording. */
export class Walk {
  readonly #grads: Map<Tensor, Tensor>;
  readonly #pending: Map<Tensor, number>;
  readonly #ready: Tensor[];
  readonly #leaves: Tensor[] = [];
  readonly #inner: Tensor[] = [];
  #foreign = false; // whether code from outside saw a gradient, which it may have kept

  /** A walk from `root`, whose own gradient is `gradient`, or 1 for a single number. */
  constructor(root: Tensor, gradient: Tensor | undefined, readonly retainGraph: boolean) {
    this.#grads = new Map([[root, firstGradient(root, gradient)]]);
    this.#pending = countUses(root);
    this.#ready = [root];
  }

  /** Leaves a gradient on every leaf, and gives back all memory that nobody else has seen. */
  run(): void {
    const taken = watchTaken(() => {
      for (let x = this.#ready.pop(); x !== undefined; x = this.#ready.pop()) this.#visit(x);
    });
    if (this.#foreign) return;
    const kept = new Set<Numbers>();
    for (const leaf of this.#leaves) this.#claim(leaf, taken, kept);
    for (const block of taken) if (!kept.has(block)) give(block);
    if (!this.retainGraph) { for (const x of this.#inner) give(x.data); }
  }

  #visit(x: Tensor): void {
    const g = this.#grads.get(x);
    this.#grads.delete(x);
    if (g !== undefined) this.#receive(x, g);
    if (x.node === null) return;
    for (const input of x.node.inputs) if (input.requiresGrad) this.#arrived(input);
    if (x.isInner) this.#inner.push(x);
    if (!this.retainGraph) x.node.release();
  }

  #arrived(input: Tensor): void {
    const left = this.#pending.get(input)! - 1;
    this.#pending.set(input, left);
    if (left === 0) this.#ready.push(input);
  }

  /** Leaves the complete gradient of `x` where it is wanted, and sends it on to what `x` was made from. */
  #receive(x: Tensor, arrived: Tensor): void {
    if (isWatched(x)) this.#foreign = true;
    const g = hooked(x, arrived);
    if (x.node === null || isRetained(x)) {
      const before = peekGradient(x);
      x.g = before === null ? g : before.add(g);
      this.#leaves.push(x);
    }
    if (x.node === null) return;
    if (!(x.node instanceof RuleNode)) this.#foreign = true;
    const parts = x.node.back(g);
    x.node.inputs.forEach((input, i) => {
      const part = parts[i];
      if (!input.requiresGrad || part === null) return;
      const sum = this.#grads.get(input);
      const fitted = fit(part, input);
      this.#grads.set(input, sum === undefined ? owned(fitted, input, x.node!, g) : sum.add(fitted));
    });
  }

  /** A leaf's gradient that was made on this walk is the tape's own until somebody reads it. */
  #claim(leaf: Tensor, taken: readonly Numbers[], kept: Set<Numbers>): void {
    const g = peekGradient(leaf)!;
    kept.add(g.data);
    if (taken.includes(g.data)) leaveGradient(leaf, g);
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
  return gradient?.to(root.dtype).clone() ?? scalar(1, root.dtype).view(...root.shape.map(() => 1));
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
export function unbroadcast(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const lead = g.shape.length - shape.length;
  const repeated = g.shape.flatMap((n, d) => (d < lead || (shape[d - lead] === 1 && n !== 1) ? [d] : []));
  return g.sum(repeated, true).view(...shape);
}

/** A gradient that will stand in somebody's `.g` shares no memory with another value, so that no edit of it spreads. */
function owned(part: Tensor, input: Tensor, node: OpNode, g: Tensor): Tensor {
  if (input.node !== null && !isWatched(input)) return part;
  const foreign = !(node instanceof RuleNode); // a Function may answer a tensor that it keeps, or one tensor twice
  const shared = part.data === g.data || node.inputs.some((x) => x.data === part.data);
  return foreign || shared ? part.clone() : part;
}
