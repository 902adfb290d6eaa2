/** Batches of a dataset, in order or shuffled. */
import { checkOptions, describe, requireState, shown } from "../../core/arguments.ts";
import "../../core/create.ts"; // makes the class Tensor known to what collates batches
import { TimeSlice, yieldToEventLoop } from "../../core/event_loop.ts";
import { defaultGenerator, Generator } from "../../core/random/generator.ts";
import { randperm } from "../../core/random/torch_streams.ts";
import { type Batch, collate as collateSamples, type Dataset, requireDataset } from "./dataset.ts";
import { type Transform, transformsOf } from "../transforms/transform.ts";
import { orderOfFirst, partOfRank } from "./parallel_batches.ts";
import { Prefetcher, requireReady } from "./prefetcher.ts";
import { changeBatch, type Normalization, Normalizer } from "./normalize.ts";

/** The numbers of the samples to visit, in order: PyTorch's `Sampler`. */
export interface Sampler extends Iterable<number> {
  /** How many numbers it gives. */
  readonly length: number;
  /** What it needs to go on in a later run, where it draws from a generator of its own. */
  stateDict?(): unknown;
  /** Loads what `stateDict` returned. */
  loadStateDict?(state: never): void;
}

/** How a {@linkcode DataLoader} makes batches. */
export interface DataLoaderOptions<T, B> {
  /**
   * Samples in a batch.
   *
   * @default {1}
   */
  batchSize?: number;
  /**
   * Whether to draw a new order each epoch.
   *
   * @default {false}
   */
  shuffle?: boolean;
  /**
   * Whether to leave out a last batch that is shorter than the others.
   *
   * @default {false}
   */
  dropLast?: boolean;
  /** The samples to visit, read to its end as each epoch begins; excludes `shuffle`. Without it, all of them. */
  sampler?: Sampler;
  /**
   * Makes a batch of samples, or a promise of one: PyTorch's `collate_fn`.
   *
   * @default {collate}
   */
  collate?: (samples: Awaited<T>[]) => B | Promise<B>;
  /**
   * How many batches are prepared ahead, where they come as promises; 0 for none.
   *
   * @default {1}
   */
  prefetch?: number;
  /**
   * Where the seeds of the epochs are drawn.
   *
   * @default {defaultGenerator}
   */
  generator?: Generator;
  /** Normalizes the first tensor of each batch: `(x / 255 − mean) / std` if it is uint8, else `(x − mean) / std`. */
  normalize?: Normalization;
  /**
   * Changes the first tensor of each batch, after it was normalized and as it is given out: a transform such as
   * `randomFlip()`, or several that follow each other.
   */
  transform?: Transform | readonly Transform[];
  /**
   * Whether the ranks of `parallel.init()` share each batch, of which `batchSize` is the whole: one after another each takes as many of its
   * rows. All have the order that rank 0 draws; where the last batch is short, samples of the epoch's beginning make it even.
   *
   * @default {false}
   */
  parallel?: boolean;
}

const KNOWN = [
  "batchSize",
  "shuffle",
  "dropLast",
  "sampler",
  "collate",
  "prefetch",
  "generator",
  "normalize",
  "transform",
  "parallel",
] as const satisfies readonly (keyof DataLoaderOptions<unknown, unknown>)[];

const FLAGS = { shuffle: "boolean", dropLast: "boolean", parallel: "boolean" } as const;

/** How far a {@linkcode DataLoader}, or a loop over it, has come. */
export interface DataLoaderState {
  /** The numbers of the samples in the order of the running epoch; `null` between two epochs. */
  readonly order: Int32Array | null;
  /** How many batches of it have been given out. */
  readonly position: number;
  /** The state of the generator, as `Generator.getState` gives it. */
  readonly generator: Uint8Array;
  /** The state of the sampler, where it has one. */
  readonly sampler?: unknown;
}

/** What the iterator of a {@linkcode DataLoader} has beside `next()`. */
export interface DataLoaderPlace {
  /** Everything that decides the remaining batches: `loadStateDict` of a loader goes on from there. */
  stateDict(): DataLoaderState;
  /** The numbers in the dataset of the samples in the latest batch. */
  samples(): Int32Array;
  /** How many of the samples in the latest batch of all ranks are its own, not there to make it even. */
  rows(): number;
}

