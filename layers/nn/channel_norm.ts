/** Normalisation of channels, as modules: batch normalisation of vectors, sequences and images, and instance normalisation. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireNumber, requireSizes, requireTensor } from "../../core/arguments.ts";
import type { BatchNorm } from "../../core/backend/planes.ts";
import { ones, zeros } from "../../core/create.ts";
import type { DType } from "../../core/dtype.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { batchNormThen, instanceNorm } from "./functional/norm.ts";
import { pythonic } from "../../core/format.ts";
import { Module } from "./module.ts";
import { Buffer, Parameter } from "./parameter.ts";

/** The options of a {@linkcode ChannelNorm} whose defaults are its own. */
export interface ChannelNormOptions {
  /**
   * The ε that keeps the denominator above 0.
   *
   * @default {1e-5}
   */
  eps?: number;
  /**
   * The weight of a batch's statistics in the running ones; `null` makes these the mean over all batches.
   *
   * @default {0.1}
   */
  momentum?: number | null;
  /**
   * Whether the result is scaled and shifted by parameters.
   *
   * @default {true} for batches, {false} for instances
   */
  affine?: boolean;
  /**
   * Whether there are running statistics; without them those of the input are used in `eval()` too.
   *
   * @default {true} for batches, {false} for instances
   */
  trackRunningStats?: boolean;
  /**
   * The dtype of parameters and running statistics.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/** What normalisations of channels have in common: parameters and running statistics, one a channel. */
export abstract class ChannelNorm extends Module {
  /** [channels], 1 at first; `null` if not affine. */
  weight: Parameter | null;
  /** [channels], 0 at first; `null` if not affine. */
  bias: Parameter | null;
  /** [channels], 0 at first; `null` if not tracked. */
  runningMean: Buffer | null;
  /** [channels], 1 at first; `null` if not tracked. */
  runningVar: Buffer | null;
  /** How many batches the layer has seen in training; `null` if not tracked. */
  numBatchesTracked: Buffer | null;
  /** The ε that keeps the denominator above 0. */
  readonly eps: number;
  /** The weight of a batch's statistics in the running ones; `null` for the mean over all batches. */
  readonly momentum: number | null;

  /** A layer for `numFeatures` channels; `usual` is whether it is affine and tracks statistics, if the options do not say. */
  constructor(
    /** How many channels there are. */
    readonly numFeatures: number,
    options: ChannelNormOptions,
    usual: boolean,
  ) {
    super();
    const action = `make ${new.target.name}`;
    checkOptions(action, options, ["eps", "momentum", "affine", "trackRunningStats", "dtype"], {
      eps: "number",
      affine: "boolean",
      trackRunningStats: "boolean",
    });
    const { eps = 1e-5, momentum = 0.1, affine = usual, trackRunningStats = usual, dtype = "float32" } = options;
    if (momentum !== null) requireNumber(momentum, `${action} with momentum`);
    [this.eps, this.momentum] = [eps, momentum];
    requireSizes(action, { numFeatures });
    this.weight = affine ? new Parameter(ones([numFeatures], { dtype })) : null;
    this.bias = affine ? new Parameter(zeros([numFeatures], { dtype })) : null;
    this.runningMean = trackRunningStats ? new Buffer(zeros([numFeatures], { dtype })) : null;
    this.runningVar = trackRunningStats ? new Buffer(ones([numFeatures], { dtype })) : null;
    this.numBatchesTracked = trackRunningStats ? new Buffer(zeros([], { dtype: "int32" })) : null;
  }

