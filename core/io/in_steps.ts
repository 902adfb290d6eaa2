/** Long copies, conversions, sorts and hashes in steps, between which the event loop can turn. */
import type { DType, TypedArray } from "../dtype.ts";
import { newHash } from "../host/node_streams.ts";
import { runAtOnce, runInSlices, type Steps } from "../event_loop.ts";

/** Elements and their dtype. */
export interface Elements {
  data: TypedArray;
  dtype: DType;
}

/** Bytes of one step; a multiple of every element's size. */
const STEP = 1 << 20;

/** Items that are sorted in one step. */
const ITEMS = 1 << 12;

/** Consecutive views of `bytes`, each of `size` bytes (by default a megabyte); the last one may be shorter. */
export function* pieces(bytes: Uint8Array, size: number = STEP): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The bytes of `parts`, one after the other, in one array. */
export function* joinInSteps(parts: readonly Uint8Array[]): Steps<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    for (const piece of pieces(part)) {
      whole.set(piece, at);
      at += piece.length;
      yield;
    }
  }
  return whole;
}

/**
 * Converts `bytes`, `size` an element, a piece at a time. Where `read` gives float64 for one piece and int32 for others, all are float64.
 *
 * @param read Converts a copy of a piece, which begins at byte `at` of `bytes`
 */
export function* convertInSteps(
  bytes: Uint8Array,
  size: number,
  read: (copy: Uint8Array<ArrayBuffer>, at: number) => Elements,
): Steps<Elements> {
  const first = read(new Uint8Array(bytes.subarray(0, STEP)), 0);
  if (bytes.length <= STEP) return first;
  let all = grown(first, bytes.length / size);
  for (let at = STEP; at < bytes.length; at += STEP) {
    yield;
    const { data, dtype } = read(new Uint8Array(bytes.subarray(at, at + STEP)), at);
    if (dtype === "float64" && all.dtype !== dtype) all = yield* widened(all.data, at / size);
    all.data.set(data, at / size);
  }
  return all;
}

/** An array of float64 as long as `values`, with the first `count` of them copied. */
function* widened(values: TypedArray, count: number): Steps<Elements> {
  const data = new Float64Array(values.length);
  for (let at = 0; at < count; at += STEP / 8) {
    data.set(values.subarray(at, Math.min(count, at + STEP / 8)), at);
    yield;
  }
  return { data, dtype: "float64" };
}

function grown({ data, dtype }: Elements, length: number): Elements {
  const all = new (data.constructor as new (length: number) => TypedArray)(length);
  all.set(data);
  return { data: all, dtype };
}

/** `list` sorted, by a merge sort: pieces are sorted by themselves, then merged two by two. */
export function* sortInSteps<T>(list: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < list.length; at += ITEMS) {
    runs.push(list.slice(at, at + ITEMS).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(yield* merge(runs[i], runs[i + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  const both: T[] = [];
  for (let i = 0, j = 0; both.length < a.length + b.length;) {
    both.push(j === b.length || (i < a.length && compare(a[i], b[j]) <= 0) ? a[i++] : b[j++]);
    if (both.length % ITEMS === 0) yield;
  }
  return both;
}

/** The same without interruption. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return runAtOnce(joinInSteps(parts));
}

/** The hash of `bytes` in lower-case hex, a piece at a time. */
export async function hashInSlices(algorithm: "md5" | "sha256", bytes: Uint8Array): Promise<string> {
  const hash = await newHash(algorithm);
  return await runInSlices(function* () {
    for (const piece of pieces(bytes)) {
      hash.update(piece);
      yield;
    }
    return hash.digest("hex");
  }());
}

/** Bytes in lower-case hex; `Uint8Array.toHex()` is too new for Node.js. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
