/**
 * What PyTorch's `torch.save` pickles: tensors as places in storages, dicts, lists, numbers and texts. Names of callables are compared
 * with those that rebuild these; each is a case here, the types of all operands are checked, and nothing is called.
 *
 * @see {@link https://github.com/pytorch/pytorch/blob/main/torch/_utils.py} for what rebuilds a tensor
 */
import { countElements, MAX_ELEMENTS } from "../elements.ts";
import { FILE_DTYPES } from "../file_dtypes.ts";
import { LATER_OPCODES } from "../pickle/later_opcodes.ts";
import { type Dialect, opcodesOf, type PickleReader, toBigInt } from "../pickle/pickle_reader.ts";
import { Dict, encodeLatin1, kindOf, List, Marker, Text, textOf, Tuple, type Value } from "../pickle/pickle_values.ts";
import type { Cap } from "../read_file.ts";
import { Foreign, FOREIGN_OPCODES } from "./foreign.ts";

/** A storage: elements in a record of the archive. */
export class TorchStorage {
  /** The storage in the record `key`, of `length` elements of a dtype; of bytes where the tensors say which dtype. */
  constructor(readonly key: string, readonly fileDType: string | null, readonly length: number) {}
}

/** A tensor: where its elements lie in a storage. */
export class TorchTensor {
  /** A tensor, made at byte `at` of the pickle, its place checked. */
  constructor(
    readonly storage: TorchStorage,
    readonly fileDType: string,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    readonly at: number,
  ) {}

  /** How many elements of the storage lie from the offset to the last one's end. */
  get span(): number {
    if (this.shape.includes(0)) return 0;
    return this.shape.reduce((last, size, d) => last + (size - 1) * this.strides[d], 0) + 1;
  }
}

/** The dtypes of storages, as safetensors calls them, with those that are known but cannot be read. */
const STORAGES: ReadonlyMap<string, string | null> = new Map(
  [
    ...[
      "Double F64",
      "Float F32",
      "Half F16",
      "BFloat16 BF16",
      "Long I64",
      "Int I32",
      "Short I16",
      "Char I8",
      "Byte U8",
    ],
    ...["Bool BOOL", "ComplexDouble C128", "ComplexFloat C64", "QInt8 qint8", "QUInt8 quint8", "QInt32 qint32"],
  ].map((row) => row.split(" ")).map(([type, dtype]): [string, string | null] => [`torch ${type}Storage`, dtype])
    .concat([["torch.storage UntypedStorage", null]]),
);

/** PyTorch's dtypes, as safetensors calls them. */
const DTYPES: ReadonlyMap<string, string> = new Map(
  [
    ...["float64 F64", "float32 F32", "float16 F16", "bfloat16 BF16", "float8_e4m3fn F8_E4M3", "float8_e5m2 F8_E5M2"],
    ...["int64 I64", "int32 I32", "int16 I16", "int8 I8", "uint64 U64", "uint32 U32", "uint16 U16", "uint8 U8"],
    ...["bool BOOL", "complex128 C128", "complex64 C64", "complex32 C32"],
    ...["float8_e4m3fnuz F8_E4M3FNUZ", "float8_e5m2fnuz F8_E5M2FNUZ", "float8_e8m0fnu F8_E8M0"],
  ].map((row) => row.split(" ")).map(([name, dtype]) => [`torch ${name}`, dtype]),
);

const CALLABLES: Readonly<Record<string, (items: readonly Value[], at: number) => Value | null>> = {
  "collections OrderedDict": (items, at) => items.length === 0 ? new Dict(at) : null,
  "torch._utils _rebuild_tensor": (items, at) => items.length === 4 ? tensorOf(items, at) : null,
  "torch._utils _rebuild_tensor_v2": (items, at) => hasFlags(items, 6) ? tensorOf(items, at) : null,
  "torch._utils _rebuild_tensor_v3": (items, at) => hasFlags(items, 7) ? tensorOf(items, at, items[6]) : null,
  "torch._utils _rebuild_parameter": (items) => items.length === 3 ? parameterOf(items) : null,
  "torch._utils _rebuild_parameter_with_state": (items) => items.length === 4 ? parameterOf(items) : null,
  "torch._tensor _rebuild_from_type_v2": rebuiltFromType,
  "torch Size": ([sizes, ...more]) => sizes instanceof Tuple && more.length === 0 ? sizes : null,
  "torch device": toDevice,
  "_codecs encode": encodeLatin1,
  "__builtin__ set": toSet,
  "builtins set": toSet,
};

