/** Tensors filled from distributions, and drawn by probabilities, as PyTorch draws them: the same seed gives the same numbers. */
import { byName, checkOptions, describe, requireNumber, requireTensor } from "../arguments.ts";
import { allocate, isFloating, promote } from "../dtype.ts";
import { wrap } from "../memory/allocate.ts";
import { copyInto } from "../ops/elementwise.ts";
import { detached, elements } from "../ops/movement.ts";
import { broadcastShapes, checkShape, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { defaultGenerator, Generator } from "./generator.ts";
import {
  fillBernoulli,
  fillExponential,
  fillLogNormal,
  fillNormal,
  fillNormalSingly,
  fillUniform,
  type FloatArray,
} from "./torch_streams.ts";

/** Where random numbers are drawn from. */
export interface GeneratorOptions {
  /**
   * The generator.
   *
   * @default {defaultGenerator} which `manualSeed` seeds
   */
  generator?: Generator;
}

function generatorOf(action: string, options: GeneratorOptions): Generator {
  checkOptions(action, options, ["generator"]);
  return checked(action, options.generator ?? defaultGenerator);
}

function checked(action: string, generator: Generator): Generator {
  if (generator instanceof Generator) return generator;
  throw new TypeError(`Cannot ${action} from ${describe(generator)}: give a generator, as new Generator(42)`);
}

// In place.

/** Fills x in row-major order. */
function filled<T extends Tensor>(x: T, name: string, options: GeneratorOptions, fill: Fill): T {
  const g = generatorOf(`take ${name}()`, options);
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot take ${name}() of ${x.dtype}: use float() first`);
  const out = allocate(x.dtype, sizeOf(x.shape)) as FloatArray;
  fill(g, out);
  return copyInto(x, wrap(out, x.shape, x.dtype));
}

type Fill = (g: Generator, out: FloatArray) => void;

/** Every element becomes one of the uniform distribution on [from, to). */
export function uniformInto<T extends Tensor>(x: T, from = 0, to = 1, options: GeneratorOptions = {}): T {
  return filled(x, "uniform_", options, (g, out) => fillUniform(g, out, from, to));
}

/** Every element becomes one of a normal distribution. */
export function normalInto<T extends Tensor>(x: T, mean = 0, std = 1, options: GeneratorOptions = {}): T {
  const fill = x.isContiguous() ? fillNormal : fillNormalSingly;
  return filled(x, "normal_", options, (g, out) => fill(g, out, mean, std));
}

/** Every element becomes one of the exponential distribution `λe^(−λx)`. */
export function exponentialInto<T extends Tensor>(x: T, lambda = 1, options: GeneratorOptions = {}): T {
  return filled(x, "exponential_", options, (g, out) => fillExponential(g, out, lambda));
}

/** Every element becomes e to the power of one of a normal distribution. */
export function logNormalInto<T extends Tensor>(x: T, mean = 1, std = 2, options: GeneratorOptions = {}): T {
  return filled(x, "logNormal_", options, (g, out) => fillLogNormal(g, out, mean, std));
}

/** Every element becomes 1 with probability p, and 0 otherwise. */
export function bernoulliInto<T extends Tensor>(x: T, p = 0.5, options: GeneratorOptions = {}): T {
  const g = generatorOf("take bernoulli_()", options);
  requireNumber(p, "take bernoulli_() with p");
  const out = allocate(x.dtype, sizeOf(x.shape));
  fillBernoulli(g, out, p);
  return copyInto(x, wrap(out, x.shape, x.dtype));
}

// By probabilities.

/**
 * 1 with the probability of each element, and 0 otherwise, in the dtype of x. PyTorch's `torch.bernoulli`.
 *
 * @example
 * ```ts
 * import { bernoulli, manualSeed, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(0);
 * assertEquals(bernoulli(tensor([0.1, 0.5, 0.9])).toArray(), [0, 0, 1]);
 * ```
 * @throws {RangeError} If a probability lies outside of [0, 1].
 * @throws {TypeError} If x is not of floats.
 */
export function bernoulli(x: Tensor, options: GeneratorOptions = {}): Tensor {
  requireTensor(x, "draw by the probabilities");
  const g = generatorOf("take bernoulli()", options);
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot draw by probabilities of ${x.dtype}: use float() first`);
  const from = elements(detached(x));
  const wrong = from.find((p: number) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new RangeError(`Cannot draw with probability ${wrong}: it must lie from 0 to 1`);
  const out = allocate(x.dtype, from.length);
  const draw = x.dtype === "float32" ? () => g.nextFloat() : () => g.nextDouble();
  for (let i = 0; i < out.length; i++) out[i] = draw() < from[i] ? 1 : 0;
  return wrap(out, x.shape, x.dtype);
}

/** The options of `multinomial`. */
export interface MultinomialOptions extends GeneratorOptions {
  /**
   * Whether an index can be drawn more than once.
   *
   * @default {false}
   */
  replacement?: boolean;
}

/**
 * `n` indices drawn by the weights of a vector, or by those of each row of a matrix, int32; the weights need not add up to 1. PyTorch's
 * `torch.multinomial`.
 *
 * @example
 * ```ts
 * import { manualSeed, multinomial, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(42);
 * assertEquals(multinomial(tensor([0.1, 0.2, 0.7]), 4, { replacement: true }).toArray(), [0, 0, 1, 0]);
 * ```
 * @throws {RangeError} If a weight is negative, infinite or NaN, all are 0, or there are fewer than n and none can be drawn again.
 * @throws {TypeError} If the weights are not floats.
 */
export function multinomial(x: Tensor, n: number, replacement: boolean | MultinomialOptions = false): Tensor {
  requireTensor(x, "draw by the weights");
  const options = byName<MultinomialOptions>("draw indices", replacement, ["replacement", "generator"], {
    replacement: "boolean",
  });
  const again = options === null ? replacement as boolean : options.replacement ?? false;
  if (typeof again !== "boolean") {
    throw new TypeError(`Cannot draw indices with replacement ${describe(again)}: give true or false`);
  }
  const g = checked("draw indices", options?.generator ?? defaultGenerator);
  checkWeights(x, n, again);
  const width = x.shape.at(-1)!;
  const [rows, weights] = [sizeOf(x.shape) / width, elements(detached(x)) as FloatArray];
  const out = new Int32Array(rows * n);
  if (again && n !== 1) drawAgain(g, weights, width, out, n);
  else drawOnce(g, weights, width, out, n);
  return wrap(out, [...x.shape.slice(0, -1), n], "int32");
}

function checkWeights(x: Tensor, n: number, again: boolean): void {
  const refuse = (why: string) =>
    new RangeError(`Cannot draw ${n} indices by weights of shape ${show(x.shape)}: ${why}`);
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot draw by weights of ${x.dtype}: use float() first`);
  requireNumber(n, "draw indices with n");
  if (x.ndim < 1 || x.ndim > 2 || x.shape.at(-1) === 0) throw refuse("give a vector or a matrix of weights");
  if (!(Number.isInteger(n) && n >= 1)) throw refuse("give a whole number from 1");
  if (!again && n > x.shape.at(-1)!) throw refuse("there are fewer, use { replacement: true }");
  const values = detached(x);
  if (values.ge(0).logicalAnd(values.lt(Infinity)).all().item() === 0) throw refuse("one is negative, infinite or NaN");
  if (values.numel() > 0 && values.sum(-1).min().item() <= 0) throw refuse("all of a row are 0");
}

/** The largest of weights over exponential numbers: each index at most once. */
function drawOnce(g: Generator, weights: FloatArray, width: number, out: Int32Array, n: number): void {
  const race = weights.slice();
  fillExponential(g, race, 1);
  for (let i = 0; i < race.length; i++) race[i] = weights[i] / race[i];
  for (let start = 0, write = 0; start < race.length; start += width, write += n) {
    if (n === 1) {
      out[write] = placeOfLargest(race, start, width);
      continue;
    }
    const order = Array.from({ length: width }, (_, i) => i).sort((i, j) => race[start + j] - race[start + i]);
    for (let k = 0; k < n; k++) out[write + k] = order[k];
  }
}

/** The place of the largest of the `width` numbers from `start` on, the first of equal ones. */
function placeOfLargest(values: FloatArray, start: number, width: number): number {
  let at = 0;
  for (let i = 1; i < width; i++) if (values[start + i] > values[start + at]) at = i;
  return at;
}

/** Places of uniform numbers among the running sums of the weights. */
function drawAgain(g: Generator, weights: FloatArray, width: number, out: Int32Array, n: number): void {
  const sums = weights.slice(0, width);
  for (let start = 0, write = 0; start < weights.length; start += width) {
    for (let i = 0; i < width; i++) sums[i] = (i === 0 ? 0 : sums[i - 1]) + weights[start + i];
    const total = sums[width - 1];
    for (let i = 0; i < width; i++) sums[i] /= total;
    for (let k = 0; k < n; k++) out[write++] = placeAmong(sums, g.nextDouble());
  }
}

/** The first place whose running sum reaches u, by bisection. */
function placeAmong(sums: FloatArray, u: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] < u) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Numbers of normal distributions, each with its mean and standard deviation, broadcast; two numbers need a shape. PyTorch's
 * `torch.normal`.
 *
 * @throws {RangeError} If a standard deviation is negative, or the shapes do not broadcast.
 */
export function normal(
  mean: Tensor | number,
  std: Tensor | number,
  shape?: readonly number[],
  options: GeneratorOptions = {},
): Tensor {
  const g = generatorOf("draw normal numbers", options);
  const given = [mean, std].filter((x) => typeof x !== "number") as Tensor[];
  given.forEach((x) => requireTensor(x, "draw normal numbers by"));
  if (given.length === 0 && shape === undefined) {
    throw new TypeError("Cannot draw normal numbers without a shape: give one");
  }
  const sizes = given.map((x) => x.shape).reduce<readonly number[]>(
    (a, b) => broadcastShapes(a, b, "draw normal numbers by"),
    shape === undefined ? [] : checkShape(shape),
  );
  const least = typeof std === "number" ? std : std.numel() === 0 ? 0 : detached(std).min().item();
  if (!(least >= 0)) {
    throw new RangeError(`Cannot draw normal numbers with a standard deviation of ${least}: give none below 0`);
  }
  const dtype = given.map((x) => x.dtype).reduce(promote, "float32");
  const out = allocate(dtype, sizeOf(sizes)) as FloatArray;
  fillNormal(g, out);
  const [m, s] = [mean, std].map((x) => typeof x === "number" ? x : detached(x));
  return wrap(out, sizes, dtype).mul(s).add(m);
}
