/** Sizes of windows over images and sequences: one number for all dimensions or one for each, and the pairs that are made of them. */
import { describe, shown } from "../../arguments.ts";

/** One number for rows and columns, or both: `[rows, columns]`. */
export type NumberOrPair = number | readonly [rows: number, columns: number];

/** A number for the rows and one for the columns. */
export type RowsColumns = readonly [rows: number, columns: number];

/**
 * A setting as a pair. In one dimension there is one row, for which the setting is `alone`.
 *
 * @throws {TypeError} If it is neither a number nor, in two dimensions, two of them.
 * @throws {RangeError} If one is not a whole number from `least`.
 */
export function asPair(
  action: string,
  name: string,
  value: number | readonly number[],
  dims: 1 | 2,
  least: number,
  alone = least,
): RowsColumns {
  const all = typeof value === "number" ? Array<number>(dims).fill(value) : value;
  if (!Array.isArray(all) || all.length !== dims || !all.every((n) => typeof n === "number")) {
    const found = Array.isArray(value) ? `[${value.map((n) => shown(n)).join(", ")}]` : describe(value);
    throw new TypeError(
      `Cannot ${action} with ${name} ${found}: give a whole number${dims === 2 ? ", or two as [rows, columns]" : ""}`,
    );
  }
  const odd = all.find((n) => !Number.isInteger(n) || n < least);
  if (odd !== undefined) throw new RangeError(`Cannot ${action} with ${name} ${odd}: give whole numbers from ${least}`);
  return dims === 1 ? [alone, all[0]] : [all[0], all[1]];
}

/** Sizes for a message: `3 x 5`, or `5` in one dimension. */
export function bySize([rows, columns]: RowsColumns, dims: 1 | 2): string {
  return dims === 1 ? `${columns}` : `${rows} x ${columns}`;
}

/** How many windows there are along one dimension: `⌊(size + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1`, where padding is both sides'. */
export function windowCount(size: number, kernel: number, stride: number, dilation: number, padding: number): number {
  return Math.floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1;
}
