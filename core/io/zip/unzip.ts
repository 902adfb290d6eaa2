/** The contents of a zip archive's members: sizes capped before they are inflated, check sums compared. */
import { Inflate } from "fflate";
import type { Cap } from "../cap.ts";
import type { Steps } from "../../event_loop.ts";
import { crc32 } from "./crc32.ts";
import { readDirectory, type ZipEntry } from "./directory.ts";
import { LENGTH, METHOD, SIGNATURE } from "./records.ts";
import { ZipView } from "./view.ts";

/** Deflate makes at most 1032 bytes of one; the few more are the last code's. */
const MOST_GROWTH = 1032;

/** Compressed bytes given to the inflater at a time, so that it can be stopped. */
const PIECE = 1 << 14;

/** A member of an archive. */
export interface Member {
  /** Its name. */
  readonly name: string;
  /** Its content, its check sum compared: a view of the archive where it is stored, else a copy. */
  content(): Steps<Uint8Array>;
}

/**
 * The members of the zip archive `bytes`, in the order of their bytes.
 *
 * @param cap The most bytes that all contents together may have
 * @throws {SyntaxError} if it is no zip archive, or a member is encrypted, oddly packed, oddly named or damaged
 * @throws {RangeError} if a size or an offset is wrong, or there are more bytes than `cap` allows
 */
export function unzip(bytes: Uint8Array, where: string, cap: Cap): Member[] {
  const view = new ZipView(bytes, where);
  const { entries, directory } = readDirectory(view);
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
