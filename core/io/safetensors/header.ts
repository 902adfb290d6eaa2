/** The header of a safetensors file: parsed and checked in full before any data is read, because files come from strangers. */
import type { DType } from "../../dtype.ts";
import type { Steps } from "../../event_loop.ts";
import { countElements, MAX_ELEMENTS } from "../elements.ts";
import { FILE_DTYPES } from "../file_dtypes.ts";
import { pieces, sortInSteps } from "../in_steps.ts";
import { type Cap, quoted, shortened } from "../read_file.ts";
import { recognise } from "../recognise.ts";
import { type Json, parseStrictMembers } from "./strict_json.ts";

/** Headers longer than this are refused, as the format's reference reader does. */
export const MAX_HEADER = 100_000_000;

/** One tensor as the header describes it; `begin` and `end` count bytes from the start of the data. */
export interface Entry {
  readonly name: string;
  readonly fileDType: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A checked header: entries in the order of their bytes, which follow each other without a gap from `dataStart`. */
export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: Map<string, string>;
  readonly dataStart: number;
}

/** How a header begins. */
const BRACE = "{".charCodeAt(0);

/** Bytes of memory that a tensor takes beside its elements, for its objects and arrays. */
const TENSOR_COST = 1024;

/**
 * Parses and checks the header of `bytes`, an entry a step; `cap` counts its memory.
 *
 * @param fileEnd Where the file ends; `null` where nobody knows
 */
export function* parseHeader(bytes: Uint8Array, cap: Cap, fileEnd: number | null): Steps<Header> {
  const { where } = cap;
  const dataStart = headerEnd(bytes, where);
  const found: Entry[] = [];
  let metadata = new Map<string, string>();
  const text = yield* headerText(bytes.subarray(8, dataStart), where);
  for (const member of parseStrictMembers(text, cap, 8)) {
    yield;
    if (!member) continue;
    const [name, value] = member;
    if (name === "__metadata__") metadata = yield* toMetadata(value, where);
    else found.push(toEntry(name, value, cap));
  }
  const entries = yield* sortInSteps(found, (a, b) => a.begin - b.begin || a.end - b.end);
  yield* checkLayout(entries, dataStart, fileEnd, where);
  return { entries, metadata, dataStart };
}

/** Counts the elements of the entries that are to be read. Throws where one has a dtype that has no place here. */
export function* countElementsOf(entries: readonly Entry[], cap: Cap): Steps<void> {
  for (const { name, fileDType, shape } of entries) {
    const kind = FILE_DTYPES.get(fileDType);
    if (kind === undefined) throw new SyntaxError(`Cannot read ${cap.where}: ${noPlace(name, fileDType)}`);
    cap.count(countElements(shape) * kind.memory, () => `with tensor ${quoted(name)} it`);
    yield;
  }
}

function noPlace(name: string, fileDType: string): string {
  return `header entry ${quoted(name)} has dtype ${
    shortened(fileDType)
  }, which no dtype here holds: leave it out with ` +
    `{ skip: [${quoted(name)}] }, or save it as one of ${[...FILE_DTYPES.keys()].join(" ")}`;
}

/** How many of a file's first bytes its header takes with its length, if it is one; 8 while these have not come. */
export function headerBytes(bytes: Uint8Array): number {
  if (bytes.length < 8) return 8;
  const length = lengthAt0(bytes);
  return length > MAX_HEADER ? 8 : 8 + length;
}

function lengthAt0(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
}

/** The byte at which the header ends and the data begins. */
function headerEnd(bytes: Uint8Array, where: string): number {
  const found = bytes.length, stranger = bytes[8] === BRACE ? null : recognise(bytes, "readSafetensors");
  if (stranger !== null) throw new SyntaxError(`Cannot read ${where}: ${stranger}`);
  if (found < 8) throw new RangeError(`Cannot read ${where}: it has ${found} bytes, and the header's length takes 8`);
  const length = lengthAt0(bytes);
  if (length > MAX_HEADER) {
    throw new RangeError(
      `Cannot read ${where}: the length at byte 0 is ${length}, and a header may have ${MAX_HEADER}: it is no safetensors file`,
    );
  }
  if (8 + length > found) {
    throw new RangeError(`Cannot read ${where}: its header ends at byte ${8 + length}, the file at ${found}`);
  }
  return 8 + length;
}

