/** A table of vectors. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions } from "../../core/arguments.ts";
import { zeros } from "../../core/create.ts";
import type { DType } from "../../core/dtype.ts";
import { resolveDim } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { embedding } from "./functional_layer.ts";
import { normal_ } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** How an `Embedding` is made. */
export interface EmbeddingModuleOptions {
  /** The row that begins as zeros and gets no gradient; negative ones count from the end. */
  paddingIdx?: number | null;
  /** The kind of the table; float32 unless told. */
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
   * @throws {RangeError} If the padding is no row.
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
    const { paddingIdx = null, dtype = "float32" } = options;
    this.paddingIdx = paddingIdx === null ? null : resolveDim(paddingIdx, numEmbeddings, "pad with");
    this.weight = new Parameter(zeros([numEmbeddings, embeddingDim], { dtype }));
    this.resetParameters();
  }

  /** Draws the table anew. */
  resetParameters(): void {
    normal_(this.weight);
    if (this.paddingIdx !== null) noGrad(() => this.weight.select(0, this.paddingIdx!).zero_());
  }

  /** The vectors of the indices. Throws a RangeError if one is no row. */
  forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight, { paddingIdx: this.paddingIdx });
  }

  /** PyTorch's words. */
  override extraRepr(): string {
    const padding = this.paddingIdx === null ? "" : `, padding_idx=${this.paddingIdx}`;
    return `${this.numEmbeddings}, ${this.embeddingDim}${padding}`;
  }
}
