/** The central directory of a zip archive: what members there are and where, read without trust. */
import { FLAG, LENGTH, METHOD, SEE_ZIP64, SEE_ZIP64_SHORT, SIGNATURE, ZIP64_FIELD } from "./records.ts";
import type { ZipView } from "./view.ts";

/** A member as the central directory describes it. */
export interface ZipEntry {
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
export interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

/**
 * The members of an archive, in the order of their bytes.
 *
 * @throws {SyntaxError} if it is no zip archive, or a member is encrypted, oddly packed, or oddly named
 * @throws {RangeError} if a size or an offset is wrong
 */
export function readDirectory(view: ZipView): { entries: ZipEntry[]; directory: Directory } {
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
  const quoted = JSON.stringify(name);
  if (/^[/\\]|^[A-Za-z]:/.test(name)) throw view.syntax(`the name ${quoted} at byte ${at} is absolute`);
  if (name.split(/[/\\]/).includes("..")) throw view.syntax(`the name ${quoted} at byte ${at} leads out by ".."`);
  return name;
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
