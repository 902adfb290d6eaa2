/** How many threads the kernels may use. Results have the same bits for every number. */
import { environment } from "../io/cache_dir.ts";

/** Most threads that the kernels know how to use. */
const MOST = 64;

/** The one pool of threads that a library has in a process, whichever of the process's Workers asks. */
interface Pool {
  /** Sets the number for all. */
  set(count: number): void;
  /** Sets it where nobody has yet; the result is the number that holds. */
  usual(count: number): number;
}

let wanted: number | null = null;
const pools = new Set<Pool>();
let open = (): void => {};

/**
 * Lets the native kernels use so many threads from now on; they do where it pays. Other back ends use one.
 *
 * It holds for the whole process, with the Workers that run and those that start later. Without this call it is
 * `GRADUS_THREADS`, or else the number of cores. The back end is chosen now, if it was not yet.
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
    open(); // a Worker's own copy of this module knows nothing of this one: the number has to stand in the library
  } catch (error) {
    wanted = before;
    throw error;
  }
  for (const pool of pools) pool.set(wanted);
}

/**
 * How many threads the native kernels may use.
 *
 * @throws {RangeError} If it is first read from `GRADUS_THREADS`, and that is not a whole number from 1 to 64.
 */
export function threads(): number {
  open(); // another Worker may have set the number, which stands in the library
  const [pool] = pools;
  return pool?.usual(wanted ?? standard()) ?? wanted ?? standard();
}

/** Called by what chooses the back end, with what opens it. */
export function registerOpening(opening: () => void): void {
  open = opening;
}

/** Called by a library that has threads; the result makes it be forgotten again. */
export function registerThreads(pool: Pool): () => void {
  if (wanted === null) pool.usual(standard());
  else pool.set(wanted);
  pools.add(pool);
  return () => void pools.delete(pool);
}

function standard(): number {
  const asked = environment("GRADUS_THREADS");
  if (asked !== undefined) return checked(Number(asked), "GRADUS_THREADS=");
  return Math.min(MOST, Math.max(1, globalThis.navigator?.hardwareConcurrency ?? 1));
}

function checked(count: number, source: string): number {
  if (Number.isInteger(count) && count >= 1 && count <= MOST) return count;
  throw new RangeError(`Cannot use ${source}${count} threads: expected a whole number from 1 to ${MOST}`);
}
