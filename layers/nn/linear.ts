/** A fully connected layer. */
import { checkOptions } from "../../core/arguments.ts";
import { zeros } from "../../core/create.ts";
import type { DType } from "../../core/dtype.ts";
import type { Tensor } from "../../core/tensor.ts";
import { linear } from "./functional_layer.ts";
import { fanIn, kaimingUniform_, uniform_ } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { pythonic } from "./pythonic.ts";

/** How a layer with a bias is made. */
export interface LinearOptions {
  /** Whether there is a bias; `true` unless told. */
  bias?: boolean;
  /** The kind of the parameters; float32 unless told. */
  dtype?: DType;
}

/**
 * `x @ weightᵀ + bias` for x [batch, in]. Unlike `Lin` of the stages, which has its weights as [in, out], this is PyTorch's layout.
 *
 * Weights, then biases are drawn from U(−1/√in, 1/√in), as in PyTorch: the same seed gives the same layer.
 *
 * @example
 * ```ts
 * import { manualSeed, nn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(0);
 * const layer = new nn.Linear(3, 4);
 * assertEquals(layer.weight.shape, [4, 3]);
 * assertEquals(layer.weight.at(0).toString(), "tensor([-0.0043,  0.3097, -0.4752], requires_grad=True)");
 * ```
 */
export class Linear extends Module {
  /** [out, in] */
  weight: Parameter;
  /** [out], or `null` without one. */
  bias: Parameter | null;

  /**
   * A layer from `inFeatures` to `outFeatures` values.
   *
   * @throws {TypeError} If options do not go by name: PyTorch's third argument is `{ bias: false }` here.
   */
  constructor(
    /** How many values go in. */
    readonly inFeatures: number,
    /** How many come out. */
    readonly outFeatures: number,
    options: LinearOptions = {},
  ) {
    super();
    checkOptions("make Linear", options, ["bias", "dtype"]);
    const { bias = true, dtype = "float32" } = options;
    this.weight = new Parameter(zeros([outFeatures, inFeatures], { dtype }));
    this.bias = bias ? new Parameter(zeros([outFeatures], { dtype })) : null;
    this.resetParameters();
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) }); // Kaiming's bound with this slope is 1/√in
    const bound = this.inFeatures > 0 ? 1 / Math.sqrt(fanIn(this.weight)) : 0;
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  /** `x @ weightᵀ + bias`: [batch, in] becomes [batch, out]. */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  /** PyTorch's words. */
  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${pythonic(this.bias !== null)}`;
  }
}
