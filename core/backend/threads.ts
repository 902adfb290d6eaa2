/** How many threads the kernels may use. Results have the same bits for every number. */
import { environment } from "../cache_dir.ts";

/** Most threads that the kernels know how to use. */
const MOST = 64;

let wanted: number | null = null;
const told = new Set<(count: number) => void>();

/**
 * Lets the native kernels use so many threads from now on; they do where it pays. Other back ends use one.
 *
 * Without this call it is `GRADUS_THREADS`, or else the number of cores.
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
  wanted = checked(count, "");
  for (const tell of told) tell(wanted);
}

/**
 * How many threads the native kernels may use.
 *
 * @throws {RangeError} If it is first read from `GRADUS_THREADS`, and that is not a whole number from 1 to 64.
 */
export function threads(): number {
  return wanted ??= standard();
}

/** Called by a library that has threads, with what tells it; the result makes it be forgotten again. */
export function registerThreads(tell: (count: number) => void): () => void {
  tell(threads());
  told.add(tell);
  return () => void told.delete(tell);
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
