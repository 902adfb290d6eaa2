/** A tensor of a file of ONNX as a tensor here. */
import { fromData } from "../../core/create.ts";
import type { DType, TypedArray } from "../../core/dtype.ts";
import { countElements, fromBfloat16, fromFloat16, MAX_ELEMENTS } from "../../core/io/elements.ts";
import { type Cap, quoted } from "../../core/io/read_file.ts";
import type { Tensor } from "../../core/tensor.ts";
import { ELEMENT, type TensorMessage } from "./messages.ts";

type FileKind = Exclude<keyof typeof ELEMENT, "string">;

/** What tensors of a file become. */
interface Reading {
  readonly dtype: DType;
  /** Bytes of an element in a file. */
  readonly size: number;
  /** The elements in bytes that nobody else has. */
  readonly ofBytes: (bytes: ArrayBuffer) => TypedArray;
  /** The list that holds them where there are no bytes. */
  readonly list: "floatData" | "doubleData" | "int32Data" | "int64Data" | "uint64Data";
}

const words = (bytes: ArrayBuffer) => new Uint16Array(bytes);

const READINGS: Readonly<Record<FileKind, Reading>> = {
  float32: { dtype: "float32", size: 4, ofBytes: (bytes) => new Float32Array(bytes), list: "floatData" },
  float64: { dtype: "float64", size: 8, ofBytes: (bytes) => new Float64Array(bytes), list: "doubleData" },
  float16: { dtype: "float32", size: 2, ofBytes: (bytes) => fromFloat16(words(bytes)), list: "int32Data" },
  bfloat16: { dtype: "float32", size: 2, ofBytes: (bytes) => fromBfloat16(words(bytes)), list: "int32Data" },
  int32: { dtype: "int32", size: 4, ofBytes: (bytes) => new Int32Array(bytes), list: "int32Data" },
  int16: { dtype: "int32", size: 2, ofBytes: (bytes) => Int32Array.from(new Int16Array(bytes)), list: "int32Data" },
  int8: { dtype: "int32", size: 1, ofBytes: (bytes) => Int32Array.from(new Int8Array(bytes)), list: "int32Data" },
  uint16: { dtype: "int32", size: 2, ofBytes: (bytes) => Int32Array.from(words(bytes)), list: "int32Data" },
  uint8: { dtype: "uint8", size: 1, ofBytes: (bytes) => new Uint8Array(bytes), list: "int32Data" },
  bool: { dtype: "bool", size: 1, ofBytes: (bytes) => new Uint8Array(bytes).map((v) => v && 1), list: "int32Data" },
  uint32: {
    dtype: "float64",
    size: 4,
    ofBytes: (bytes) => Float64Array.from(new Uint32Array(bytes)),
    list: "uint64Data",
  },
  int64: { dtype: "float64", size: 8, ofBytes: longs, list: "int64Data" },
  uint64: { dtype: "float64", size: 8, ofBytes: longs, list: "uint64Data" },
};

/** 64-bit whole numbers; those past 2^53 stand for "to the end" in files, where the nearest number does as well. */
function longs(bytes: ArrayBuffer): Float64Array {
  return Float64Array.from(new BigInt64Array(bytes), Number);
}

const BY_NUMBER: ReadonlyMap<number, FileKind> = new Map(
  Object.entries(ELEMENT).filter(([kind]) => kind !== "string").map(([kind, number]) => [number, kind as FileKind]),
);

/** The dtype that stands for a kind of elements, by its number in a file; nothing for those that are not read. */
export function dtypeOfElement(number: number): DType | null {
  const kind = BY_NUMBER.get(number);
  if (kind === undefined) return null;
  return kind === "int64" || kind === "uint32" || kind === "uint64" ? "int32" : READINGS[kind].dtype;
}

/** What a kind of elements is called, by its number in a file. */
export function elementName(number: number | undefined): string {
  return Object.entries(ELEMENT).find(([, known]) => known === number)?.[0] ?? `number ${number ?? 0}`;
}

/**
 * The tensor, in memory of its own, which `cap` counts. Whole numbers of 64 bits become int32 where each fits, else float64.
 *
 * @throws {TypeError} If its elements stand in another file, or are of a kind that no tensor has.
 * @throws {RangeError} If there are not as many as its sizes say.
 */
export function tensorOf(message: TensorMessage, cap: Cap): Tensor {
  const { name = "", dims = [], dataType, dataLocation = 0 } = message;
  const text = `Cannot read ${cap.where}: its tensor ${quoted(name)}`;
  if (dataLocation !== 0) throw new TypeError(`${text} stands in another file, save the model with its weights inside`);
  const kind = BY_NUMBER.get(dataType ?? 0);
  if (kind === undefined) throw new TypeError(`${text} is of ${elementName(dataType)}, which no tensor here has`);
  const count = dims.every((n) => Number.isInteger(n) && n >= 0) ? countElements(dims) : NaN;
  if (!(count <= MAX_ELEMENTS)) throw new RangeError(`${text} has the sizes [${dims}], of which no tensor can be`);
  const { dtype, list } = READINGS[kind];
  const found = message.rawData === undefined
    ? fromList(message[list] ?? [], kind)
    : fromBytes(message.rawData, kind, cap, text);
  if (found.length !== count) throw new RangeError(`${text} of sizes [${dims}] has ${found.length} elements`);
  if (list !== "int64Data" && list !== "uint64Data") return fromData(found, dims, dtype);
  return found.every((value) => (value | 0) === value)
    ? fromData(Int32Array.from(found), dims, "int32")
    : fromData(found, dims, "float64");
}

function fromBytes(bytes: Uint8Array, kind: FileKind, cap: Cap, text: string): TypedArray {
  const { size, ofBytes } = READINGS[kind];
  if (bytes.length % size !== 0) throw new RangeError(`${text} has ${bytes.length} bytes, and each element ${size}`);
  cap.count(bytes.length / size * 8, () => "a tensor");
  return ofBytes(new Uint8Array(bytes).buffer);
}

/** Elements that stand one by one; halves as their bits. */
function fromList(list: readonly number[], kind: FileKind): TypedArray {
  const { ofBytes, dtype } = READINGS[kind];
  if (kind === "float16" || kind === "bfloat16") return ofBytes(Uint16Array.from(list).buffer);
  if (dtype === "float32") return Float32Array.from(list);
  if (dtype === "float64") return Float64Array.from(list);
  return dtype === "int32" ? Int32Array.from(list) : Uint8Array.from(list);
}
