/** Descriptors of the verbs of planes and channels, as C reads them: sizes, lengths, and the tables of windows and taps after these. */
import { ACTIVATIONS } from "./backend.ts";
import { floatBits } from "./descriptor.ts";
import type { BatchNorm, Pooling, Resampling, Taps, Windows } from "./planes.ts";

/** Where the tables begin, in the order of `kernels.h`. */
const [POOL_TABLES, RESAMPLE_TABLES] = [14, 8];
/** Integers in the descriptor of a batch normalisation. */
const BATCH_NORM_FIELDS = 10;

// One descriptor for every call: it grows with the tables.
let shared = new Int32Array(256);

function described(length: number): Int32Array<ArrayBuffer> {
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
  into.set(begin, at);
  into.set(end, at + begin.length);
  into.set(count, at + 2 * begin.length);
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
