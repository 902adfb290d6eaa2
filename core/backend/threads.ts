/** How many threads the native kernels may use. Results have the same bits for every number. */
import { environment } from "../host/host.ts";
import { localSize } from "../messages/launch.ts";

/** Most threads that the kernels can use. */
const MAX_THREADS = 64;

/** The thread pool of a native library: one in a process, shared by all of its Workers. */
interface Pool {
  /** Sets the number of threads for the whole process. */
  set(count: number): void;
  /** Sets it where it was not set yet; returns the number in force. */
  setDefault(count: number): number;
}

let wanted: number | null = null;
const pools = new Set<Pool>();
let open = (): void => {};

/**
 * Sets how many threads the native kernels may use, where that makes them faster; PyTorch's `set_num_threads`. Other back ends use one.
 *
 * It holds for the whole process, with the Workers that run and those that start later. Without this call it is
 * `GRADUS_THREADS`, or else the number of cores, shared among the ranks that `mpirun` started on this machine. The call also chooses the back end, if it was not chosen yet.
 *
 * @example
 * ```ts
 * import { setThreads, threads } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const before = threads();
 * setThreads(1);
 * assertEquals(threads(), 1);
 * setThreads(before);
 * ```
 * @throws {RangeError} If the number is not a whole one from 1 to 64.
 */
export function setThreads(count: number): void {
  const before = wanted;
  wanted = checked(count, "");
  try {
    open(); // the number has to be set in the library: every Worker has its own copy of this module
  } catch (error) {
    wanted = before;
    throw error;
  }
  for (const pool of pools) pool.set(wanted);
}

/**
 * How many threads the native kernels may use; PyTorch's `get_num_threads`.
 *
 * @throws {RangeError} If it is first read from `GRADUS_THREADS`, and that is not a whole number from 1 to 64.
 */
export function threads(): number {
  open(); // another Worker may have set the number in the library
  const [pool] = pools;
  return pool?.setDefault(wanted ?? defaultCount()) ?? wanted ?? defaultCount();
}

/** Called by `choose.ts` with the function that opens the back end; it imports this file, not the other way round. */
export function registerOpening(opening: () => void): void {
  open = opening;
}

/** Called when a native library is opened; call the result when it is closed. */
export function registerThreads(pool: Pool): () => void {
  if (wanted === null) pool.setDefault(defaultCount());
  else pool.set(wanted);
  pools.add(pool);
  return () => void pools.delete(pool);
}

function defaultCount(): number {
  const asked = environment("GRADUS_THREADS");
  if (asked !== undefined) return checked(Number(asked), "GRADUS_THREADS=");
  return Math.min(MAX_THREADS, Math.max(1, Math.floor((globalThis.navigator?.hardwareConcurrency ?? 1) / localSize())));
}

function checked(count: number, source: string): number {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_THREADS) return count;
  throw new RangeError(`Cannot use ${source}${count} threads: expected a whole number from 1 to ${MAX_THREADS}`);
}
