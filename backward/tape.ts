/**
 * The tape: records which operation made each value, and computes gradients from a loss back to everything it was made from.
 *
 * Loading this file registers it with `core/`. There is no list of operations: each value points to the node that made it.
 */
import { checkSentBack, isDetecting, noteCaller } from "./anomaly.ts";
import { gradientLeft, hasHooks, hasLeafHooks, hooked, isRetained, passEnded } from "./hooks.ts";
import { bare, Ownership } from "./ownership.ts";
import { isGradEnabled, isViewOfAnother, noGrad, noteState, requireCurrent, RuleNode, withRecording } from "./nodes.ts";
import { notDifferentiable } from "./rules/rule.ts";
import { rules } from "./rules/table.ts";
import { isFloating, type TypedArray } from "../core/dtype.ts";
import { peekGradient } from "../core/gradient_slot.ts";
import { scalar } from "../core/memory/allocate.ts";
import { cast, copyInto, copyOf } from "../core/ops/elementwise.ts";
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

export { isGradEnabled, noGrad } from "./nodes.ts";

registerRecorder({ isRecording: isGradEnabled, record: recordOp, beforeWrite, rewrite, backward });

function recordOp<K extends OpName>(op: K, out: Tensor, inputs: readonly Tensor[], settings: OpSettings[K]): void {
  if (!isGradEnabled() || rules[op] === notDifferentiable || !isFloating(out.dtype)) return;
  for (let i = 0; i < inputs.length; i++) requireCurrent(inputs[i]);
  out.requiresGrad = true;
  out.node = new RuleNode(op, rules[op], out, inputs, settings);
  if (isDetecting()) noteCaller(out.node);
}

