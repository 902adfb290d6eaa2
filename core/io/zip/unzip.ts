/** Reading zip archives: sizes are checked before anything is inflated, and check sums after. */
import type { Steps } from "../../event_loop.ts";
import { pieces } from "../in_steps.ts";
import type { Cap } from "../read_file.ts";
import { Inflate } from "fflate";

/** The first four bytes of each record. */
export const SIGNATURE = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
} as const;

/** Bytes of each record before its name, extra field and comment. */
export const LENGTH = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 } as const;

/** The id of the extra field that holds 64-bit sizes. */
export const ZIP64_FIELD = 1;

/** The value of a 32-bit field whose number stands in the zip64 field or record. */
export const SEE_ZIP64 = 0xffffffff;

/** The same in 16 bits. */
export const SEE_ZIP64_SHORT = 0xffff;

/** Bits of a member's flags: encrypted (three ways), and a name in UTF-8. */
export const FLAG = { encrypted: 0x0001 | 0x0040 | 0x2000, utf8: 0x0800 } as const;

/** How a member is packed. */
export const METHOD = { stored: 0, deflated: 8 } as const;

/** Reads the numbers and records of an archive, and makes its errors. */
class ZipView {
  readonly #view: DataView;

  /** A view of `bytes`, which errors call `where`. */
  constructor(readonly bytes: Uint8Array, readonly where: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The unsigned 16 bits at byte `at`. */
  short(at: number): number {
    return this.#view.getUint16(at, true);
  }

  /** The unsigned 32 bits at byte `at`. */
  int(at: number): number {
    return this.#view.getUint32(at, true);
  }

  /** The unsigned 64 bits at byte `at`, rounded past 2^53, which no archive reaches. */
  long(at: number): number {
    return Number(this.#view.getBigUint64(at, true));
  }

  /** Checks that a record of `length` bytes with this signature stands at byte `at`, before `end`. */
  expect(signature: number, at: number, length: number, what: string, end: number = this.bytes.length): void {
    if (!(at + length <= end)) throw this.range(`the ${what} at byte ${at} ends past byte ${end}`);
    if (this.int(at) !== signature) {
      const found = this.int(at).toString(16).padStart(8, "0");
      throw this.syntax(`byte ${at} begins no ${what}: found ${found}, not ${signature.toString(16).padStart(8, "0")}`);
    }
  }

  /** An error about the archive's form. */
  syntax(message: string): SyntaxError {
    return new SyntaxError(`Cannot read ${this.where}: ${message}`);
  }

  /** An error about a size or an offset. */
  range(message: string): RangeError {
    return new RangeError(`Cannot read ${this.where}: ${message}`);
  }
}

/** A member as the central directory describes it. */
interface ZipEntry {
  /** Its name, checked: relative, no `..`. */
  readonly name: string;
  /** `METHOD.stored` or `METHOD.deflated`. */
  readonly method: number;
  /** The CRC-32 of its content. */
  readonly crc: number;
  /** Bytes it takes in the archive. */
  readonly packed: number;
  /** Bytes of its content. */
  readonly size: number;
  /** The byte at which its local header begins. */
  readonly offset: number;
}

/** Where the central directory is. */
interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

/**
 * The members of an archive, in the order of their bytes.
 *
 * @throws {SyntaxError} if it is not a zip archive, or a member is encrypted, oddly packed, or oddly named
 * @throws {RangeError} if a size or an offset is wrong
 */
function* readDirectory(view: ZipView): Steps<{ entries: ZipEntry[]; directory: Directory }> {
  const directory = findDirectory(view);
  const end = directory.offset + directory.size;
  const entries = new Map<string, ZipEntry>();
  let at = directory.offset;
  for (let i = 0; i < directory.count; i++) {
    view.expect(SIGNATURE.central, at, LENGTH.central, "entry of the central directory", end);
    const next = at + LENGTH.central + view.short(at + 28) + view.short(at + 30) + view.short(at + 32);
    if (next > end) throw view.range(`entry ${i} at byte ${at} ends at ${next}, past its directory at ${end}`);
    const entry = readEntry(view, at);
    if (entries.has(entry.name)) throw view.syntax(`byte ${at} names "${entry.name}" a second time`);
    entries.set(entry.name, entry);
    at = next;
    yield;
  }
  if (at !== end) throw view.range(`${directory.count} entries end at byte ${at}, their directory at ${end}`);
  return { entries: [...entries.values()].sort((a, b) => a.offset - b.offset), directory };
}

function findDirectory(view: ZipView): Directory {
  const at = findEnd(view);
  const locator = at - LENGTH.locator64;
  if (locator >= 0 && view.int(locator) === SIGNATURE.locator64) return readEnd64(view, locator);
  if (view.short(at + 4) !== 0 || view.short(at + 6) !== 0 || view.short(at + 8) !== view.short(at + 10)) {
    throw view.syntax(`the end record at byte ${at} says that it is one of several disks`);
  }
  const directory = { count: view.short(at + 10), size: view.int(at + 12), offset: view.int(at + 16) };
  if (directory.count === SEE_ZIP64_SHORT || directory.size === SEE_ZIP64 || directory.offset === SEE_ZIP64) {
    throw view.syntax(`the end record at byte ${at} refers to a zip64 record, and there is none before it`);
  }
  return checkDirectory(view, directory, at);
}

/** The end record: the last one whose comment reaches exactly to the end of the file. */
function findEnd(view: ZipView): number {
  const last = view.bytes.length - LENGTH.end;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.int(at) === SIGNATURE.end && at + LENGTH.end + view.short(at + 20) === view.bytes.length) return at;
  }
  throw view.syntax(`no zip archive ends at byte ${view.bytes.length}: it may have been cut short`);
}

