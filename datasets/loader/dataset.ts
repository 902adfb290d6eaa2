/** Datasets: samples that are counted, fetched by number, and collated into a batch. */
import { describe, isPlainObject, requireArray, requireTensor } from "../../core/arguments.ts";
import { columnNames, nameColumns } from "../../core/column_names.ts";
import { fromData, tensor } from "../../core/create.ts";
import type { TypedArray } from "../../core/dtype.ts";
import { GradientSlot } from "../../core/gradient_slot.ts";
import { cat, stack } from "../../core/ops/join.ts";
import { defaultGenerator, type Generator } from "../../core/random/generator.ts";
import { randomSplit as splitOrder } from "../../core/random/torch_streams.ts";
import { Tensor } from "../../core/tensor.ts";
import type { Normalizer } from "./normalize.ts";

/** Samples numbered from 0: PyTorch's map-style `Dataset`. Any object with a length and a way to fetch a sample is one. */
export interface Dataset<T> {
  /** How many samples there are. */
  readonly length: number;
  /** The sample `i`. */
  get(i: number): T;
  /** A batch of samples, each tensor with a new dimension 0: for datasets that have a faster way than one sample after the other. */
  getBatch?(rows: Int32Array): T;
  /** As `getBatch`, with the first tensor normalized. */
  getNormalized?(rows: Int32Array, normalizer: Normalizer): T;
}

/**
 * Tensors with the same number of rows: sample `i` is row `i` of each. A batch is gathered by one call of the kernel for each tensor.
 *
 * @throws {RangeError} if there is no tensor, or the numbers of rows differ
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { TensorDataset } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const dataset = new TensorDataset(tensor([[1, 2], [3, 4]]), tensor([0, 1]));
 * const [x, y] = dataset.get(1);
 * assertEquals([x.toArray(), y.item()], [[3, 4], 1]);
 * ```
 */
export class TensorDataset<const T extends readonly Tensor[]> implements Dataset<T> {
  /** The tensors, each [length, …]. */
  readonly tensors: T;
  readonly #names: readonly string[] | null;

  /** A dataset of the rows of `tensors`. */
  constructor(...tensors: T) {
    for (const x of tensors) requireTensor(x, "make a dataset of");
    const rows = tensors.map(({ shape }) => shape[0]);
    if (rows[0] === undefined || rows.some((count) => count !== rows[0])) {
      const shapes = tensors.map(({ shape }) => `[${shape.join(", ")}]`).join(" and ") || "no tensor";
      throw new RangeError(`Cannot make a dataset of ${shapes}: each needs the same number of rows`);
    }
    this.tensors = tensors;
    this.#names = columnNames(tensors[0]);
  }

  /** How many rows there are. */
  get length(): number {
    return this.tensors[0].shape[0];
  }

  /** Row `i` of each tensor, as a view. */
  get(i: number): T {
    return this.tensors.map((tensor) => tensor.select(0, i)) as readonly Tensor[] as T;
  }

  /** The given rows of each tensor, as a copy. */
  getBatch(rows: Int32Array): T {
    const by = fromData(rows, [rows.length]);
    return this.#named(this.tensors.map((tensor) => tensor.index(by)));
  }

  /** The given rows of each tensor, as a copy; those of the first tensor normalized. */
  getNormalized(rows: Int32Array, normalizer: Normalizer): T {
    const by = fromData(rows, [rows.length]);
    const batch = this.tensors.map((tensor, i) => i === 0 ? normalizer.rows(tensor, by) : tensor.index(by));
    return this.#named(batch);
  }

  /** Lets messages about a batch name its columns. */
  #named(batch: readonly Tensor[]): T {
    if (this.#names !== null) nameColumns(batch[0], this.#names);
    return batch as T;
  }
}

/**
 * Checks that something has samples that can be counted and fetched; `what` it may be beside a dataset.
 *
 * @throws {TypeError} With the way from tensors to a dataset, if it has not.
 */
export function requireDataset(dataset: Dataset<unknown>, action: string, what = ""): void {
  if (typeof dataset?.length === "number" && typeof dataset.get === "function") return;
  const isTensor = (dataset as unknown) instanceof GradientSlot;
  const cure = isTensor ? "new TensorDataset(x, y)" : `${what}an object with length and get(i)`;
  throw new TypeError(`Cannot ${action} ${describe(dataset)}: give a dataset, ${cure}`);
}

/** Some samples of another dataset, in any order. */
export class Subset<T> implements Dataset<T> {
  /** The numbers of the samples in the other dataset. */
  readonly indices: Int32Array;
  /** As {@linkcode Dataset.getBatch}, where the other dataset has it. */
  readonly getBatch?: (rows: Int32Array) => T;
  /** As {@linkcode Dataset.getNormalized}, where the other dataset has it. */
  readonly getNormalized?: (rows: Int32Array, normalizer: Normalizer) => T;