function beforeWrite(out: Tensor, x: Tensor, verb: string): void {
  if (!isGradEnabled()) return;
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

function rewrite(out: Tensor, y: Tensor, verb: string): void {
  if (out.requiresGrad && out.node === null) beforeWrite(out, out, verb); // which says why not
  if (out.data.length !== out.numel() || isViewOfAnother(out)) {
    throw new Error(
      `Cannot ${verb} in place: the tensor of shape ${
        show(out.shape)
      } is a view of another one, which would not hear of ` +
        `the gradient; write into that one, or use the method without "_"`,
    );
  }
  const before = out.detach();
  [before.requiresGrad, before.node] = [out.requiresGrad, out.node];
  noteState(out, before);
  noGrad(() => copyInto(out, y));
  [out.requiresGrad, out.node] = [true, y.node];
}

function backward(root: Tensor, options: BackwardOptions): void {
  const pass = () => new BackwardPass([root], [options.gradient], options).run();
  withRecording(options.createGraph ?? false, pass);
}

/** What a pass keeps and records, and where it ends. */
interface PassOptions extends Pick<BackwardOptions, "createGraph" | "retainGraph"> {
  /** The values whose gradients are wanted; without them all leaves get theirs. */
  readonly inputs?: readonly Tensor[];
}

/** The gradients of `inputs` by a backward pass from `roots`, with a gradient for each. */
export function gradientsBy(
  inputs: readonly Tensor[],
  roots: readonly Tensor[],
  gradients: readonly (Tensor | null | undefined)[],
  options: BackwardOptions,
): (Tensor | null)[] {
  return withRecording(options.createGraph ?? false, () => {
    const pass = new BackwardPass(roots, gradients, { ...options, inputs });
    pass.run();
    return inputs.map((x) => pass.found!.get(x) ?? null);
  });
}

const { backward: ruleBackward } = RuleNode.prototype;

/**
 * The backward pass from one value or several: visits each value that they were made from once, when the gradient of that value is
 * complete. Call `step` until it returns `false`: with recording on if the options say `createGraph`, else without.
 */
export class BackwardPass {
  readonly #grads = new Map<Tensor, Tensor>();
  readonly #pending: Map<Tensor, number>;
  readonly #ready: Tensor[] = [];
  readonly #blocks = new Ownership();
  /** Memory that more than one gradient may use. */
  readonly #shared = new Set<TypedArray>();
  readonly #createGraph: boolean;
  readonly #retainGraph: boolean;
  /** The values whose gradients are wanted, and those that lead to them; `null` if leaves get theirs. */
  readonly #wanted: ReadonlySet<Tensor> | null = null;
  readonly #needed: ReadonlySet<Tensor> | null = null;
  /** The gradients of wanted values that were reached; `null` if leaves get theirs. */
  readonly found: Map<Tensor, Tensor> | null = null;

  /** A pass from `roots`, each with its own gradient, or 1 if it has one element. */
  constructor(
    roots: readonly Tensor[],
    gradients: readonly (Tensor | null | undefined)[] = [],
    { createGraph = false, retainGraph = createGraph, inputs }: PassOptions = {},
  ) {
    this.#createGraph = createGraph;
    this.#retainGraph = retainGraph;
    if (inputs !== undefined) {
      this.#wanted = new Set(inputs);
      this.#needed = leadingTo(this.#wanted, roots);
      this.found = new Map();
    }
    for (let i = 0; i < roots.length; i++) {
      const g = firstGradient(roots[i], gradients[i] ?? undefined, createGraph);
      const sum = this.#grads.get(roots[i]);
      this.#grads.set(roots[i], sum === undefined ? g : sum.add(g));
    }
    this.#pending = this.#countUses(roots);
    for (const root of this.#grads.keys()) if (this.#pending.get(root) === 0) this.#ready.push(root);
  }

  /** Visits all values. */
  run(): void {
    while (this.step());
  }

  /**
   * Visits one value; returns whether there may be others. At the end each leaf has its gradient, and the memory of all other gradients
   * that no other code has seen is released. What is recorded is read again by later passes: none of it is released.
   */
  step(): boolean {
    const x = this.#ready.pop();
    if (x !== undefined) this.#visit(x);
    else this.#end();
    return x !== undefined;
  }

  #end(): void {
    this.#blocks.releaseAll();
    passEnded();
  }

  #visit(x: Tensor): void {
    const g = this.#grads.get(x);
    this.#grads.delete(x);
    const run = () => this.#receive(x, g!);
    if (g !== undefined) this.#createGraph ? this.#blocks.untracked(run) : this.#blocks.track(run);
    if (!leadsOn(x.node, this.#needed)) return;
    for (const input of x.node.inputs) if (isNeeded(input, this.#needed)) this.#countUse(input);
    if (!this.#retainGraph) x.node.release();
  }

  #countUse(input: Tensor): void {
    const left = this.#pending.get(input)! - 1;
    this.#pending.set(input, left);
    if (left === 0) this.#ready.push(input);
  }

  /** How often each value that the roots were made from is used: its gradient is complete when each use has added its part. */
  #countUses(roots: readonly Tensor[]): Map<Tensor, number> {
    const uses = new Map<Tensor, number>();
    const open: Tensor[] = [];
    for (const root of roots) {
      if (!uses.has(root)) open.push(root);
      uses.set(root, 0);
    }
    for (let x = open.pop(); x !== undefined; x = open.pop()) {
      if (!leadsOn(x.node, this.#needed)) continue;
      for (const input of x.node.inputs) {
        if (!isNeeded(input, this.#needed)) continue;
        const seen = uses.get(input);
        uses.set(input, (seen ?? 0) + 1);
        if (seen === undefined) open.push(input);
      }
    }
    return uses;
  }

  /** Runs the hooks on the complete gradient of `x`, leaves it on a leaf, and sends it on to what `x` was made from. */
  #receive(x: Tensor, arrived: Tensor): void {
    const g = hasHooks(x) ? this.#runHooks(x, this.#unshared(arrived)) : arrived;
    if (this.#wanted?.has(x)) this.found!.set(x, this.#keep(this.#own(x, g)));
    if (this.#wanted === null && (x.node === null || isRetained(x))) this.#leave(x, g);
    if (!leadsOn(x.node, this.#needed)) return;
    const { inputs } = x.node;
    const parts = this.#inputGradients(x.node, g);
    for (let i = 0; i < inputs.length; i++) {
      if (isNeeded(inputs[i], this.#needed) && parts[i] !== null) {
        this.#add(inputs[i], fitTo(parts[i]!, inputs[i]), g, parts);
      }
    }
  }

  /** Adds `g` to the gradient that is left on `x`. */
  #leave(x: Tensor, g: Tensor): void {
    if (this.#createGraph) {
      x.g = x.g === null ? this.#own(x, g) : x.g.add(g);
    } else {
      const before = peekGradient(x);
      this.#blocks.leave(x, before === null ? this.#own(x, g) : bare(before).add(g));
    }
    if (hasLeafHooks(x)) this.#blocks.untracked(() => gradientLeft(x));
  }

  /** `g` in memory that no other gradient uses: that of a value that is not a leaf is still needed. */
  #own(x: Tensor, g: Tensor): Tensor {
    return x.node === null && !this.#createGraph ? this.#unshared(g) : copyOf(g);
  }

  #keep(g: Tensor): Tensor {
    return this.#createGraph ? g : this.#blocks.keep(g);
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
    const isRule = node instanceof RuleNode && node.backward === ruleBackward;
    let parts = isRule ? node.backward(g) : this.#blocks.runUserCode(g, () => node.backward(g));
    if (!isRule && !this.#createGraph) parts = parts.map((part) => part && bare(part));
    if (isDetecting()) checkSentBack(node, parts);
    return parts;
  }
}

/** Whether the gradient of an input of some node is needed: those of all are where `needed` is `null`. */
function isNeeded(input: Tensor, needed: ReadonlySet<Tensor> | null): boolean {
  return input.requiresGrad && (needed === null || needed.has(input));
}

/** Whether a value's node leads to a gradient that is needed. */
function leadsOn(node: OpNode | null, needed: ReadonlySet<Tensor> | null): node is OpNode {
  return node !== null && (needed === null || node.inputs.some((input) => isNeeded(input, needed)));
}

/** The values between `roots` and those that are wanted, both included. */
function leadingTo(wanted: ReadonlySet<Tensor>, roots: readonly Tensor[]): Set<Tensor> {
  const users = new Map<Tensor, Tensor[]>(roots.map((root) => [root, []]));
  const open = [...users.keys()];
  for (let x = open.pop(); x !== undefined; x = open.pop()) {
    for (const input of x.node?.inputs ?? []) {
      if (!input.requiresGrad) continue;
      const known = users.get(input);
      if (known === undefined) open.push(input);
      users.set(input, [...known ?? [], x]);
    }
  }
  const found = new Set([...wanted].filter((x) => users.has(x)));
  for (const x of found) users.get(x)!.forEach((user) => found.add(user)); // which grows meanwhile
  return found;
}

function firstGradient(root: Tensor, gradient: Tensor | undefined, withHistory: boolean): Tensor {
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
  if (gradient !== undefined) return copyOf(cast(withHistory ? gradient : bare(gradient), root.dtype));
  const one = scalar(1, root.dtype);
  return root.shape.length === 0 ? one : one.view(...root.shape);
}

/** A gradient in the shape and dtype of its value. */
export function fitTo(g: Tensor, x: Tensor): Tensor {
  return unbroadcast(g, x.shape).to(x.dtype);
}

/** Undoes broadcasting: sums over the dimensions that it added, and over those that it repeated. */
function unbroadcast(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const lead = g.shape.length - shape.length;
  const repeated = g.shape.flatMap((n, d) => (d < lead || (shape[d - lead] === 1 && n !== 1) ? [d] : []));
  return g.sum(repeated, true).view(...shape);
}
