/** The part of a buffer that a strided matrix touches, and its way into and out of another memory. */
import type { Numbers } from "../dtype.ts";

/** A [rows, cols] matrix: where it stands in its own buffer, and how it is laid out in the copy. */
export interface Footprint {
  source: Numbers;
  /** Where the first element touched stands in the source. */
  from: number;
  rows: number;
  cols: number;
  /** Steps in the source; never negative, because a backward walk is a forward walk of the same elements. */
  sourceRow: number;
  sourceCol: number;
  /** Element 0, 0 and steps in the copy. */
  offset: number;
  row: number;
  col: number;
  /** Elements in the copy. */
  length: number;
}

/**
 * Plans the copy of a matrix.
 *
 * A matrix that fills most of its range is copied as that range, strides and all; one that is thinly spread is gathered
 * row by row into a dense copy.
 */
export function footprint(
  source: Numbers,
  offset: number,
  rows: number,
  row: number,
  cols: number,
  col: number,
): Footprint {
  const empty = rows === 0 || cols === 0;
  const [down, right] = empty ? [0, 0] : [(rows - 1) * row, (cols - 1) * col];
  const low = offset + Math.min(down, 0) + Math.min(right, 0);
  const span = empty ? 0 : Math.abs(down) + Math.abs(right) + 1;
  const shared = { source, rows, cols };
  if (span <= 2 * rows * cols || row === 0 || col === 0) {
    return { ...shared, from: low, sourceRow: row, sourceCol: col, offset: offset - low, row, col, length: span };
  }
  return { ...shared, from: offset, sourceRow: row, sourceCol: col, offset: 0, row: cols, col: 1, length: rows * cols };
}

/** Whether the copy is the source's own range. */
function isRange(part: Footprint): boolean {
  return part.row === part.sourceRow && part.col === part.sourceCol;
}

/** Copies a matrix into `heap` at a byte address. */
export function loadFrom(heap: ArrayBufferLike, address: number, part: Footprint): void {
  const { source, from, rows, cols, sourceRow, sourceCol, length } = part;
  const copy = new Float32Array(heap, address, length);
  if (isRange(part)) return copy.set(source.subarray(from, from + length));
  for (let i = 0, to = 0; i < rows; i++) {
    for (let j = 0, at = from + i * sourceRow; j < cols; j++, at += sourceCol) copy[to++] = source[at];
  }
}

/** Copies a matrix out of `heap` into its source; what lies between its elements stays as it was. */
export function storeInto(heap: ArrayBufferLike, address: number, part: Footprint): void {
  const { source, from, rows, cols, sourceRow, sourceCol, length } = part;
  const copy = new Float32Array(heap, address, length);
  if (isRange(part) && length === rows * cols) return source.set(copy, from);
  for (let i = 0; i < rows; i++) {
    const start = part.offset + i * part.row;
    const to = isRange(part) ? from + start : from + i * sourceRow;
    for (let j = 0; j < cols; j++) source[to + j * sourceCol] = copy[start + j * part.col];
  }
}
