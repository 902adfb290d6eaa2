/** From the columns of a table to features for a network: numbers of mean 0 and deviation 1, categories as ones and zeros. */
import { checkOptions, requireArray, requireTensor } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { elements } from "../../core/ops/movement.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Column } from "../formats/table.ts";

/** How a column becomes features. */
export interface ColumnEncoding {
  /** The column's name. */
  readonly name: string;
  /** Numbers are standardised, categories are one-hot. */
  readonly kind: Column["kind"];
  /** The mean of the numbers, which is subtracted; 0 of categories. */
  readonly mean: number;
  /** The standard deviation of the numbers, by which they are divided, unless it is 0; 1 of categories. */
  readonly std: number;
  /** How many features the column becomes: 1, or one for each category. */
  readonly width: number;
  /** All categories in the order of their features; those past `width` have none. Where there are such, the commonest come first. */
  readonly categories: readonly string[];
}

/** Settings of a {@linkcode TableEncoder}. */
export interface TableEncoderOptions {
  /**
   * How many categories of a column get a feature: those that most training rows have; the others are encoded as zeros, as an empty
   * cell is.
   *
   * @default {50}
   */
  maxCategories?: number;
}

/**
 * Turns the rows of a {@linkcode Table} into features, as scikit-learn's `StandardScaler` and `OneHotEncoder` do: a number becomes
 * `(x − mean) / std`, a category a 1 among zeros. Mean and deviation (of the population, dividing by n) are those of the training
 * rows, the only ones that the encoder is made from. An empty cell becomes 0: the mean, or no category.
 *
 * @throws {RangeError} if the rows have not one cell for each column, or the numbers of a column are too large for their deviation
 *
 * @example
 * ```ts
 * import { fromCsv, TableEncoder } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = "size,colour\n1,red\n3,blue\n,red\n";
 * const { x, columns } = await fromCsv(new Response(text).body!);
 * const encoder = new TableEncoder(columns, x);
 * assertEquals(encoder.transform(x).toArray(), [[-1, 0, 1], [1, 1, 0], [0, 0, 1]]); // size, blue, red
 * ```
 */
export class TableEncoder {
  /** How many features a row becomes. */
  readonly width: number;
  /** What becomes of each column: numbers and names alone, so that JSON can keep it. */
  readonly columns: readonly ColumnEncoding[];
  readonly #missing: readonly number[];
  readonly #features: readonly ArrayLike<number>[]; // of each category of a column, by its number

  /** An encoder for these columns, by the statistics of the training rows [n, columns]. */
  constructor(columns: readonly Column[], train: Tensor, options: TableEncoderOptions = {}) {
    checkOptions("encode a table", options, ["maxCategories"]);
    requireArray(columns, "encode a table of the columns", "table.columns");
    requireRows(train, columns.length);
    const { maxCategories = 50 } = options;
    if (!Number.isSafeInteger(maxCategories) || maxCategories < 1) {
      throw new RangeError(`Cannot encode ${maxCategories} categories: give a whole number from 1`);
    }
    const cells = columns.map((_, i) => train.slice(1, i, i + 1));
    const orders = columns.map(({ categories }, i) => orderOf(categories.length, cells[i], maxCategories));
    this.#features = orders.map(inverse);
    this.columns = columns.map((column, i) => encodingOf(column, cells[i], orders[i], maxCategories));
    this.width = this.columns.reduce((sum, { width }) => sum + width, 0);
    this.#missing = columns.map(({ missing }) => missing);
  }

  /** The features of the rows `x` [n, columns]: float32 [n, width]. */
  transform(x: Tensor): Tensor {
    requireRows(x, this.columns.length);
    const rows = x.shape[0], cells = elements(x);
    const out = new Float32Array(rows * this.width);
    let [from, to] = [0, 0];
    for (let row = 0; row < rows; row++) {
      for (const [i, { kind, mean, std, width }] of this.columns.entries()) {
        const cell = cells[from++];
        if (kind !== "categorical") out[to] = Number.isNaN(cell) ? 0 : (cell - mean) / (std || 1);
        else if (this.#features[i][cell] < width) out[to + this.#features[i][cell]] = 1;
        to += width;
      }
    }
    return fromData(out, [rows, this.width]);
  }

  /** A line about each column: `size: numeric, mean 2.000, std 1.000, 1 empty`. */
  describe(): string[] {
    return this.columns.map((column, i) => columnLine(column, this.#missing[i]));
  }
}

function requireRows(x: Tensor, columns: number): void {
  requireTensor(x, "encode the table");
  if (x.ndim === 2 && x.shape[1] === columns) return;
  throw new RangeError(`Cannot encode rows of shape [${x.shape}] by ${columns} columns: expected [rows, ${columns}]`);
}

function encodingOf(
  { name, kind, categories }: Column,
  train: Tensor,
  order: readonly number[],
  maxCategories: number,
): ColumnEncoding {
  if (kind !== "categorical") return { name, kind, ...statisticsOf(name, elements(train)), width: 1, categories };
  const width = Math.min(categories.length, maxCategories);
  return { name, kind, mean: 0, std: 1, width, categories: order.map((code) => categories[code]) };
}

/** The numbers of a column's categories in the order of their features: as they are, or by frequency where not all have one. */
function orderOf(count: number, train: Tensor, maxCategories: number): number[] {
  const order = Array.from({ length: count }, (_, code) => code);
  if (count <= maxCategories) return order;
  const rows = new Float64Array(count);
  for (const code of Array.from(elements(train))) if (code < count) rows[code]++;
  return order.sort((a, b) => rows[b] - rows[a] || a - b);
}

/** Where in a list each number from 0 on stands. */
function inverse(order: readonly number[]): Int32Array {
  const places = new Int32Array(order.length);
  order.forEach((value, place) => places[value] = place);
  return places;
}

/** Mean and deviation of the cells that are not empty, in float64; the deviation of equal numbers is 0 exactly. */
function statisticsOf(name: string, cells: ArrayLike<number>): { mean: number; std: number } {
  const values = Array.from(cells).filter((value) => !Number.isNaN(value));
  if (values.length === 0) return { mean: 0, std: 0 };
  const average = (of: (value: number) => number) => values.reduce((sum, v) => sum + of(v), 0) / values.length;
  const [first] = values;
  const mean = first + average((v) => v - first); // no digit is lost where all are alike
  const std = Math.sqrt(average((v) => (v - mean) ** 2));
  if (Number.isFinite(std)) return { mean, std };
  throw new RangeError(`Cannot scale column "${name}": its numbers are too large, skip it`);
}

function columnLine({ name, kind, mean, std, width, categories }: ColumnEncoding, missing: number): string {
  const empty = missing > 0 ? `, ${missing} empty` : "";
  if (kind !== "categorical") {
    const constant = std === 0 ? " (constant)" : "";
    return `${name}: numeric, mean ${mean.toPrecision(4)}, std ${std.toPrecision(4)}${constant}${empty}`;
  }
  const shared = categories.length > width ? `, ${width} of them told apart` : "";
  return `${name}: ${categories.length} categories${shared}${empty}`;
}
