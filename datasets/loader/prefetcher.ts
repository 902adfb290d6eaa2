/** Batches that come as promises, begun before they are asked for. */

/**
 * Prepares things by their numbers, in order: while one is used, the next `count` are prepared. Things that are not promises are not
 * begun early, since nothing would be gained.
 */
export class Prefetcher<T> {
  readonly #prepare: (i: number) => T | Promise<T>;
  readonly #waiting: Promise<T>[] = [];
  #next: number;

  /** Prepares the things `start` to `end`, without `end`. */
  constructor(prepare: (i: number) => T | Promise<T>, start: number, readonly end: number, readonly count: number) {
    this.#prepare = prepare;
    this.#next = start;
  }

  /** The next thing; rejects if it could not be prepared, now or earlier. */
  async next(): Promise<T> {
    const next = this.#waiting.shift() ?? this.#prepare(this.#next++);
    if (!(next instanceof Promise)) return next;
    const value = await next;
    while (this.#waiting.length < this.count && this.#next < this.end) this.#begin();
    return value;
  }

  /** Waits until nothing is being prepared. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#waiting);
  }

  #begin(): void {
    const begun = (async (i) => await this.#prepare(i))(this.#next++);
    begun.catch(() => {}); // next() rejects when its turn comes
    this.#waiting.push(begun);
  }
}

/**
 * The batch itself.
 *
 * @throws {TypeError} if it is a promise
 */
export function requireReady<B>(batch: B | Promise<B>): B {
  if (!(batch instanceof Promise)) return batch;
  batch.catch(() => {}); // nobody awaits it
  throw new TypeError("Cannot loop over batches that come as promises: write for await");
}
