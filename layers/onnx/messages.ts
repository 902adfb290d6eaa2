/**
 * The messages of ONNX that are written and read here, as the format's documentation numbers their fields, and their bytes.
 *
 * Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** The kinds of elements, by their numbers in a file. */
export const ELEMENT = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

/** A tensor in a file. */
export interface TensorMessage {
  name?: string;
  dims?: number[];
  dataType?: number;
  /** The elements as little-endian bytes; else they stand in one of the lists. */
  rawData?: Uint8Array;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: number[];
  doubleData?: number[];
  uint64Data?: number[];
  /** 1 where the elements stand in another file. */
  dataLocation?: number;
}

/** A setting of a node; which of the fields counts is what `type` says. */
export interface AttributeMessage {
  name?: string;
  type?: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorMessage;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
  /** A graph within, which is not read. */
  g?: Uint8Array;
}

/** An operation. */
export interface NodeMessage {
  name?: string;
  opType?: string;
  domain?: string;
  input?: string[];
  output?: string[];
  attribute?: AttributeMessage[];
}

/** A size of an input or output: a number, or a name for any. */
interface DimensionMessage {
  dimValue?: number;
  dimParam?: string;
}

/** The name and type of an input or output. */
export interface ValueMessage {
  name?: string;
  type?: { tensorType?: { elemType?: number; shape?: { dim?: DimensionMessage[] } } };
}

/** Nodes in order, and the tensors they need. */
export interface GraphMessage {
  name?: string;
  node?: NodeMessage[];
  initializer?: TensorMessage[];
  sparseInitializer?: Uint8Array[];
  input?: ValueMessage[];
  output?: ValueMessage[];
}

/** A file. */
export interface ModelMessage {
  irVersion?: number;
  producerName?: string;
  producerVersion?: string;
  graph?: GraphMessage;
  opsetImport?: { domain?: string; version?: number }[];
}

type Scalar = "int" | "float" | "double" | "string" | "bytes";

/** A field: its key, what it holds, and whether there may be many. */
type Field = readonly [key: string, kind: Scalar | Schema, many?: "many" | "packed"];

/** The fields of a message by their numbers. */
interface Schema {
  readonly [number: number]: Field;
}

const TENSOR: Schema = {
  1: ["dims", "int", "many"],
  2: ["dataType", "int"],
  4: ["floatData", "float", "packed"],
  5: ["int32Data", "int", "packed"],
  7: ["int64Data", "int", "packed"],
  8: ["name", "string"],
  9: ["rawData", "bytes"],
  10: ["doubleData", "double", "packed"],
  11: ["uint64Data", "int", "packed"],
  14: ["dataLocation", "int"],
};
const ATTRIBUTE: Schema = {
  1: ["name", "string"],
  2: ["f", "float"],
  3: ["i", "int"],
  4: ["s", "bytes"],
  5: ["t", TENSOR],
  6: ["g", "bytes"],
  7: ["floats", "float", "many"],
  8: ["ints", "int", "many"],
  9: ["strings", "bytes", "many"],
  20: ["type", "int"],
};
const NODE: Schema = {
  1: ["input", "string", "many"],
  2: ["output", "string", "many"],
  3: ["name", "string"],
  4: ["opType", "string"],
  5: ["attribute", ATTRIBUTE, "many"],
  7: ["domain", "string"],
};
const DIMENSION: Schema = { 1: ["dimValue", "int"], 2: ["dimParam", "string"] };
const TENSOR_TYPE: Schema = { 1: ["elemType", "int"], 2: ["shape", { 1: ["dim", DIMENSION, "many"] }] };
const VALUE: Schema = { 1: ["name", "string"], 2: ["type", { 1: ["tensorType", TENSOR_TYPE] }] };
const GRAPH: Schema = {
  1: ["node", NODE, "many"],
  2: ["name", "string"],
  5: ["initializer", TENSOR, "many"],
  11: ["input", VALUE, "many"],
  12: ["output", VALUE, "many"],
  15: ["sparseInitializer", "bytes", "many"],
};
const MODEL: Schema = {
  1: ["irVersion", "int"],
  2: ["producerName", "string"],
  3: ["producerVersion", "string"],
  7: ["graph", GRAPH],
  8: ["opsetImport", { 1: ["domain", "string"], 2: ["version", "int"] }, "many"],
};

