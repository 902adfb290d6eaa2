/** How a long loop leaves the event loop free: servers answer, timers run and Ctrl-C is heard while it works. */

const EVERY = 25; // milliseconds of work between two breaths
const TURNS = 64; // the runtime looks at sockets and signals at each 61st turn while it is busy

type SetImmediate = (callback: () => void) => unknown;

/** Waits until everything that is due in the event loop has run. */
export async function breathe(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: SetImmediate };
  // A timer sleeps for a millisecond at least; turns without sleep cost a fifth of that. Browsers have timers only.
  if (setImmediate === undefined) return await new Promise((done) => void setTimeout(done, 0));
  for (let i = 0; i < TURNS; i++) await new Promise<void>((done) => void setImmediate(done));
}

/**
 * Breathes by time: a loop that asks often pays for a look at the clock, andevery 25 ms for a breath.
 */
export class Breather {
  #last = performance.now();

  /** Whether it is time. */
  due(): boolean {
    return performance.now() - this.#last >= EVERY;
  }

  /** Lets the event loop turn. */
  async breathe(): Promise<void> {
    await breathe();
    this.#last = performance.now();
  }
}
