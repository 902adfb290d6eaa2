/**
 * Memory that begins on a cache line, and small blocks of it suballocated from slabs.
 *
 * A vector that lies across two lines is read twice: (1024×128)ᵀ @ 1024×784 takes 7 % longer where rows begin 16 bytes after a line, as
 * memory does that comes from V8.
 */
import { bytesOf, type DType, type TypedArray, typedArrayOver } from "../dtype.ts";

/** Bytes of a cache line. */
export const CACHE_LINE = 64;

/** What a native library can tell of memory and do with it: JavaScript has neither addresses nor an allocator. */
interface SystemMemory {
  /** How many bytes after the beginning of a cache line an array begins. */
  offsetInLine(start: Uint8Array<ArrayBuffer>): number;
  /** Returns free memory to the system, where the C library keeps too much of it. */
  trim(): void;
}

const known: SystemMemory[] = [];

/** Called when a native library is opened; call the result when it is closed. */
export function registerSystemMemory(system: SystemMemory): () => void {
  known.push(system);
  return () => void known.splice(known.indexOf(system), 1);
}

/** Zeroed memory of `bytes` bytes; it begins on a cache line if a native library is open. */
export function newAligned(bytes: number): Uint8Array<ArrayBuffer> {
  const system = known.at(-1);
  if (system === undefined) return new Uint8Array(bytes);
  const memory = new Uint8Array(bytes + CACHE_LINE);
  if (bytes >= LARGE) collected.register(memory.buffer, bytes);
  const start = CACHE_LINE - system.offsetInLine(memory);
  return memory.subarray(start, start + bytes);
}

/** Bytes from which on a buffer is registered, to count them once it was collected. */
const LARGE = 1 << 20;
/** Collected bytes after which the C library is asked to return what is free. */
const TRIM_AFTER = 64 << 20;
let collectedBytes = 0;

const collected = new FinalizationRegistry((bytes: number) => {
  collectedBytes += bytes;
  if (collectedBytes < TRIM_AFTER) return;
  collectedBytes = 0;
  known.at(-1)?.trim();
});

// Slabs: an ArrayBuffer of its own costs more time than the arithmetic of a small result, so that small blocks share one.
// A slab holds at most 32 blocks of one size, and fewer of the larger ones: a tensor that is kept keeps no more than 32 times its
// memory alive, and never more than 124 kB.

/** The largest block that comes from a slab, in bytes; for larger ones an ArrayBuffer costs less than to fill it. */
export const MAX_SMALL = 16_384;
/** Most blocks of a slab. */
const MAX_BLOCKS = 32;
/** Most bytes of a slab: from 128 kB on the C library asks the system for each, which clears it page by page. */
const SLAB_BYTES = 124 << 10;

/** The slab in use for each size of block, by its power of two. */
const slabs: Uint8Array<ArrayBuffer>[] = [];
/** Bytes of each that are in use. */
const used: number[] = [];

/** A zeroed block of `length` elements, at most {@linkcode MAX_SMALL} bytes. No two blocks share a cache line. */
export function suballocate(dtype: DType, length: number): TypedArray {
  const power = 32 - Math.clz32(Math.max(length * bytesOf(dtype), CACHE_LINE) - 1);
  const size = 1 << power;
  const capacity = Math.min(MAX_BLOCKS, Math.trunc(SLAB_BYTES / size)) * size; // whole blocks
  const gone = slabs[power] === undefined || slabs[power].length === 0; // its buffer was transferred with that of a small tensor
  if (gone || used[power] === capacity) {
    slabs[power] = newAligned(capacity);
    used[power] = 0;
  }
  const start = used[power];
  used[power] = start + size;
  return typedArrayOver(dtype, slabs[power].buffer, slabs[power].byteOffset + start, length);
}
