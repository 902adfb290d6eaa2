/**
 * Memory that begins on a cache line. A vector that lies across two lines is read twice: (1024×128)ᵀ @ 1024×784 takes 7 % longer
 * where rows begin 16 bytes after a line, as the engine's own memory does.
 */
import { bytesOf, type DType, elementsIn, type TypedArray } from "../dtype.ts";

/** Bytes of a cache line. */
export const LINE = 64;

/** What a library that is open can tell of memory and do with it; the language has no addresses and no allocator. */
export interface SystemMemory {
  /** How many bytes after a line a buffer begins. */
  line(start: Uint8Array<ArrayBuffer>): number;
  /** Gives memory that is free back to the system, where the C library keeps too much of it. */
  trim(): void;
}

const known: SystemMemory[] = [];

/** Called by a library; the result makes it be forgotten again. */
export function registerSystemMemory(system: SystemMemory): () => void {
  known.push(system);
  return () => void known.splice(known.indexOf(system), 1);
}

/** Zeroed memory of so many bytes that begins on a line, where that can be known. */
export function onLine(bytes: number): Uint8Array<ArrayBuffer> {
  const system = known.at(-1);
  if (system === undefined) return new Uint8Array(bytes);
  const room = new Uint8Array(bytes + LINE);
  if (bytes >= LARGE) collected.register(room.buffer, bytes);
  const after = system.line(room);
  return room.subarray(LINE - after, LINE - after + bytes);
}

/** Memory of so many bytes is worth being told of when the engine has collected it. */
const LARGE = 1 << 20;
/** After so many bytes it is worth looking how much the C library keeps. */
const MANY = 64 << 20;
let since = 0;

const collected = new FinalizationRegistry((bytes: number) => {
  since += bytes;
  if (since < MANY) return;
  since = 0;
  known.at(-1)?.trim();
});

// Small blocks of memory, cut from sheets: a buffer of its own costs the engine more than the arithmetic of a small result.
// A sheet holds at most 32 blocks of one size, and fewer of the larger ones, so that a tensor which is kept holds back no more than
// 32 times its memory, and never more than 124 kB.

/** The largest block that is cut from a sheet, in bytes; larger ones cost more to fill than to make. */
export const LARGEST_SMALL = 16_384;
/** Blocks of a sheet, at most. */
const MOST_BLOCKS = 32;
/** Bytes of a sheet, at most: more than 128 kB the system would hand out, clear and take back page by page. */
const SLAB = 124 << 10;

/** The sheet in use of each size, by the power of two. */
const slabs: Uint8Array<ArrayBuffer>[] = [];
/** How much of each is cut already, in bytes. */
const used: number[] = [];

/** A zeroed block of `length` elements, at most {@linkcode LARGEST_SMALL} bytes. No two blocks share a cache line. */
export function suballocate(dtype: DType, length: number): TypedArray {
  const power = 32 - Math.clz32(Math.max(length * bytesOf(dtype), LINE) - 1);
  const size = 1 << power;
  const room = Math.min(MOST_BLOCKS, Math.trunc(SLAB / size)) * size; // whole blocks
  const gone = slabs[power] === undefined || slabs[power].length === 0; // somebody transferred the buffer of a small tensor
  if (gone || used[power] === room) {
    slabs[power] = onLine(room);
    used[power] = 0;
  }
  const start = used[power];
  used[power] = start + size;
  return elementsIn(dtype, slabs[power].buffer, slabs[power].byteOffset + start, length);
}