  /**
   * The samples of `dataset` with the numbers `indices`.
   *
   * @throws {RangeError} if there is no sample with such a number
   */
  constructor(readonly dataset: Dataset<T>, indices: ArrayLike<number>) {
    requireDataset(dataset, "take samples of");
    if (typeof indices?.length !== "number") {
      throw new TypeError(`Cannot take the samples ${describe(indices)}: give their numbers, as in [0, 2]`);
    }
    const { length } = dataset;
    for (let k = 0; k < indices.length; k++) {
      const i = indices[k];
      if (Number.isInteger(i) && i >= 0 && i < length) continue;
      throw new RangeError(`Cannot take sample ${i} of ${length}: count from 0`);
    }
    this.indices = new Int32Array(indices);
    const whole = (rows: Int32Array) => rows.map((row) => this.indices[row]);
    if (dataset.getBatch) this.getBatch = (rows) => dataset.getBatch!(whole(rows));
    if (dataset.getNormalized) {
      this.getNormalized = (rows, normalizer) => dataset.getNormalized!(whole(rows), normalizer);
    }
  }

  /** How many samples there are. */
  get length(): number {
    return this.indices.length;
  }

  /** The sample `i` of this subset. */
  get(i: number): T {
    return this.dataset.get(this.indices[i]);
  }
}

/**
 * Datasets one after the other, as one: PyTorch's `ConcatDataset`.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { ConcatDataset, DataLoader, TensorDataset } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const both = new ConcatDataset([new TensorDataset(tensor([1, 2])), new TensorDataset(tensor([3]))]);
 * const [[x]] = new DataLoader(both, { batchSize: 3 });
 * assertEquals(x.toArray(), [1, 2, 3]);
 * ```
 */
export class ConcatDataset<T> implements Dataset<T> {
  /** The datasets. */
  readonly datasets: readonly Dataset<T>[];
  /** The number of the first sample of each, and at the end how many there are in all. */
  readonly #starts: readonly number[];
  /** As {@linkcode Dataset.getBatch}, where all datasets have it. */
  readonly getBatch?: (rows: Int32Array) => T;

  /**
   * The samples of all `datasets`, in their order.
   *
   * @throws {RangeError} if there are none
   * @throws {TypeError} if one is not a dataset
   */
  constructor(datasets: readonly Dataset<T>[]) {
    requireArray(datasets, "join the datasets", "[first, second]");
    if (datasets.length === 0) throw new RangeError("Cannot join no datasets: give at least one");
    for (const dataset of datasets) requireDataset(dataset, "join");
    this.datasets = [...datasets];
    const starts = [0];
    for (const { length } of datasets) starts.push(starts[starts.length - 1] + length);
    this.#starts = starts;
    if (datasets.every(({ getBatch }) => getBatch !== undefined)) this.getBatch = (rows) => this.#batch(rows);
  }

  /** How many samples there are in all. */
  get length(): number {
    return this.#starts[this.datasets.length];
  }

  /**
   * The sample `i`, counted over all datasets.
   *
   * @throws {RangeError} if there is no such sample
   */
  get(i: number): T {
    const k = this.#datasetOf(i);
    return this.datasets[k].get(i - this.#starts[k]);
  }

  #datasetOf(i: number): number {
    const k = this.#starts.findLastIndex((start) => start <= i);
    if (Number.isInteger(i) && k >= 0 && k < this.datasets.length) return k;
    throw new RangeError(`Cannot take sample ${i} of ${this.length}: count from 0`);
  }

