/** Initialisers: each fills a tensor in place, outside the tape, with the numbers that PyTorch draws for the same seed. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { allocate, isFloating } from "../../core/dtype.ts";
import { defaultGenerator, type Generator } from "../../core/random/generator.ts";
import { fillNormal, fillNormalSingly, fillUniform, type Fractions } from "../../core/random/torch_streams.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

export { orthogonal_, type OrthogonalOptions } from "./init_orthogonal.ts";
export { truncNormal_, type TruncNormalOptions } from "./init_trunc_normal.ts";

/** What follows a layer, for `calculateGain`; `"leaky_relu"` is PyTorch's spelling. */
export type Nonlinearity = "linear" | "conv" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "leaky_relu" | "selu";

/** Where an initialiser draws. */
export interface DrawOptions {
  /** The generator that `manualSeed` sets unless told. */
  generator?: Generator;
}

/**
 * What weights must be scaled by so that a nonlinearity after them keeps the variance: 1 for linear, conv and sigmoid, 5/3 for tanh,
 * √2 for relu, √(2 / (1 + slope²)) for leakyRelu (slope 0.01 unless told), ¾ for selu.
 *
 * @throws {TypeError} If there is no such nonlinearity.
 */
export function calculateGain(nonlinearity: Nonlinearity, slope = 0.01): number {
  switch (nonlinearity) {
    case "linear":
    case "conv":
    case "sigmoid":
      return 1;
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leakyRelu":
    case "leaky_relu":
      return Math.sqrt(2 / (1 + slope * slope));
    case "selu":
      return 3 / 4;
    default:
      throw new TypeError(`Cannot calculate the gain of ${nonlinearity}: expected relu, leakyRelu, tanh, selu, …`);
  }
}

/** How many inputs each output of a weight [out, in, …kernel] has. Throws a RangeError below rank 2. */
export function fanIn(weight: Tensor): number {
  return fan(weight, 1);
}

/** How many outputs each input of a weight [out, in, …kernel] has. Throws a RangeError below rank 2. */
export function fanOut(weight: Tensor): number {
  return fan(weight, 0);
}

function fan(weight: Tensor, dim: 0 | 1): number {
  requireTensor(weight, "compute the fan of");
  if (weight.ndim < 2) {
    throw new RangeError(`Cannot compute the fan of ${show(weight.shape)}: a weight has at least 2 dimensions`);
  }
  return weight.shape.slice(2).reduce((product, n) => product * n, weight.shape[dim]);
}

/** Draws from the uniform distribution on [low, high). */
export function uniform_<T extends Tensor>(x: T, low = 0, high = 1, options: DrawOptions = {}): T {
  checkOptions("draw", options, ["generator"]);
  return draw(x, options, (g, out) => fillUniform(g, out, low, high));
}

/** Draws from the normal distribution. Throws a RangeError for a negative deviation. */
export function normal_<T extends Tensor>(x: T, mean = 0, std = 1, options: DrawOptions = {}): T {
  checkOptions("draw", options, ["generator"]);
  return drawNormal(x, mean, std, options);
}

/** Every element becomes 0. */
export function zeros_<T extends Tensor>(x: T): T {
  return constant_(x, 0);
}

/** Every element becomes 1. */
export function ones_<T extends Tensor>(x: T): T {
  return constant_(x, 1);
}

/** Every element becomes `value`. */
export function constant_<T extends Tensor>(x: T, value: number): T {
  requireTensor(x, "fill");
  return noGrad(() => x.fill_(value));
}

/** How Kaiming's initialisers scale. */
export interface KaimingOptions extends DrawOptions {
  /** The slope of the leaky relu after this layer; 0 unless told. */
  a?: number;
  /** Whether the variance is kept going forward (`"fanIn"`, unless told) or back; PyTorch's spelling serves too. */
  mode?: "fanIn" | "fanOut" | "fan_in" | "fan_out";
  /** What follows the layer; leakyRelu unless told. */
  nonlinearity?: Nonlinearity;
}

