/** Normalisation of each sample by itself, as modules: over its last dimensions, or over groups of channels. */
import { checkOptions, requireArray, requireSizes } from "../../core/arguments.ts";
import { ones, zeros } from "../../core/create.ts";
import type { DType } from "../../core/dtype.ts";
import type { Tensor } from "../../core/tensor.ts";
import { groupNorm, layerNorm, rmsNorm } from "./functional/norm.ts";
import { pythonic } from "../../core/format.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

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

/** The options of {@linkcode RMSNorm}. */
export interface RMSNormModuleOptions {
  /**
   * The ε that keeps the denominator above 0; `null` for that of the dtype, 2⁻²³ or 2⁻⁵².
   *
   * @default {null}
   */
  eps?: number | null;
  /**
   * Whether the result is scaled by a parameter.
   *
   * @default {true}
   */
  elementwiseAffine?: boolean;
  /**
   * The dtype of the parameter.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/**
 * Divides each sample by the root of its mean square over the last dimensions: `x / √(mean x² + ε)`, times `weight`.
 *
 * Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019).
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const norm = new nn.RMSNorm(2, { eps: 0 });
 * assertEquals(norm.call(tensor([[-4, 4], [0, 0.5]])).mul(2).round().toArray(), [[-2, 2], [0, 3]]);
 * ```
 */
export class RMSNorm extends Module {
  /** The sizes normalised over. */
  readonly normalizedShape: readonly number[];
  /** Of the normalised shape, 1 at first; `null` if not affine. */
  weight: Parameter | null;
  /** The ε that keeps the denominator above 0; `null` for that of the dtype. */
  readonly eps: number | null;

  /** A layer for inputs whose last sizes are `normalizedShape`; a number means one of them. */
  constructor(normalizedShape: number | readonly number[], options: RMSNormModuleOptions = {}) {
    super();
    checkOptions("make RMSNorm", options, ["eps", "elementwiseAffine", "dtype"], { elementwiseAffine: "boolean" });
    const { eps = null, elementwiseAffine = true, dtype = "float32" } = options;
    if (typeof normalizedShape !== "number") requireArray(normalizedShape, "normalise over", "[3]");
    this.normalizedShape = typeof normalizedShape === "number" ? [normalizedShape] : [...normalizedShape];
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape, { dtype })) : null;
  }

  /** x, normalised. Throws a RangeError if its last sizes are others. */
  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, { weight: this.weight, eps: this.eps });
  }

  /** `(3,), eps=None, elementwise_affine=True`, for the printed form. */
  override extraRepr(): string {
    const eps = this.eps === null ? "None" : pythonic(this.eps, "float");
    return `${pythonic(this.normalizedShape)}, eps=${eps}, elementwise_affine=${pythonic(this.weight !== null)}`;
  }
}

// Groups of channels.

/** The options of {@linkcode GroupNorm}. */
export interface GroupNormOptions {
  /**
   * The ε that keeps the denominator above 0.
   *
   * @default {1e-5}
   */
  eps?: number;
  /**
   * Whether the result is scaled and shifted by parameters, one a channel.
   *
   * @default {true}
   */
  affine?: boolean;
  /**
   * The dtype of the parameters.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/**
 * Normalises x [batch, channels, …], each sample by itself, over groups of neighbouring channels: `(x − mean) / √(variance + ε)`, times
 * `weight` plus `bias`, with the biased variance.
 *
 * Source: Wu and He, "Group Normalization" (2018).
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const norm = new nn.GroupNorm(2, 4, { eps: 0 });
 * assertEquals(norm.call(tensor([[1, 3, 10, 30]])).toArray(), [[-1, 1, -1, 1]]);
 * ```
 */
export class GroupNorm extends Module {
  /** [channels], 1 at first; `null` if not affine. */
  weight: Parameter | null;
  /** [channels], 0 at first; `null` if not affine. */
  bias: Parameter | null;
  /** The ε that keeps the denominator above 0. */
  readonly eps: number;

  /**
   * A layer for `numChannels` channels in `numGroups` groups.
   *
   * @throws {RangeError} If the channels do not divide by the groups.
   */
  constructor(
    /** How many groups the channels form. */
    readonly numGroups: number,
    /** How many channels there are. */
    readonly numChannels: number,
    options: GroupNormOptions = {},
  ) {
    super();
    checkOptions("make GroupNorm", options, ["eps", "affine", "dtype"], { eps: "number", affine: "boolean" });
    requireSizes("make GroupNorm", { numGroups, numChannels });
    if (numGroups === 0 || numChannels % numGroups !== 0) {
      throw new RangeError(
        `Cannot make GroupNorm of ${numChannels} channels in ${numGroups} groups: give a number that divides them`,
      );
    }
    const { eps = 1e-5, affine = true, dtype = "float32" } = options;
    this.eps = eps;
    this.weight = affine ? new Parameter(ones([numChannels], { dtype })) : null;
    this.bias = affine ? new Parameter(zeros([numChannels], { dtype })) : null;
  }

  /** x, normalised. Throws a RangeError if it has another number of channels. */
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.numGroups, { weight: this.weight, bias: this.bias, eps: this.eps });
  }

  /** `2, 4, eps=1e-05, affine=True`, for the printed form. */
  override extraRepr(): string {
    const affine = pythonic(this.weight !== null);
    return `${this.numGroups}, ${this.numChannels}, eps=${pythonic(this.eps, "float")}, affine=${affine}`;
  }
}
