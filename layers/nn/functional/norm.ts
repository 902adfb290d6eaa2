/** Normalisations as functions: `(x − mean) / √(variance + ε)`, then scaled and shifted. */
import { type Context, Function } from "../../../backward/function.ts";
import { layerNormBackward } from "../../../backward/rules/reduce.ts";
import { noGrad } from "../../../backward/tape.ts";
import {
  checkOptions,
  type OptionTypes,
  requireArray,
  requireNumber,
  requireSizes,
  requireTensor,
} from "../../../core/arguments.ts";
import type { BatchNorm } from "../../../core/backend/planes.ts";
import { fromData, ones, zeros } from "../../../core/create.ts";
import { isFloating, promote, type TypedArray } from "../../../core/dtype.ts";
import { cast } from "../../../core/ops/elementwise.ts";
import { normaliseChannels } from "../../../core/ops/windows/planes.ts";
import { normaliseRows, normaliseRowsGradients } from "../../../core/ops/fused.ts";
import { isRecorded, noteFunction } from "../../../core/record.ts";
import { sameShape, show, sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";

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
  return batchNormThen("none", x, runningMean, runningVar, options);
}

/** `batchNorm` and an activation after it, in one pass. */
export function batchNormThen(
  activation: BatchNorm["activation"],
  x: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  options: BatchNormOptions,
): Tensor {
  checkOptions("take batchNorm()", options, ["weight", "bias", "eps", "training", "momentum"], BATCH_NORM);
  requireTensor(x, "take batchNorm() of");
  const { weight = null, bias = null, training = false, momentum = 0.1, eps = 1e-5 } = options;
  requireNumber(momentum, "take batchNorm() with momentum");
  checkStatistics("batchNorm()", runningMean, runningVar);
  checkAffine(weight, bias);
  checkChannels(x, 2, { runningMean, runningVar, weight, bias });
  const running = !training && runningMean !== null && runningVar !== null ? [runningMean, runningVar] as const : null;
  if (running === null) requireSpread(x, x.numel() / x.shape[1]);
  const { y, mean, variance } = normalised(x, running, weight, bias, eps, activation);
  if (training) moveRunning(runningMean, runningVar, mean, variance, x.numel() / x.shape[1], momentum);
  return y;
}

/** x [n, c, …] by its own statistics, or by those given: in one dtype, the common one. */
function normalised(
  x: Tensor,
  running: readonly [mean: Tensor, variance: Tensor] | null,
  weight: Tensor | null,
  bias: Tensor | null,
  eps: number,
  activation: BatchNorm["activation"],
): { y: Tensor; mean: TypedArray; variance: TypedArray } {
  const given = [...(running ?? []), weight, bias].filter((v) => v !== null);
  const dtype = given.reduce((common, v) => promote(common, v.dtype), x.dtype);
  if (!isFloating(dtype)) throw new TypeError(`Cannot normalise a ${x.dtype} tensor: cast it with float()`);
  const channels = [x.shape[1]];
  const affine = weight === null && bias === null
    ? null
    : [cast(weight ?? ones(channels), dtype), cast(bias ?? zeros(channels), dtype)] as const;
  const found = normaliseChannels(cast(x, dtype), { running, affine, eps, activation });
  if (running !== null) noteFunction("channelNorm", found.y, [x, ...running, weight, bias], { eps, activation });
  return found;
}

function checkStatistics(action: string, mean: Tensor | null, variance: Tensor | null): void {
  for (const running of [mean, variance]) {
    if (running === null) continue;
    requireTensor(running, `take ${action} with the statistics`);
    if (!running.requiresGrad) continue;
    throw new Error(`Cannot take ${action} with statistics that require a gradient: none goes to them, use detach()`);
  }
}

/** Checks that x has at least so many dimensions, and that what comes one a channel does. */
function checkChannels(x: Tensor, least: number, given: Readonly<Record<string, Tensor | null>>): void {
  if (x.ndim < least) {
    throw new RangeError(
      `Cannot normalise a batch of shape ${show(x.shape)}: expected [batch, channels${least > 2 ? ", …" : ""}]`,
    );
  }
  for (const [name, v] of Object.entries(given)) {
    if (v === null || sameShape(v.shape, [x.shape[1]])) continue;
    throw new RangeError(
      `Cannot normalise a batch of shape ${show(x.shape)} with ${name} of shape ${show(v.shape)}: expected [${
        x.shape[1]
      }]`,
    );
  }
}

function requireSpread(x: Tensor, count: number): void {
  if (!(count <= 1)) return;
  throw new RangeError(
    `Cannot normalise a batch of shape ${
      show(x.shape)
    }: more than 1 value per channel is needed in training, use a larger batch or eval()`,
  );
}