/** The epoch of one loop: its order once that is drawn, and how many of its batches have been given out. */
interface Epoch {
  order: Int32Array | null;
  position: number;
  ended: boolean;
}

/**
 * The samples of a dataset in batches; each loop over it is an epoch. The order is that of PyTorch's `DataLoader` for the same seed,
 * and so are the draws from the generator: one seed an epoch, even without `shuffle`. Several loops may run at a time, each with
 * its own epoch.
 *
 * Samples and batches may come as promises, for instance of files: then the loop is `for await`, and the next batch is prepared
 * while the current one is used. Such samples would draw from the default generator before their turn: let them draw from another
 * one, or set `prefetch: 0`. Rows in memory are gathered when they are asked for: 64 pictures of MNIST take 40 µs, as long as a
 * worker would take to send them.
 *
 * @throws {RangeError} if `batchSize` is not a whole number from 1, or `prefetch` is not one from 0
 * @throws {TypeError} if both `sampler` and `shuffle` are given
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { DataLoader, TensorDataset } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const dataset = new TensorDataset(tensor([[1, 2], [3, 4], [5, 6]]), tensor([0, 1, 0]));
 * const loader = new DataLoader(dataset, { batchSize: 2 });
 * const shapes = [];
 * for (const [x, y] of loader) shapes.push([x.shape, y.shape]);
 * assertEquals(shapes, [[[2, 2], [2]], [[1, 2], [1]]]);
 * ```
 *
 * @example Samples that come as promises
 * ```ts
 * import { DataLoader } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const files = { length: 3, get: (i: number) => Promise.resolve(10 * i) };
 * const batches = [];
 * for await (const batch of new DataLoader(files, { batchSize: 2 })) batches.push(batch.toArray());
 * assertEquals(batches, [[0, 10], [20]]);
 * ```
 */
export class DataLoader<T, B = Batch<Awaited<T>>> implements Iterable<B>, AsyncIterable<B> {
  /** What the batches are made of. */
  readonly dataset: Dataset<T>;
  readonly #options: DataLoaderOptions<T, B>;
  readonly #batchSize: number;
  readonly #prefetch: number;
  readonly #generator: Generator;
  readonly #normalizer: Normalizer | undefined;
  readonly #transforms: readonly Transform[];
  #epoch: Epoch | null = null; // of the loop that began last, or of the loaded state that the next loop goes on from
  #resumed = false;

