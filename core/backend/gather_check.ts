/** What a gather refuses. */
import { memoryGone, type Numbers } from "../dtype.ts";

/**
 * Checks that every row to be gathered lies in `x`, that `out` has room for all of them, and that a table fits.
 *
 * @throws {RangeError} If one does not, or `out` has not.
 * @throws {TypeError} If there is a table for other than bytes, or one that has not a float for each.
 */
export function checkGather(
  x: Numbers,
  offset: number,
  stride: number,
  width: number,
  index: Int32Array,
  out: Numbers,
  table: Float32Array | null,
): void {
  checkTable(x, out, table);
  const fits = width >= 0 && Number.isInteger(width) && index.length * width <= out.length;
  if (!fits) {
    throw new RangeError(
      `Cannot gather ${index.length} rows of ${width} elements: the result has room for ${out.length}`,
    );
  }
  const last = x.length - width;
  for (let i = 0; i < index.length; i++) {
    const from = offset + index[i] * stride;
    if (!(from >= 0 && from <= last && Number.isInteger(from))) throw badRow(index[i], offset, stride, width, x.length);
  }
}

/** Checks that a table is there for bytes that become floats, with one for each byte. */
export function checkTable(x: Numbers, out: Numbers, table: Float32Array | null): void {
  if (table === null) return;
  if (x instanceof Uint8Array && out instanceof Float32Array && table.length >= 256) return;
  throw new TypeError(
    `Cannot gather from ${x.constructor.name} into ${out.constructor.name} by a table of ${table.length}: ` +
      `only bytes have one, of 256, and become floats`,
  );
}

/** The error for a row that does not lie in its buffer. */
export function badRow(row: number, offset: number, stride: number, width: number, length: number): RangeError {
  if (length === 0) return memoryGone();
  const from = offset + row * stride;
  return new RangeError(
    `Cannot gather row ${row}: it reaches from ${from} to ${from + width - 1} in a buffer of ${length}`,
  );
}