  /** `3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True`, for the printed form. */
  override extraRepr(): string {
    const momentum = pythonic(this.momentum, "float");
    const tracked = pythonic(this.runningMean !== null);
    return `${this.numFeatures}, eps=${pythonic(this.eps, "float")}, momentum=${momentum}, affine=${
      pythonic(this.weight !== null)
    }, track_running_stats=${tracked}`;
  }
}

/** The weight of this batch in the running statistics; counts the batch. */
function weightOfBatch({ training, numBatchesTracked, momentum }: ChannelNorm): number {
  if (!training || numBatchesTracked === null) return 0;
  noGrad(() => numBatchesTracked.add_(1));
  return momentum ?? 1 / numBatchesTracked.item();
}

/** Checks that x is a batch of one of these ranks, with the layer's channels. */
function requireBatch(layer: ChannelNorm, x: Tensor, ranks: readonly number[], expected: string): void {
  requireTensor(x, `call ${layer.constructor.name} with`);
  const channels = x.shape[1];
  if (ranks.includes(x.ndim) && channels === layer.numFeatures) return;
  throw new RangeError(`Cannot normalise a batch of shape ${show(x.shape)}: expected ${expected}`);
}

/** What a layer of batch normalisation gives for x, and an activation after it, in one pass. */
export function batchNormLayer(
  layer: BatchNorm1d | BatchNorm2d,
  x: Tensor,
  activation: BatchNorm["activation"],
): Tensor {
  const { numFeatures, runningMean, runningVar, weight, bias, training, eps } = layer;
  if (layer instanceof BatchNorm2d) requireBatch(layer, x, [4], `[batch, ${numFeatures}, rows, columns]`);
  else requireBatch(layer, x, [2, 3], `[batch, ${numFeatures}] or 3 dimensions`);
  const momentum = weightOfBatch(layer);
  return batchNormThen(activation, x, runningMean, runningVar, { weight, bias, training, momentum, eps });
}

/** The options of {@linkcode BatchNorm1d}. */
export type BatchNorm1dOptions = ChannelNormOptions;

/**
 * Normalises each channel of x [batch, channels] or [batch, channels, length] over the rest: `(x − mean) / √(variance + ε)`, times
 * `weight` plus `bias`. In training the mean and the biased variance are the batch's, and the running ones move toward its mean and
 * unbiased variance; in `eval()` the running ones are used.
 *
 * Source: Ioffe and Szegedy, "Batch Normalization" (2015); PyTorch's names and defaults.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const norm = new nn.BatchNorm1d(1, { eps: 0 });
 * assertEquals(norm.call(tensor([[1], [3]])).toArray(), [[-1], [1]]);
 * assertEquals(`${norm.runningMean}`, "tensor([0.2000])"); // 0.9 · 0 + 0.1 · 2
 * ```
 */
export class BatchNorm1d extends ChannelNorm {
  /** A layer for `numFeatures` channels. */
  constructor(numFeatures: number, options: BatchNorm1dOptions = {}) {
    super(numFeatures, options, true);
  }

  /**
   * x, normalised.
   *
   * @throws {RangeError} If x has another rank or number of channels, or one value a channel in training.
   */
  forward(x: Tensor): Tensor {
    return batchNormLayer(this, x, "none");
  }
}

/** The options of {@linkcode BatchNorm2d}. */
export type BatchNorm2dOptions = ChannelNormOptions;

/**
 * Normalises each channel of images x [batch, channels, rows, columns], as {@linkcode BatchNorm1d} does it.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const norm = new nn.BatchNorm2d(1, { eps: 0 });
 * assertEquals(norm.call(tensor([[[[1, 3], [1, 3]]]])).toArray(), [[[[-1, 1], [-1, 1]]]]);
 * ```
 */
export class BatchNorm2d extends ChannelNorm {
  /** A layer for `numFeatures` channels. */
  constructor(numFeatures: number, options: BatchNorm2dOptions = {}) {
    super(numFeatures, options, true);
  }

  /**
   * x, normalised.
   *
   * @throws {RangeError} If x has another rank or number of channels, or one value a channel in training.
   */
  forward(x: Tensor): Tensor {
    return batchNormLayer(this, x, "none");
  }
}

/** The options of {@linkcode InstanceNorm2d}. */
export type InstanceNorm2dOptions = ChannelNormOptions;

/**
 * Normalises each channel of each image of x [batch, channels, rows, columns] or [channels, rows, columns] by its own mean and biased
 * variance; parameters and running statistics are there on request.
 *
 * Source: Ulyanov et al., "Instance Normalization" (2016); PyTorch's names and defaults.
 */
export class InstanceNorm2d extends ChannelNorm {
  /** A layer for `numFeatures` channels. */
  constructor(numFeatures: number, options: InstanceNorm2dOptions = {}) {
    super(numFeatures, options, false);
  }

  /**
   * x, normalised.
   *
   * @throws {RangeError} If x has another rank or number of channels, or one value a channel.
   */
  forward(x: Tensor): Tensor {
    requireTensor(x, "call InstanceNorm2d with");
    const batch = x.ndim === 3 ? x.unsqueeze(0) : x;
    requireBatch(this, batch, [4], `[batch, ${this.numFeatures}, rows, columns] or without the batch`);
    const { runningMean, runningVar, weight, bias, training, eps } = this;
    const useInputStats = training || runningMean === null;
    const momentum = this.momentum ?? 0; // as in PyTorch, which counts no batches here
    const y = instanceNorm(batch, { runningMean, runningVar, weight, bias, useInputStats, momentum, eps });
    return x.ndim === 3 ? y.squeeze(0) : y;
  }
}
