/** The small modules: Linear, Embedding, dropout, other shapes, and none. */
import { noGrad } from "../../backward/tape.ts";
import {
  checkOptions,
  describe,
  requireArray,
  requireNumber,
  requireSizes,
  requireTensor,
} from "../../core/arguments.ts";
import { zeros } from "../../core/create.ts";
import type { DType } from "../../core/dtype.ts";
import { inferShape, resolveDim } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { dropout, dropout2d, embedding, linear } from "./functional/layer.ts";
import { fanIn, kaimingUniform_, normal_, uniform_ } from "./init.ts";
import { pythonic } from "../../core/format.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** The options of {@linkcode Linear}. */
export interface LinearOptions {
  /**
   * Whether there is a bias.
   *
   * @default {true}
   */
  bias?: boolean;
  /**
   * The dtype of the parameters.
   *
   * @default {"float32"}
   */
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
    checkOptions("make Linear", options, ["bias", "dtype"], { bias: "boolean" });
    requireSizes("make Linear", { inFeatures, outFeatures });
    const { bias = true, dtype = "float32" } = options;
    this.weight = new Parameter(zeros([outFeatures, inFeatures], { dtype }));
    this.bias = bias ? new Parameter(zeros([outFeatures], { dtype })) : null;
    this.resetParameters();
  }

  /** Draws weights and biases again. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) }); // Kaiming's bound with this slope is 1/√in
    const bound = this.inFeatures > 0 ? 1 / Math.sqrt(fanIn(this.weight)) : 0;
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  /** `x @ weightᵀ + bias`: [batch, in] becomes [batch, out]. */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  /** Those of the product: each output is a sum over `inFeatures`. */
  override multiplyAdds(output: Tensor): number {
    return output.numel() * this.inFeatures;
  }

  /** `in_features=3, out_features=4, bias=True`, for the printed form. */
  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${pythonic(this.bias !== null)}`;
  }
}

// Embedding: a table of vectors.

/** The options of {@linkcode Embedding}. */
export interface EmbeddingModuleOptions {
  /**
   * The row that begins as zeros and gets no gradient; negative ones count from the end.
   *
   * @default {null}
   */
  paddingIdx?: number | null;
  /**
   * The dtype of the table.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/**
 * Looks up a learned vector for each integer: indices of any shape become [...shape, embeddingDim]. Rows are drawn from N(0, 1).
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const table = new nn.Embedding(5, 3, { paddingIdx: 0 });
 * const out = table.call(tensor([[0, 2], [2, 4]], { dtype: "int32" }));
 * assertEquals(out.shape, [2, 2, 3]);
 * assertEquals(out.at(0, 0).toArray(), [0, 0, 0]);
 * ```
 */
export class Embedding extends Module {
  /** [numEmbeddings, embeddingDim] */
  weight: Parameter;
  /** The row that stays as it is, counted from 0; `null` if none. */
  readonly paddingIdx: number | null;

  /**
   * A table of `numEmbeddings` vectors of `embeddingDim` values.
   *
   * @throws {RangeError} If the padding is not a row.
   */
  constructor(
    /** How many vectors there are. */
    readonly numEmbeddings: number,
    /** How long each is. */
    readonly embeddingDim: number,
    options: EmbeddingModuleOptions = {},
  ) {
    super();
    checkOptions("make Embedding", options, ["paddingIdx", "dtype"]);
    requireSizes("make Embedding", { numEmbeddings, embeddingDim });
    const { paddingIdx = null, dtype = "float32" } = options;
    this.paddingIdx = paddingIdx === null ? null : resolveDim(paddingIdx, numEmbeddings, "pad with");
    this.weight = new Parameter(zeros([numEmbeddings, embeddingDim], { dtype }));
    this.resetParameters();
  }

  /** Draws the table again. */
  resetParameters(): void {
    normal_(this.weight);
    if (this.paddingIdx !== null) noGrad(() => this.weight.select(0, this.paddingIdx!).zero_());
  }

  /** The vectors of the indices. Throws a RangeError if one is not a row. */
  forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight, { paddingIdx: this.paddingIdx });
  }

  /** `5, 3, padding_idx=0`, for the printed form. */
  override extraRepr(): string {
    const padding = this.paddingIdx === null ? "" : `, padding_idx=${this.paddingIdx}`;
    return `${this.numEmbeddings}, ${this.embeddingDim}${padding}`;
  }
}

