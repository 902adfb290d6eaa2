/** The way back: from a loss to everything it was made from, each value once, when its gradient is complete. */
import { scalar } from "../core/memory/allocate.ts";
import type { Numbers } from "../core/dtype.ts";
import { peekGradient } from "../core/gradient_slot.ts";
import { cast } from "../core/ops/elementwise.ts";
import { copyOf } from "../core/ops/inplace.ts";
import type { OpNode } from "../core/record.ts";
import { sameShape, type Shape, show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { hasHooks, hooked, isRetained } from "./hooks.ts";
import { RuleNode } from "./node.ts";
import { bare, Ownership } from "./ownership.ts";

const { back: ruleBack } = RuleNode.prototype;

/** One walk; `run` it once, without recording. */
export class Walk {
  readonly #grads: Map<Tensor, Tensor>;
  readonly #pending: Map<Tensor, number>;
  readonly #ready: Tensor[];
  readonly #memory = new Ownership();
  /** Memory in which more than one gradient may lie. */
  readonly #shared = new Set<Numbers>();

  /** A walk from `root`, whose own gradient is `gradient`, or 1 for a single number. */
  constructor(root: Tensor, gradient: Tensor | undefined, readonly retainGraph: boolean) {
    this.#grads = new Map([[root, firstGradient(root, gradient)]]);
    this.#pending = countUses(root);
    this.#ready = [root];
  }

  /** Leaves a gradient on every leaf; the memory of all others, which nobody has seen, is used again. */
  run(): void {
    for (let x = this.#ready.pop(); x !== undefined; x = this.#ready.pop()) this.#visit(x);
    this.#memory.end();
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
    if (node instanceof RuleNode && node.back === ruleBack) return node.back(g);
    return this.#memory.show(g, () => node.back(g)).map((part) => part && bare(part));
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
export function unbroadcast(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const lead = g.shape.length - shape.length;
  const repeated = g.shape.flatMap((n, d) => (d < lead || (shape[d - lead] === 1 && n !== 1) ? [d] : []));
  return g.sum(repeated, true).view(...shape);
}
