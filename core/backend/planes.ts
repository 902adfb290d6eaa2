/** The verbs of planes and channels, pooling, resampling, batch normalisation: what each is told, its checks, and its descriptor for C. */
import { ACTIVATIONS } from "./backend.ts";
import { floatBits } from "./descriptor.ts";
import { memoryGone, type TypedArray } from "../dtype.ts";

// What the verbs are told.

/**
 * The windows along one dimension: window `i` covers `begin[i]`, `begin[i] + step`, … below `end[i]`, which lie within the image.
 * Ordinary, dilated and adaptive pooling are all this.
 */
export interface Windows {
  /** The first place of each window. */
  readonly begin: Int32Array;
  /** One past the last; a window with `end` not above `begin` covers nothing. */
  readonly end: Int32Array;
  /** Each window's part of an average's divisor: what it covers, or more where padding counts. */
  readonly count: Int32Array;
  /** From a place of a window to the next, at least 1. */
  readonly step: number;
}

/** One pooling: of dense planes [planes, h, w], each to [rows, columns] windows. */
export interface Pooling {
  /** The largest element of a window, or the mean. */
  readonly op: "max" | "avg";
  /** How many planes there are: images times channels. */
  readonly planes: number;
  /** Rows of a plane. */
  readonly h: number;
  /** Columns of a plane. */
  readonly w: number;
  /** The windows' places along the rows. */
  readonly rows: Windows;
  /** The windows' places along the columns. */
  readonly cols: Windows;
  /** What a window's sum is divided by; 0 for the product of both counts. */
  readonly divisor: number;
}

/** Where each place along one dimension comes from: `out[i] = (1 − weight[i]) · x[low[i]] + weight[i] · x[high[i]]`. */
export interface Taps {
  /** The first place. */
  readonly low: Int32Array;
  /** The second place; not read where the weight is 0. */
  readonly high: Int32Array;
  /** The second place's weight, from 0 to 1. */
  readonly weight: Float64Array;
}

/** One resampling: of dense planes [planes, h, w], each to as many rows and columns as there are taps. */
export interface Resampling {
  /** How many planes there are. */
  readonly planes: number;
  /** Rows of a plane. */
  readonly h: number;
  /** Columns of a plane. */
  readonly w: number;
  /** Where rows come from. */
  readonly rows: Taps;
  /** Where columns come from. */
  readonly cols: Taps;
}

/** One batch normalisation, of x dense [n, c, l]: each of the c channels over the n · l elements that it has. */
export interface BatchNorm {
  /** Samples. */
  readonly n: number;
  /** Channels. */
  readonly c: number;
  /** Elements of one channel of one sample. */
  readonly l: number;
  /** Whether mean and variance are those of x; else they are given. */
  readonly training: boolean;
  /** The ε that keeps the denominator above 0. */
  readonly eps: number;
  /** What is applied last; the bits are those of `unary` afterwards. */
  readonly activation: "none" | "relu";
}

// Checks.

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

/** Checks that these are sizes. */
export function requireSizes(action: string, sizes: readonly number[]): void {
  // Written so that NaN and fractions fail as well.
  if (sizes.every((n) => n >= 0 && (n | 0) === n)) return;
  throw new RangeError(`Cannot ${action}: its sizes must be integers below 2147483648`);
}

/** Checks that each array has so many elements. */
export function requireRoom(action: string, arrays: readonly Needed[]): void {
  for (const [name, array, elements] of arrays) {
    if (array === null || (elements <= array.length && elements < 2 ** 31)) continue;
    if (array.length === 0) throw memoryGone();
    throw new RangeError(`Cannot ${action}: ${name} needs ${elements} elements and has ${array.length}`);
  }
}

// Descriptors.

/** Where the tables begin, in the order of `kernels.h`. */
const [POOL_TABLES, RESAMPLE_TABLES] = [14, 8];
/** Integers in the descriptor of a batch normalisation. */
const BATCH_NORM_FIELDS = 10;

// One descriptor for every call: it grows with the tables.
let shared = new Int32Array(256);

/** The first `length` integers of the descriptor that all calls share; they hold until the next call. */
export function described(length: number): Int32Array<ArrayBuffer> {
  if (shared.length < length) shared = new Int32Array(2 * length);
  return shared;
}

/** The descriptor of a pooling, for arrays of images, windows and places of these lengths; it holds until the next one is made. */
export function describePool(d: Pooling, x: number, out: number, at: number | null): Int32Array<ArrayBuffer> {
  const [rows, cols] = [d.rows.begin.length, d.cols.begin.length];
  const length = POOL_TABLES + 3 * (rows + cols);
  const into = described(length);
  into[0] = d.op === "max" ? 0 : 1, into[1] = d.planes, into[2] = d.h, into[3] = d.w, into[4] = rows, into[5] = cols;
  into[6] = d.rows.step, into[7] = d.cols.step, into[8] = d.divisor;
  into[9] = x, into[10] = out, into[11] = at ?? 0, into[12] = at === null ? 0 : 1, into[13] = length;
  writeWindows(into, POOL_TABLES, d.rows);
  writeWindows(into, POOL_TABLES + 3 * rows, d.cols);
  return into;
}

function writeWindows(into: Int32Array, at: number, { begin, end, count }: Windows): void {
  const n = begin.length;
  for (let i = 0; i < n; i++) into[at + i] = begin[i], into[at + n + i] = end[i], into[at + 2 * n + i] = count[i];
}

/** The descriptor of a resampling, for arrays of images and results of these lengths; it holds until the next one is made. */
export function describeResample(d: Resampling, x: number, out: number): Int32Array<ArrayBuffer> {
  const [rows, cols] = [d.rows.low.length, d.cols.low.length];
  const length = RESAMPLE_TABLES + 3 * (rows + cols);
  const into = described(length);
  into[0] = d.planes, into[1] = d.h, into[2] = d.w, into[3] = rows, into[4] = cols;
  into[5] = x, into[6] = out, into[7] = length;
  writeTaps(into, RESAMPLE_TABLES, d.rows);
  writeTaps(into, RESAMPLE_TABLES + 3 * rows, d.cols);
  return into;
}

function writeTaps(into: Int32Array, at: number, { low, high, weight }: Taps): void {
  into.set(low, at);
  into.set(high, at + low.length);
  new Float32Array(into.buffer, into.byteOffset + 4 * (at + 2 * low.length), low.length).set(weight);
}

/** The descriptor of a batch normalisation whose arrays were checked; it holds until the next one is made. */
export function describeBatchNorm(d: BatchNorm, withInput: boolean): Int32Array<ArrayBuffer> {
  const into = described(BATCH_NORM_FIELDS);
  into[0] = d.n, into[1] = d.c, into[2] = d.l, into[3] = Number(d.training), into[4] = ACTIVATIONS[d.activation];
  into[5] = floatBits(d.eps);
  into[6] = d.n * d.c * d.l, into[7] = 4 * d.c, into[8] = d.c, into[9] = Number(withInput);
  return into;
}