  /** A loader of `dataset`, or of the elements of an array. */
  constructor(dataset: Dataset<T> | readonly T[], options: DataLoaderOptions<T, B> = {}) {
    checkOptions("load batches", options, KNOWN, { ...FLAGS, collate: "function" });
    const isList = Array.isArray(dataset) || ArrayBuffer.isView(dataset);
    if (!isList) requireDataset(dataset as Dataset<T>, "load batches of", "an array, or ");
    const { batchSize = 1, prefetch = 1, shuffle, sampler, generator = defaultGenerator } = options;
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`Cannot load batches of ${shown(batchSize)}: give a whole number from 1`);
    }
    if (!Number.isSafeInteger(prefetch) || prefetch < 0) {
      throw new RangeError(`Cannot prepare ${shown(prefetch)} batches ahead: give a whole number from 0`);
    }
    if (sampler !== undefined && !isSampler(sampler)) {
      throw new TypeError(`Cannot order samples by ${describe(sampler)}: give an array of their numbers, or a sampler`);
    }
    if (!(generator instanceof Generator)) {
      throw new TypeError(`Cannot draw seeds from ${describe(generator)}: give new Generator(7)`);
    }
    if (shuffle && sampler) throw new TypeError("Cannot shuffle what a sampler orders: leave out shuffle or sampler");
    this.dataset = "get" in dataset ? dataset : { length: dataset.length, get: (i) => dataset[i] };
    this.#options = options;
    this.#batchSize = batchSize;
    this.#prefetch = prefetch;
    this.#generator = generator;
    this.#normalizer = options.normalize && new Normalizer(options.normalize);
    this.#transforms = transformsOf(options.transform);
  }

  /** Whether ranks share each batch. */
  get parallel(): boolean {
    return this.#options.parallel ?? false;
  }

  /** How many batches an epoch has. */
  get length(): number {
    return this.#batches((this.#options.sampler ?? this.dataset).length);
  }

  /** Begins an epoch, or goes on with the one of the state that `loadStateDict` was given. */
  [Symbol.iterator](): IterableIterator<B> & DataLoaderPlace {
    const epoch = this.#begin();
    return Object.assign(this.#batchesOf(epoch), this.#placeOf(epoch));
  }

  /** The same for batches that come as promises; those that do not come as in a plain loop. */
  [Symbol.asyncIterator](): AsyncIterableIterator<B> & DataLoaderPlace {
    const epoch = this.#begin();
    return Object.assign(this.#promisedBatchesOf(epoch), this.#placeOf(epoch));
  }

  /** Forgets the running epoch: the next loop begins a new one, also after `loadStateDict`. */
  reset(): void {
    this.#epoch = null;
    this.#resumed = false;
  }

  /** Everything that decides the remaining batches of the loop that began last; the iterator of each loop has its own. */
  stateDict(): DataLoaderState {
    return this.#stateOf(this.#epoch);
  }

  /**
   * Takes over a state that `stateDict` returned: the next loop gives the batches that remained there.
   *
   * @throws {RangeError} if the state is not that of a loader over as many samples; this loader is then unchanged
   */
  loadStateDict(state: DataLoaderState): void {
    requireState("a DataLoader", state, ["order", "position", "generator"]);
    const { order, position, generator } = state;
    const wrong = order?.find((i) => !(i >= 0 && i < this.dataset.length));
    if (wrong !== undefined) {
      throw new RangeError(`Cannot go on with sample ${wrong}: the dataset has ${this.dataset.length}`);
    }
    const batches = order === null ? 0 : this.#batches(order.length);
    if (!(Number.isInteger(position) && position >= 0 && position <= batches)) {
      throw new RangeError(`Cannot go on after batch ${position}: the order has ${batches}`);
    }
    const { sampler } = this.#options;
    if (state.sampler !== undefined) sampler?.loadStateDict?.(state.sampler as never);
    this.#generator.setState(generator);
    this.#epoch = order && { order: order.slice(), position, ended: false };
    this.#resumed = order !== null;
  }

  #begin(): Epoch {
    const resumed = this.#resumed ? this.#epoch : null;
    this.#resumed = false;
    if (resumed !== null) return resumed;
    this.#generator.nextSeed(); // PyTorch draws a seed for workers, even where there are none
    return this.#epoch = { order: null, position: 0, ended: false };
  }

  #placeOf(epoch: Epoch): DataLoaderPlace {
    return {
      stateDict: () => this.#stateOf(epoch),
      samples: () => this.#rows(epoch.order ?? new Int32Array(), epoch.position - 1).slice(),
      rows: () => this.#wholeRows(epoch.order ?? new Int32Array(), epoch.position - 1).length,
    };
  }

  #stateOf(epoch: Epoch | null): DataLoaderState {
    const running = epoch?.ended ? null : epoch;
    if (running !== null) running.order ??= this.#draw(); // a loop that has begun has drawn its first seed already
    return {
      order: running?.order?.slice() ?? null,
      position: running?.position ?? 0,
      generator: this.#generator.getState(),
      ...this.#options.sampler?.stateDict === undefined ? {} : { sampler: this.#options.sampler.stateDict() },
    };
  }

  #batches(samples: number): number {
    const { dropLast = false } = this.#options;
    return dropLast ? Math.floor(samples / this.#batchSize) : Math.ceil(samples / this.#batchSize);
  }

  *#batchesOf(epoch: Epoch): IterableIterator<B> {
    const order = epoch.order ??= this.#draw();
    const end = this.#batches(order.length);
    while (epoch.position < end) {
      const batch = this.#transformed(requireReady(this.#batch(order, epoch.position)));
      this.#advance(epoch, order);
      yield batch;
    }
    this.#finish(epoch, order);
  }

  async *#promisedBatchesOf(epoch: Epoch): AsyncIterableIterator<B> {
    const order = epoch.order ??= this.#draw();
    const end = this.#batches(order.length);
    const slice = new TimeSlice();
    const prefetcher = new Prefetcher((i) => this.#batchOrNamedError(order, i), epoch.position, end, this.#prefetch);
    try {
      while (epoch.position < end) {
        const batch = this.#transformed(await prefetcher.next()); // now, so that a batch draws when its turn has come
        this.#advance(epoch, order); // batches in preparation do not count: a loop that resumes here prepares them again
        yield batch;
        if (slice.isOver()) await yieldToEventLoop(); // without it, batches in memory would hold the loop for the whole epoch
      }
    } finally {
      await prefetcher.settle();
    }
    this.#finish(epoch, order);
  }

  #draw(): Int32Array {
    const order = this.#drawn();
    return this.parallel ? orderOfFirst(order, this.#batchSize) : order;
  }

  #drawn(): Int32Array {
    const { shuffle = false, sampler, generator } = this.#options;
    const count = this.dataset.length;
    if (sampler) return Int32Array.from(sampler);
    if (!shuffle) return new Int32Array(count).map((_, i) => i);
    // PyTorch's sampler seeds its own generator, unless it was given one.
    return randperm(generator ?? new Generator(this.#generator.nextSeed()), count);
  }

  #advance(epoch: Epoch, { length }: Int32Array): void {
    epoch.position++;
    if (epoch.position > length / this.#batchSize) this.#drawRemainder(length); // the short last batch
  }

  #finish(epoch: Epoch, { length }: Int32Array): void {
    if (epoch.position <= length / this.#batchSize) this.#drawRemainder(length);
    epoch.ended = true;
    if (this.#epoch === epoch) this.reset();
  }

  /**
   * PyTorch's sampler, asked for more samples than there are (to fill a batch or to begin another), draws a second permutation and
   * takes nothing from it. Only a generator that was given can tell.
   */
  #drawRemainder(count: number): void {
    const { shuffle = false, generator } = this.#options;
    if (shuffle && generator) randperm(generator, count);
  }

  /** A batch; where it is a promise, its error says which batch and samples it was. */
  #batchOrNamedError(order: Int32Array, i: number): B | Promise<B> {
    const batch = this.#batch(order, i);
    if (!(batch instanceof Promise)) return batch;
    return batch.catch((error) => {
      const rows = this.#rows(order, i);
      const samples = rows.subarray(0, 4).join(", ") + (rows.length > 4 ? ", …" : "");
      throw new Error(`Cannot load batch ${i}, of the samples ${samples}: ${(error as Error).message}`, {
        cause: error,
      });
    });
  }

  #rows(order: Int32Array, i: number): Int32Array {
    const rows = this.#wholeRows(order, i);
    return this.parallel ? partOfRank(rows, order) : rows;
  }

  #wholeRows(order: Int32Array, i: number): Int32Array {
    return order.subarray(i * this.#batchSize, (i + 1) * this.#batchSize);
  }

  #batch(order: Int32Array, i: number): B | Promise<B> {
    const normalizer = this.#normalizer, rows = this.#rows(order, i);
    if (normalizer === undefined) return this.#gather(rows);
    if (this.dataset.getNormalized && !this.#options.collate) {
      return this.dataset.getNormalized(rows, normalizer) as B | Promise<B>;
    }
    const batch = this.#gather(rows);
    const change = (batch: B) => changeBatch("normalize", batch, (x) => normalizer.all(x));
    return batch instanceof Promise ? batch.then(change) : change(batch);
  }

  #transformed(batch: B): B {
    return this.#transforms.reduce((changed, transform) => changeBatch("transform", changed, transform), batch);
  }

  #gather(rows: Int32Array): B | Promise<B> {
    const collate = (this.#options.collate ?? collateSamples) as (samples: Awaited<T>[]) => B | Promise<B>;
    // A dataset's own batch is what collate would make of its samples, or a promise of that.
    if (this.dataset.getBatch && !this.#options.collate) return this.dataset.getBatch(rows) as B | Promise<B>;
    const samples = Array.from(rows, (i) => this.dataset.get(i));
    const promised = samples.some((sample) => sample instanceof Promise);
    return promised ? Promise.all(samples).then(collate) : collate(samples as Awaited<T>[]);
  }
}

function isSampler(sampler: Sampler): boolean {
  return typeof sampler === "object" && sampler !== null && Symbol.iterator in sampler;
}
