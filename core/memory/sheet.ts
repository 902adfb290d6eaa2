/**
 * Small blocks of memory, cut from sheets: a buffer of its own costs the engine more than the arithmetic of a small result.
 *
 * A sheet holds at most 32 blocks of one size, and fewer of the larger ones, so that a tensor which is kept holds back no more than
 * 32 times its memory, and never more than 124 kB.
 */
import { LINE, onLine } from "./cache_line.ts";
import { bytesOf, type DType, elementsIn, type Numbers } from "../dtype.ts";

/** The largest block that is cut from a sheet, in bytes; larger ones cost more to fill than to make. */
export const LARGEST_CUT = 16_384;
/** Blocks of a sheet, at most. */
const MOST = 32;
/** Bytes of a sheet, at most: more than 128 kB the system would hand out, clear and take back page by page. */
const SHEET = 124 << 10;

/** The sheet in use of each size, by the power of two. */
const sheets: Uint8Array<ArrayBuffer>[] = [];
/** How much of each is cut already, in bytes. */
const used: number[] = [];

/** A zeroed block of `length` elements, at most {@linkcode LARGEST_CUT} bytes. No two blocks share a cache line. */
export function cut(dtype: DType, length: number): Numbers {
  const power = 32 - Math.clz32(Math.max(length * bytesOf(dtype), LINE) - 1);
  const size = 1 << power;
  const room = Math.min(MOST, Math.trunc(SHEET / size)) * size; // whole blocks
  const gone = sheets[power] === undefined || sheets[power].length === 0; // somebody transferred the buffer of a small tensor
  if (gone || used[power] === room) {
    sheets[power] = onLine(room);
    used[power] = 0;
  }
  const start = used[power];
  used[power] = start + size;
  return elementsIn(dtype, sheets[power].buffer, sheets[power].byteOffset + start, length);
}
