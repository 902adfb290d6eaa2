/** A tensor's elements as the bytes of a file, and how many elements a file may claim. */
import { elements } from "../ops/movement.ts";
import type { Tensor } from "../tensor.ts";

/** The elements that `tensor` shows, row after row, little-endian; they share its memory where it is row-major. */
export function tensorBytes(tensor: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = elements(tensor);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The product of sizes from a file; NaN where it passes 2^53 on the way, even if a later size is 0. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, size) => Number.isSafeInteger(product * size) ? product * size : NaN, 1);
}

/** The most elements a tensor may have. */
export const MAX_ELEMENTS = 2 ** 31 - 1;
