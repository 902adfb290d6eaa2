/** safetensors files: named tensors and metadata, readable by every framework. */
import { checkOptions, requireBytes } from "../../arguments.ts";
import { fromData } from "../../create.ts";
import { runAtOnce, runInSlices, type Steps } from "../../event_loop.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomically } from "../atomic_write.ts";
import {
  Cap,
  type FileParts,
  type FileSource,
  openParts,
  readBeginning,
  readFile,
  type ReadOptions,
  sourceName,
} from "../read_file.ts";
import { readElements } from "../file_dtypes.ts";
import { joinBytes, sortInSteps } from "../in_steps.ts";
import { type NamedTensors, namedTensors, tensorBytes } from "../elements.ts";
import { Selection, type TensorSelection } from "../selection.ts";
import {
  countElementsOf,
  type Entry,
  FILE_DTYPE_OF,
  type Header,
  headerBytes,
  MAX_HEADER,
  parseHeader,
} from "./header.ts";

/** Tensors whose entries in the header are written in one step. */
const MEMBERS = 1 << 10;

/** Options of the functions that read safetensors files. */
export interface SafetensorsOptions extends ReadOptions, TensorSelection {}

const OPTIONS = ["maxBytes", "only", "skip"] as const;

/** The contents of a safetensors file; maps, because a name may be `__proto__`. */
export interface Safetensors {
  /** The tensors, in the order of their bytes. */
  tensors: Map<string, Tensor>;
  /** The file's `__metadata__`; empty without one. */
  metadata: Map<string, string>;
}

/**
 * The safetensors file that holds `tensors`: the widest dtypes first, then by name, so that every tensor is aligned and equal
 * tensors give equal bytes. A view is written with its own elements only.
 *
 * @throws {TypeError} if a name is `__metadata__`, or a name or metadata is not well-formed Unicode
 * @see {@link https://github.com/huggingface/safetensors#format} for the format
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { decodeSafetensors, encodeSafetensors } from "@gradus/gradus/io";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeSafetensors({ w: tensor([[1, 2], [3, 4]]) }, { step: "7" });
 * const { tensors, metadata } = decodeSafetensors(bytes);
 * assertEquals(tensors.get("w")?.toArray(), [[1, 2], [3, 4]]);
 * assertEquals(metadata.get("step"), "7");
 * ```
 */
export function encodeSafetensors(tensors: NamedTensors, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return joinBytes(runAtOnce(safetensorsParts(tensors, metadata)));
}

/**
 * The tensors in the safetensors file `bytes`, each a copy. Floats of 16 and 8 bits become float32, integers of
 * 8 and 16 bits int32 (U8 uint8); I64, U32 and U64 become int32 where every value fits, else float64.
 *
 * @param name What to call the file in errors
 * @param options Which tensors, and how much may become of them: `maxBytes`, by default 256 MiB, or 32 times the file where that is more
 * @throws {SyntaxError} if the header is not what the format asks for, or a tensor has a dtype without a place here: leave it out with `skip`
 * @throws {RangeError} if a size or an offset is wrong, an I64 or U64 is past 2^53, `only` names what is not there, or the tensors take
 * more than `maxBytes`
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  name: string = "safetensors",
  options: SafetensorsOptions = {},
): Safetensors {
  return runAtOnce(decodingSafetensors(bytes, name, options));
}

/** The same in steps. */
export function* decodingSafetensors(
  bytes: Uint8Array,
  name: string,
  options: SafetensorsOptions = {},
): Steps<Safetensors> {
  checkOptions("read safetensors", options, OPTIONS);
  requireBytes(bytes, name);
  const cap = new Cap(name, options, bytes.length), selection = new Selection(name, options);
  const { entries, metadata, dataStart } = yield* chosen(bytes, bytes.length, cap, selection);
  const tensors = new Map<string, Tensor>();
  for (const entry of entries) {
    const begin = dataStart + entry.begin;
    tensors.set(entry.name, yield* toTensor(bytes.subarray(begin, dataStart + entry.end), entry, begin, name));
    yield;
  }
  return { tensors, metadata };
}

