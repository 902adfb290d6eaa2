/** Normalisations as functions: `(x − mean) / √(variance + ε)`, then scaled and shifted. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireArray, requireTensor } from "../../core/arguments.ts";
import { rsqrt, square } from "../../core/ops/functions.ts";
import { sameShape, show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** What normalisations have in common. */
export interface LayerNormOptions {
  /** What the normalised values are multiplied by. */
  weight?: Tensor | null;
  /** What is then added. */
  bias?: Tensor | null;
  /** What keeps the denominator off 0; 1e-5 unless told. */
  eps?: number;
}

/** What `batchNorm` may be told. */
export interface BatchNormOptions extends LayerNormOptions {
  /** Whether the batch's own statistics are used, and the running ones updated. */
  training?: boolean;
  /** The part of a batch's statistics in the running ones; 0.1 unless told. */
  momentum?: number;
}

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
  checkOptions("take batchNorm()", options, ["weight", "bias", "eps", "training", "momentum"]);
  requireTensor(x, "take batchNorm() of");
  for (const running of [runningMean, runningVar]) {
    if (running !== null) requireTensor(running, "take batchNorm() with the statistics");
  }
  const { weight = null, bias = null, training = false, momentum = 0.1, eps = 1e-5 } = options;
  checkAffine(weight, bias);
  const others = x.shape.flatMap((_, d) => (d === 1 ? [] : [d]));
  const alongChannels = (v: Tensor) => v.view(...x.shape.map((_, d) => (d === 1 ? -1 : 1)));
  const scaled = (y: Tensor) => affine(y, weight && alongChannels(weight), bias && alongChannels(bias));
  if (!training && runningMean !== null && runningVar !== null) {
    return scaled(x.sub(alongChannels(runningMean)).mul(rsqrt(alongChannels(runningVar).add(eps))));
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
  checkOptions("take layerNorm()", options, ["weight", "bias", "eps"]);
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
  const variance = square(apart).mean(dims, true); // biased
  return { mean, variance, y: apart.mul(rsqrt(variance.add(eps))) };
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
