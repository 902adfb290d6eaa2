/**
 * Small blocks of memory, cut from sheets: a buffer of its own costs the engine more than the arithmetic of a small result.
 *
 * A sheet holds eight blocks of one size, so that a tensor which is kept holds back no more than eight times its memory.
 */
import { LINE, onLine } from "./cache_line.ts";
import { bytesOf, type DType, elementsIn, type Numbers } from "./dtype.ts";

/** The largest block that is cut from a sheet, in bytes; larger ones cost more to fill than to make. */
export const LARGEST_CUT = 16_384;
const BLOCKS = 8;

/** The sheet in use of each size, by the power of two. */
const sheets: Uint8Array<ArrayBuffer>[] = [];
/** How much of each is cut already, in bytes. */
const used: number[] = [];

/** A zeroed block of `length` elements, at most {@linkcode LARGEST_CUT} bytes. No two blocks share a cache line. */
export function cut(dtype: DType, length: number): Numbers {
  const power = 32 - Math.clz32(Math.max(length * bytesOf(dtype), LINE) - 1);
  const size = 1 << power;
  if (sheets[power] === undefined || used[power] === BLOCKS * size) {
    sheets[power] = onLine(BLOCKS * size);
    used[power] = 0;
  }
  const start = used[power];
  used[power] = start + size;
  return elementsIn(dtype, sheets[power].buffer, sheets[power].byteOffset + start, length);
}