/** The options of `instanceNorm`. */
export interface InstanceNormOptions extends LayerNormOptions {
  /**
   * The running mean [channels], which is used or updated.
   *
   * @default {null}
   */
  runningMean?: Tensor | null;
  /**
   * The running variance [channels], which is used or updated.
   *
   * @default {null}
   */
  runningVar?: Tensor | null;
  /**
   * Whether the statistics of x are used, and the running ones updated.
   *
   * @default {true}
   */
  useInputStats?: boolean;
  /**
   * The weight of x in the running statistics.
   *
   * @default {0.1}
   */
  momentum?: number;
}

const INSTANCE_NORM: OptionTypes<InstanceNormOptions> = { eps: "number", useInputStats: "boolean" };

/**
 * Normalises each channel of each sample of x [batch, channels, …] by its own mean and biased variance.
 *
 * Source: Ulyanov et al., "Instance Normalization" (2016).
 *
 * @throws {RangeError} If there is a single value for each channel to take the variance of.
 */
export function instanceNorm(x: Tensor, options: InstanceNormOptions = {}): Tensor {
  const known = ["runningMean", "runningVar", "weight", "bias", "useInputStats", "momentum", "eps"] as const;
  checkOptions("take instanceNorm()", options, known, INSTANCE_NORM);
  requireTensor(x, "take instanceNorm() of");
  const { runningMean = null, runningVar = null, weight = null, bias = null, eps = 1e-5 } = options;
  const { useInputStats = true, momentum = 0.1 } = options;
  requireNumber(momentum, "take instanceNorm() with momentum");
  checkStatistics("instanceNorm()", runningMean, runningVar);
  checkAffine(weight, bias);
  checkChannels(x, 3, { runningMean, runningVar, weight, bias });
  if (!useInputStats && runningMean !== null && runningVar !== null) {
    return normalised(x, [runningMean, runningVar], weight, bias, eps, "none").y;
  }
  const [n, c, count] = [x.shape[0], x.shape[1], sizeOf(x.shape.slice(2))];
  requireSpread(x, count);
  const each = (v: Tensor | null) => v && v.expand(n, c).reshape(n * c);
  const { y, mean, variance } = normalised(x.reshape(1, n * c, count), null, each(weight), each(bias), eps, "none");
  if (useInputStats) {
    const overSamples = (v: TypedArray) => fromData(v, [n, c]).mean(0).data;
    moveRunning(runningMean, runningVar, overSamples(mean), overSamples(variance), count, momentum);
  }
  return noteFunction("instanceNorm", y.view(...x.shape), [x, weight, bias], { eps });
}

const GROUP_NORM: OptionTypes<LayerNormOptions> = { eps: "number" };

/**
 * Normalises each sample of x [batch, channels, …] over groups of neighbouring channels: by the mean and biased variance of all their
 * elements; then weight and bias, one a channel.
 *
 * Source: Wu and He, "Group Normalization" (2018).
 *
 * @throws {RangeError} If the channels do not divide by the number of groups.
 */
export function groupNorm(x: Tensor, numGroups: number, options: LayerNormOptions = {}): Tensor {
  checkOptions("take groupNorm()", options, ["weight", "bias", "eps"], GROUP_NORM);
  requireTensor(x, "take groupNorm() of");
  requireSizes("take groupNorm()", { numGroups });
  const { weight = null, bias = null, eps = 1e-5 } = options;
  checkAffine(weight, bias);
  checkChannels(x, 2, { weight, bias });
  const [n, c] = x.shape;
  if (numGroups === 0 || c % numGroups !== 0) {
    throw new RangeError(`Cannot normalise ${show(x.shape)} in ${numGroups} groups: ${c} channels do not divide by it`);
  }
  const size = (c / numGroups) * sizeOf(x.shape.slice(2));
  if (n * size === 1) requireSpread(x, 1);
  const { y } = normalised(x.reshape(1, n * numGroups, size), null, null, null, eps, "none");
  const alongChannels = (v: Tensor | null) => v && v.view(...x.shape.slice(1).map((_, d) => (d === 0 ? c : 1)));
  const out = affine(y.view(...x.shape), alongChannels(weight), alongChannels(bias));
  return noteFunction("groupNorm", out, [x, weight, bias], { eps, groups: numGroups });
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
  const { weight = null, bias = null, eps = 1e-5 } = options;
  checkAffine(weight, bias);
  lastDims(x, normalizedShape);
  const dtype = [weight, bias].reduce((common, v) => v === null ? common : promote(common, v.dtype), x.dtype);
  if (!isFloating(dtype)) throw new TypeError(`Cannot normalise a ${x.dtype} tensor: cast it with float()`);
  const plain = weight === null && bias === null;
  const each = (v: Tensor) => cast(v, dtype).expand(...normalizedShape);
  const out = plain
    ? LayerNormFunction.apply(cast(x, dtype), null, null, normalizedShape.length, eps)
    : LayerNormFunction.apply(
      cast(x, dtype),
      each(weight ?? ones(normalizedShape)),
      each(bias ?? zeros(normalizedShape)),
      normalizedShape.length,
      eps,
    );
  return noteFunction("layerNorm", out, [x, weight, bias], { eps, dims: normalizedShape.length });
}

