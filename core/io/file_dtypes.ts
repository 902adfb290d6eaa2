/** The dtypes of safetensors and PyTorch's files, by the names of safetensors, and how each is read into one of the library's. */
import type { DType, TypedArray } from "../dtype.ts";
import type { Steps } from "../event_loop.ts";
import { checkBooleans, fromBfloat16, fromFloat16, type Location, widenLongs, widenUnsigned } from "./elements.ts";
import { convertInSteps, type Elements, joinInSteps } from "./in_steps.ts";

/** A dtype that a file may have. */
interface FileDType {
  /** Bytes of one element in the file. */
  readonly size: number;
  /** Most bytes of one element in memory. */
  readonly memory: number;
  /** The little-endian elements in `bytes`. */
  read(bytes: ArrayBuffer, place: Location): Elements;
  /** Whether the bytes need no conversion. */
  readonly plain?: boolean;
}

/** A dtype whose bytes need no conversion. */
export function plain(
  array: (new (bytes: ArrayBuffer) => TypedArray) & { readonly BYTES_PER_ELEMENT: number },
  dtype: DType,
): { size: number; memory: number; plain: true; read(bytes: ArrayBuffer): Elements } {
  const size = array.BYTES_PER_ELEMENT;
  return { size, memory: size, plain: true, read: (bytes) => ({ data: new array(bytes), dtype }) };
}

/** A small integer, which becomes int32. */
export function widened(array: typeof Int8Array | typeof Int16Array | typeof Uint16Array): FileDType {
  const read = (bytes: ArrayBuffer): Elements => ({ data: new Int32Array(new array(bytes)), dtype: "int32" });
  return { size: array.BYTES_PER_ELEMENT, memory: 4, read };
}

/** A float of 16 bits, which becomes float32. */
export function halved(toFloats: (bits: Uint16Array<ArrayBuffer>) => Float32Array): FileDType {
  return { size: 2, memory: 4, read: (bytes) => ({ data: toFloats(new Uint16Array(bytes)), dtype: "float32" }) };
}

/** A float of 8 bits, which becomes float32 by a table. */
function quartered(value: (bits: number) => number): FileDType {
  const table = Float32Array.from({ length: 256 }, (_, bits) => value(bits));
  const read = (bytes: ArrayBuffer): Elements => ({
    data: Float32Array.from(new Uint8Array(bytes), (bits) => table[bits]),
    dtype: "float32",
  });
  return { size: 1, memory: 4, read };
}

/** The value of an OCP float8 with 4 bits of exponent: no infinity, and one NaN of each sign. */
function fromE4M3(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1, exponent = (bits >> 3) & 15, fraction = bits & 7;
  if ((bits & 0x7f) === 0x7f) return NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10));
}

/** The value of an OCP float8 with 5 bits of exponent: the upper half of a binary16. */
function fromE5M2(bits: number): number {
  return fromFloat16(Uint16Array.of(bits << 8))[0];
}

/** Every dtype that can be read, by its name in the file. */
export const FILE_DTYPES: ReadonlyMap<string, FileDType> = new Map<string, FileDType>([
  ["F64", plain(Float64Array, "float64")],
  ["F32", plain(Float32Array, "float32")],
  ["F16", halved(fromFloat16)],
  ["BF16", halved(fromBfloat16)],
  ["F8_E4M3", quartered(fromE4M3)],
  ["F8_E5M2", quartered(fromE5M2)],
  ["I64", { size: 8, memory: 8, read: (bytes, place) => widenLongs(bytes, true, place) }],
  ["I32", plain(Int32Array, "int32")],
  ["I16", widened(Int16Array)],
  ["I8", widened(Int8Array)],
  ["U64", { size: 8, memory: 8, read: (bytes, place) => widenLongs(bytes, false, place) }],
  ["U32", { size: 4, memory: 8, read: widenUnsigned }],
  ["U16", widened(Uint16Array)],
  ["U8", plain(Uint8Array, "uint8")],
  ["BOOL", { size: 1, memory: 1, read: checkBooleans }],
]);

/** Elements of {@linkcode FILE_DTYPES} in a file. */
interface FileElements extends Location {
  /** Their bytes, in a file's memory. */
  readonly bytes: Uint8Array;
  /** Whether the first byte of an element is its highest. */
  readonly bigEndian?: boolean;
}

/** A copy of the elements, as a tensor's. */
export function* readElements({ bytes, bigEndian = false, ...place }: FileElements): Steps<Elements> {
  const { size, plain, read } = FILE_DTYPES.get(place.fileDType)!;
  if (plain && !bigEndian) return read((yield* joinInSteps([bytes])).buffer, place);
  return yield* convertInSteps(bytes, size, (copy, from) => {
    if (bigEndian) swapBytes(copy, size);
    return read(copy.buffer, { ...place, at: place.at + from });
  });
}

/** Reverses the bytes of each element. Until this loop is optimised, a swap by destructuring would make an array for each pair. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  for (let i = 0; i < bytes.length; i += size) {
    for (let low = i, high = i + size - 1; low < high; low++, high--) {
      const byte = bytes[low];
      bytes[low] = bytes[high];
      bytes[high] = byte;
    }
  }
}
