/** A network for the rows of tables, whose categories are learned as vectors. */
import {
  checkOptions,
  describe,
  isPlainObject,
  requireArray,
  requireSizes,
  requireTensor,
} from "../../core/arguments.ts";
import { cat } from "../../core/ops/join.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { ReLU } from "./activation.ts";
import { BatchNorm1d } from "./channel_norm.ts";
import { truncNormal_ } from "./init.ts";
import { Dropout, Embedding, Linear } from "./layers.ts";
import { Module } from "./module.ts";
import { Sequential } from "./sequential.ts";

/** The features of a row: first its categories, as whole numbers from 0, then its numbers. A `TableSchema` of `/data` gives them. */
export interface TabularFeatures {
  /** How many values each category has. */
  readonly categories: readonly number[];
  /** How many numbers there are. */
  readonly numbers: number;
}

/** The options of {@linkcode TabularModel}. */
export interface TabularModelOptions {
  /**
   * The sizes of the hidden layers.
   *
   * @default {[200, 100]}
   */
  hidden?: readonly number[];
  /**
   * The probability with which an output of a hidden layer is dropped.
   *
   * @default {0}
   */
  dropout?: number;
  /**
   * The probability with which an element of the categories' vectors is dropped.
   *
   * @default {0}
   */
  embeddingDropout?: number;
}

/**
 * The tabular learner of fastai's course: each category becomes a learned vector of `min(600, round(1.6 n^0.56))` elements, n being how
 * many values it has; numbers go through batch norm; both together through blocks of Linear, ReLU, batch norm and dropout, and a last
 * Linear. Vectors begin small, drawn from a normal distribution of deviation 0.01, cut at two deviations.
 *
 * Source: Howard and Gugger, "fastai: A Layered API for Deep Learning" (2020), `TabularModel` and `emb_sz_rule`.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const model = new nn.TabularModel({ categories: [3], numbers: 2 }, 1, { hidden: [8] });
 * const rows = tensor([[0, 0.5, -1], [2, 1.5, 0]]); // a category from 0 to 2, and two numbers
 * assertEquals([model.call(rows).shape, model.embeds[0].embeddingDim], [[2, 1], 3]);
 * ```
 */
export class TabularModel extends Module {
  /** The vectors of each category. */
  readonly embeds: Embedding[];
  /** The dropout of these vectors. */
  readonly embDrop: Dropout;
  /** The norm of the numbers; `null` where there are none. */
  readonly bnCont: BatchNorm1d | null;
  /** Everything after them. */
  readonly layers: Sequential;
  readonly #features: TabularFeatures;

  /**
   * A model of rows with these features.
   *
   * @throws {RangeError} If a size is no whole number, there are no features, or a probability lies outside [0, 1].
   */
  constructor(features: TabularFeatures, outputs: number, options: TabularModelOptions = {}) {
    super();
    checkOptions("make TabularModel", options, ["hidden", "dropout", "embeddingDropout"]);
    const { hidden = [200, 100], dropout = 0, embeddingDropout = 0 } = options;
    requireFeatures(features);
    requireArray(hidden, "make TabularModel with hidden", "[200, 100]");
    requireSizes("make TabularModel", { outputs, ...Object.fromEntries(hidden.map((n, i) => [`hidden[${i}]`, n])) });
    const { categories, numbers } = this.#features = { ...features, categories: [...features.categories] };
    this.embeds = categories.map((n) => embeddingOf(n));
    this.embDrop = new Dropout(embeddingDropout);
    this.bnCont = numbers > 0 ? new BatchNorm1d(numbers) : null;
    const width = this.embeds.reduce((sum, { embeddingDim }) => sum + embeddingDim, numbers);
    const blocks = hidden.flatMap((out, i) => block(hidden[i - 1] ?? width, out, dropout));
    this.layers = new Sequential(...blocks, new Linear(hidden.at(-1) ?? width, outputs));
  }

  /** The outputs [rows, outputs] of rows x [rows, categories + numbers]. */
  forward(x: Tensor): Tensor {
    requireTensor(x, "call TabularModel with");
    const { categories: { length: c }, numbers } = this.#features;
    if (x.ndim !== 2 || x.shape[1] !== c + numbers) {
      throw new RangeError(`Cannot call TabularModel with rows ${show(x.shape)}: expected [rows, ${c + numbers}]`);
    }
    const vectors = this.embeds.map((embed, i) => embed.call(x.select(1, i).int()));
    const parts = [
      ...(c > 0 ? [this.embDrop.call(cat(vectors, 1))] : []), // [rows, all their elements]
      ...(this.bnCont === null ? [] : [this.bnCont.call(x.slice(1, c, c + numbers))]),
    ];
    return this.layers.call(parts.length === 1 ? parts[0] : cat(parts, 1));
  }
}

function requireFeatures(features: TabularFeatures): void {
  if (!isPlainObject(features)) {
    throw new TypeError(
      `Cannot make TabularModel of ${
        describe(features)
      }: give { categories: [3, 5], numbers: 4 }, as schema.features is`,
    );
  }
  const { categories, numbers } = features;
  requireArray(categories, "make TabularModel of the categories", "{ categories: [3, 5], numbers: 4 }");
  requireSizes("make TabularModel", {
    numbers,
    ...Object.fromEntries(categories.map((n, i) => [`categories[${i}]`, n])),
  });
  if (categories.length + numbers === 0) {
    throw new RangeError("Cannot make TabularModel of no features: give one at least");
  }
}

/** How many elements the vector of a category has that can be one of `n`. */
export function embeddingSize(n: number): number {
  return Math.min(600, Math.round(1.6 * n ** 0.56));
}

function embeddingOf(n: number): Embedding {
  const embedding = new Embedding(n, embeddingSize(n));
  truncNormal_(embedding.weight, { std: 0.01, a: -0.02, b: 0.02 });
  return embedding;
}

function block(inputs: number, outputs: number, dropout: number): Module[] {
  const layers = [new Linear(inputs, outputs, { bias: false }), new ReLU(), new BatchNorm1d(outputs)];
  return dropout > 0 ? [...layers, new Dropout(dropout)] : layers;
}
