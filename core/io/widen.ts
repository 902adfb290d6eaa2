/** Elements of files whose kind tensors lack: longs, and booleans that must be 0 or 1. */
import type { Elements } from "./in_steps.ts";

/** Where elements stand, for errors. */
export interface Place {
  /** The file. */
  readonly where: string;
  /** The byte of it at which the elements begin. */
  readonly at: number;
  /** What the file calls their kind. */
  readonly kind: string;
}

/**
 * Little-endian longs: int32 where every one of them fits, else float64, which is exact up to 2^53.
 *
 * @throws {RangeError} If one is past 2^53.
 */
export function widenLongs(bytes: ArrayBuffer, signed: boolean, place: Place): Elements {
  const words = new Int32Array(bytes); // low word first
  const values = new Float64Array(words.length / 2);
  let narrow = true;
  for (let i = 0; i < values.length; i++) {
    const low = words[2 * i], high = signed ? words[2 * i + 1] : words[2 * i + 1] >>> 0;
    values[i] = high * 2 ** 32 + (low >>> 0);
    if (!Number.isSafeInteger(values[i])) throw new RangeError(tooLong(place, i));
    narrow &&= high === low >> 31;
  }
  return narrow ? { data: new Int32Array(values), dtype: "int32" } : { data: values, dtype: "float64" };
}

function tooLong({ where, at, kind }: Place, i: number): string {
  return `Cannot read ${where}: the ${kind} at byte ${at + 8 * i} is past 2^53, which no kind here holds exactly`;
}

/** Unsigned ints: int32 where every one of them fits, else float64. */
export function widenUnsigned(bytes: ArrayBuffer): Elements {
  const values = new Uint32Array(bytes);
  const narrow = values.every((value) => value < 2 ** 31);
  return narrow
    ? { data: new Int32Array(bytes), dtype: "int32" }
    : { data: new Float64Array(values), dtype: "float64" };
}

/**
 * Booleans of one byte each.
 *
 * @throws {SyntaxError} If one is neither 0 nor 1.
 */
export function checkBooleans(bytes: ArrayBuffer, { where, at, kind }: Place): Elements {
  const data = new Uint8Array(bytes);
  const odd = data.findIndex((value) => value > 1);
  if (odd < 0) return { data, dtype: "bool" };
  throw new SyntaxError(`Cannot read ${where}: byte ${at + odd} is ${data[odd]}, and a ${kind} is 0 or 1`);
}
