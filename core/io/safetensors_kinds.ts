/** The element kinds a safetensors file may hold, and the kind each becomes here. */
import type { DType, Numbers } from "../dtype.ts";
import { fromBfloat16, fromFloat16 } from "./half.ts";

/** Elements and the kind they are of. */
export interface Elements {
  data: Numbers;
  dtype: DType;
}

interface Kind {
  /** Bytes of one element. */
  readonly size: number;
  /** The elements in `bytes`; `at` is where they stand in the file `where`, for errors. */
  read(bytes: ArrayBuffer, where: string, at: number): Elements;
}

/** Every kind that can be read, by its name in the file. Half floats widen to float32, small integers to int32. */
export const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["F64", { size: 8, read: (bytes) => ({ data: new Float64Array(bytes), dtype: "float64" }) }],
  ["F32", { size: 4, read: (bytes) => ({ data: new Float32Array(bytes), dtype: "float32" }) }],
  ["F16", { size: 2, read: (bytes) => ({ data: fromFloat16(new Uint16Array(bytes)), dtype: "float32" }) }],
  ["BF16", { size: 2, read: (bytes) => ({ data: fromBfloat16(new Uint16Array(bytes)), dtype: "float32" }) }],
  ["I64", { size: 8, read: readLongs }],
  ["I32", { size: 4, read: (bytes) => ({ data: new Int32Array(bytes), dtype: "int32" }) }],
  ["I16", { size: 2, read: (bytes) => ({ data: new Int32Array(new Int16Array(bytes)), dtype: "int32" }) }],
  ["I8", { size: 1, read: (bytes) => ({ data: new Int32Array(new Int8Array(bytes)), dtype: "int32" }) }],
  ["U8", { size: 1, read: (bytes) => ({ data: new Uint8Array(bytes), dtype: "uint8" }) }],
  ["BOOL", { size: 1, read: readBooleans }],
]);

/** The name each kind is written under, widest first: the order of tensors in a file, so that all are aligned. */
export const WRITTEN: ReadonlyMap<DType, string> = new Map<DType, string>([
  ["float64", "F64"],
  ["float32", "F32"],
  ["int32", "I32"],
  ["uint8", "U8"],
  ["bool", "BOOL"],
]);

/** Longs become int32 where every one of them fits, else float64, which is exact up to 2^53. */
function readLongs(bytes: ArrayBuffer, where: string, at: number): Elements {
  const words = new Int32Array(bytes); // low word first
  const values = new Float64Array(words.length / 2);
  let narrow = true;
  for (let i = 0; i < values.length; i++) {
    const low = words[2 * i], high = words[2 * i + 1];
    values[i] = high * 2 ** 32 + (low >>> 0);
    if (!Number.isSafeInteger(values[i])) throw new RangeError(tooLong(where, at + 8 * i));
    narrow &&= high === low >> 31;
  }
  return narrow ? { data: new Int32Array(values), dtype: "int32" } : { data: values, dtype: "float64" };
}

function tooLong(where: string, at: number): string {
  return `Cannot read ${where}: the I64 at byte ${at} is past 2^53, which no kind here holds exactly`;
}

function readBooleans(bytes: ArrayBuffer, where: string, at: number): Elements {
  const data = new Uint8Array(bytes);
  const odd = data.findIndex((value) => value > 1);
  if (odd >= 0) throw new SyntaxError(`Cannot read ${where}: byte ${at + odd} is ${data[odd]}, and a BOOL is 0 or 1`);
  return { data, dtype: "bool" };
}
