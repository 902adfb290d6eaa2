/** Tensors of random numbers, drawn as PyTorch draws them: the same seed gives the same numbers. */
import { checkOptions } from "../arguments.ts";
import { dtypeFrom, fromData, shapeLike, type TensorOptions, withRequiresGrad, zeros } from "../create.ts";
import { checkShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defaultGenerator, type Generator } from "./generator.ts";
import { fillNormal, fillRandint, fillUniform, type FloatArray, randperm as drawPermutation } from "./torch_streams.ts";

/** Options of the functions that make random tensors. */
export interface RandomOptions extends TensorOptions {
  /**
   * The generator that the numbers are drawn from.
   *
   * @default {defaultGenerator} which `manualSeed` seeds
   */
  generator?: Generator;
}

const OPTIONS = ["dtype", "requiresGrad", "generator"] as const;

/**
 * Random numbers of the uniform distribution on [0, 1).
 *
 * @example
 * ```ts
 * import { manualSeed, rand } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(42);
 * assertEquals(`${rand([3])}`, "tensor([0.8823, 0.9150, 0.3829])");
 * ```
 * @throws {TypeError} If the dtype is not a floating one.
 */
export function rand(shape: readonly number[], options: RandomOptions = {}): Tensor {
  return draw(shape, options, "rand", fillUniform);
}

/**
 * Random numbers of the normal distribution with mean 0 and standard deviation 1.
 *
 * @throws {TypeError} If the dtype is not a floating one.
 */
export function randn(shape: readonly number[], options: RandomOptions = {}): Tensor {
  return draw(shape, options, "randn", fillNormal);
}

function draw(
  shape: readonly number[],
  options: RandomOptions,
  name: string,
  fill: (g: Generator, out: FloatArray) => void,
): Tensor {
  checkShape(shape);
  const dtype = dtypeFrom(options, "float32", OPTIONS);
  if (dtype !== "float32" && dtype !== "float64") {
    throw new TypeError(`Cannot draw ${name} as ${dtype}: use float32 or float64, or randint for whole numbers`);
  }
  const out = zeros(shape, { dtype });
  fill(options.generator ?? defaultGenerator, out.data as FloatArray);
  return withRequiresGrad(out, options);
}

/** Random integers of [low, high), by default as int32. */
export function randint(low: number, high: number, shape: readonly number[], options: RandomOptions = {}): Tensor {
  checkShape(shape);
  const out = zeros(shape, { dtype: dtypeFrom(options, "int32", OPTIONS) });
  fillRandint(options.generator ?? defaultGenerator, out.data, low, high);
  return withRequiresGrad(out, options);
}

/** The integers 0 to n − 1 in random order, as int32. */
export function randperm(n: number, options: { generator?: Generator } = {}): Tensor {
  checkOptions("draw a permutation", options, ["generator"]);
  const { generator = defaultGenerator } = options;
  return fromData(drawPermutation(generator, n), [n]);
}

/** Random numbers of [0, 1) in the shape and dtype of a tensor. PyTorch's `torch.rand_like`. */
export function randLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return rand(shapeLike(x), { dtype: x.dtype, ...options });
}

/** Random numbers of the standard normal distribution in the shape and dtype of a tensor. PyTorch's `torch.randn_like`. */
export function randnLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return randn(shapeLike(x), { dtype: x.dtype, ...options });
}

/** Random integers of [low, high) in the shape and dtype of a tensor. PyTorch's `torch.randint_like`. */
export function randintLike(x: Tensor, low: number, high: number, options: RandomOptions = {}): Tensor {
  return randint(low, high, shapeLike(x), { dtype: x.dtype, ...options });
}
