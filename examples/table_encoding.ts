/** From the columns of a table to what a network likes: numbers of mean 0 and deviation 1, categories as ones and zeros. */
import { fromData, type Tensor } from "@gradus/gradus";
import type { Column, Table } from "@gradus/gradus/data";

/** Categories that get a feature of their own; the rarer ones of a column share none. */
const MOST_CATEGORIES = 50;

/** How a column becomes features. */
export interface ColumnCode {
  readonly name: string;
  readonly kind: Column["kind"];
  /** Of the numbers, to be taken away. */
  readonly mean: number;
  /** Of the numbers, to be divided by; 0 of a constant column, which is not divided. */
  readonly std: number;
  /** How many features it gets: 1, or one for each of the first categories. */
  readonly width: number;
  readonly categories: readonly string[];
}

/** Learned from the training rows alone, applied to all. */
export interface Encoding {
  /** How many features a row has. */
  readonly width: number;
  /** What becomes of each column. */
  readonly columns: readonly ColumnCode[];
  /** The features of rows [n, columns] as float32 [n, width]; an empty cell is 0: the mean, or no category. */
  of(x: Tensor): Tensor;
  /** A line about each column. */
  describe(): string[];
}

/** The encoding of a table, by the statistics of its training rows. */
export function encodingOf({ columns }: Table, train: Tensor): Encoding {
  const codes = columns.map((column, at) => codeOf(column, train.slice(1, at, at + 1)));
  const width = codes.reduce((sum, code) => sum + code.width, 0);
  return {
    width,
    columns: codes,
    of: (x) => encode(x, codes, width),
    describe: () => codes.map((code, at) => describe(code, columns[at].missing)),
  };
}

/**
 * Mean and deviation of the numbers that are known, in float64; the deviation of equal numbers is 0 exactly.
 *
 * @throws {RangeError} If they are too far apart for it.
 */
export function statisticsOf(name: string, column: Tensor): { mean: number; std: number } {
  const values = Array.from(column.clone().data).filter((value) => !Number.isNaN(value));
  if (values.length === 0) return { mean: 0, std: 0 };
  const average = (of: (value: number) => number) => values.reduce((sum, v) => sum + of(v), 0) / values.length;
  const [first] = values;
  const mean = first + average((v) => v - first); // no digit is lost where all are alike
  const std = Math.sqrt(average((v) => (v - mean) ** 2));
  if (Number.isFinite(std)) return { mean, std };
  throw new RangeError(`Cannot scale column "${name}": its numbers are too large, skip it`);
}

function codeOf({ name, kind, categories }: Column, train: Tensor): ColumnCode {
  if (kind === "numeric") return { name, kind, ...statisticsOf(name, train), width: 1, categories };
  return { name, kind, mean: 0, std: 1, width: Math.min(categories.length, MOST_CATEGORIES), categories };
}

function encode(x: Tensor, codes: readonly ColumnCode[], width: number): Tensor {
  const rows = x.shape[0];
  const { data } = x.contiguous().clone();
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let to = row * width;
    for (let at = 0; at < codes.length; at++) {
      const { kind, mean, std, width: size } = codes[at];
      const value = data[row * codes.length + at];
      if (kind === "numeric") out[to] = Number.isNaN(value) ? 0 : (value - mean) / (std || 1);
      else if (value < size) out[to + value] = 1;
      to += size;
    }
  }
  return fromData(out, [rows, width]);
}

function describe({ name, kind, mean, std, width, categories }: ColumnCode, missing: number): string {
  const empty = missing > 0 ? `, ${missing} empty` : "";
  if (kind === "numeric") {
    const constant = std === 0 ? " (constant)" : "";
    return `${name}: numeric, mean ${mean.toPrecision(4)}, std ${std.toPrecision(4)}${constant}${empty}`;
  }
  const shared = categories.length > width ? `, ${width} of them told apart` : "";
  return `${name}: ${categories.length} categories${shared}${empty}`;
}
