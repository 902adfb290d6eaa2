/** What functions change by, as in `torch.autograd.functional`: Jacobians, Hessians, and their products with vectors. */
import { grad, listed, type Tensors } from "./grad.ts";
import { withRecording } from "./nodes.ts";
import { checkOptions, describe, type OptionTypes } from "../core/arguments.ts";
import { ones, zeros } from "../core/create.ts";
import { stack } from "../core/ops/join.ts";
import { sameShape, show } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";

/** A value for one tensor, or for each of several. */
export type Like<T extends Tensors, V> = T extends Tensor ? V : V[];

/** Options of the functions of this module. */
export interface FunctionalOptions {
  /**
   * Whether what is answered can be differentiated itself, by the inputs and by what the function reads besides.
   *
   * @default {false}
   */
  createGraph?: boolean;
  /**
   * Whether an output that does not depend on an input is an error; else its derivative is 0.
   *
   * @default {false}
   */
  strict?: boolean;
}

const KINDS: OptionTypes<FunctionalOptions> = { createGraph: "boolean", strict: "boolean" };

/**
 * The Jacobian `J[i, j] = ∂f_i / ∂x_j`, of shape [...output, ...input], a backward pass for each element of the output. Of several inputs
 * or outputs it is an array, or for both an array of arrays: by output, then by input. PyTorch's `jacobian`.
 *
 * @example
 * ```ts
 * import { autograd, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([1, 2, 3]);
 * assertEquals(autograd.functional.jacobian((x) => x.square(), x).toArray(), [[2, 0, 0], [0, 4, 0], [0, 0, 6]]);
 * ```
 * @throws {TypeError} If the function does not answer tensors.
 * @throws {Error} With `strict`, if an output does not depend on an input.
 */
export function jacobian<I extends Tensors, O extends Tensors>(
  f: (...inputs: Tensor[]) => O,
  inputs: I,
  options: FunctionalOptions = {},
): Like<O, Like<I, Tensor>> {
  return withRecording(true, () => {
    const { from, outputs } = run("take the jacobian", f, inputs, options);
    const all = listed(outputs, "take the jacobian of").map((y) => like(inputs, jacobianOf(y, from, options)));
    return like(outputs, all) as Like<O, Like<I, Tensor>>;
  });
}

/** The derivatives of one output by each input. */
function jacobianOf(y: Tensor, from: readonly Tensor[], { createGraph = false, strict = false }: FunctionalOptions) {
  const elements = y.reshape(-1);
  const rows = Array.from({ length: y.numel() }, (_, i) => {
    return slopes([elements.select(0, i)], from, { createGraph, strict, retainGraph: true }, undefined);
  });
  return from.map((x, j) => {
    if (rows.length === 0) return zeros([...y.shape, ...x.shape], { dtype: x.dtype });
    return stack(rows.map((row) => row[j])).reshape(...y.shape, ...x.shape);
  });
}

/**
 * The Hessian `H[i, j] = ∂²f / ∂x_i ∂x_j` of a function whose output has one element, of shape [...input, ...input]; of several inputs an
 * array of arrays. PyTorch's `hessian`.
 *
 * @example
 * ```ts
 * import { autograd, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([1, 2]);
 * assertEquals(autograd.functional.hessian((x) => x.pow(3).sum(), x).toArray(), [[6, 0], [0, 12]]);
 * ```
 * @throws {RangeError} If the output has more than one element.
 * @throws {TypeError} If the function does not answer a tensor.
 * @throws {Error} With `strict`, if the output or its gradient does not depend on an input.
 */
export function hessian<I extends Tensors>(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: I,
  options: FunctionalOptions = {},
): Like<I, Like<I, Tensor>> {
  requireFunction("take the hessian", f);
  const { strict = false } = options;
  const gradients = (...x: Tensor[]): Tensors => {
    const y = single("take the hessian", f(...x));
    return like(inputs, slopes([y], x, { createGraph: true, strict }, undefined)) as Tensors;
  };
  return jacobian(gradients, inputs, options) as Like<I, Like<I, Tensor>>;
}

