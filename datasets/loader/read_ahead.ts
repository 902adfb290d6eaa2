/** Batches that take their time, begun before they are asked for. */

/**
 * Prepares things by their numbers, in order: while one is in use, the next `count` are under way. Things that are at hand at once
 * are not begun early, for nothing would be gained.
 */
export class ReadAhead<T> {
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
