/** The element kinds a safetensors file may hold, and the kind each becomes here. */
import type { DType, Numbers } from "../../dtype.ts";
import type { Steps } from "../../event_loop.ts";
import { fromBfloat16, fromFloat16 } from "../half.ts";
import { convertInSteps, type Elements, joinInSteps } from "../in_steps.ts";
import { checkBooleans, widenLongs } from "../widen.ts";

/** A kind of elements in a file. */
interface Kind {
  /** Bytes of one element in the file. */
  readonly size: number;
  /** Bytes of one element here, the most there may be. */
  readonly takes: number;
  /** The elements in `bytes`; `at` is where they stand in the file `where`, for errors. */
  read(bytes: ArrayBuffer, where: string, at: number): Elements;
  /** Whether the elements are the bytes as they stand. */
  readonly plain?: boolean;
}

/** A kind whose elements are the bytes as they stand. */
export function plain(
  array: (new (bytes: ArrayBuffer) => Numbers) & { readonly BYTES_PER_ELEMENT: number },
  dtype: DType,
): { size: number; takes: number; plain: true; read(bytes: ArrayBuffer): Elements } {
  const size = array.BYTES_PER_ELEMENT;
  return { size, takes: size, plain: true, read: (bytes) => ({ data: new array(bytes), dtype }) };
}

/** Every kind that can be read, by its name in the file. Half floats widen to float32, small integers to int32. */
export const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["F64", plain(Float64Array, "float64")],
  ["F32", plain(Float32Array, "float32")],
  ["F16", { size: 2, takes: 4, read: (bytes) => ({ data: fromFloat16(new Uint16Array(bytes)), dtype: "float32" }) }],
  ["BF16", { size: 2, takes: 4, read: (bytes) => ({ data: fromBfloat16(new Uint16Array(bytes)), dtype: "float32" }) }],
  ["I64", { size: 8, takes: 8, read: (bytes, where, at) => widenLongs(bytes, true, { where, at, kind: "I64" }) }],
  ["I32", plain(Int32Array, "int32")],
  ["I16", { size: 2, takes: 4, read: (bytes) => ({ data: new Int32Array(new Int16Array(bytes)), dtype: "int32" }) }],
  ["I8", { size: 1, takes: 4, read: (bytes) => ({ data: new Int32Array(new Int8Array(bytes)), dtype: "int32" }) }],
  ["U8", plain(Uint8Array, "uint8")],
  ["BOOL", { size: 1, takes: 1, read: (bytes, where, at) => checkBooleans(bytes, { where, at, kind: "BOOL" }) }],
]);

/** A copy of the elements of `kind` in `bytes`, which stand at byte `at` of the file `where`. */
export function* readKind(kind: string, bytes: Uint8Array, where: string, at: number): Steps<Elements> {
  const { size, plain, read } = KINDS.get(kind)!;
  if (plain) return read((yield* joinInSteps([bytes])).buffer, where, at);
  return yield* convertInSteps(bytes, size, (copy, from) => read(copy.buffer, where, at + from));
}

/** The name each kind is written under, widest first: the order of tensors in a file, so that all are aligned. */
export const WRITTEN: ReadonlyMap<DType, string> = new Map<DType, string>([
  ["float64", "F64"],
  ["float32", "F32"],
  ["int32", "I32"],
  ["uint8", "U8"],
  ["bool", "BOOL"],
]);