/** The classes of tensors that have no callable of their own. */
const CLASSES = ["torch Tensor", "torch.nn.parameter Parameter"];

/** Names that are refused with a cure of their own. */
const CURES: readonly [pattern: RegExp, what: string][] = [
  [/ _rebuild_sparse/, "a sparse tensor: save it with to_dense()"],
  [/ _rebuild_q/, "a quantised tensor: save it with dequantize()"],
  [/ _rebuild_(meta|nested)/, "a tensor without data of its own: save it as a dense one"],
  [/^numpy/, "a value of NumPy: save it as a number, a list or a tensor"],
];

/** Bytes of memory that a value takes. */
const VALUE_COST = 64;

/** What is read of a PyTorch file, for errors. */
export const HOLDS =
  "a PyTorch file here holds tensors, dicts, lists, numbers and texts, and nothing in it is called: " +
  "save model.state_dict()";

/** What a file of `torch.save` may hold; `cap` counts its values. With `foreign`, other objects are names that lead nowhere. */
export function torchDialect(cap: Cap, foreign = false): Dialect {
  return {
    holds: foreign ? HOLDS : `${HOLDS}, or read the part with the weights alone, as by { at: "model" }`,
    maxProtocol: 5,
    maxStack: Infinity, // the cap bounds both
    maxMemo: Infinity,
    opcodes: foreign ? new Map([...OPCODES, ...FOREIGN_OPCODES]) : OPCODES,
    count: () => cap.count(VALUE_COST, () => "a pickle of many values"),
    marker(name, at) {
      if (Object.hasOwn(CALLABLES, name) || STORAGES.has(name) || DTYPES.has(name) || CLASSES.includes(name)) {
        return new Marker(name);
      }
      const why = CURES.find(([pattern]) => pattern.test(name))?.[1] ?? "which is refused";
      return foreign ? new Foreign(name, why, at) : why;
    },
    reduce: (callee, operands, at) => reduced(callee, operands, at) ?? "operands that it does not have in such a file",
    build: (target, state) =>
      target instanceof Foreign || (target instanceof Dict && state instanceof Dict)
        ? null
        : `a state ${kindOf(state)} for ${kindOf(target)}`,
  };
}

function reduced(callee: Value, operands: Value, at: number): Value | null {
  if (!(operands instanceof Tuple)) return null;
  const foreign = [callee, ...operands.items].find((value) => value instanceof Foreign);
  if (foreign !== undefined) return foreign;
  if (!(callee instanceof Marker)) return null;
  return Object.hasOwn(CALLABLES, callee.name) ? CALLABLES[callee.name](operands.items, at) : null;
}

/** Whether `requires_grad` and hooks are the items 4 and 5 of `count`, or of one more, which is metadata. */
function hasFlags(items: readonly Value[], count: number): boolean {
  const [requiresGrad, hooks] = items.slice(4);
  const right = typeof requiresGrad === "boolean" && (hooks instanceof Dict || hooks === null);
  return right && (items.length === count || items.length === count + 1);
}

/** `(storage, offset, size, stride, …)`; `null` where the elements would not lie in the storage. */
function tensorOf([storage, offset, size, stride]: readonly Value[], at: number, dtype?: Value): TorchTensor | null {
  if (!(storage instanceof TorchStorage) || !isSize(offset) || !isSizes(size) || !isSizes(stride)) return null;
  const fileDType = dtype instanceof Marker ? DTYPES.get(dtype.name) : dtype === undefined ? storage.fileDType : null;
  if (!fileDType || size.items.length !== stride.items.length || !(countElements(size.items) <= MAX_ELEMENTS)) {
    return null;
  }
  const tensor = new TorchTensor(storage, fileDType, offset, size.items, stride.items, at);
  return offset + tensor.span <= elementsIn(storage, fileDType) ? tensor : null;
}