function readEnd64(view: ZipView, locator: number): Directory {
  const at = view.long(locator + 8);
  view.expect(SIGNATURE.end64, at, LENGTH.end64, "zip64 end record", locator);
  if (at + 12 + view.long(at + 4) !== locator) {
    throw view.range(`the zip64 end record at byte ${at} has ${view.long(at + 4)} bytes, and ends at ${locator}`);
  }
  if (view.int(at + 16) !== 0 || view.int(at + 20) !== 0 || view.long(at + 24) !== view.long(at + 32)) {
    throw view.syntax(`the zip64 end record at byte ${at} says that it is one of several disks`);
  }
  const directory = { count: view.long(at + 32), size: view.long(at + 40), offset: view.long(at + 48) };
  return checkDirectory(view, directory, at);
}

function checkDirectory(view: ZipView, directory: Directory, end: number): Directory {
  const { offset, size, count } = directory;
  if (offset + size !== end) {
    throw view.range(`the central directory has ${size} bytes from byte ${offset} on, and must end at ${end}`);
  }
  if (count * LENGTH.central <= size) return directory;
  throw view.range(`the central directory at byte ${offset} has ${size} bytes, too few for ${count} entries`);
}

function readEntry(view: ZipView, at: number): ZipEntry {
  const flags = view.short(at + 8), method = view.short(at + 10);
  const name = readName(view, at + LENGTH.central, view.short(at + 28), flags);
  const fail = (what: string) => view.syntax(`"${name}" at byte ${at} ${what}`);
  if ((flags & FLAG.encrypted) !== 0) throw fail("is encrypted: save it without a password");
  if (method !== METHOD.stored && method !== METHOD.deflated) {
    throw fail(`is packed by method ${method}: save it stored or deflated`);
  }
  const sizes = readSizes(view, at, name);
  if (method === METHOD.stored && sizes.packed !== sizes.size) {
    throw view.range(`"${name}" at byte ${at} is stored in ${sizes.packed} bytes and has ${sizes.size}`);
  }
  return { name, method, crc: view.int(at + 16), ...sizes };
}

/** Sizes and offset; each that says so stands in the zip64 field, in this order. */
function readSizes(view: ZipView, at: number, name: string): Pick<ZipEntry, "size" | "packed" | "offset"> {
  const { start, end } = findField(view, at, name);
  let next = start;
  const [size, packed, offset] = [24, 20, 42].map((place) => {
    const value = view.int(at + place);
    if (value !== SEE_ZIP64) return value;
    if (next + 8 > end) throw view.range(`"${name}" at byte ${at} refers to a zip64 field that it does not have`);
    return view.long((next += 8) - 8);
  });
  return { size, packed, offset };
}

/** Where the content of an entry's zip64 field stands; nowhere where it has none. */
function findField(view: ZipView, at: number, name: string): { start: number; end: number } {
  let start = at + LENGTH.central + view.short(at + 28);
  const last = start + view.short(at + 30);
  while (start + 4 <= last) {
    const end = start + 4 + view.short(start + 2);
    if (end > last) throw view.range(`the extra field of "${name}" at byte ${start} ends at ${end}, past ${last}`);
    if (view.short(start) === ZIP64_FIELD) return { start: start + 4, end };
    start = end;
  }
  return { start: last, end: last };
}