/** U(−b, b) with `b = gain · √(3 / fan)`. Throws a TypeError for an unknown mode. Source: He et al., "Delving Deep into Rectifiers" (2015). */
export function kaimingUniform_<T extends Tensor>(x: T, options: KaimingOptions = {}): T {
  const bound = Math.sqrt(3) * kaimingStd(x, options);
  return draw(x, options, (g, out) => fillUniform(g, out, -bound, bound));
}

/** N(0, gain² / fan). Throws a TypeError for an unknown mode. Source: He et al., "Delving Deep into Rectifiers" (2015). */
export function kaimingNormal_<T extends Tensor>(x: T, options: KaimingOptions = {}): T {
  return drawNormal(x, 0, kaimingStd(x, options), options);
}

function kaimingStd(x: Tensor, options: KaimingOptions): number {
  checkOptions("draw", options, ["a", "mode", "nonlinearity", "generator"]);
  const { a = 0, mode = "fanIn", nonlinearity = "leakyRelu" } = options;
  return calculateGain(nonlinearity, a) / Math.sqrt(fanOf(x, mode));
}

function fanOf(x: Tensor, mode: string): number {
  if (mode === "fanIn" || mode === "fan_in") return fanIn(x);
  if (mode === "fanOut" || mode === "fan_out") return fanOut(x);
  throw new TypeError(`Cannot use the mode ${mode}: expected fanIn or fanOut`);
}

/** How Xavier's initialisers scale. */
export interface XavierOptions extends DrawOptions {
  /** A factor, as from `calculateGain`; 1 unless told. */
  gain?: number;
}

/** U(−b, b) with `b = gain · √(6 / (fanIn + fanOut))`. Source: Glorot and Bengio (2010). */
export function xavierUniform_<T extends Tensor>(x: T, options: XavierOptions = {}): T {
  const bound = Math.sqrt(3) * xavierStd(x, options);
  return draw(x, options, (g, out) => fillUniform(g, out, -bound, bound));
}

/** N(0, gain² · 2 / (fanIn + fanOut)). Source: Glorot and Bengio (2010). */
export function xavierNormal_<T extends Tensor>(x: T, options: XavierOptions = {}): T {
  return drawNormal(x, 0, xavierStd(x, options), options);
}

function xavierStd(x: Tensor, options: XavierOptions): number {
  checkOptions("draw", options, ["gain", "generator"]);
  return (options.gain ?? 1) * Math.sqrt(2 / (fanIn(x) + fanOut(x)));
}

function drawNormal<T extends Tensor>(x: T, mean: number, std: number, options: DrawOptions): T {
  requireTensor(x, "draw into");
  if (!(std >= 0)) throw new RangeError(`Cannot draw normals of deviation ${std}: expected at least 0`);
  const fill = x.isContiguous() ? fillNormal : fillNormalSingly;
  return draw(x, options, (g, out) => fill(g, out, mean, std));
}

function draw<T extends Tensor>(
  x: T,
  { generator = defaultGenerator }: DrawOptions,
  fill: (g: Generator, out: Fractions) => void,
): T {
  requireTensor(x, "draw into");
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot draw fractions into a ${x.dtype} tensor: cast it with float()`);
  if (x.numel() === 0) return x; // an empty weight has no fan to scale by
  const out = allocate(x.dtype, x.numel());
  fill(generator, out as Fractions);
  const laid = inMemoryOrder(x);
  noGrad(() => laid.copy_(fromData(out, laid.shape)));
  return x;
}

/** The same elements, the dimension with the longest step first: PyTorch draws along the memory. */
function inMemoryOrder(x: Tensor): Tensor {
  const reach = x.strides.map(Math.abs);
  return x.detach().permute(x.shape.map((_, d) => d).sort((a, b) => reach[b] - reach[a]));
}