  /** One call for each dataset that has some of the rows; tensors are then put into the order of the rows. */
  #batch(rows: Int32Array): T {
    const places = new Map<number, number[]>();
    rows.forEach((row, place) => {
      const k = this.#datasetOf(row);
      if (!places.has(k)) places.set(k, []);
      places.get(k)!.push(place);
    });
    const parts = Array.from(
      places,
      ([k, own]) => this.datasets[k].getBatch!(Int32Array.from(own, (place) => rows[place] - this.#starts[k])),
    );
    if (parts.length === 1) return parts[0];
    const order = Int32Array.from([...places.values()].flat());
    if (parts.some((part) => part instanceof Promise)) {
      return Promise.all(parts).then((ready) => inRowOrder(ready, order)) as T;
    }
    return inRowOrder(parts, order);
  }
}

/** Parts of a batch as one, the row `i` of them put at the place `order[i]`. */
function inRowOrder<T>(parts: readonly T[], order: Int32Array): T {
  const back = new Int32Array(order.length);
  order.forEach((place, i) => back[place] = i);
  const by = fromData(back, [back.length]);
  const join = (pieces: readonly unknown[]): unknown => {
    const [first] = pieces;
    if (first instanceof Tensor) return cat(pieces as Tensor[]).index(by);
    if (Array.isArray(first)) return first.map((_, i) => join(pieces.map((piece) => (piece as unknown[])[i])));
    throw new TypeError(`Cannot join batches of ${describe(first)}: a dataset's getBatch must give tensors`);
  };
  return join(parts) as T;
}

/**
 * `dataset` split at random into parts of the given lengths, with the indices of PyTorch's `random_split` for the same seed. Lengths
 * that sum to 1 are fractions: what rounding down leaves over goes to the first parts, one sample each.
 *
 * @throws {RangeError} if the lengths do not sum to the dataset's length, or to 1
 *
 * @example
 * ```ts
 * import { Generator, tensor } from "@gradus/gradus";
 * import { randomSplit, TensorDataset } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const dataset = new TensorDataset(tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
 * const [, test] = randomSplit(dataset, [7, 3], new Generator(0));
 * assertEquals([...test.indices], [8, 6, 2]);
 * ```
 */
export function randomSplit<T>(
  dataset: Dataset<T>,
  lengths: readonly number[],
  generator: Generator = defaultGenerator,
): Subset<T>[] {
  requireDataset(dataset, "split");
  requireArray(lengths, "split by", "[0.8, 0.2]");
  const counts = toCounts(lengths, dataset.length);
  const sum = counts.reduce((total, count) => total + count, 0);
  if (sum !== dataset.length) {
    throw new RangeError(
      `Cannot split ${dataset.length} samples into parts of ${lengths.join(" + ")}: they sum to ${sum}`,
    );
  }
  return splitOrder(generator, counts).map((indices) => new Subset(dataset, indices));
}

function toCounts(lengths: readonly number[], samples: number): readonly number[] {
  const sum = lengths.reduce((total, length) => total + length, 0);
  const fractions = Math.abs(sum - 1) < 1e-9 && lengths.every((length) => length >= 0) && samples !== 1;
  if (!fractions) return lengths;
  const counts = lengths.map((length) => Math.floor(samples * length));
  const left = samples - counts.reduce((total, count) => total + count, 0);
  for (let i = 0; i < left; i++) counts[i % counts.length]++;
  return counts;
}

// How samples become a batch.

/**
 * What {@linkcode collate} makes of samples of type `T`: tensors, typed arrays, numbers and booleans become tensors, arrays and plain
 * objects are collated part by part, anything else becomes an array.
 */
export type Batch<T> = T extends Tensor | TypedArray | number | boolean ? Tensor
  : T extends readonly unknown[] | Readonly<Record<string, unknown>> ? { [K in keyof T]: Batch<T[K]> }
  : T[];

/**
 * A batch of samples, PyTorch's `default_collate`: tensors and typed arrays are stacked on a new dimension 0 and keep their dtype,
 * numbers become float32 as `tensor` makes them, and booleans bool; arrays and plain objects are collated part by part, anything else
 * becomes an array. The dtype never depends on the values: give classes as `tensor(3, { dtype: "int32" })` or in an `Int32Array`.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { collate } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const label = (c: number) => tensor(c, { dtype: "int32" });
 * const [x, y] = collate([[new Float32Array([0, 1]), label(3)], [new Float32Array([2, 3]), label(7)]] as const);
 * assertEquals([x.toArray(), y.toArray(), y.dtype], [[[0, 1], [2, 3]], [3, 7], "int32"]);
 * ```
 * @throws {RangeError} if tensors differ in shape, or arrays in length
 * @throws {TypeError} if a typed array is of a type that no tensor has, or the samples are not an array
 */
export function collate<T>(samples: readonly T[]): Batch<T> {
  requireArray(samples, "make a batch of", "[sample, …]");
  return collateAny(samples) as Batch<T>;
}

function collateAny(samples: readonly unknown[]): unknown {
  const [first] = samples;
  if (first instanceof Tensor) return stack(samples as Tensor[]);
  if (ArrayBuffer.isView(first)) return stack((samples as TypedArray[]).map((row) => fromData(row, [row.length])));
  if (typeof first === "number" || typeof first === "boolean") return tensor([...samples] as number[]);
  if (Array.isArray(first)) return collateArrays(samples as unknown[][]);
  return isPlainObject(first) ? collateObjects(samples as Record<string, unknown>[]) : samples;
}

function collateArrays(samples: readonly (readonly unknown[])[]): unknown[] {
  const odd = samples.find(({ length }) => length !== samples[0].length);
  if (odd) throw new RangeError(`Cannot stack samples of ${samples[0].length} and of ${odd.length} parts`);
  return samples[0].map((_, i) => collateAny(samples.map((sample) => sample[i])));
}

function collateObjects(samples: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const keys = Object.keys(samples[0]);
  return Object.fromEntries(keys.map((key) => [key, collateAny(samples.map((sample) => sample[key]))]));
}
