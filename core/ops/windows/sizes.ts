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

const DIMENSION = ["rows", "columns"];

/** Where windows stand along rows and columns: steps between them, steps between the places of the kernel, zeros before and after. */
export interface Placement {
  stride: RowsColumns;
  dilation: RowsColumns;
  before: RowsColumns;
  after: RowsColumns;
}

/**
 * How many windows there are in each dimension: `⌊(before + after + size − dilation·(kernel − 1) − 1) / stride⌋ + 1`.
 *
 * @throws {RangeError} What `refuse` makes of the reason, if there is none.
 */
export function windowsThatFit(
  size: RowsColumns,
  kernel: RowsColumns,
  { stride, dilation, before, after }: Placement,
  refuse: (why: string) => RangeError,
): RowsColumns {
  const along = (d: 0 | 1) => {
    if (kernel[d] < 1) throw refuse(`a kernel has at least 1 of its ${DIMENSION[d]}`);
    const reach = dilation[d] * (kernel[d] - 1) + 1;
    const less = reach - size[d] - before[d] - after[d];
    if (less <= 0) return Math.floor(-less / stride[d]) + 1;
    const padded = before[d] === after[d] ? `2·${before[d]} + ${size[d]}` : `${before[d]} + ${after[d]} + ${size[d]}`;
    throw refuse(
      `the result has ⌊(${padded} − ${dilation[d]}·(${kernel[d]} − 1) − 1) / ${stride[d]}⌋ + 1 ${
        DIMENSION[d]
      }, and ${padded} is ` +
        `${less} less than the ${dilation[d]}·(${
          kernel[d]
        } − 1) + 1 that the kernel covers; pad more, or take a smaller kernel`,
    );
  };
  return [along(0), along(1)];
}

/** How large the image is that so many windows are spread over: `(count − 1)·stride − before − after + dilation·(kernel − 1) + 1 + added`. */
export function sizeSpreadOver(
  count: RowsColumns,
  kernel: RowsColumns,
  { stride, dilation, before, after }: Placement,
  added: RowsColumns,
  refuse: (why: string) => RangeError,
): RowsColumns {
  const along = (d: 0 | 1) => {
    if (kernel[d] < 1) throw refuse(`a kernel has at least 1 of its ${DIMENSION[d]}`);
    const size = (count[d] - 1) * stride[d] - before[d] - after[d] + dilation[d] * (kernel[d] - 1) + 1 + added[d];
    if (size >= 1) return size;
    throw refuse(
      `the result has (${count[d]} − 1)·${stride[d]} − 2·${before[d]} + ${dilation[d]}·(${kernel[d]} − 1) + ${
        added[d]
      } + 1 = ` +
        `${size} ${DIMENSION[d]}; pad less`,
    );
  };
  return [along(0), along(1)];
}
