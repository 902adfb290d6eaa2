/** Layers as functions: their parameters are arguments. */
import { type Context, Function } from "../../backward/function.ts";
import { embeddingBackward } from "../../backward/rules/movement.ts";
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, type OptionTypes, requireArray, requireNumber, requireTensor } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { allocate, isFloating } from "../../core/dtype.ts";
import { linear as product } from "../../core/ops/linalg.ts";
import { elements } from "../../core/ops/movement.ts";
import { defaultGenerator, type Generator } from "../../core/random/generator.ts";
import { fillDropout, type FloatArray } from "../../core/random/torch_streams.ts";
import { resolveDim, sameShape, show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/**
 * `x @ weightᵀ + bias`: x [batch, in], weight [out, in] as PyTorch has it, bias [out].
 *
 * @throws {RangeError} If the sizes do not fit together.
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return product(x, weight, bias, { transposed: true });
}

/** The options of `dropout`. */
export interface DropoutOptions {
  /**
   * The probability that an element becomes 0.
   *
   * @default {0.5}
   */
  p?: number;
  /**
   * Whether anything is dropped at all.
   *
   * @default {true}
   */
  training?: boolean;
  /**
   * The generator to draw from; `manualSeed` seeds the default one.
   *
   * @default {defaultGenerator}
   */
  generator?: Generator;
}

const DROPOUT: OptionTypes<DropoutOptions> = { p: "number", training: "boolean" };

/**
 * Zeroes each element with probability p and multiplies the others by `1 / (1 − p)`, so that the expectation stays.
 *
 * Source: Srivastava et al., "Dropout" (2014). The same seed drops what PyTorch drops.
 *
 * @throws {RangeError} If p lies outside [0, 1].
 * @throws {TypeError} If x is of an integer kind.
 */
export function dropout(x: Tensor, options: DropoutOptions = {}): Tensor {
  requireTensor(x, "take dropout() of");
  checkOptions("take dropout()", options, ["p", "training", "generator"], DROPOUT);
  const { p = 0.5, training = true, generator = defaultGenerator } = options;
  if (!(p >= 0 && p <= 1)) throw new RangeError(`Cannot drop with probability ${p}: it must lie from 0 to 1`);
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot drop from a ${x.dtype} tensor: cast it with float()`);
  if (!training || p === 0) return x;
  const kept = allocate(x.dtype, x.numel());
  fillDropout(generator, kept as FloatArray, p);
  return x.mul(fromData(kept, x.shape));
}

/** The options of `embedding`. */
export interface EmbeddingOptions {
  /**
   * The row that gets no gradient; negative ones count from the end.
   *
   * @default {null}
   */
  paddingIdx?: number | null;
}

/**
 * The rows of `weight` [rows, width] that `indices` (any shape, integers) name: [...indices.shape, width].
 *
 * @throws {RangeError} If an index is not a row; they count from 0 alone, as in PyTorch.
 * @throws {TypeError} If the indices are not integers.
 */
export function embedding(indices: Tensor, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  requireTensor(indices, "look up rows by");
  requireTensor(weight, "look up rows of");
  checkOptions("take embedding()", options, ["paddingIdx"]);
  const { paddingIdx = null } = options;
  const padding = paddingIdx === null ? null : resolveDim(paddingIdx, weight.shape[0], "pad with");
  return EmbeddingFunction.apply(weight, indices, padding);
}

/** A context that also keeps which rows were looked up. */
interface RowsContext extends Context {
  rows: Int32Array;
  padding: number | null;
}

class EmbeddingFunction extends Function {
  static forward(ctx: RowsContext, weight: Tensor, indices: Tensor, padding: number | null): Tensor {
    if (indices.dtype === "bool") throw new TypeError("Cannot look up rows by a bool tensor: use integers");
    ctx.rows = Int32Array.from(elements(indices));
    const before = ctx.rows.find((row) => row < 0);
    if (before !== undefined) {
      throw new RangeError(`Cannot look up row ${before} of ${show(weight.shape)}: rows count from 0`);
    }
    const out = weight.index(indices);
    ctx.saveForBackward(weight);
    ctx.padding = padding;
    return out;
  }
  static backward(ctx: RowsContext, g: Tensor): [dw: Tensor] {
    const [weight] = ctx.savedTensors;
    return embeddingBackward(g, weight.shape, ctx.rows, ctx.padding);
  }
}

// Normalisations as functions: `(x − mean) / √(variance + ε)`, then scaled and shifted.

/** The options of `layerNorm`. */
export interface LayerNormOptions {
  /**
   * What the normalised values are multiplied by.
   *
   * @default {null}
   */
  weight?: Tensor | null;
  /**
   * What is added after that.
   *
   * @default {null}
   */
  bias?: Tensor | null;
  /**
   * The ε that keeps the denominator above 0.
   *
   * @default {1e-5}
   */
  eps?: number;
}

const LAYER_NORM: OptionTypes<LayerNormOptions> = { eps: "number" };

/** The options of `batchNorm`. */
export interface BatchNormOptions extends LayerNormOptions {
  /**
   * Whether the batch's own statistics are used, and the running ones updated.
   *
   * @default {false}
   */
  training?: boolean;
  /**
   * The weight of a batch's statistics in the running ones, as PyTorch counts it: `running ← (1 − momentum) · running + momentum · batch`.
   *
   * @default {0.1}
   */
  momentum?: number;
}

const BATCH_NORM: OptionTypes<BatchNormOptions> = { eps: "number", training: "boolean" };

/**
 * Normalises each channel of x [batch, channels] or [batch, channels, …] by its mean and biased variance over everything else: those
 * of the batch in training or without running ones, else the running ones, which are updated with the unbiased variance.
 *
 * Source: Ioffe and Szegedy, "Batch Normalization" (2015).
 *
 * @throws {RangeError} If there is a single value for each channel to take the variance of.
 */
export function batchNorm(
  x: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  options: BatchNormOptions = {},
): Tensor {
  checkOptions("take batchNorm()", options, ["weight", "bias", "eps", "training", "momentum"], BATCH_NORM);
  requireTensor(x, "take batchNorm() of");
  for (const running of [runningMean, runningVar]) {
    if (running !== null) requireTensor(running, "take batchNorm() with the statistics");
  }
  const { weight = null, bias = null, training = false, momentum = 0.1, eps = 1e-5 } = options;
  requireNumber(momentum, "take batchNorm() with momentum");
  checkAffine(weight, bias);
  const others = x.shape.flatMap((_, d) => (d === 1 ? [] : [d]));
  const alongChannels = (v: Tensor) => v.view(...x.shape.map((_, d) => (d === 1 ? -1 : 1)));
  const scaled = (y: Tensor) => affine(y, weight && alongChannels(weight), bias && alongChannels(bias));
  if (!training && runningMean !== null && runningVar !== null) {
    return scaled(x.sub(alongChannels(runningMean)).mul(alongChannels(runningVar).add(eps).rsqrt()));
  }
  const count = x.numel() / x.shape[1];
  if (count <= 1) {
    throw new RangeError(
      `Cannot normalise a batch of shape ${
        show(x.shape)
      }: more than 1 value per channel is needed in training, use a larger batch or eval()`,
    );
  }
  const { mean, variance, y } = normalise(x, others, eps);
  if (training) {
    noGrad(() => {
      if (runningMean !== null) moveToward(runningMean, mean, momentum);
      if (runningVar !== null) moveToward(runningVar, variance.mul(count / (count - 1)), momentum);
    });
  }
  return scaled(y);
}

/**
 * Normalises x over its last dimensions, whose sizes are `normalizedShape`, by their mean and biased variance.
 *
 * Source: Ba et al., "Layer Normalization" (2016).
 *
 * @throws {RangeError} If the last sizes of x are others.
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: readonly number[],
  options: LayerNormOptions = {},
): Tensor {
  checkOptions("take layerNorm()", options, ["weight", "bias", "eps"], LAYER_NORM);
  requireTensor(x, "take layerNorm() of");
  requireArray(normalizedShape, "normalise over", "[3]");
  const { weight = null, bias = null, eps = 1e-5 } = options;
  checkAffine(weight, bias);
  const lead = x.ndim - normalizedShape.length;
  if (normalizedShape.length === 0 || lead < 0 || !sameShape(x.shape.slice(lead), normalizedShape)) {
    throw new RangeError(
      `Cannot normalise ${show(x.shape)} over ${show(normalizedShape)}: these must be its last sizes`,
    );
  }
  const last = normalizedShape.map((_, i) => lead + i);
  return affine(normalise(x, last, eps).y, weight, bias);
}

function normalise(x: Tensor, dims: number[], eps: number): { mean: Tensor; variance: Tensor; y: Tensor } {
  const mean = x.mean(dims, true);
  const apart = x.sub(mean);
  const variance = apart.square().mean(dims, true); // biased
  return { mean, variance, y: apart.mul(variance.add(eps).rsqrt()) };
}

function checkAffine(weight: Tensor | null, bias: Tensor | null): void {
  if (weight !== null) requireTensor(weight, "scale what is normalised by");
  if (bias !== null) requireTensor(bias, "shift what is normalised by");
}

function affine(y: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor {
  const scaled = weight === null ? y : y.mul(weight);
  return bias === null ? scaled : scaled.add(bias);
}

/** `running ← (1 − momentum) · running + momentum · found` */
function moveToward(running: Tensor, found: Tensor, momentum: number): void {
  running.mul_(1 - momentum).add_(found.detach().view(-1).mul(momentum));
}
