/** The element kinds a safetensors file may hold, and the kind each becomes here. */
import type { DType } from "../dtype.ts";
import { fromBfloat16, fromFloat16 } from "./half.ts";
import { checkBooleans, type Elements, widenLongs } from "./widen.ts";

interface Kind {
  /** Bytes of one element in the file. */
  readonly size: number;
  /** Bytes of one element here, the most there may be. */
  readonly takes: number;
  /** The elements in `bytes`; `at` is where they stand in the file `where`, for errors. */
  read(bytes: ArrayBuffer, where: string, at: number): Elements;
}

/** Every kind that can be read, by its name in the file. Half floats widen to float32, small integers to int32. */
export const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["F64", { size: 8, takes: 8, read: (bytes) => ({ data: new Float64Array(bytes), dtype: "float64" }) }],
  ["F32", { size: 4, takes: 4, read: (bytes) => ({ data: new Float32Array(bytes), dtype: "float32" }) }],
  ["F16", { size: 2, takes: 4, read: (bytes) => ({ data: fromFloat16(new Uint16Array(bytes)), dtype: "float32" }) }],
  ["BF16", { size: 2, takes: 4, read: (bytes) => ({ data: fromBfloat16(new Uint16Array(bytes)), dtype: "float32" }) }],
  ["I64", { size: 8, takes: 8, read: (bytes, where, at) => widenLongs(bytes, true, { where, at, kind: "I64" }) }],
  ["I32", { size: 4, takes: 4, read: (bytes) => ({ data: new Int32Array(bytes), dtype: "int32" }) }],
  ["I16", { size: 2, takes: 4, read: (bytes) => ({ data: new Int32Array(new Int16Array(bytes)), dtype: "int32" }) }],
  ["I8", { size: 1, takes: 4, read: (bytes) => ({ data: new Int32Array(new Int8Array(bytes)), dtype: "int32" }) }],
  ["U8", { size: 1, takes: 1, read: (bytes) => ({ data: new Uint8Array(bytes), dtype: "uint8" }) }],
  ["BOOL", { size: 1, takes: 1, read: (bytes, where, at) => checkBooleans(bytes, { where, at, kind: "BOOL" }) }],
]);

/** The name each kind is written under, widest first: the order of tensors in a file, so that all are aligned. */
export const WRITTEN: ReadonlyMap<DType, string> = new Map<DType, string>([
  ["float64", "F64"],
  ["float32", "F32"],
  ["int32", "I32"],
  ["uint8", "U8"],
  ["bool", "BOOL"],
]);