/**
 * The output of f and the product `vᵀJ` of a vector of its shape and the Jacobian, in one backward pass: the gradient of the inputs where
 * v arrives. PyTorch's `vjp`.
 *
 * @example
 * ```ts
 * import { autograd, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const [y, dx] = autograd.functional.vjp((x) => x.square(), tensor([1, 2]), tensor([1, 10]));
 * assertEquals([y.toArray(), dx.toArray()], [[1, 4], [2, 40]]);
 * ```
 * @throws {RangeError} If v has another shape than the output, or is left out and the output has several elements.
 */
export function vjp<I extends Tensors, O extends Tensors>(
  f: (...inputs: Tensor[]) => O,
  inputs: I,
  v?: Tensors,
  options: FunctionalOptions = {},
): [output: O, vjp: Like<I, Tensor>] {
  const { from, outputs, createGraph, strict } = run("take the vjp", f, inputs, options);
  const roots = listed(outputs, "take the vjp of");
  const vectors = v === undefined ? undefined : fitting("take the vjp", "output", v, roots);
  const found = slopes(roots, from, { createGraph, strict }, vectors);
  return [finished(outputs, createGraph), like(inputs, found)];
}

/**
 * The output of f and the product `Jv` of the Jacobian and a vector of the inputs' shape: how the output changes as the inputs do along v.
 * Two backward passes, of which the second goes through the gradient of the first. PyTorch's `jvp`.
 *
 * @example
 * ```ts
 * import { autograd, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const [y, dy] = autograd.functional.jvp((x) => x.square(), tensor([1, 2]), tensor([1, 10]));
 * assertEquals([y.toArray(), dy.toArray()], [[1, 4], [2, 40]]);
 * ```
 * @throws {RangeError} If v has another shape than the inputs.
 */
export function jvp<I extends Tensors, O extends Tensors>(
  f: (...inputs: Tensor[]) => O,
  inputs: I,
  v?: Tensors,
  options: FunctionalOptions = {},
): [output: O, jvp: Like<O, Tensor>] {
  const { from, outputs, createGraph, strict } = run("take the jvp", f, inputs, options);
  const vectors = vectorsFor("take the jvp", v, from);
  const roots = listed(outputs, "take the jvp of");
  const probes = roots.map((y) => zeros(y.shape, { dtype: y.dtype }).requiresGrad_());
  const back = slopes(roots, from, { createGraph: true, strict }, probes);
  const found = slopes(back, probes, { createGraph, strict: false }, vectors);
  return [finished(outputs, createGraph), like(outputs, found)];
}

/**
 * The output of f, of one element, and the product `Hv` of its Hessian and a vector of the inputs' shape, without the Hessian: two backward
 * passes. PyTorch's `hvp`.
 *
 * @example
 * ```ts
 * import { autograd, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const [y, bend] = autograd.functional.hvp((x) => x.pow(3).sum(), tensor([1, 2]), tensor([1, 10]));
 * assertEquals([y.item(), bend.toArray()], [9, [6, 120]]);
 * ```
 * @throws {RangeError} If v has another shape than the inputs, or the output has more than one element.
 */
export function hvp<I extends Tensors>(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: I,
  v?: Tensors,
  options: FunctionalOptions = {},
): [output: Tensor, hvp: Like<I, Tensor>] {
  const { from, outputs, createGraph, strict } = run("take the hvp", f, inputs, options);
  const y = single("take the hvp", outputs);
  const vectors = vectorsFor("take the hvp", v, from);
  const first = slopes([y], from, { createGraph: true, strict }, undefined);
  return [finished(y, createGraph), like(inputs, slopes(first, from, { createGraph, strict }, vectors))];
}

