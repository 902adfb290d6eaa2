/** Tables of numbers and categories as tensors. */
import { requireChoice } from "../../core/arguments.ts";
import { quoted } from "../../core/io/read_file.ts";
import type { Tensor } from "../../core/tensor.ts";

/** What a column holds: numbers, or one of some words. */
export type ColumnKind = "numeric" | "categorical";

/** A column of a table. */
export interface Column {
  /** Its name. */
  readonly name: string;
  /** What it holds. */
  readonly kind: ColumnKind;
  /** The words of a categorical column: number `i` in the tensor stands for `categories[i]`. */
  readonly categories: readonly string[];
  /** How many cells are empty. */
  readonly missing: number;
}

/** A table in tensors. */
export interface Table {
  /** The columns to learn from, float32 or as asked, [rows, columns]: numbers, categories by number, empty cells NaN. */
  readonly x: Tensor;
  /** The column to predict: [rows] of numbers, float32 or as asked, or int32 [rows] of categories; `null` where none was named. */
  readonly y: Tensor | null;
  /** What the columns of `x` are. */
  readonly columns: readonly Column[];
  /** What `y` is. */
  readonly target: Column | null;
}

/** A column as it is found or wished for before its cells are read. */
export interface ColumnPlan {
  /** Its name. */
  readonly name: string;
  /** What to read it as; `"skip"` leaves it out. */
  readonly kind: ColumnKind | "skip";
  /** The only words it may hold, in this order; any when absent, and then they are sorted. */
  readonly categories?: readonly string[];
  /** Whether its numbers have a comma where others have a point. */
  readonly decimalComma?: boolean;
}

/** What a column, and a word of a categorical one, take beside their text, in bytes. */
export const COLUMN_COST = 256;
export const CATEGORY_COST = 96;

/** The number that a cell holds, as decimals are written; NaN for anything else. */
export function parseNumber(text: string): number {
  const value = Number(text);
  const first = text.charCodeAt(0);
  if (text.length === 1 && first >= ZERO && first <= ZERO + 9) return value; // most cells there are
  // Number() also takes blanks, hexadecimals and Infinity.
  return value - value === 0 && !/^\s*$|[xXbBoO]/.test(text) ? value : NaN;
}

/** The number that a cell holds with a comma before its fraction, as in `10018,15`; NaN for anything else. */
export function parseDecimalComma(text: string): number {
  return /^\s*[-+]?\d+(,\d+)?([eE][-+]?\d+)?\s*$/.test(text) ? parseNumber(text.replace(",", ".")) : NaN;
}

const ZERO = "0".charCodeAt(0);

/**
 * The place of the column `target`, a name or a number that may count from the end; `null` where none is wanted.
 *
 * @throws {RangeError} if there is no such column
 */
export function findTarget(plans: readonly ColumnPlan[], target: string | number | null, where: string): number | null {
  if (target === null) return null;
  const place = typeof target === "number"
    ? target + (target < 0 ? plans.length : 0)
    : plans.findIndex(({ name }) => name === target);
  if (plans[place] !== undefined) return place;
  const names = plans.slice(0, 20).map(({ name }) => quoted(name)).join(", ");
  throw new RangeError(`Cannot find the target ${JSON.stringify(target)} in ${where}: its columns are ${names}`);
}

/**
 * Checks the kind that the numbers of a table are asked for in.
 *
 * @throws {TypeError} With what there is, if it is none of them.
 */
export function requireDType(action: string, dtype: string | undefined): void {
  if (dtype !== undefined) requireChoice(action, "dtype", dtype, ["float32", "float64"]);
}
