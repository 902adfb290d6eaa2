/** The element kinds of a `.npy` file, and the kind each becomes here. */
import type { DType } from "../dtype.ts";
import { fromFloat16 } from "./half.ts";
import { checkBooleans, type Elements, type Place, widenLongs, widenUnsigned } from "./widen.ts";

interface NpyKind {
  /** Bytes of one element in the file. */
  readonly size: number;
  /** Bytes of one element here, the most there may be. */
  readonly takes: number;
  /** The little-endian elements in `bytes`. */
  read(bytes: ArrayBuffer, place: Place): Elements;
}

const KINDS: ReadonlyMap<string, NpyKind> = new Map<string, NpyKind>([
  ["b1", { size: 1, takes: 1, read: checkBooleans }],
  ["u1", { size: 1, takes: 1, read: (bytes) => ({ data: new Uint8Array(bytes), dtype: "uint8" }) }],
  ["i1", { size: 1, takes: 4, read: (bytes) => ({ data: new Int32Array(new Int8Array(bytes)), dtype: "int32" }) }],
  ["u2", { size: 2, takes: 4, read: (bytes) => ({ data: new Int32Array(new Uint16Array(bytes)), dtype: "int32" }) }],
  ["i2", { size: 2, takes: 4, read: (bytes) => ({ data: new Int32Array(new Int16Array(bytes)), dtype: "int32" }) }],
  ["u4", { size: 4, takes: 8, read: widenUnsigned }],
  ["i4", { size: 4, takes: 4, read: (bytes) => ({ data: new Int32Array(bytes), dtype: "int32" }) }],
  ["u8", { size: 8, takes: 8, read: (bytes, place) => widenLongs(bytes, false, place) }],
  ["i8", { size: 8, takes: 8, read: (bytes, place) => widenLongs(bytes, true, place) }],
  ["f2", { size: 2, takes: 4, read: (bytes) => ({ data: fromFloat16(new Uint16Array(bytes)), dtype: "float32" }) }],
  ["f4", { size: 4, takes: 4, read: (bytes) => ({ data: new Float32Array(bytes), dtype: "float32" }) }],
  ["f8", { size: 8, takes: 8, read: (bytes) => ({ data: new Float64Array(bytes), dtype: "float64" }) }],
]);

/** The `descr` each kind is written under. */
export const DESCR: Readonly<Record<DType, string>> = {
  float32: "<f4",
  float64: "<f8",
  int32: "<i4",
  uint8: "|u1",
  bool: "|b1",
};

/** What a `descr` says. */
export interface Described {
  /** Bytes of one element in the file. */
  readonly size: number;
  /** Bytes of one element here, the most there may be. */
  readonly takes: number;
  /** The elements in `bytes`, which it may overwrite. */
  read(bytes: Uint8Array<ArrayBuffer>, where: string, at: number): Elements;
}

/**
 * How to read elements that a `descr` such as `<f4` names, or `null` for kinds not read here. `<`, `|`, `=` and nothing
 * mean little-endian, as on every machine this runs on.
 */
export function describe(descr: string): Described | null {
  const [, order, kind] = /^([<>|=]?)([a-z][0-9])$/.exec(descr) ?? [];
  const known = KINDS.get(kind);
  if (known === undefined) return null;
  return {
    size: known.size,
    takes: known.takes,
    read(bytes, where, at) {
      if (order === ">") swapBytes(bytes, known.size);
      return known.read(bytes.buffer, { where, at, kind: descr });
    },
  };
}

/** The kinds that {@linkcode describe} knows, for errors. */
export const READABLE: string = [...KINDS.keys()].join(" ");

/** Turns the bytes of each element around. */
function swapBytes(bytes: Uint8Array, size: number): void {
  for (let i = 0; size > 1 && i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
}
