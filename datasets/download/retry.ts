/** Trying again, later and later. */

/** How often and how patiently to try. */
export interface RetryOptions {
  /** Tries in all, at least 1; 4 when absent. */
  attempts?: number;
  /** The longest first pause in milliseconds, doubled for each further one; 500 when absent. */
  pause?: number;
  /** Ends the pauses early. */
  signal?: AbortSignal | undefined;
}

/** A failure that may pass: {@linkcode retry} tries again after one, and only after one. */
export class Transient extends Error {
  /** Milliseconds the other side asked us to wait, if it did. */
  readonly wait: number | undefined;

  /** A failure told by `message`, perhaps with a wish how long to wait. */
  constructor(message: string, options: ErrorOptions & { wait?: number | undefined } = {}) {
    super(message, options);
    this.name = "Transient";
    this.wait = options.wait;
  }
}

/** Milliseconds; who asks for a longer pause is not waited for. */
const LONGEST_PAUSE = 10_000;

/**
 * What `task` gives, tried again while it throws {@linkcode Transient}, after pauses that double and vary by chance so
 * that many clients do not come back at once. The last failure is thrown, and one that asks for a wait of more than ten seconds.
 */
export async function retry<T>(task: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 4, pause = 500, signal } = options;
  for (let attempt = 1;; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof Transient) || attempt >= attempts) throw error;
      if (error.wait !== undefined && error.wait > LONGEST_PAUSE) throw error;
      const backOff = pause * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
      await sleep(Math.min(error.wait ?? backOff, LONGEST_PAUSE), signal);
    }
  }
}

/** Waits so many milliseconds, or until `signal` ends it with its reason. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
