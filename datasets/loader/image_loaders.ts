/** The loaders of a set of pictures: batches to learn from, and batches to judge by. */
import { checkOptions, requireArray, requireTensor } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { LabelledImages } from "../named/mnist_folder.ts";
import type { Transform } from "../transforms/transform.ts";
import { DataLoader } from "./data_loader.ts";
import { TensorDataset } from "./dataset.ts";
import { type Normalization, normalizationOf } from "./normalize.ts";

/** How {@linkcode imageLoaders} makes batches. */
export interface ImageLoaderOptions {
  /**
   * Pictures in a training batch.
   *
   * @default {64}
   */
  batchSize?: number;
  /**
   * Pictures in a batch of the test set.
   *
   * @default {1000}
   */
  testBatchSize?: number;
  /**
   * The shape that a network takes a picture in: `[784]` for one that takes rows.
   *
   * @default {"[1, height, width], or that of the images where they have channels"}
   */
  shape?: readonly number[];
  /**
   * How pictures are normalized.
   *
   * @default {normalizationOf(train.images.at(":10000"))}
   */
  normalize?: Normalization;
  /**
   * Whether the ranks of `parallel.init()` share each batch, as in a `DataLoader`.
   *
   * @default {false}
   */
  parallel?: boolean;
  /** What changes the pictures that are learned from, as in a `DataLoader`. */
  transform?: Transform | readonly Transform[];
}

/** The loaders that {@linkcode imageLoaders} makes. */
export interface ImageLoaders {
  /** Batches of the training set, x [batch, …shape] and int32 y [batch], in a new order each epoch. */
  train: DataLoader<readonly [Tensor, Tensor], readonly [x: Tensor, y: Tensor]>;
  /** Batches of the test set, in its order. */
  valid: DataLoader<readonly [Tensor, Tensor], readonly [x: Tensor, y: Tensor]>;
  /** How the pictures of both are normalized. */
  normalize: Normalization;
}

/**
 * Loaders of a training set and a test set of pictures, as `loadMnist()` gives them, normalized by the training set: a
 * `Learner` takes both as `data: { train, valid }`.
 *
 * @throws {RangeError} if a picture does not have as many pixels as `shape`
 *
 * @example
 * ```ts
 * import { digits, imageLoaders } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const { train, valid } = imageLoaders(digits({ train: 200, test: 100 }), { batchSize: 50 });
 * const [[x, y]] = train;
 * assertEquals([x.shape, y.shape, train.length, valid.length], [[50, 1, 28, 28], [50], 4, 1]);
 * ```
 */
export function imageLoaders(
  dataset: { readonly train: LabelledImages; readonly test: LabelledImages },
  options: ImageLoaderOptions = {},
): ImageLoaders {
  const action = "load pictures";
  checkOptions(action, options, ["batchSize", "testBatchSize", "shape", "normalize", "transform", "parallel"]);
  const { train, test } = dataset ?? {};
  for (const part of [train, test]) requireTensor(part?.images, `${action} from the images`);
  const { batchSize = 64, testBatchSize = 1000, normalize = normalizationOf(train.images.at(":10000")) } = options;
  const { transform = [], parallel = false, shape = shapeOf(train.images) } = options;
  requireArray(shape, `${action} in the shape`, "[784]");
  const setOf = ({ images, labels }: LabelledImages) => new TensorDataset(images.view(-1, ...shape), labels.int());
  return {
    train: new DataLoader(setOf(train), { batchSize, shuffle: true, normalize, transform, parallel }),
    valid: new DataLoader(setOf(test), { batchSize: testBatchSize, normalize, parallel }),
    normalize,
  };
}

function shapeOf({ shape: [, ...picture] }: Tensor): number[] {
  return picture.length === 2 ? [1, ...picture] : picture;
}
