/** Writing zip archives; zip64's fields are always used, so that sizes and the number of members have no other limit. */
import type { Steps } from "../../event_loop.ts";
import { joinInSteps, pieces } from "../in_steps.ts";
import { crc32, FLAG, LENGTH, METHOD, SEE_ZIP64, SEE_ZIP64_SHORT, SIGNATURE, ZIP64_FIELD } from "./unzip.ts";
import { Deflate } from "fflate";

/** The least version that knows zip64: 4.5. */
const VERSION = 45;

/** 1 January 1980, where zip's calendar begins: equal contents give equal bytes. */
const DATE = 1 << 5 | 1;

/** Bytes deflated at a time, so that the event loop can turn in between. */
const DEFLATED = 1 << 16;

interface Packed {
  readonly name: Uint8Array;
  readonly method: number;
  readonly crc: number;
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** The parts, one after the other, of a zip archive with these members, each deflated if `compress`, else stored. */
export function* zipParts(
  members: Iterable<readonly [name: string, content: Steps<Uint8Array>]>,
  compress: boolean,
): Steps<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [name, content] of members) {
    const member = yield* pack(name, yield* content, compress);
    const local = localHeader(member);
    parts.push(local, member.bytes);
    central.push(centralEntry(member, offset));
    offset += local.length + member.bytes.length;
  }
  const size = central.reduce((sum, entry) => sum + entry.length, 0);
  return [...parts, ...central, endRecords(central.length, size, offset)];
}

function* pack(name: string, content: Uint8Array, compress: boolean): Steps<Packed> {
  return {
    name: new TextEncoder().encode(name),
    method: compress ? METHOD.deflated : METHOD.stored,
    crc: yield* crc32(content),
    size: content.length,
    bytes: compress ? yield* deflate(content) : content,
  };
}

function* deflate(content: Uint8Array): Steps<Uint8Array> {
  const packed: Uint8Array[] = [];
  const deflater = new Deflate((piece) => packed.push(piece));
  for (const piece of pieces(content, DEFLATED)) {
    deflater.push(piece);
    yield;
  }
  deflater.push(new Uint8Array(), true);
  return yield* joinInSteps(packed);
}

function localHeader({ name, method, crc, size, bytes }: Packed): Uint8Array {
  const record = new Record(LENGTH.local + name.length + 20);
  record.int(SIGNATURE.local).short(VERSION).short(FLAG.utf8).short(method).short(0).short(DATE);
  record.int(crc).int(SEE_ZIP64).int(SEE_ZIP64).short(name.length).short(20).raw(name);
  record.short(ZIP64_FIELD).short(16).long(size).long(bytes.length);
  return record.bytes;
}

function centralEntry({ name, method, crc, size, bytes }: Packed, offset: number): Uint8Array {
  const record = new Record(LENGTH.central + name.length + 28);
  record.int(SIGNATURE.central).short(VERSION).short(VERSION).short(FLAG.utf8).short(method).short(0).short(DATE);
  record.int(crc).int(SEE_ZIP64).int(SEE_ZIP64).short(name.length).short(28).short(0).short(0).short(0).int(0);
  record.int(SEE_ZIP64).raw(name).short(ZIP64_FIELD).short(24).long(size).long(bytes.length).long(offset);
  return record.bytes;
}

/** The zip64 end record, its locator and the end record; in an empty archive the end record alone, with which readers expect it to begin. */
function endRecords(count: number, size: number, offset: number): Uint8Array {
  const record = new Record(count === 0 ? LENGTH.end : LENGTH.end64 + LENGTH.locator64 + LENGTH.end);
  if (count > 0) end64Records(record, count, size, offset);
  const short = Math.min(count, SEE_ZIP64_SHORT);
  record.int(SIGNATURE.end).short(0).short(0).short(short).short(short);
  record.int(Math.min(size, SEE_ZIP64)).int(Math.min(offset, SEE_ZIP64)).short(0);
  return record.bytes;
}

function end64Records(record: Record, count: number, size: number, offset: number): void {
  record.int(SIGNATURE.end64).long(LENGTH.end64 - 12).short(VERSION).short(VERSION).int(0).int(0);
  record.long(count).long(count).long(size).long(offset);
  record.int(SIGNATURE.locator64).int(0).long(offset + size).int(1);
}

/** Little-endian fields, written one after the other. */
class Record {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  short(value: number): this {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
    return this;
  }

  int(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  long(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }
}
