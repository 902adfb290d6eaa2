/** Initialisers: each fills a tensor in place, outside the tape, with the numbers that PyTorch draws for the same seed. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireNumber, requireTensor } from "../../core/arguments.ts";
import { fromData, tensor, zeros } from "../../core/create.ts";
import { allocate, isFloating } from "../../core/dtype.ts";
import { defaultGenerator, type Generator } from "../../core/random/generator.ts";
import { fillNormal, fillNormalSingly, fillUniform, type FloatArray } from "../../core/random/torch_streams.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** The nonlinearity after a layer, for `calculateGain`; `"leaky_relu"` is PyTorch's spelling. */
export type Nonlinearity = "linear" | "conv" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "leaky_relu" | "selu";

/** The options of initialisers that draw. */
export interface DrawOptions {
  /**
   * The generator to draw from; `manualSeed` seeds the default one.
   *
   * @default {defaultGenerator}
   */
  generator?: Generator;
}

/**
 * The factor for weights by which the nonlinearity after them keeps the variance: 1 for linear, conv and sigmoid, 5/3 for tanh, √2 for
 * relu, √(2 / (1 + slope²)) for leakyRelu, ¾ for selu.
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
  for (const bound of [low, high]) requireNumber(bound, "draw between numbers with");
  return draw(x, options, (g, out) => fillUniform(g, out, low, high));
}

/** Draws from the normal distribution. Throws a RangeError for a negative deviation. */
export function normal_<T extends Tensor>(x: T, mean = 0, std = 1, options: DrawOptions = {}): T {
  checkOptions("draw", options, ["generator"]);
  for (const moment of [mean, std]) requireNumber(moment, "draw normals with");
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

/** The options of Kaiming's initialisers. */
export interface KaimingOptions extends DrawOptions {
  /**
   * The slope below 0 of the leaky ReLU after this layer.
   *
   * @default {0}
   */
  a?: number;
  /**
   * Whether the variance is kept in the forward pass (`"fanIn"`) or in the backward pass; PyTorch's spellings are accepted too.
   *
   * @default {"fanIn"}
   */
  mode?: "fanIn" | "fanOut" | "fan_in" | "fan_out";
  /**
   * The nonlinearity after this layer.
   *
   * @default {"leakyRelu"}
   */
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
  checkOptions("draw", options, ["a", "mode", "nonlinearity", "generator"], { a: "number" });
  const { a = 0, mode = "fanIn", nonlinearity = "leakyRelu" } = options;
  return calculateGain(nonlinearity, a) / Math.sqrt(fanOf(x, mode));
}

function fanOf(x: Tensor, mode: string): number {
  if (mode === "fanIn" || mode === "fan_in") return fanIn(x);
  if (mode === "fanOut" || mode === "fan_out") return fanOut(x);
  throw new TypeError(`Cannot use the mode ${mode}: expected fanIn or fanOut`);
}

/** The options of Xavier's initialisers. */
export interface XavierOptions extends DrawOptions {
  /**
   * A factor for the weights, as from `calculateGain`.
   *
   * @default {1}
   */
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
  checkOptions("draw", options, ["gain", "generator"], { gain: "number" });
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
  fill: (g: Generator, out: FloatArray) => void,
): T {
  requireTensor(x, "draw into");
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot draw fractions into a ${x.dtype} tensor: cast it with float()`);
  if (x.numel() === 0) return x; // an empty weight has no fan to scale by
  const out = allocate(x.dtype, x.numel());
  fill(generator, out as FloatArray);
  const laid = inMemoryOrder(x);
  noGrad(() => laid.copy_(fromData(out, laid.shape)));
  return x;
}

/** The same elements, the dimension with the longest step first: PyTorch draws along the memory. */
function inMemoryOrder(x: Tensor): Tensor {
  const reach = x.strides.map(Math.abs);
  return x.detach().permute(x.shape.map((_, d) => d).sort((a, b) => reach[b] - reach[a]));
}

// The orthogonal initialiser.

/** The options of `orthogonal_`. */
export interface OrthogonalOptions extends DrawOptions {
  /**
   * A factor for the weights.
   *
   * @default {1}
   */
  gain?: number;
}

/**
 * Rows (or columns, whichever are fewer) that stand at right angles, each of length `gain`: the Q of a normal matrix.
 *
 * Dimensions after the first count as one. Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning" (2013).
 *
 * @throws {RangeError} If there are fewer than 2 dimensions.
 */
export function orthogonal_<T extends Tensor>(x: T, options: OrthogonalOptions = {}): T {
  requireTensor(x, "make orthogonal");
  checkOptions("make orthogonal", options, ["gain", "generator"], { gain: "number" });
  const { gain = 1, generator = defaultGenerator } = options;
  if (x.ndim < 2) {
    throw new RangeError(`Cannot make ${show(x.shape)} orthogonal: it needs at least 2 dimensions`);
  }
  if (x.numel() === 0) return x;
  const drawn = normal_(zeros([x.shape[0], x.numel() / x.shape[0]], { dtype: x.dtype }), 0, 1, { generator });
  const wide = drawn.shape[0] < drawn.shape[1];
  const q = orthonormalColumns(wide ? drawn.t().double() : drawn.double());
  return noGrad(() => x.copy_((wide ? q.t() : q).mul(gain).reshape(...x.shape)));
}

/**
 * The columns of a [rows, columns] made orthonormal one after the other (Gram and Schmidt): the Q of the QR decomposition whose R has a
 * positive diagonal.
 */
function orthonormalColumns(a: Tensor): Tensor {
  const q = a.clone();
  for (let j = 0; j < q.shape[1]; j++) {
    const column = q.at(":", j);
    const before = q.at(":", `:${j}`);
    // Twice is enough: what rounding leaves of the earlier columns the first time goes the second time.
    for (let pass = 0; pass < 2; pass++) column.sub_(before.matmul(before.t().matmul(column)));
    column.div_(column.norm());
  }
  return q;
}

// The truncated normal initialiser.

/** The options of `truncNormal_`: which normal distribution, and where it is cut. */
export interface TruncNormalOptions extends DrawOptions {
  /**
   * Its mean.
   *
   * @default {0}
   */
  mean?: number;
  /**
   * Its standard deviation.
   *
   * @default {1}
   */
  std?: number;
  /**
   * The least value.
   *
   * @default {-2}
   */
  a?: number;
  /**
   * The greatest value.
   *
   * @default {2}
   */
  b?: number;
}

/**
 * Draws from the normal distribution cut to [a, b]: `mean + std · √2 · erf⁻¹(u)`, u uniform on what the bounds leave.
 *
 * @throws {RangeError} If `a` is not below `b`, or `std` is not above 0.
 */
export function truncNormal_<T extends Tensor>(x: T, options: TruncNormalOptions = {}): T {
  requireTensor(x, "draw into");
  checkOptions("draw", options, ["mean", "std", "a", "b", "generator"], {
    mean: "number",
    std: "number",
    a: "number",
    b: "number",
  });
  const { mean = 0, std = 1, a = -2, b = 2, generator = defaultGenerator } = options;
  if (!(a < b) || !(std > 0)) {
    throw new RangeError(
      `Cannot draw a normal of deviation ${std} cut to [${a}, ${b}]: give std > 0 and bounds in order`,
    );
  }
  const bounds = tensor([a, b], { dtype: "float64" }).sub(mean).div(std * Math.SQRT2).erf();
  uniform_(x, bounds.at(0).item(), bounds.at(1).item(), { generator });
  return noGrad(() => x.copy_(inverseErf(x.double()).mul(std * Math.SQRT2).add(mean).clamp(a, b)));
}

/** The x of `erf(x) = y` in float64: Winitzki's approximation, then Newton's steps; for y of ±1 a number past the last double. */
function inverseErf(exact: Tensor): Tensor {
  const y = exact.clamp(-1 + Number.EPSILON / 2, 1 - Number.EPSILON / 2);
  const half = y.square().neg().log1p().mul(0.5);
  const c = half.add(2 / (Math.PI * 0.147));
  let x = y.sign().mul(c.square().sub(half.mul(2 / 0.147)).sqrt().sub(c).sqrt());
  for (let step = 0; step < 3; step++) {
    x = x.sub(x.erf().sub(y).mul(Math.sqrt(Math.PI) / 2).mul(x.square().exp()));
  }
  return x;
}