/** The options of `rmsNorm`. */
export interface RmsNormOptions {
  /**
   * What the normalised values are multiplied by.
   *
   * @default {null}
   */
  weight?: Tensor | null;
  /**
   * The ε that keeps the denominator above 0; `null` for that of the dtype, 2⁻²³ or 2⁻⁵².
   *
   * @default {null}
   */
  eps?: number | null;
}

/**
 * Divides x by the root of the mean square over its last dimensions, whose sizes are `normalizedShape`: `x / √(mean x² + ε)`.
 *
 * Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019). PyTorch's `rms_norm`.
 *
 * @throws {RangeError} If the last sizes of x are others.
 */
export function rmsNorm(x: Tensor, normalizedShape: readonly number[], options: RmsNormOptions = {}): Tensor {
  checkOptions("take rmsNorm()", options, ["weight", "eps"]);
  requireTensor(x, "take rmsNorm() of");
  const { weight = null, eps = null } = options;
  if (eps !== null) requireNumber(eps, "take rmsNorm() with eps");
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot normalise a ${x.dtype} tensor: cast it with float()`);
  checkAffine(weight, null);
  const last = lastDims(x, normalizedShape);
  const square = x.square().mean(last, true);
  return affine(x.mul(square.add(eps ?? (x.dtype === "float64" ? 2 ** -52 : 2 ** -23)).rsqrt()), weight, null);
}

/** The dimensions of these sizes, which must be the last ones. */
function lastDims(x: Tensor, normalizedShape: readonly number[]): number[] {
  requireArray(normalizedShape, "normalise over", "[3]");
  const lead = x.ndim - normalizedShape.length;
  if (normalizedShape.length === 0 || lead < 0 || !sameShape(x.shape.slice(lead), normalizedShape)) {
    throw new RangeError(
      `Cannot normalise ${show(x.shape)} over ${show(normalizedShape)}: these must be its last sizes`,
    );
  }
  return normalizedShape.map((_, i) => lead + i);
}

/** What `layerNorm` keeps beside tensors. */
interface LayerNormContext extends Context {
  stats: TypedArray;
  dims: number;
  eps: number;
}

/** Layer normalisation as one step of the tape. */
class LayerNormFunction extends Function {
  static forward(
    ctx: LayerNormContext,
    x: Tensor,
    weight: Tensor | null,
    bias: Tensor | null,
    dims: number,
    eps: number,
  ): Tensor {
    const { y, stats } = normaliseRows(x, weight, bias, sizeOf(x.shape.slice(-dims)), eps);
    ctx.saveForBackward(x, ...(weight === null ? [] : [weight]));
    [ctx.stats, ctx.dims, ctx.eps] = [stats, dims, eps];
    return y;
  }
  /** By `layerNormBackward` in backward/rules/reduce.ts where it is recorded. */
  static backward(ctx: LayerNormContext, g: Tensor): (Tensor | null)[] {
    const [x, weight = null] = ctx.savedTensors;
    const [dx, dw, db] = isRecorded(g, x, ...(weight === null ? [] : [weight]))
      ? layerNormBackward(g, x, weight, ctx.dims, ctx.eps)
      : normaliseRowsGradients(g, x, weight, sizeOf(x.shape.slice(-ctx.dims)), ctx.stats, ctx.needsInputGrad[0]);
    return [dx, dw, db];
  }
}

function checkAffine(weight: Tensor | null, bias: Tensor | null): void {
  if (weight !== null) requireTensor(weight, "scale what is normalised by");
  if (bias !== null) requireTensor(bias, "shift what is normalised by");
}

function affine(y: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor {
  const scaled = weight === null ? y : y.mul(weight);
  return bias === null ? scaled : scaled.add(bias);
}

/** `running ← (1 − momentum) · running + momentum · found`, with the unbiased variance of `count` values. */
function moveRunning(
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  mean: TypedArray,
  variance: TypedArray,
  count: number,
  momentum: number,
): void {
  const move = (running: Tensor | null, found: TypedArray, times: number) =>
    running?.mul_(1 - momentum).add_(fromData(found, [found.length]).mul(momentum * times));
  noGrad(() => {
    move(runningMean, mean, 1);
    move(runningVar, variance, count / (count - 1));
  });
}
