/** The element kinds of a `.npy` file, and the kind each becomes here. */
import type { DType } from "../../dtype.ts";
import type { Steps } from "../../event_loop.ts";
import { fromFloat16 } from "../half.ts";
import { convertInSteps, type Elements, joinInSteps } from "../in_steps.ts";
import { plain } from "../safetensors/kinds.ts";
import { checkBooleans, type Place, widenLongs, widenUnsigned } from "../widen.ts";

interface NpyKind {
  /** Bytes of one element in the file. */
  readonly size: number;
  /** Bytes of one element here, the most there may be. */
  readonly takes: number;
  /** The little-endian elements in `bytes`. */
  read(bytes: ArrayBuffer, place: Place): Elements;
  /** Whether the elements are the bytes as they stand. */
  readonly plain?: boolean;
}

const KINDS: ReadonlyMap<string, NpyKind> = new Map<string, NpyKind>([
  ["b1", { size: 1, takes: 1, read: checkBooleans }],
  ["u1", plain(Uint8Array, "uint8")],
  ["i1", { size: 1, takes: 4, read: (bytes) => ({ data: new Int32Array(new Int8Array(bytes)), dtype: "int32" }) }],
  ["u2", { size: 2, takes: 4, read: (bytes) => ({ data: new Int32Array(new Uint16Array(bytes)), dtype: "int32" }) }],
  ["i2", { size: 2, takes: 4, read: (bytes) => ({ data: new Int32Array(new Int16Array(bytes)), dtype: "int32" }) }],
  ["u4", { size: 4, takes: 8, read: widenUnsigned }],
  ["i4", plain(Int32Array, "int32")],
  ["u8", { size: 8, takes: 8, read: (bytes, place) => widenLongs(bytes, false, place) }],
  ["i8", { size: 8, takes: 8, read: (bytes, place) => widenLongs(bytes, true, place) }],
  ["f2", { size: 2, takes: 4, read: (bytes) => ({ data: fromFloat16(new Uint16Array(bytes)), dtype: "float32" }) }],
  ["f4", plain(Float32Array, "float32")],
  ["f8", plain(Float64Array, "float64")],
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
  /** A copy of the elements in `bytes`. */
  read(bytes: Uint8Array, where: string, at: number): Steps<Elements>;
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
    *read(bytes, where, at) {
      const { size, plain, read } = known;
      if (plain && order !== ">") return read((yield* joinInSteps([bytes])).buffer, { where, at, kind: descr });
      return yield* convertInSteps(bytes, size, (copy, from) => {
        if (order === ">") swapBytes(copy, size);
        return read(copy.buffer, { where, at: at + from, kind: descr });
      });
    },
  };
}

/** The kinds that {@linkcode describe} knows, for errors. */
export const READABLE: string = [...KINDS.keys()].join(" ");

/** Turns the bytes of each element around. */
function swapBytes(bytes: Uint8Array, size: number): void {
  for (let i = 0; i < bytes.length; i += size) {
    for (let low = i, high = i + size - 1; low < high; low++, high--) {
      [bytes[low], bytes[high]] = [bytes[high], bytes[low]];
    }
  }
}
