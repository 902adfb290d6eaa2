/** Layer normalisation. */
import { checkOptions, requireArray } from "../../core/arguments.ts";
import { ones, zeros } from "../../core/create.ts";
import type { DType } from "../../core/dtype.ts";
import type { Tensor } from "../../core/tensor.ts";
import { layerNorm } from "./functional_norm.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { pythonic } from "./pythonic.ts";

/** How a `LayerNorm` is made. */
export interface LayerNormModuleOptions {
  /** What keeps the denominator off 0; 1e-5 unless told. */
  eps?: number;
  /** Whether the result is scaled and shifted by parameters; `true` unless told. */
  elementwiseAffine?: boolean;
  /** The kind of the parameters; float32 unless told. */
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
  /** What keeps the denominator off 0. */
  readonly eps: number;

  /** A layer for inputs whose last sizes are `normalizedShape`; a number means one of them. */
  constructor(
    normalizedShape: number | readonly number[],
    options: LayerNormModuleOptions = {},
  ) {
    super();
    checkOptions("make LayerNorm", options, ["eps", "elementwiseAffine", "dtype"]);
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

  /** PyTorch's words. */
  override extraRepr(): string {
    const affine = pythonic(this.weight !== null);
    return `${pythonic(this.normalizedShape)}, eps=${pythonic(this.eps, "float")}, elementwise_affine=${affine}`;
  }
}