function isSize(value: Value): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: Value): value is Tuple & { items: number[] } {
  return value instanceof Tuple && value.items.every(isSize);
}

/** How many elements of a dtype a storage holds; of one that cannot be read, nobody asks. */
function elementsIn({ length, fileDType }: TorchStorage, wanted: string): number {
  return fileDType === null ? Math.floor(length / (FILE_DTYPES.get(wanted)?.size ?? 0)) : length;
}

function parameterOf([data]: readonly Value[]): TorchTensor | null {
  return data instanceof TorchTensor ? data : null;
}

/** `(rebuild, class, its operands, attributes)`: a tensor with attributes of Python, which are dropped. */
function rebuiltFromType([rebuild, type, operands, ...more]: readonly Value[], at: number): Value | null {
  const right = more.length === 1 && type instanceof Marker && CLASSES.includes(type.name) && rebuild instanceof Marker;
  return right && rebuild.name.startsWith("torch._utils ") ? reduced(rebuild, operands, at) : null;
}

/** `device("cuda", 0)` as the text `cuda:0`. */
function toDevice([type, index]: readonly Value[]): Text | null {
  const name = textOf(type);
  if (name === null || !(type instanceof Text) || !(index === undefined || isSize(index))) return null;
  return index === undefined ? type : new Text(new TextEncoder().encode(`${name}:${index}`), type.at);
}

function toSet([items, ...more]: readonly Value[]): List | null {
  return items instanceof List && more.length === 0 ? items : null;
}

const TORCH_OPCODES = opcodesOf(
  ["}", "EMPTY_DICT", (r) => r.push(new Dict(r.start))],
  ["]", "EMPTY_LIST", (r) => r.push(new List(r.start))],
  ["a", "APPEND", (r) => append(r, r.popSome(1))],
  ["e", "APPENDS", (r) => append(r, r.popToMark())],
  ["s", "SETITEM", (r) => setItems(r, r.popSome(2))],
  ["u", "SETITEMS", (r) => setItems(r, r.popToMark())],
  ["G", "BINFLOAT", (r) => r.push(toFloat(r.take(8)))],
  ["\x8a", "LONG1", (r) => r.push(toInteger(r.take(r.byte())))],
  ["\x8f", "EMPTY_SET", (r) => r.push(new List(r.start))],
  ["\x90", "ADDITEMS", (r) => append(r, r.popToMark())],
  ["\x91", "FROZENSET", (r) => r.push(new Tuple(r.popToMark()))],
  ["Q", "BINPERSID", (r) => r.pushOr(toStorage(r.pop()) ?? "no storage's type, key, place and size")],
);

const OPCODES = new Map([...LATER_OPCODES, ...TORCH_OPCODES]);

function append(reader: PickleReader, items: readonly Value[]): void {
  const list = reader.top();
  if (list instanceof Foreign) return;
  if (!(list instanceof List)) throw reader.error(`${kindOf(list)} where a list must be`);
  for (const item of items) list.items.push(item);
}

function setItems(reader: PickleReader, items: readonly Value[]): void {
  const dict = reader.top();
  if (dict instanceof Foreign) return;
  if (!(dict instanceof Dict)) throw reader.error(`${kindOf(dict)} where a dict must be`);
  if (items.length % 2 > 0) throw reader.error("a key without a value");
  for (let i = 0; i < items.length; i += 2) dict.pairs.push([items[i], items[i + 1]]);
}

function toFloat(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
}

/** A whole number; a bigint where a number would not hold it exactly, such as a seed. */
function toInteger(bytes: Uint8Array): number | bigint {
  const value = toBigInt(bytes);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** `("storage", FloatStorage, "0", "cpu", 6)`, wherever it lay. */
function toStorage(id: Value): TorchStorage | null {
  if (!(id instanceof Tuple) || id.items.length !== 5) return null;
  const [word, type, key, place, length] = id.items;
  const dtype = type instanceof Marker ? STORAGES.get(type.name) : undefined, name = textOf(key);
  const right = textOf(word) === "storage" && textOf(place) !== null && isSize(length);
  return right && name !== null && dtype !== undefined ? new TorchStorage(name, dtype, length) : null;
}
