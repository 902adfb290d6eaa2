/**
 * A pool of memory that is used again: blocks are acquired here, and released by code that knows that nobody else can reach them.
 *
 * Only three places release: a backward pass, what it acquired itself and no other code has seen; a tensor's `.g`, a gradient that
 * nobody has read; and a `Sequential` that predicts, what one layer of the library has given to the next. Other results of operations
 * are never released, since the caller may hold them: they are left to the garbage collector.
 */
import { MAX_SMALL, newAligned, suballocate } from "./slabs.ts";
import { bytesOf, type DType, dtypeOf, type TypedArray, typedArrayOver } from "../dtype.ts";

/** Most bytes of released blocks that are kept; what is released beyond them is left to the garbage collector. */
export const MAX_KEPT = 256 << 20;

/** Backward passes that a block is kept for without being acquired, so that batches of ever new sizes do not leave a block of each. */
export const PASSES_KEPT = 16;

/** Released blocks of one size, oldest first, each with the number of the backward pass in which it was released. */
interface FreeList {
  readonly blocks: TypedArray[];
  readonly released: number[];
}

const free = new Map<number, FreeList>();
let kept = 0; // bytes in all free lists
let pass = 0; // the number of this backward pass
let tracked: TypedArray[] | null = null;
let reusable = false; // whether blocks are rounded up also where none is tracked
let reuse: "on" | "off" | "spoil" = "on";

/** A block of `length` elements that may hold anything: the caller writes all of it. */
export function acquire(dtype: DType, length: number): TypedArray {
  const bytes = length * bytesOf(dtype);
  const block = takeFree(dtype, length) ??
    newBlock(dtype, length, tracked === null && !reusable ? bytes : capacityFor(bytes));
  tracked?.push(block);
  return block;
}

/** A new block of zeros, in memory of `capacity` bytes: more than it needs only where it may be released and used for another size. */
export function newBlock(dtype: DType, length: number, capacity = length * bytesOf(dtype)): TypedArray {
  if (capacity <= MAX_SMALL) return suballocate(dtype, length);
  const memory = newAligned(capacity);
  return typedArrayOver(dtype, memory.buffer, memory.byteOffset, length);
}

/** Sets whether what is acquired may be released though nothing is tracked; returns what was set before. */
export function setReusable(wanted: boolean): boolean {
  const before = reusable;
  reusable = wanted;
  return before;
}

/** Takes back a block that was acquired while tracking was on, or `setReusable`. The caller knows that no tensor in it can be reached any more. */
export function release(block: TypedArray): void {
  const key = keyOf(dtypeOf(block), block.length);
  if (reuse === "off" || block.length === 0 || kept + capacityOf(key) > MAX_KEPT) return; // without a buffer the length is 0
  if (reuse === "spoil") new Uint8Array(block.buffer, block.byteOffset, block.byteLength).fill(0xff);
  let list = free.get(key);
  if (list === undefined) free.set(key, list = { blocks: [], released: [] });
  list.blocks.push(block);
  list.released.push(pass);
  kept += capacityOf(key);
}

function takeFree(dtype: DType, length: number): TypedArray | null {
  if (free.size === 0) return null;
  const key = keyOf(dtype, length);
  const list = free.get(key);
  const block = list?.blocks.pop();
  if (block === undefined) return null;
  list!.released.pop();
  const gone = block.length === 0 && length > 0; // the buffer of its slab was transferred
  kept -= capacityOf(key);
  if (gone) return takeFree(dtype, length);
  if (block.length === length && dtypeOf(block) === arrayDType(dtype)) return block;
  return typedArrayOver(dtype, block.buffer as ArrayBuffer, block.byteOffset, length);
}

/** Runs `body` and adds every block acquired meanwhile to `into`; with `null`, for code of the user's, nothing is tracked. */
export function trackAcquired<T>(into: TypedArray[] | null, body: () => T): T {
  const before = tracked;
  tracked = into;
  try {
    return body();
  } finally {
    tracked = before;
  }
}

/** Counts a backward pass, or a part of one, and drops blocks that were not acquired again for {@linkcode PASSES_KEPT} passes. */
export function endPass(part = 1): void {
  const before = pass;
  pass += part;
  if (Math.trunc(before / PASSES_KEPT) !== Math.trunc(pass / PASSES_KEPT)) dropOlderThan(pass - PASSES_KEPT);
}

function dropOlderThan(limit: number): void {
  for (const [key, { blocks, released }] of free) {
    const firstNew = released.findIndex((when) => when >= limit);
    const old = firstNew === -1 ? blocks.length : firstNew;
    kept -= old * capacityOf(key);
    blocks.splice(0, old);
    released.splice(0, old);
    if (blocks.length === 0) free.delete(key);
  }
}

/**
 * Whether released memory is used again: `"on"` at first. Tests use the others: with `"off"` every block is new, and with `"spoil"` a
 * released block is filled with NaN at once, so that a result computed from it shows.
 */
export function setReuse(mode: "on" | "off" | "spoil"): void {
  reuse = mode;
  dropOlderThan(Infinity);
}

/** The bytes of released blocks that are kept just now. */
export function bytesKept(): number {
  return kept;
}

/** The memory for `bytes` bytes, rounded up so that near sizes can use each other's: by an eighth at most. */
function capacityFor(bytes: number): number {
  if (bytes <= MAX_SMALL || bytes > MAX_KEPT) return bytes;
  const step = 1 << (28 - Math.clz32(bytes)); // an eighth of the power of two below
  return Math.ceil(bytes / step) * step;
}

/** The free list that a block belongs to: small ones share dtype and length, large ones their capacity (negative). */
function keyOf(dtype: DType, length: number): number {
  const bytes = length * bytesOf(dtype);
  return bytes <= MAX_SMALL ? length * 4 + DTYPE_NUMBER[dtype] : -capacityFor(bytes);
}

/** The bytes of each block in the free list `key`, also of one whose buffer was transferred. */
function capacityOf(key: number): number {
  return key < 0 ? -key : Math.trunc(key / 4) * bytesOf(DTYPES[key % 4]);
}

const DTYPES: readonly DType[] = ["float32", "float64", "int32", "uint8"];
const DTYPE_NUMBER: Readonly<Record<DType, number>> = { float32: 0, float64: 1, int32: 2, uint8: 3, bool: 3 };

/** What `dtypeOf` says of the array that holds it: bools are bytes. */
function arrayDType(dtype: DType): DType {
  return dtype === "bool" ? "uint8" : dtype;
}
