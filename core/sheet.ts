/**
 * Small blocks of memory, cut from sheets: a buffer of its own costs the engine more than the arithmetic of a small result.
 *
 * A sheet holds eight blocks of one size, so that a tensor which is kept holds back no more than eight times its memory.
 */
import type { DType, Numbers } from "./dtype.ts";

/** The largest block that is cut from a sheet, in bytes; larger ones cost more to fill than to make. */
export const LARGEST_CUT = 16_384;
const SMALLEST = 64; // bytes: a cache line, so that no two blocks share one
const BLOCKS = 8;

/** The sheet in use of each size, by the power of two. */
const sheets: ArrayBuffer[] = [];
/** How much of each is cut already, in bytes. */
const used: number[] = [];

/** A zeroed block of `length` elements that are `bytes` bytes together, at most {@linkcode LARGEST_CUT}. */
export function cut(dtype: DType, length: number, bytes: number): Numbers {
  const power = 32 - Math.clz32(Math.max(bytes, SMALLEST) - 1);
  const size = 1 << power;
  if (sheets[power] === undefined || used[power] === BLOCKS * size) {
    sheets[power] = new ArrayBuffer(BLOCKS * size);
    used[power] = 0;
  }
  const start = used[power];
  used[power] = start + size;
  switch (dtype) {
    case "float32":
      return new Float32Array(sheets[power], start, length);
    case "float64":
      return new Float64Array(sheets[power], start, length);
    case "int32":
      return new Int32Array(sheets[power], start, length);
    default:
      return new Uint8Array(sheets[power], start, length);
  }
}
