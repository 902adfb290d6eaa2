/** An abort signal that fires when nothing has happened for too long. */
export class Patience implements Disposable {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Fires when patience ends, or when `outer` does. */
  readonly signal: AbortSignal;

  /** Patience without end, until {@linkcode restart} bounds it. */
  constructor(outer?: AbortSignal) {
    this.signal = outer === undefined ? this.#controller.signal : AbortSignal.any([outer, this.#controller.signal]);
  }

  /** Waits `milliseconds` from now, and then says that there was `what`. */
  restart(milliseconds: number, what: string): void {
    clearTimeout(this.#timer);
    const reason = new Error(`${what} for ${milliseconds / 1000} s`);
    this.#timer = setTimeout(() => this.#controller.abort(reason), milliseconds);
  }

  /** Stops waiting, and ends whatever still hangs on the signal. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}
