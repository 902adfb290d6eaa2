/**
 * Memory that is used again: blocks are acquired here, and released by those who know that nobody else can reach them.
 *
 * Only two places release: a way back, what it acquired itself and showed to nobody, and a tensor's `.g`, a gradient that nobody has
 * read. What operations answer is never released, since whoever called may hold it: that is the garbage collector's.
 */
import { LARGEST_SMALL, onLine, suballocate } from "./slabs.ts";
import { bytesOf, type DType, dtypeOf, elementsIn, type TypedArray } from "../dtype.ts";

/** The bytes of released blocks that are kept at most; what is released beyond them is the garbage collector's. */
export const MOST_KEPT = 256 << 20;

/** So many ways back a block is kept without being wanted, so that batches of ever new sizes do not leave a block of each. */
export const WAYS_KEPT = 16;

/** Released blocks of one size, oldest first, each with the number of the way back after which it was released. */
interface FreeList {
  readonly blocks: TypedArray[];
  readonly released: number[];
}

const free = new Map<number, FreeList>();
let kept = 0; // bytes in all free lists
let way = 0; // the number of this way back
let tracked: TypedArray[] | null = null;
let reuse: "on" | "off" | "spoil" = "on";

/** A block of `length` elements that may hold anything: whoever acquires it writes all of it. */
export function acquire(dtype: DType, length: number): TypedArray {
  const bytes = length * bytesOf(dtype);
  const block = takeFree(dtype, length) ?? make(dtype, length, tracked === null ? bytes : roomFor(bytes));
  tracked?.push(block);
  return block;
}

/** A new block, all zero, in `room` bytes: just as many as it takes, where it will not come back. */
export function make(dtype: DType, length: number, room = length * bytesOf(dtype)): TypedArray {
  if (room <= LARGEST_SMALL) return suballocate(dtype, length);
  const memory = onLine(room);
  return elementsIn(dtype, memory.buffer, memory.byteOffset, length);
}

/** Takes back a block that was acquired while it was tracked. The caller knows that no tensor which anybody can reach lies in it. */
export function release(block: TypedArray): void {
  const key = keyOf(dtypeOf(block), block.length);
  if (reuse === "off" || block.length === 0 || kept + bytesFor(key) > MOST_KEPT) return; // without a buffer the length is 0
  if (reuse === "spoil") new Uint8Array(block.buffer, block.byteOffset, block.byteLength).fill(0xff);
  let list = free.get(key);
  if (list === undefined) free.set(key, list = { blocks: [], released: [] });
  list.blocks.push(block);
  list.released.push(way);
  kept += bytesFor(key);
}

function takeFree(dtype: DType, length: number): TypedArray | null {
  if (free.size === 0) return null;
  const key = keyOf(dtype, length);
  const list = free.get(key);
  const block = list?.blocks.pop();
  if (block === undefined) return null;
  list!.released.pop();
  const gone = block.length === 0 && length > 0; // somebody transferred the buffer of a small tensor on the same sheet
  kept -= bytesFor(key);
  if (gone) return takeFree(dtype, length);
  if (block.length === length && dtypeOf(block) === stored(dtype)) return block;
  return elementsIn(dtype, block.buffer as ArrayBuffer, block.byteOffset, length);
}

/** Runs `body` and adds every block acquired meanwhile to `into`; nothing is noted where that is `null`: the code is not ours. */
export function trackAcquired<T>(into: TypedArray[] | null, body: () => T): T {
  const before = tracked;
  tracked = into;
  try {
    return body();
  } finally {
    tracked = before;
  }
}

/** Counts a way back, or a part of one, and lets go of blocks that nobody wanted for {@linkcode WAYS_KEPT} of them. */
export function endPass(part = 1): void {
  const before = way;
  way += part;
  if (Math.trunc(before / WAYS_KEPT) !== Math.trunc(way / WAYS_KEPT)) dropOlderThan(way - WAYS_KEPT);
}

function dropOlderThan(limit: number): void {
  for (const [key, { blocks, released }] of free) {
    const firstNew = released.findIndex((when) => when >= limit);
    const old = firstNew === -1 ? blocks.length : firstNew;
    kept -= old * bytesFor(key);
    blocks.splice(0, old);
    released.splice(0, old);
    if (blocks.length === 0) free.delete(key);
  }
}

/**
 * Whether released memory is used again: `"on"` at first. With `"off"` every block is new, and with `"spoil"` a released block is
 * filled with NaN at once, so that whoever still holds it shows: both are for tests.
 */
export function setReuse(mode: "on" | "off" | "spoil"): void {
  reuse = mode;
  dropOlderThan(Infinity);
}

/** The bytes of released blocks that are kept just now. */
export function bytesKept(): number {
  return kept;
}

/** The bytes that a block of so many takes: near sizes share, and what is kept is at most an eighth larger than its contents. */
function roomFor(bytes: number): number {
  if (bytes <= LARGEST_SMALL || bytes > MOST_KEPT) return bytes;
  const step = 1 << (28 - Math.clz32(bytes)); // an eighth of the power of two below
  return Math.ceil(bytes / step) * step;
}

/** What blocks that can stand for each other have in common: small ones kind and length, large ones their room. */
function keyOf(dtype: DType, length: number): number {
  const bytes = length * bytesOf(dtype);
  return bytes <= LARGEST_SMALL ? length * 4 + NUMBER_OF[dtype] : -roomFor(bytes);
}

/** The bytes that each block of a list takes, also one that lost its buffer meanwhile. */
function bytesFor(key: number): number {
  return key < 0 ? -key : Math.trunc(key / 4) * bytesOf(KINDS[key % 4]);
}

const KINDS: readonly DType[] = ["float32", "float64", "int32", "uint8"];
const NUMBER_OF: Readonly<Record<DType, number>> = { float32: 0, float64: 1, int32: 2, uint8: 3, bool: 3 };

/** The kind of the array that holds it: bools are bytes. */
function stored(dtype: DType): DType {
  return dtype === "bool" ? "uint8" : dtype;
}