/** The header's text, decoded a piece a step. */
function* headerText(bytes: Uint8Array, where: string): Steps<string[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const parts: string[] = [];
  try {
    for (const piece of pieces(bytes)) {
      parts.push(decoder.decode(piece, { stream: true }));
      yield;
    }
    parts.push(decoder.decode());
  } catch {
    throw new SyntaxError(`Cannot read ${where}: the header in bytes 8 to ${8 + bytes.length} is not UTF-8`);
  }
  if (parts[0].startsWith("{")) return parts;
  throw new SyntaxError(
    `Cannot read ${where}: the header at byte 8 begins with ${JSON.stringify(parts[0][0] ?? "")}, not "{"`,
  );
}

function* toMetadata(value: Json, where: string): Steps<Map<string, string>> {
  const metadata = new Map<string, string>();
  if (!(value instanceof Map)) {
    throw new SyntaxError(`Cannot read ${where}: __metadata__ in the header is not an object`);
  }
  for (const [key, text] of value) {
    if (typeof text !== "string") {
      throw new SyntaxError(
        `Cannot read ${where}: __metadata__ key ${quoted(key)} in the header is not a string`,
      );
    }
    metadata.set(key, text);
    yield;
  }
  return metadata;
}

function toEntry(name: string, value: Json, cap: Cap): Entry {
  const fail = (what: string) => new SyntaxError(`Cannot read ${cap.where}: header entry ${quoted(name)} ${what}`);
  if (!(value instanceof Map)) throw fail("is not an object");
  const fileDType = value.get("dtype"), shape = value.get("shape"), offsets = value.get("data_offsets");
  if (fileDType === undefined && [...value.values()].some((member) => member instanceof Map)) {
    throw fail(`holds entries of its own: the format is flat, save its tensors as ${quoted(`${name}.NAME`)}`);
  }
  if (typeof fileDType !== "string") throw fail("has no dtype");
  if (!isSizes(shape)) throw fail("has no shape made of sizes");
  if (!isSizes(offsets) || offsets.length !== 2) throw fail("has no data_offsets [begin, end]");
  cap.count(TENSOR_COST, () => `a header of many tensors, ${quoted(name)} among them,`);
  return { name, fileDType, shape, begin: offsets[0], end: offsets[1] };
}

function isSizes(value: Json | undefined): value is number[] {
  return Array.isArray(value) && value.every((size) => typeof size === "number");
}

/** Each entry begins where the one before ends, is as long as its shape says, and the last ends with the file. */
function* checkLayout(
  entries: readonly Entry[],
  dataStart: number,
  fileEnd: number | null,
  where: string,
): Steps<void> {
  let end = 0;
  for (const entry of entries) {
    const fail = (what: string) => new RangeError(`Cannot read ${where}: tensor ${quoted(entry.name)} ${what}`);
    if (entry.begin !== end) {
      throw fail(`begins at byte ${dataStart + entry.begin}, and the data before ends at ${dataStart + end}`);
    }
    if (entry.end < entry.begin) throw fail(`ends at byte ${dataStart + entry.end}, before its begin`);
    const count = countElements(entry.shape);
    if (!(count <= MAX_ELEMENTS)) {
      throw fail(`has shape [${shortened(`${entry.shape}`)}], more elements than can be counted`);
    }
    const size = FILE_DTYPES.get(entry.fileDType)?.size; // of a dtype without a place here nobody knows
    const bytes = size === undefined ? entry.end - entry.begin : count * size;
    if (entry.end - entry.begin !== bytes) {
      throw fail(
        `has ${entry.end - entry.begin} bytes from byte ${dataStart + entry.begin} on, and ${entry.fileDType} [${
          shortened(`${entry.shape}`)
        }] takes ${bytes}`,
      );
    }
    end = entry.end;
    yield;
  }
  if (fileEnd !== null && dataStart + end !== fileEnd) {
    throw new RangeError(`Cannot read ${where}: its tensors end at byte ${dataStart + end}, the file at ${fileEnd}`);
  }
}

/** The name that each dtype has in a file, widest first: the order of tensors in a file, so that all are aligned. */
export const FILE_DTYPE_OF: ReadonlyMap<DType, string> = new Map<DType, string>([
  ["float64", "F64"],
  ["float32", "F32"],
  ["int32", "I32"],
  ["uint8", "U8"],
  ["bool", "BOOL"],
]);
