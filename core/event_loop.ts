/** How long work leaves the event loop free: servers answer, timers run and Ctrl-C is heard meanwhile. */

const EVERY = 25; // milliseconds of work between two turns of the event loop
const TURNS = 64; // the runtime looks at sockets and signals at each 61st turn while it is busy

let turned = 0; // when the event loop was last let turn: one slice's turn is also another's

type SetImmediate = (callback: () => void) => unknown;

/** Waits until everything that is due in the event loop has run. */
export async function yieldToEventLoop(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: SetImmediate };
  // A timer sleeps for a millisecond at least; turns without sleep cost a fifth of that. Browsers have timers only.
  if (setImmediate === undefined) await new Promise((done) => void setTimeout(done, 0));
  else for (let i = 0; i < TURNS; i++) await new Promise<void>((done) => void setImmediate(done));
  turned = performance.now();
}

/** Time in which the event loop is held: a loop that asks often pays for a look at the clock, and every 25 ms for a turn. */
export class TimeSlice {
  readonly #start = performance.now();

  /** Whether it is used up: {@linkcode yieldToEventLoop} begins another. */
  isOver(): boolean {
    return performance.now() - Math.max(this.#start, turned) >= EVERY;
  }
}

/** Work that may be left at each `yield` and gone on with later: no piece of it takes more than a few milliseconds. */
export type Steps<T> = Generator<void, T, void>;

/** Does the work at once. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Does the same work in slices of time, between which the event loop turns. */
export async function runInSlices<T>(steps: Steps<T>): Promise<T> {
  const slice = new TimeSlice();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (slice.isOver()) await yieldToEventLoop();
  }
}
