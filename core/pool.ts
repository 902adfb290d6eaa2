/**
 * Memory that is used again: blocks come from here, and those who know that nobody else can see a block give it back.
 *
 * A training loop allocates the same sizes step after step. The tape gives back what it alone held, so that from the second
 * step on nothing is allocated; whatever is never given back is the garbage collector's, as everything else.
 */
import { onLine } from "./cache_line.ts";
import { bytesOf, type DType, dtypeOf, elementsIn, type Numbers } from "./dtype.ts";
import { cut, LARGEST_CUT } from "./sheet.ts";

/** Blocks of one size that are kept at most; a step of a deep network holds many of them at once. */
const MOST = 64;

const idle = new Map<DType, Map<number, Numbers[]>>(); // by what the array is, so that bool and uint8 share
const resting = new WeakSet<Numbers>();
let watched: Numbers[] | null = null;

/** A block of `length` elements that may hold anything: whoever takes it writes all of it. */
export function take(dtype: DType, length: number): Numbers {
  const kept = idle.get(dtype === "bool" ? "uint8" : dtype);
  let block = kept?.get(length)?.pop();
  if (block === undefined) block = make(dtype, length);
  else resting.delete(block);
  watched?.push(block);
  return block;
}

/** A new block, all zero. */
export function make(dtype: DType, length: number): Numbers {
  const bytes = length * bytesOf(dtype);
  if (bytes <= LARGEST_CUT) return cut(dtype, length);
  const memory = onLine(bytes);
  return elementsIn(dtype, memory.buffer, memory.byteOffset, length);
}

/** Gives a block back. The caller knows that no tensor which anybody can reach lies in it. */
export function give(block: Numbers): void {
  if (resting.has(block)) return;
  const dtype = dtypeOf(block);
  let sizes = idle.get(dtype);
  if (sizes === undefined) idle.set(dtype, sizes = new Map());
  const list = sizes.get(block.length);
  if (list === undefined) sizes.set(block.length, [block]);
  else if (list.length < MOST) list.push(block);
  else return;
  resting.add(block);
}

/** Runs `body` and answers with the blocks that were taken meanwhile. */
export function watchTaken(body: () => void): Numbers[] {
  const before = watched;
  const taken: Numbers[] = watched = [];
  try {
    body();
  } finally {
    watched = before;
  }
  return taken;
}
