/** Batch and layer normalisation as modules. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireArray, requireNumber, requireSizes, requireTensor } from "../../core/arguments.ts";
import { ones, zeros } from "../../core/create.ts";
import type { DType } from "../../core/dtype.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { batchNorm, layerNorm } from "./functional_layer.ts";
import { pythonic } from "../../core/format.ts";
import { Module } from "./module.ts";
import { Buffer, Parameter } from "./parameter.ts";

/** The options of {@linkcode BatchNorm1d}. */
export interface BatchNorm1dOptions {
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
   * @default {true}
   */
  affine?: boolean;
  /**
   * Whether there are running statistics; without them the batch's own are used in `eval()` too.
   *
   * @default {true}
   */
  trackRunningStats?: boolean;
  /**
   * The dtype of parameters and running statistics.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

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
export class BatchNorm1d extends Module {
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

  /** A layer for `numFeatures` channels. */
  constructor(
    /** How many channels there are. */
    readonly numFeatures: number,
    options: BatchNorm1dOptions = {},
  ) {
    super();
    checkOptions("make BatchNorm1d", options, ["eps", "momentum", "affine", "trackRunningStats", "dtype"], {
      eps: "number",
      affine: "boolean",
      trackRunningStats: "boolean",
    });
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true, dtype = "float32" } = options;
    if (momentum !== null) requireNumber(momentum, "make BatchNorm1d with momentum");
    [this.eps, this.momentum] = [eps, momentum];
    requireSizes("make BatchNorm1d", { numFeatures });
    this.weight = affine ? new Parameter(ones([numFeatures], { dtype })) : null;
    this.bias = affine ? new Parameter(zeros([numFeatures], { dtype })) : null;
    this.runningMean = trackRunningStats ? new Buffer(zeros([numFeatures], { dtype })) : null;
    this.runningVar = trackRunningStats ? new Buffer(ones([numFeatures], { dtype })) : null;
    this.numBatchesTracked = trackRunningStats ? new Buffer(zeros([], { dtype: "int32" })) : null;
  }

  /**
   * x, normalised.
   *
   * @throws {RangeError} If x has another rank or number of channels, or one value a channel in training.
   */
  forward(x: Tensor): Tensor {
    requireTensor(x, "call BatchNorm1d with");
    if ((x.ndim !== 2 && x.ndim !== 3) || x.shape[1] !== this.numFeatures) {
      throw new RangeError(
        `Cannot normalise a batch of shape ${show(x.shape)}: expected [batch, ${this.numFeatures}] or 3 dimensions`,
      );
    }
    return batchNorm(x, this.runningMean, this.runningVar, {
      weight: this.weight,
      bias: this.bias,
      training: this.training,
      momentum: this.#weightOfBatch(),
      eps: this.eps,
    });
  }

  /** The weight of this batch in the running statistics; counts the batch. */
  #weightOfBatch(): number {
    const seen = this.numBatchesTracked;
    if (!this.training || seen === null) return 0;
    noGrad(() => seen.add_(1));
    return this.momentum ?? 1 / seen.item();
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

// Layer normalisation.

/** The options of {@linkcode LayerNorm}. */
export interface LayerNormModuleOptions {
  /**
   * The ε that keeps the denominator above 0.
   *
   * @default {1e-5}
   */
  eps?: number;
  /**
   * Whether the result is scaled and shifted by parameters.
   *
   * @default {true}
   */
  elementwiseAffine?: boolean;
  /**
   * The dtype of the parameters.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/**
 * Normalises over the last dimensions, each sample by itself: `(x − mean) / √(variance + ε)`, times `weight` plus `bias`, with the
 * biased variance.
 *
 * Source: Ba et al., "Layer Normalization" (2016).
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const norm = new nn.LayerNorm(2, { eps: 0 });
 * assertEquals(norm.call(tensor([[1, 3], [10, 30]])).toArray(), [[-1, 1], [-1, 1]]);
 * ```
 */
export class LayerNorm extends Module {
  /** The sizes normalised over. */
  readonly normalizedShape: readonly number[];
  /** Of the normalised shape, 1 at first; `null` if not affine. */
  weight: Parameter | null;
  /** Of the normalised shape, 0 at first; `null` if not affine. */
  bias: Parameter | null;
  /** The ε that keeps the denominator above 0. */
  readonly eps: number;

  /** A layer for inputs whose last sizes are `normalizedShape`; a number means one of them. */
  constructor(
    normalizedShape: number | readonly number[],
    options: LayerNormModuleOptions = {},
  ) {
    super();
    checkOptions("make LayerNorm", options, ["eps", "elementwiseAffine", "dtype"], {
      eps: "number",
      elementwiseAffine: "boolean",
    });
    const { eps = 1e-5, elementwiseAffine = true, dtype = "float32" } = options;
    if (typeof normalizedShape !== "number") requireArray(normalizedShape, "normalise over", "[3]");
    this.normalizedShape = typeof normalizedShape === "number" ? [normalizedShape] : [...normalizedShape];
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape, { dtype })) : null;
    this.bias = elementwiseAffine ? new Parameter(zeros(this.normalizedShape, { dtype })) : null;
  }

  /** x, normalised. Throws a RangeError if its last sizes are others. */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, { weight: this.weight, bias: this.bias, eps: this.eps });
  }

  /** `(3,), eps=1e-05, elementwise_affine=True`, for the printed form. */
  override extraRepr(): string {
    const affine = pythonic(this.weight !== null);
    return `${pythonic(this.normalizedShape)}, eps=${pythonic(this.eps, "float")}, elementwise_affine=${affine}`;
  }
}
