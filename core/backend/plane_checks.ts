/** Bounds checks of the verbs that work on windows of planes, and of batch normalisation, before anything is written or passed to C. */
import type { BatchNorm, Pooling, Resampling, Windows } from "./planes.ts";
import { memoryGone, type TypedArray } from "../dtype.ts";

/** An array by its name, and how many elements it needs. */
type Needed = readonly [name: string, array: TypedArray | null, elements: number];

/**
 * Checks the windows of a pooling and its arrays; those that are null are left out.
 *
 * @throws {RangeError} If a window reaches past its plane, or an array is too short.
 */
export function checkPool(
  d: Pooling,
  image: TypedArray,
  windows: TypedArray,
  at: Int32Array | null,
): void {
  const { planes, h, w, rows, cols, divisor } = d;
  const action = `pool ${planes} planes of [${h}, ${w}]`;
  requireSizes(action, [planes, h, w, rows.begin.length, cols.begin.length]);
  if (!Number.isInteger(divisor)) throw new RangeError(`Cannot ${action}: the divisor ${divisor} is not whole`);
  checkWindows(action, rows, h);
  checkWindows(action, cols, w);
  const results = planes * rows.begin.length * cols.begin.length;
  requireRoom(action, [["the images", image, planes * h * w], ["the windows", windows, results], ["at", at, results]]);
}

function checkWindows(action: string, { begin, end, count, step }: Windows, size: number): void {
  if (end.length !== begin.length || count.length !== begin.length || !(step >= 1 && (step | 0) === step)) {
    throw new RangeError(`Cannot ${action}: its windows are not ${begin.length} with a step of 1 or more`);
  }
  for (let i = 0; i < begin.length; i++) {
    if (begin[i] >= end[i] || (begin[i] >= 0 && end[i] <= size)) continue;
    throw new RangeError(`Cannot ${action}: window ${i} reaches from ${begin[i]} to ${end[i]}, past the size ${size}`);
  }
}

/**
 * Checks the places of maxima: each lies in its plane, or is −1 for none.
 *
 * @throws {RangeError} If one does not.
 */
export function checkPlaces(d: Pooling, at: Int32Array | null): Int32Array {
  const [size, results] = [d.h * d.w, d.planes * d.rows.begin.length * d.cols.begin.length];
  const action = `pool ${d.planes} planes of [${d.h}, ${d.w}]`;
  if (at === null) throw new RangeError(`Cannot ${action}: the places of the maxima are missing`);
  for (let i = 0; i < results; i++) {
    if (at[i] >= -1 && at[i] < size) continue;
    throw new RangeError(`Cannot ${action}: the maximum at ${at[i]} lies outside of its plane`);
  }
  return at;
}

/**
 * Checks the taps of a resampling and its arrays.
 *
 * @throws {RangeError} If a tap lies outside of its plane, or an array is too short.
 */
export function checkResample(d: Resampling, image: TypedArray, result: TypedArray): void {
  const { planes, h, w, rows, cols } = d;
  const action = `resample ${planes} planes of [${h}, ${w}]`;
  requireSizes(action, [planes, h, w, rows.low.length, cols.low.length]);
  for (const [{ low, high, weight }, size] of [[rows, h], [cols, w]] as const) {
    if (high.length !== low.length || weight.length !== low.length) {
      throw new RangeError(`Cannot ${action}: its taps are not ${low.length} each`);
    }
    for (let i = 0; i < low.length; i++) {
      const sane = low[i] >= 0 && low[i] < size && high[i] >= 0 && high[i] < size;
      if (!sane) throw new RangeError(`Cannot ${action}: it reads ${low[i]} and ${high[i]} of ${size} places`);
    }
  }
  const results = planes * rows.low.length * cols.low.length;
  requireRoom(action, [["the images", image, planes * h * w], ["the result", result, results]]);
}

/**
 * Checks the arrays of a batch normalisation, forward or backward; those that are null are left out.
 *
 * @throws {RangeError} If one is too short, or y is missing for an activation.
 */
export function checkBatchNorm(
  d: BatchNorm,
  stats: TypedArray,
  like: Readonly<Record<string, TypedArray | null>>,
  channels: Readonly<Record<string, TypedArray>> = {},
): void {
  const action = `normalise [${d.n}, ${d.c}, ${d.l}]`;
  requireSizes(action, [d.n, d.c, d.l]);
  const size = d.n * d.c * d.l;
  requireRoom(action, [
    ["stats", stats, 4 * d.c],
    ...Object.entries(like).map(([name, array]) => [name, array, size] as const),
    ...Object.entries(channels).map(([name, array]) => [name, array, d.c] as const),
  ]);
  if (d.activation !== "none" && like.y === null) throw new RangeError(`Cannot ${action}: ${d.activation} needs y`);
}

function requireSizes(action: string, sizes: readonly number[]): void {
  // Written so that NaN and fractions fail as well.
  if (sizes.every((n) => n >= 0 && (n | 0) === n)) return;
  throw new RangeError(`Cannot ${action}: its sizes must be integers below 2147483648`);
}

function requireRoom(action: string, arrays: readonly Needed[]): void {
  for (const [name, array, elements] of arrays) {
    if (array === null || (elements <= array.length && elements < 2 ** 31)) continue;
    if (array.length === 0) throw memoryGone();
    throw new RangeError(`Cannot ${action}: ${name} needs ${elements} elements and has ${array.length}`);
  }
}