function readName(view: ZipView, at: number, length: number, flags: number): string {
  const bytes = view.bytes.subarray(at, at + length);
  if ((flags & FLAG.utf8) === 0 && bytes.some((byte) => byte > 0x7f)) {
    throw view.syntax(`the name at byte ${at} is neither ASCII nor said to be UTF-8`);
  }
  const name = decodeUtf8(bytes);
  if (name === null) throw view.syntax(`the name at byte ${at} is not UTF-8`);
  const fail = (what: string) => view.syntax(`the name ${JSON.stringify(name)} at byte ${at} ${what}`);
  if (/^[/\\]|^[A-Za-z]:/.test(name)) throw fail("is absolute");
  if (name.split(/[/\\]/).includes("..")) throw fail('leads out by ".."');
  return name;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

/** Deflate makes at most 1032 bytes of one; the few more are the last code's. */
const MOST_GROWTH = 1032;

/** Compressed bytes given to the inflater at a time, so that it can be stopped. */
const PIECE = 1 << 14;

/** A member of an archive. */
interface Member {
  /** Its name. */
  readonly name: string;
  /** Its content, its check sum compared: a view of the archive where it is stored, else a copy. */
  content(): Steps<Uint8Array>;
}

/**
 * The members of the zip archive `bytes`, in the order of their bytes.
 *
 * @param cap The most bytes that all contents together may have
 * @throws {SyntaxError} if it is not a zip archive, or a member is encrypted, oddly packed, oddly named or damaged
 * @throws {RangeError} if a size or an offset is wrong, or there are more bytes than `cap` allows
 */
export function* unzip(bytes: Uint8Array, where: string, cap: Cap): Steps<Member[]> {
  const view = new ZipView(bytes, where);
  const { entries, directory } = yield* readDirectory(view);
  checkSizes(view, entries, cap);
  return entries.map((entry, i) => {
    const end = Math.min(entries[i + 1]?.offset ?? Infinity, directory.offset); // the next offset may lie as well
    return { name: entry.name, content: () => contentOf(view, entry, end) };
  });
}

function* contentOf(view: ZipView, entry: ZipEntry, end: number): Steps<Uint8Array> {
  const packed = packedBytes(view, entry, end);
  const content = entry.method === METHOD.stored ? packed : yield* inflate(view, entry, packed);
  const found = yield* crc32(content);
  if (found === entry.crc) return content;
  throw view.syntax(`"${entry.name}" at byte ${entry.offset} is damaged: CRC-32 ${hex(found)}, not ${hex(entry.crc)}`);
}

function checkSizes(view: ZipView, entries: readonly ZipEntry[], cap: Cap): void {
  let total = 0;
  for (const { name, method, size, packed, offset } of entries) {
    if (method === METHOD.deflated && size > (packed + 1) * MOST_GROWTH) {
      throw view.range(`"${name}" at byte ${offset} says that ${packed} bytes inflate to ${size}, which they cannot`);
    }
    cap.check(total += size, () => `with "${name}" at byte ${offset} it`);
  }
}

/** A member's bytes in the archive, which end before `end`; its local header must agree with the directory. */
function packedBytes(view: ZipView, { name, method, packed, offset }: ZipEntry, end: number): Uint8Array {
  view.expect(SIGNATURE.local, offset, LENGTH.local, `local header of "${name}"`, end);
  const nameEnd = offset + LENGTH.local + view.short(offset + 26);
  const start = nameEnd + view.short(offset + 28);
  if (start + packed > end) {
    throw view.range(`"${name}" at byte ${offset} ends at ${start + packed}, and what follows begins at ${end}`);
  }
  const local = new TextDecoder().decode(view.bytes.subarray(offset + LENGTH.local, nameEnd));
  if (local !== name || view.short(offset + 8) !== method) {
    throw view.syntax(`the local header at byte ${offset} does not agree with the directory's of "${name}"`);
  }
  return view.bytes.subarray(start, start + packed);
}

/** The `entry.size` bytes that `packed` inflates to, not one more or less. */
function* inflate(view: ZipView, entry: ZipEntry, packed: Uint8Array): Steps<Uint8Array> {
  const content = new Uint8Array(entry.size);
  const fail = (what: string) => view.syntax(`"${entry.name}" at byte ${entry.offset} ${what}`);
  let length = 0;
  const inflater = new Inflate((piece) => {
    if (length + piece.length > content.length) throw fail(`inflates past its ${content.length} bytes`);
    content.set(piece, length);
    length += piece.length;
  });
  try {
    for (let at = 0; at === 0 || at < packed.length; at += PIECE) {
      inflater.push(packed.subarray(at, at + PIECE), at + PIECE >= packed.length);
      yield;
    }
  } catch (error) {
    throw error instanceof SyntaxError ? error : fail(`is damaged: ${(error as Error).message}`);
  }
  if (length !== content.length) throw fail(`inflates to ${length} bytes, not ${content.length}`);
  return content;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

/** One remainder for each byte, by the polynomial of IEEE 802.3, its bits reversed. */
const TABLE = new Int32Array(256).map((_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? byte >>> 1 ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** The CRC-32 of `bytes`, an integer of [0, 2³²). */
export function* crc32(bytes: Uint8Array): Steps<number> {
  let remainder = -1;
  for (const piece of pieces(bytes)) {
    remainder = divide(remainder, piece);
    yield;
  }
  return ~remainder >>> 0;
}

function divide(remainder: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) remainder = TABLE[(remainder ^ bytes[i]) & 0xff] ^ remainder >>> 8;
  return remainder;
}
