/** Batches of a dataset, in order or shuffled. */
import { checkOptions, describe, requireState, shown } from "../../core/arguments.ts";
import "../../core/create.ts";
import { TimeSlice, yieldToEventLoop } from "../../core/event_loop.ts";
import { defaultGenerator, Generator } from "../../core/random/generator.ts";
import { randperm } from "../../core/random/torch_streams.ts";
import { type Batch, collate as collateSamples, type Dataset, requireDataset } from "./dataset.ts";
import { type Normalization, normalizeBatch, Normalizer } from "./normalize.ts";

// registers the class of the tensors that batches are made of

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
  /** Makes a batch of samples, or promises one; `collate` when absent. */
  collate?: (samples: Awaited<T>[]) => B | Promise<B>;
  /** How many batches are prepared ahead where they come as promises; 1 when absent, 0 for none. */
  prefetch?: number;
  /** Where seeds are drawn; the generator that `manualSeed` sets when absent. */
  generator?: Generator;
  /** Turns the first tensor of each batch into `(x / 255 − mean) / std` if it is uint8, else `(x − mean) / std`. */
  normalize?: Normalization;
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
] as const satisfies readonly (keyof DataLoaderOptions<unknown, unknown>)[];

/** Where a {@linkcode DataLoader}, or a loop over it, is. */
export interface DataLoaderState {
  /** The order of the epoch under way; `null` between two. */
  readonly order: Int32Array | null;
  /** Batches of it that were given out. */
  readonly position: number;
  /** The generator, as `Generator.getState` gives it. */
  readonly generator: Uint8Array;
}

/** What a loop over a {@linkcode DataLoader} tells of itself. */
export interface DataLoaderPlace {
  /** Everything that decides the batches to come: what a loader goes on from by `loadStateDict`. */
  stateDict(): DataLoaderState;
  /** The numbers that the samples of the batch given last have in the dataset. */
  samples(): Int32Array;
}

/** An epoch of one loop: its order once it is drawn, and how many batches of it were given out. */
interface Epoch {
  order: Int32Array | null;
  position: number;
  ended: boolean;
}