/**
 * Writes `tensors` to the safetensors file `path`, wholly or not at all: see {@linkcode encodeSafetensors} for what it
 * holds.
 *
 * @throws {TypeError} if a name is `__metadata__`, or a name or metadata is not well-formed Unicode
 */
export async function writeSafetensors(
  path: string,
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeAtomically(path, await runInSlices(safetensorsParts(tensors, metadata)));
}

/**
 * Reads the safetensors file `source`, which is its path, or in its place bytes, a `Blob` or a `Response`: see {@linkcode decodeSafetensors}
 * for what becomes of each dtype.
 * With `only` or `skip` no more is read of a file or a `Blob` than its header and the tensors that these leave, however large it is.
 *
 * @param options Which tensors, and how much may become of them: `maxBytes`, by default 256 MiB, or 32 times the file where that is more
 * @throws {SyntaxError} if the header is not what the format asks for, or a tensor has a dtype without a place here: leave it out with `skip`
 * @throws {RangeError} if a size or an offset is wrong, an I64 or U64 is past 2^53, `only` names what is not there, or the tensors take
 * more than `maxBytes`
 */
export async function readSafetensors(source: FileSource, options: SafetensorsOptions = {}): Promise<Safetensors> {
  checkOptions("read safetensors", options, OPTIONS);
  const { maxBytes, only, skip } = options;
  const parts = only === undefined && skip === undefined ? null : await openParts(source);
  if (parts !== null) return await readChosen(parts, sourceName(source), options).finally(parts.close);
  const bytes = await readFile(source, { maxBytes });
  return await runInSlices(decodingSafetensors(bytes, sourceName(source), options));
}

/** The chosen tensors of a file, of which no more is read than its header and these. */
async function readChosen({ size, read }: FileParts, where: string, options: SafetensorsOptions): Promise<Safetensors> {
  const cap = new Cap(where, options, size), selection = new Selection(where, options);
  const head = await read(0, Math.min(size, headerBytes(await read(0, 16))));
  const { entries, metadata, dataStart } = await runInSlices(chosen(head, size, cap, selection));
  const tensors = new Map<string, Tensor>();
  for (const entry of entries) {
    const begin = dataStart + entry.begin;
    const bytes = await read(begin, dataStart + entry.end);
    tensors.set(entry.name, await runInSlices(toTensor(bytes, entry, begin, where)));
  }
  return { tensors, metadata };
}

/** The header with the entries that are wanted, each of a dtype that has a place here. */
function* chosen(head: Uint8Array, size: number, cap: Cap, selection: Selection): Steps<Header> {
  const { entries, ...header } = yield* parseHeader(head, cap, size);
  selection.check(entries.map(({ name }) => name));
  const wanted = entries.filter(({ name }) => selection.takes(name));
  yield* countElementsOf(wanted, cap);
  return { entries: wanted, ...header };
}

/** A tensor as the header of a safetensors file describes it. */
export interface TensorFacts {
  /** Its dtype, as the file calls it: `F32`, `BF16`, … */
  readonly dtype: string;
  /** Its sizes along each dimension. */
  readonly shape: readonly number[];
  /** The byte of the file at which its elements begin. */
  readonly at: number;
  /** How many bytes they take there. */
  readonly bytes: number;
}

/** The header of a safetensors file; maps, because a name may be `__proto__`. */
export interface SafetensorsHeader {
  /** What it says of the tensors, in the order of their bytes. */
  tensors: Map<string, TensorFacts>;
  /** The file's `__metadata__`; empty without one. */
  metadata: Map<string, string>;
}

/**
 * The header of the safetensors file `source`: names, dtypes and shapes, without the data, of which nothing is read. A dtype need not be
 * one that has a place here.
 *
 * @param options How much may become of the header: `maxBytes`, by default 256 MiB, or 32 times the file where that is more
 * @throws {SyntaxError} if the header is not what the format asks for
 * @throws {RangeError} if a size or an offset is wrong
 *
 * @example
 * ```ts
 * import { zeros } from "@gradus/gradus";
 * import { encodeSafetensors, readSafetensorsHeader } from "@gradus/gradus/io";
 * import { assertEquals } from "@std/assert";
 *
 * const file = new Blob([encodeSafetensors({ w: zeros([1000, 1000]) }).slice()]);
 * const { tensors } = await readSafetensorsHeader(file);
 * assertEquals(tensors.get("w")?.shape, [1000, 1000]);
 * assertEquals(tensors.get("w")?.bytes, 4_000_000);
 * ```
 */
