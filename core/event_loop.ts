/** Long work that does not block the event loop: meanwhile servers answer, timers run and Ctrl-C is heard. */

const SLICE_MS = 25; // milliseconds of work between two turns of the event loop
const TURNS = 64; // while it is busy the runtime looks at sockets and signals at each 61st turn

let lastTurn = 0; // when the event loop turned last; all slices share it

type SetImmediate = (callback: () => void) => unknown;

/** Lets the event loop run everything that is due. */
export async function yieldToEventLoop(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: SetImmediate };
  // A timer sleeps for a millisecond at least; turns without sleep cost a fifth of that. Browsers have timers only.
  if (setImmediate === undefined) await new Promise((done) => void setTimeout(done, 0));
  else for (let i = 0; i < TURNS; i++) await new Promise<void>((done) => void setImmediate(done));
  lastTurn = performance.now();
}

/** A time slice of 25 ms, after which a loop should let the event loop turn. To ask costs a look at the clock. */
export class TimeSlice {
  readonly #start = performance.now();

  /** Whether it is used up: call {@linkcode yieldToEventLoop}, which begins another. */
  isOver(): boolean {
    return performance.now() - Math.max(this.#start, lastTurn) >= SLICE_MS;
  }
}

/** Work that can be interrupted at each `yield` and continued later; between two of them it takes a few milliseconds at most. */
export type Steps<T> = Generator<void, T, void>;

/** Does the work without interruption. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Does the work in time slices, between which the event loop turns. */
export async function runInSlices<T>(steps: Steps<T>): Promise<T> {
  const slice = new TimeSlice();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (slice.isOver()) await yieldToEventLoop();
  }
}
