/**
 * The tape: remembers which operation made each value, and walks back from a loss to everything it was made from.
 *
 * Loading this file registers it with `core/`. There is no list of operations: each value points to the step that made it.
 */
import { scalar } from "../core/allocate.ts";
import { isFloating } from "../core/dtype.ts";
import { type BackwardOptions, type OpName, type OpNode, type OpSettings, registerRecorder } from "../core/record.ts";
import { isRowMajor, sameShape, type Shape, show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { RuleNode } from "./node.ts";
import { notDifferentiable } from "./rules/rule.ts";
import { rules } from "./rules/table.ts";

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

/** What is done with a gradient on its way; it may answer another one. */
export type GradHook = (g: Tensor) => Tensor | void;

const hooks = new WeakMap<Tensor, GradHook[]>();
const retained = new WeakSet<Tensor>();

/** Calls `hook` with the gradient of `x` whenever one comes back; returns a function that takes the hook away. */
export function registerHook(x: Tensor, hook: GradHook): () => void {
  const list = hooks.get(x) ?? [];
  hooks.set(x, [...list, hook]);
  return () => void hooks.set(x, (hooks.get(x) ?? []).filter((h) => h !== hook));
}

/** Asks for the gradient of an intermediate value: after `backward()` it stands in its `.g`. */
export function retainGrad(x: Tensor): Tensor {
  retained.add(x);
  return x;
}

registerRecorder({ record: recordOp, beforeEdit, backward });

function recordOp<K extends OpName>(op: K, out: Tensor, inputs: readonly Tensor[], settings: OpSettings[K]): void {
  if (!recording || rules[op] === notDifferentiable || !isFloating(out.dtype)) return;
  out.requiresGrad = true;
  out.node = new RuleNode(op, rules[op], out, inputs, settings);
}

function beforeEdit(out: Tensor, x: Tensor, verb: string): void {
  if (!recording) return;
  const what = out.requiresGrad
    ? (out.node === null ? "a leaf that requires a gradient" : `the result of ${out.node.name}`)
    : "";
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
  const first = firstGradient(root, gradient);
  const pending = countUses(root);
  const grads = new Map<Tensor, Tensor>([[root, first]]);
  const ready = [root];
  const arrived = (input: Tensor) => {
    const left = pending.get(input)! - 1;
    pending.set(input, left);
    if (left === 0) ready.push(input);
  };
  noGrad(() => {
    for (let x = ready.pop(); x !== undefined; x = ready.pop()) {
      const g = grads.get(x);
      grads.delete(x);
      if (g !== undefined) receive(x, g, grads);
      x.node?.inputs.forEach((input) => input.requiresGrad && arrived(input));
      if (!retainGraph) x.node?.release();
    }
  });
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
  return gradient?.clone() ?? scalar(1, root.dtype).view(...root.shape.map(() => 1));
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

/** Leaves the complete gradient of `x` where it is wanted, and sends it on to what `x` was made from. */
function receive(x: Tensor, arrivedGradient: Tensor, grads: Map<Tensor, Tensor>): void {
  const g = hooked(x, arrivedGradient);
  if (x.node === null || retained.has(x)) x.g = x.g === null ? g : x.g.add(g);
  if (x.node === null) return;
  const parts = x.node.back(g);
  x.node.inputs.forEach((input, i) => {
    const part = parts[i];
    if (!input.requiresGrad || part === null) return;
    const before = grads.get(input);
    const fitted = fit(part, input);
    grads.set(input, before === undefined ? owned(fitted, input, x.node!, g) : before.add(fitted));
  });
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
  if (input.node !== null && !retained.has(input)) return part;
  const shared = part.data === g.data || node.inputs.some((x) => x.data === part.data);
  return shared || !isRowMajor(part.shape, part.strides) ? part.clone() : part;
}

function hooked(x: Tensor, g: Tensor): Tensor {
  return (hooks.get(x) ?? []).reduce((current, hook) => hook(current) ?? current, g);
}
