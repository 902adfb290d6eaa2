/** The graph of a loss, gone back step by step: what arrives at each value, and what its operation sends on. */
import { hasHooks, hooked } from "../../backward/hooks.ts";
import { fitTo, noGrad } from "../../backward/tape.ts";
import { scalar } from "../../core/memory/allocate.ts";
import type { OpNode } from "../../core/record.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** One operation, gone back through. */
export interface Visit {
  /** What the operation made. */
  readonly output: Tensor;
  /** The operation. */
  readonly node: OpNode;
  /** What it sent to each of its inputs, in their shapes; `null` where nothing. */
  readonly sent: readonly (Tensor | null)[];
}

/** A graph with its gradients. */
export interface Graph {
  /** Where the way back begins. */
  readonly root: Tensor;
  /** The operations in the order in which the tape goes back through them. */
  readonly visits: readonly Visit[];
  /** All values that a gradient arrives at, the root first, a leaf where its gradient is complete. */
  readonly values: readonly Tensor[];
  /** The gradient of each of them. */
  readonly gradients: ReadonlyMap<Tensor, Tensor>;
  /** The inputs that no gradient goes to: data, targets, constants. */
  readonly constants: readonly Tensor[];
}

/** Goes back from `root` without leaving a gradient anywhere, and without letting go of what the graph keeps. */
export function goBack(root: Tensor): Graph {
  requireRoot(root);
  const left = usesOf(root);
  const gradients = new Map<Tensor, Tensor>([[root, onesLike(root)]]);
  const visits: Visit[] = [], values: Tensor[] = [], constants = new Set<Tensor>(), ready = [root];
  for (let x = ready.pop(); x !== undefined; x = ready.pop()) {
    let g = gradients.get(x);
    if (g !== undefined) {
      values.push(x);
      if (hasHooks(x)) gradients.set(x, g = hooked(x, g.clone()));
    }
    if (x.node === null) continue;
    for (const input of x.node.inputs) if (!input.requiresGrad) constants.add(input);
    const sent = g === undefined ? [] : sentBack(x.node, g);
    if (g !== undefined) visits.push({ output: x, node: x.node, sent });
    x.node.inputs.forEach((input, i) => {
      if (!input.requiresGrad) return;
      if (sent[i]) add(gradients, input, sent[i]);
      left.set(input, left.get(input)! - 1);
      if (left.get(input) === 0) ready.push(input);
    });
  }
  return { root, visits, values, gradients, constants: [...constants] };
}

function requireRoot(root: Tensor): void {
  if (!root.requiresGrad) {
    throw new Error(
      `Cannot explain a tensor of shape ${
        show(root.shape)
      }: it does not require a gradient, nothing it was made from does`,
    );
  }
  if (root.numel() === 1) return;
  throw new RangeError(`Cannot explain the way back from shape ${show(root.shape)}: take sum() or mean() first`);
}

function onesLike(root: Tensor): Tensor {
  const one = scalar(1, root.dtype);
  return root.shape.length === 0 ? one : one.view(...root.shape);
}

function add(gradients: Map<Tensor, Tensor>, input: Tensor, part: Tensor): void {
  const sum = gradients.get(input);
  gradients.set(input, sum === undefined ? part : noGrad(() => sum.add(part)));
}

/** What a node sends to its inputs, in their shapes. */
export function sentBack(node: OpNode, g: Tensor): (Tensor | null)[] {
  try {
    return noGrad(() =>
      node.backward(g).map((part, i) =>
        part === null || !node.inputs[i].requiresGrad ? null : fitTo(part, node.inputs[i])
      )
    );
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("were freed")) throw error;
    throw new Error(
      `Cannot explain ${node.name}: backward() freed what it had saved; explain before it, or go backward({ retainGraph: true })`,
      { cause: error },
    );
  }
}

/** How often each value that the root was made from is used by others. */
function usesOf(root: Tensor): Map<Tensor, number> {
  const uses = new Map<Tensor, number>([[root, 0]]), open = [root];
  for (let x = open.pop(); x !== undefined; x = open.pop()) {
    for (const input of x.node?.inputs ?? []) {
      if (!input.requiresGrad) continue;
      if (!uses.has(input)) open.push(input);
      uses.set(input, (uses.get(input) ?? 0) + 1);
    }
  }
  return uses;
}

/** The Euclidean norm of all elements; 0 of none. */
export function norm(x: Tensor): number {
  const wide = x.detach().double();
  return Math.sqrt(wide.square().sum().item());
}

/** A number as texts have it: six digits that count. */
export function figure(x: number): string {
  return Number.isFinite(x) ? String(Number(x.toPrecision(6))) : String(x);
}

/** An index for messages and names: `[0, 3]`; nothing for a single number. */
export function placeOf(flat: number, shape: readonly number[]): string {
  return shape.length === 0 ? "" : `[${indexOf(flat, shape).join(", ")}]`;
}

/** The index of an element by its number in row-major order. */
function indexOf(flat: number, shape: readonly number[]): number[] {
  let rest = flat;
  return shape.toReversed().map((size) => {
    const at = rest % size;
    rest = Math.floor(rest / size);
    return at;
  }).reverse();
}
