/** Batches of a dataset, in order or shuffled. */
import "../core/create.ts"; // registers the class of the tensors that batches are made of
import { defaultGenerator, Generator } from "../core/random/generator.ts";
import { randperm } from "../core/random/torch_orders.ts";
import type { Tensor } from "../core/tensor.ts";
import { type Batch, collate as collateSamples } from "./collate.ts";
import type { Dataset } from "./dataset.ts";
import { type Normalization, normalizeBatch, normalizer } from "./normalize.ts";

/** Which samples to visit, in which order. */
export interface Sampler extends Iterable<number> {
  /** How many it gives. */
  readonly length: number;
}

/** How a {@linkcode DataLoader} makes batches. */
export interface DataLoaderOptions<T, B> {
  /** Samples in a batch; 1 when absent. */
  batchSize?: number;
  /** A new order each epoch. */
  shuffle?: boolean;
  /** Leave out a last batch that is short. */
  dropLast?: boolean;
  /** The order to visit samples in, read whole as each epoch begins; excludes `shuffle`. */
  sampler?: Sampler;
  /** Makes a batch of samples; `collate` when absent. */
  collate?: (samples: T[]) => B;
  /** Where seeds are drawn; the generator that `manualSeed` sets when absent. */
  generator?: Generator;
  /** Turns the first tensor of each batch into `(x / 255 − mean) / std` if it is uint8, else `(x − mean) / std`. */
  normalize?: Normalization;
}

/** Where a {@linkcode DataLoader} is. */
export interface DataLoaderState {
  /** The order of the epoch under way; `null` between two. */
  readonly order: Int32Array | null;
  /** Batches of it that were given out. */
  readonly position: number;
  /** The generator, as `Generator.getState` gives it. */
  readonly generator: Uint8Array;
}

/**
 * The samples of a dataset, a batch at a time: each loop over it is an epoch. The order is that of PyTorch's `DataLoader`
 * for the same seed, and so are the draws from the generator: one seed an epoch even without `shuffle`.
 *
 * @throws {RangeError} if `batchSize` is not a whole number from 1
 * @throws {TypeError} if both `sampler` and `shuffle` are given
 *
 * @example
 * ```ts
 * import { DataLoader, tensor, TensorDataset } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const dataset = new TensorDataset(tensor([[1, 2], [3, 4], [5, 6]]), tensor([0, 1, 0]));
 * const loader = new DataLoader(dataset, { batchSize: 2 });
 * const shapes = [];
 * for (const [x, y] of loader) shapes.push([x.shape, y.shape]);
 * assertEquals(shapes, [[[2, 2], [2]], [[1, 2], [1]]]);
 * ```
 */
export class DataLoader<T, B = Batch<T>> implements Iterable<B> {
  /** What the batches are made of. */
  readonly dataset: Dataset<T>;
  readonly #options: DataLoaderOptions<T, B>;
  readonly #batchSize: number;
  readonly #generator: Generator;
  readonly #normalize: ((x: Tensor) => Tensor) | undefined;
  #order: Int32Array | null = null;
  #position = 0;
  #begun = false;
  #resumed = false;

  /** Batches of `dataset`, or of an array's elements. */
  constructor(dataset: Dataset<T> | readonly T[], options: DataLoaderOptions<T, B> = {}) {
    const { batchSize = 1, shuffle, sampler, generator = defaultGenerator } = options;
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`Cannot load batches of ${batchSize}: give a whole number from 1`);
    }
    if (shuffle && sampler) throw new TypeError("Cannot shuffle what a sampler orders: leave out shuffle or sampler");
    this.dataset = "get" in dataset ? dataset : { length: dataset.length, get: (i) => dataset[i] };
    this.#options = options;
    this.#batchSize = batchSize;
    this.#generator = generator;
    this.#normalize = options.normalize && normalizer(options.normalize);
  }

  /** Batches an epoch. */
  get length(): number {
    return this.#batches((this.#options.sampler ?? this.dataset).length);
  }

  /** Begins an epoch, or goes on with the one that `loadStateDict` told of. */
  [Symbol.iterator](): IterableIterator<B> {
    if (!this.#resumed) {
      this.#generator.nextSeed(); // PyTorch draws a seed for workers, even where there are none
      this.#order = null;
      this.#position = 0;
    }
    this.#begun = true;
    this.#resumed = false;
    return this.#epoch();
  }

  /** Everything that decides the batches to come. */
  stateDict(): DataLoaderState {
    if (this.#begun) this.#order ??= this.#draw(); // a loop that has begun has drawn its first seed already
    return { order: this.#order?.slice() ?? null, position: this.#position, generator: this.#generator.getState() };
  }

  /**
   * Goes on from a state that `stateDict` returned: the next loop gives the batches that the other would have.
   *
   * @throws {RangeError} if the state is not of a loader over as many samples; this one is then as it was
   */
  loadStateDict({ order, position, generator }: DataLoaderState): void {
    const wrong = order?.find((i) => !(i >= 0 && i < this.dataset.length));
    if (wrong !== undefined) {
      throw new RangeError(`Cannot go on with sample ${wrong}: the dataset has ${this.dataset.length}`);
    }
    const batches = order === null ? 0 : this.#batches(order.length);
    if (!(Number.isInteger(position) && position >= 0 && position <= batches)) {
      throw new RangeError(`Cannot go on after batch ${position}: the order has ${batches}`);
    }
    this.#generator.setState(generator);
    this.#order = order?.slice() ?? null;
    this.#position = position;
    this.#begun = this.#resumed = order !== null;
  }

  #batches(samples: number): number {
    const { dropLast = false } = this.#options;
    return dropLast ? Math.floor(samples / this.#batchSize) : Math.ceil(samples / this.#batchSize);
  }

  *#epoch(): IterableIterator<B> {
    const order = this.#order ??= this.#draw();
    const end = this.#batches(order.length);
    for (let i = this.#position; i < end; i++) {
      this.#position = i + 1;
      yield this.#batch(order.subarray(i * this.#batchSize, (i + 1) * this.#batchSize));
    }
    this.#finish(order.length);
  }

  #draw(): Int32Array {
    const { shuffle = false, sampler, generator } = this.#options;
    const count = this.dataset.length;
    if (sampler) return Int32Array.from(sampler);
    if (!shuffle) return new Int32Array(count).map((_, i) => i);
    // PyTorch's sampler seeds a generator of its own, unless it was given one.
    return randperm(generator ?? new Generator(this.#generator.nextSeed()), count);
  }

  /** At its end PyTorch's sampler draws a second permutation and takes none of it: seen only by a given generator. */
  #finish(count: number): void {
    const { shuffle = false, generator } = this.#options;
    if (shuffle && generator) randperm(generator, count);
    this.#begun = false;
    this.#order = null;
    this.#position = 0;
  }

  #batch(rows: Int32Array): B {
    const { collate } = this.#options;
    const batch = this.dataset.getBatch && !collate
      ? this.dataset.getBatch(rows)
      : (collate ?? collateSamples)(Array.from(rows, (i) => this.dataset.get(i)));
    return (this.#normalize ? normalizeBatch(batch, this.#normalize) : batch) as B;
  }
}