/**
 * The samples of a dataset, a batch at a time: each loop over it is an epoch, with a place of its own. The order is that of
 * PyTorch's `DataLoader` for the same seed, and so are the draws from the generator: one seed an epoch even without `shuffle`.
 *
 * Samples and batches may come as promises, from files say: then the loop is `for await`, and the next batch is on its way
 * while this one is learned from. Such samples must not draw from the default generator, or be loaded with `prefetch: 0`:
 * else they draw before their turn. Rows in memory are gathered when they are asked for: 64 pictures of MNIST take 40 µs, as long
 * as a worker would take to send them.
 *
 * @throws {RangeError} if `batchSize` is not a whole number from 1, or `prefetch` not one from 0
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
  #epoch: Epoch | null = null; // of the loop that began last, or of the state that the next one goes on from
  #resumed = false;

  /** Batches of `dataset`, or of an array's elements. */
  constructor(dataset: Dataset<T> | readonly T[], options: DataLoaderOptions<T, B> = {}) {
    checkOptions("load batches", options, KNOWN, { shuffle: "boolean", dropLast: "boolean", collate: "function" });
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
  }

  /** Batches an epoch. */
  get length(): number {
    return this.#batches((this.#options.sampler ?? this.dataset).length);
  }

  /** Begins an epoch, or goes on with the one that `loadStateDict` told of. */
  [Symbol.iterator](): IterableIterator<B> & DataLoaderPlace {
    const epoch = this.#begin();
    return Object.assign(this.#batchesOf(epoch), this.#placeOf(epoch));
  }

  /** The same for batches that come as promises; others come as in a plain loop, at the same moments. */
  [Symbol.asyncIterator](): AsyncIterableIterator<B> & DataLoaderPlace {
    const epoch = this.#begin();
    return Object.assign(this.#promisedBatchesOf(epoch), this.#placeOf(epoch));
  }

  /** Gives up the epoch under way: the next loop begins a new one, also after a state of this moment was loaded. */
  reset(): void {
    this.#epoch = null;
    this.#resumed = false;
  }

  /** Everything that decides the batches to come, of the loop that began last; each loop tells its own by the same name. */
  stateDict(): DataLoaderState {
    return this.#stateOf(this.#epoch);
  }

  /**
   * Goes on from a state that `stateDict` returned: the next loop gives the batches that the other would have.
   *
   * @throws {RangeError} if the state is not of a loader over as many samples; this one is then as it was
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
    this.#generator.setState(generator);
    this.#epoch = order && { order: order.slice(), position, ended: false };
    this.#resumed = order !== null;
  }

  #begin(): Epoch {
    const going = this.#resumed ? this.#epoch : null;
    this.#resumed = false;
    if (going !== null) return going;
    this.#generator.nextSeed(); // PyTorch draws a seed for workers, even where there are none
    return this.#epoch = { order: null, position: 0, ended: false };
  }

  #placeOf(epoch: Epoch): DataLoaderPlace {
    return {
      stateDict: () => this.#stateOf(epoch),
      samples: () => this.#rows(epoch.order ?? new Int32Array(), epoch.position - 1).slice(),
    };
  }

  #stateOf(epoch: Epoch | null): DataLoaderState {
    const under = epoch?.ended ? null : epoch;
    if (under !== null) under.order ??= this.#draw(); // a loop that has begun has drawn its first seed already
    return {
      order: under?.order?.slice() ?? null,
      position: under?.position ?? 0,
      generator: this.#generator.getState(),
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
      const batch = atHand(this.#batch(order, epoch.position));
      this.#advance(epoch, order);
      yield batch;
    }
    this.#finish(epoch, order);
  }

  async *#promisedBatchesOf(epoch: Epoch): AsyncIterableIterator<B> {
    const order = epoch.order ??= this.#draw();
    const end = this.#batches(order.length);
    const slice = new TimeSlice();
    const ahead = new ReadAhead((i) => this.#named(order, i), epoch.position, end, this.#prefetch);
    try {
      while (epoch.position < end) {
        const batch = await ahead.take();
        this.#advance(epoch, order); // what is being prepared does not count: whoever goes on from here prepares it again
        yield batch;
        if (slice.isOver()) await yieldToEventLoop(); // batches that are there would hold it for the whole epoch
      }
    } finally {
      await ahead.settle();
    }
    this.#finish(epoch, order);
  }

  #draw(): Int32Array {
    const { shuffle = false, sampler, generator } = this.#options;
    const count = this.dataset.length;
    if (sampler) return Int32Array.from(sampler);
    if (!shuffle) return new Int32Array(count).map((_, i) => i);
    // PyTorch's sampler seeds a generator of its own, unless it was given one.
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
   * When PyTorch's sampler is asked for more samples than there are, to fill a batch or to begin another, it draws a second
   * permutation and takes none of it: seen only by a given generator.
   */
  #drawRemainder(count: number): void {
    const { shuffle = false, generator } = this.#options;
    if (shuffle && generator) randperm(generator, count);
  }

  /** A batch whose error, where it was promised, tells which one it was. */
  #named(order: Int32Array, i: number): B | Promise<B> {
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
    return order.subarray(i * this.#batchSize, (i + 1) * this.#batchSize);
  }

  #batch(order: Int32Array, i: number): B | Promise<B> {
    const normalizer = this.#normalizer, rows = this.#rows(order, i);
    if (normalizer === undefined) return this.#gather(rows);
    if (this.dataset.getNormalized && !this.#options.collate) {
      return this.dataset.getNormalized(rows, normalizer) as B | Promise<B>;
    }
    const batch = this.#gather(rows);
    const change = (batch: B) => normalizeBatch(batch, normalizer) as B;
    return batch instanceof Promise ? batch.then(change) : change(batch);
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

/**
 * A batch that is there.
 *
 * @throws {TypeError} if it is but promised
 */
function atHand<B>(batch: B | Promise<B>): B {
  if (!(batch instanceof Promise)) return batch;
  batch.catch(() => {}); // nobody will ask for it
  throw new TypeError("Cannot loop over batches that come as promises: write for await");
}

// Batches that take their time, begun before they are asked for.

/**
 * Prepares things by their numbers, in order: while one is in use, the next `count` are under way. Things that are at hand at once
 * are not begun early, for nothing would be gained.
 */
class ReadAhead<T> {
  readonly #prepare: (i: number) => T | Promise<T>;
  readonly #waiting: Promise<T>[] = [];
  #next: number;

  /** Things `start` to `end`, the end left out. */
  constructor(prepare: (i: number) => T | Promise<T>, start: number, readonly end: number, readonly count: number) {
    this.#prepare = prepare;
    this.#next = start;
  }

  /** The next thing; rejects where it could not be prepared, be it before its turn. */
  async take(): Promise<T> {
    const next = this.#waiting.shift() ?? this.#prepare(this.#next++);
    if (!(next instanceof Promise)) return next;
    const value = await next;
    while (this.#waiting.length < this.count && this.#next < this.end) this.#begin();
    return value;
  }

  /** Waits until nothing is under way any more. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#waiting);
  }

  #begin(): void {
    const begun = Promise.try(this.#prepare, this.#next++);
    begun.catch(() => {}); // it is told when its turn comes
    this.#waiting.push(begun);
  }
}

function isSampler(sampler: Sampler): boolean {
  return typeof sampler === "object" && sampler !== null && Symbol.iterator in sampler;
}