// Dropout: random zeros in training.

/** In training, zeroes each element with probability p and scales the others by `1 / (1 − p)`; passes everything in `eval()`. */
export class Dropout extends Module {
  /**
   * A layer that drops with this probability.
   *
   * @throws {RangeError} If p lies outside [0, 1].
   * @throws {TypeError} If p is not a number.
   */
  constructor(
    /**
     * The probability that an element becomes 0.
     *
     * @default {0.5}
     */
    readonly p: number = 0.5,
  ) {
    super();
    requireProbability(p);
  }

  /** x with some elements dropped. */
  forward(x: Tensor): Tensor {
    return dropout(x, { p: this.p, training: this.training });
  }

  /** `p=0.5, inplace=False`, for the printed form. */
  override extraRepr(): string {
    return `p=${this.p}, inplace=False`;
  }
}

/** In training, zeroes each channel with probability p and scales the others by `1 / (1 − p)`; passes everything in `eval()`. */
export class Dropout2d extends Module {
  /**
   * A layer that drops with this probability.
   *
   * @throws {RangeError} If p lies outside [0, 1].
   * @throws {TypeError} If p is not a number.
   */
  constructor(
    /**
     * The probability that a channel becomes 0.
     *
     * @default {0.5}
     */
    readonly p: number = 0.5,
  ) {
    super();
    requireProbability(p);
  }

  /** x [batch, channels, rows, columns] with some channels dropped. */
  forward(x: Tensor): Tensor {
    return dropout2d(x, { p: this.p, training: this.training });
  }

  /** `p=0.5, inplace=False`, for the printed form. */
  override extraRepr(): string {
    return `p=${this.p}, inplace=False`;
  }
}

function requireProbability(p: number): void {
  if (typeof p !== "number") throw new TypeError(`Cannot drop with probability ${describe(p)}: give a number`);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`Cannot drop with probability ${p}: it must lie from 0 to 1`);
}

// Other shapes, and nothing at all.

/** Joins the dimensions from `startDim` to `endDim` into one: by default [batch, …] becomes [batch, features]. */
export class Flatten extends Module {
  /** A layer that joins these dimensions. */
  constructor(
    /**
     * The first dimension that is joined.
     *
     * @default {1}
     */
    readonly startDim: number = 1,
    /**
     * The last dimension that is joined.
     *
     * @default {-1}
     */
    readonly endDim: number = -1,
  ) {
    super();
    requireNumber(startDim, "flatten from dimension");
    requireNumber(endDim, "flatten to dimension");
  }

  /** x under its new shape. */
  forward(x: Tensor): Tensor {
    requireTensor(x, "flatten");
    return x.flatten(this.startDim, this.endDim);
  }

  /** `start_dim=1, end_dim=-1`, for the printed form. */
  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/**
 * Splits one dimension into several.
 *
 * @example
 * ```ts
 * import { nn, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new nn.Unflatten(1, [1, 28, 28]).call(zeros([64, 784])).shape, [64, 1, 28, 28]);
 * ```
 */
export class Unflatten extends Module {
  /**
   * A layer that splits dimension `dim` into these sizes.
   *
   * @throws {TypeError} If the sizes are not an array.
   */
  constructor(
    /** The dimension that is split; negative ones count from the end. */
    readonly dim: number,
    /** What it is split into; one of the sizes may be -1. */
    readonly unflattenedSize: readonly number[],
  ) {
    super();
    requireNumber(dim, "make Unflatten of dimension");
    requireArray(unflattenedSize, "split into", "[1, 28, 28]");
  }

  /** x under its new shape. */
  forward(x: Tensor): Tensor {
    requireTensor(x, "unflatten");
    const at = resolveDim(this.dim, x.ndim, "unflatten");
    const sizes = inferShape(this.unflattenedSize, [x.shape[at]]);
    return x.reshape(...x.shape.toSpliced(at, 1, ...sizes));
  }

  /** `dim=1, unflattened_size=(1, 28, 28)`, for the printed form. */
  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=${pythonic(this.unflattenedSize)}`;
  }
}

/** Passes its input on: a place in a model for a layer that is not there. */
export class Identity extends Module {
  /** x itself. */
  forward(x: Tensor): Tensor {
    requireTensor(x, "call Identity with");
    return x;
  }
}