/** The inputs as values whose gradients are wanted, and what f makes of them. */
function run<O extends Tensors>(
  action: string,
  f: (...inputs: Tensor[]) => O,
  inputs: Tensors,
  options: FunctionalOptions,
): { from: Tensor[]; outputs: O; createGraph: boolean; strict: boolean } {
  checkOptions(action, options, ["createGraph", "strict"], KINDS);
  requireFunction(action, f);
  const { createGraph = false, strict = false } = options;
  return withRecording(true, () => {
    const from = listed(inputs, `${action} at`).map((x) => asInput(x, createGraph));
    return { from, outputs: f(...from), createGraph, strict };
  });
}

/** A value of its own, connected to `x` where the result is to be differentiated by it. */
function asInput(x: Tensor, createGraph: boolean): Tensor {
  return createGraph && x.requiresGrad ? x.view(...x.shape) : x.detach().requiresGrad_();
}

function requireFunction(action: string, f: unknown): void {
  if (typeof f !== "function") throw new TypeError(`Cannot ${action} of ${describe(f)}: give a function of tensors`);
}

interface SlopeOptions {
  createGraph: boolean;
  strict: boolean;
  retainGraph?: boolean;
}

/** The gradients of `roots` by `from`; 0 where one does not depend on the other, or an error if that is not wanted. */
function slopes(
  roots: readonly Tensor[],
  from: readonly Tensor[],
  { createGraph, strict, retainGraph = createGraph }: SlopeOptions,
  gradOutputs: readonly Tensor[] | undefined,
): Tensor[] {
  const live = roots.flatMap((y, i) => (y.requiresGrad ? [i] : []));
  if (strict && live.length < roots.length) throw independent("none of the inputs");
  const found = live.length === 0 ? from.map(() => null) : grad(live.map((i) => roots[i]), from, {
    createGraph,
    retainGraph,
    allowUnused: true,
    ...(gradOutputs === undefined ? {} : { gradOutputs: live.map((i) => gradOutputs[i]) }),
  });
  return found.map((dx, j) => {
    if (dx === null && strict) throw independent(`input ${j}`);
    return dx ?? zeros(from[j].shape, { dtype: from[j].dtype });
  });
}

function independent(of: string): Error {
  return new Error(`Cannot differentiate strictly: the output does not depend on ${of}, leave strict out for 0`);
}

function single(action: string, y: Tensor): Tensor {
  if (y instanceof Tensor && y.numel() === 1) return y;
  const found = y instanceof Tensor ? `an output of shape ${show(y.shape)}` : describe(y);
  throw new RangeError(`Cannot ${action} of ${found}: it must have one element, take sum() or mean()`);
}

/** The vectors that were given, or 1 for a single input of one element. */
function vectorsFor(action: string, v: Tensors | undefined, from: readonly Tensor[]): readonly Tensor[] {
  if (v !== undefined) return fitting(action, "input", v, from);
  if (from.length === 1 && from[0].numel() === 1) return [ones(from[0].shape, { dtype: from[0].dtype })];
  throw new RangeError(`Cannot ${action} without a vector: give v, of the shape of the inputs`);
}

function fitting(action: string, of: string, v: Tensors, to: readonly Tensor[]): readonly Tensor[] {
  const vectors = listed(v, `${action} with`);
  if (vectors.length !== to.length) {
    throw new RangeError(`Cannot ${action} with ${vectors.length} vectors: give one for each ${of}, ${to.length}`);
  }
  const wrong = vectors.findIndex((x, i) => !sameShape(x.shape, to[i].shape));
  if (wrong === -1) return vectors;
  throw new RangeError(
    `Cannot ${action} with a vector of shape ${show(vectors[wrong].shape)}: ${of} ${wrong} has shape ${
      show(to[wrong].shape)
    }`,
  );
}

/** Values in the form of `shape`: alone where that is one tensor. */
function like<T extends Tensors, V>(form: T, values: readonly V[]): Like<T, V> {
  return (form instanceof Tensor ? values[0] : values) as Like<T, V>;
}

/** What f answered, without its history if that is not wanted. */
function finished<O extends Tensors>(outputs: O, createGraph: boolean): O {
  if (createGraph) return outputs;
  return like(outputs, listed(outputs, "answer").map((y) => y.detach())) as unknown as O;
}