/** A message of whatever kind, as the functions below see it. */
type Message = Readonly<Record<string, unknown>>;

const { Varint, Bit32, Bit64, LengthDelimited } = WireType;
const WIRE = { int: Varint, float: Bit32, double: Bit64, string: LengthDelimited, bytes: LengthDelimited } as const;

/** The bytes of a file in parts that follow each other; those of tensors share their memory. */
export function encodeModel(model: ModelMessage): Uint8Array[] {
  return encode(model as Message, MODEL);
}

/** The parts of a message, in the order of its fields. */
function encode(message: Message, schema: Schema): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let writer = new BinaryWriter();
  const flush = () => {
    parts.push(writer.finish());
    writer = new BinaryWriter();
  };
  const nest = (number: number, nested: readonly Uint8Array[]) => {
    writer.tag(number, LengthDelimited).uint32(nested.reduce((sum, { length }) => sum + length, 0));
    flush();
    parts.push(...nested);
  };
  for (const [key, [name, kind, many]] of Object.entries(schema) as [string, Field][]) {
    const number = Number(key);
    if (message[name] === undefined) continue;
    const values = (many === undefined ? [message[name]] : message[name]) as readonly unknown[];
    for (const value of values) {
      if (typeof kind === "object") nest(number, encode(value as Message, kind));
      else if (kind === "bytes") nest(number, [value as Uint8Array]);
      else writeScalar(writer.tag(number, WIRE[kind]), kind, value);
    }
  }
  flush();
  return parts.filter(({ length }) => length > 0);
}

function writeScalar(writer: BinaryWriter, kind: Exclude<Scalar, "bytes">, value: unknown): void {
  if (kind === "int") writer.int64(value as number);
  else if (kind === "float") writer.float(value as number);
  else if (kind === "double") writer.double(value as number);
  else writer.string(value as string);
}

/**
 * The message in a file; the bytes of tensors share its memory.
 *
 * @throws {Error} If it is cut short, or no message; what went wrong is protobuf's own text.
 */
export function decodeModel(bytes: Uint8Array): ModelMessage {
  const reader = new BinaryReader(bytes);
  return decode(reader, reader.len, MODEL) as ModelMessage;
}

function decode(reader: BinaryReader, length: number, schema: Schema): Message {
  const end = reader.pos + length, found: Record<string, unknown> = {};
  if (end > reader.len) throw new RangeError(`a part of ${length} bytes reaches past the end`);
  while (reader.pos < end) {
    const [number, wire] = reader.tag();
    const field = Object.hasOwn(schema, number) ? schema[number] : undefined;
    if (field === undefined) reader.skip(wire, number);
    else readField(reader, field, wire, found);
  }
  if (reader.pos !== end) throw new RangeError("a part of the file reaches past its own end");
  return found;
}

function readField(reader: BinaryReader, field: Field, wire: WireType, found: Record<string, unknown>): void {
  const [name, kind, many] = field;
  const expected = typeof kind === "object" ? LengthDelimited : WIRE[kind];
  const packed = many !== undefined && wire === LengthDelimited && expected !== LengthDelimited;
  if (wire !== expected && !packed) throw new TypeError(`its field ${name} is of the wire type ${wire}`);
  if (many === undefined) {
    found[name] = readOne(reader, kind);
    return;
  }
  const list = (found[name] ??= []) as unknown[];
  if (!packed) return void list.push(readOne(reader, kind));
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError(`its list ${name} reaches past the end`);
  while (reader.pos < end) list.push(readOne(reader, kind));
}

function readOne(reader: BinaryReader, kind: Scalar | Schema): unknown {
  if (typeof kind === "object") return decode(reader, reader.uint32(), kind);
  if (kind === "int") return Number(reader.int64()); // past 2^53 only in the place of "to the end"
  if (kind === "float") return reader.float();
  if (kind === "double") return reader.double();
  return kind === "string" ? reader.string() : reader.bytes();
}