export async function readSafetensorsHeader(source: FileSource, options: ReadOptions = {}): Promise<SafetensorsHeader> {
  checkOptions("read a header", options, ["maxBytes"]);
  const { bytes, size } = await readBeginning(source, options, headerBytes);
  return await runInSlices(describing(bytes, size, new Cap(sourceName(source), options, size)));
}

function* describing(bytes: Uint8Array, size: number | null, cap: Cap): Steps<SafetensorsHeader> {
  const { entries, metadata, dataStart } = yield* parseHeader(bytes, cap, size);
  const tensors = new Map<string, TensorFacts>();
  for (const { name, fileDType: dtype, shape, begin, end } of entries) {
    tensors.set(name, { dtype, shape, at: dataStart + begin, bytes: end - begin });
    yield;
  }
  return { tensors, metadata };
}

/** The tensor of an entry, from a copy of its bytes, which stand at byte `at` of the file. */
function* toTensor(bytes: Uint8Array, { name, fileDType, shape }: Entry, at: number, where: string): Steps<Tensor> {
  const { data, dtype } = yield* readElements({ bytes, fileDType, where, at, name });
  return fromData(data, shape, dtype);
}

/** The file in parts that follow each other; they share the memory of tensors that are not views. */
export function* safetensorsParts(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Steps<Uint8Array[]> {
  const found = yield* namedTensors(tensors, checkName);
  for (const [key, text] of Object.entries(metadata)) checkMetadata(key, text);
  const dtypes = [...FILE_DTYPE_OF.keys()];
  const named = yield* sortInSteps(
    found,
    ([a, s], [b, t]) => dtypes.indexOf(s.dtype) - dtypes.indexOf(t.dtype) || (a < b ? -1 : 1),
  );
  const data: Uint8Array[] = [];
  for (const [, tensor] of named) {
    data.push(tensorBytes(tensor)); // copies a view that is not row-major
    yield;
  }
  const header = yield* toHeader(named, data, metadata);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.reduce((sum, part) => sum + part.length, 0)), true);
  return [length, ...header, ...data];
}

function checkName(name: string): void {
  if (name === "__metadata__") {
    throw new TypeError("Cannot write a tensor named __metadata__: the format keeps that name");
  }
  if (!name.isWellFormed()) {
    throw new TypeError(`Cannot write a tensor named ${JSON.stringify(name)}: it is not Unicode`);
  }
}

function checkMetadata(key: string, text: string): void {
  if (typeof text === "string" && key.isWellFormed() && text.isWellFormed()) return;
  throw new TypeError(`Cannot write metadata ${JSON.stringify(key)}: key and value are Unicode strings`);
}

/** The header's JSON in parts, filled up with spaces so that the data begins at a multiple of 8. */
function* toHeader(
  named: readonly [string, Tensor][],
  data: readonly Uint8Array[],
  metadata: Readonly<Record<string, string>>,
): Steps<Uint8Array[]> {
  const words = Object.keys(metadata).length === 0 ? [] : [`"__metadata__":${JSON.stringify(metadata)}`];
  const parts = [encode("{")];
  let end = 0;
  for (let at = 0; at < named.length || words.length > 0; at += MEMBERS) {
    const members = words.splice(0);
    named.slice(at, at + MEMBERS).forEach(([name, { dtype, shape }], i) => {
      const entry = { dtype: FILE_DTYPE_OF.get(dtype), shape, data_offsets: [end, end += data[at + i].length] };
      members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    });
    parts.push(encode((at > 0 ? "," : "") + members.join(",")));
    yield;
  }
  const length = parts.reduce((sum, part) => sum + part.length, 1), padded = Math.ceil(length / 8) * 8;
  if (padded > MAX_HEADER) {
    throw new RangeError(`Cannot write a header of ${padded} bytes: ${MAX_HEADER} are allowed`);
  }
  return [...parts, encode("}" + " ".repeat(padded - length))];
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
