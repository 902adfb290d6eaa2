/** Tables of numbers and categories as tensors. */
import { nearest, requireChoice } from "../../core/arguments.ts";
import { quoted } from "../../core/io/read_file.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type DateOrder, parseDate } from "./parse_date.ts";

/** What a column holds: numbers, categories given by words, or dates, as days since the beginning of 1970. */
export type ColumnKind = "numeric" | "categorical" | "date";

/** A column of a table. */
export interface Column {
  /** Its name. */
  readonly name: string;
  /** What it holds. */
  readonly kind: ColumnKind;
  /** The words of a categorical column: `i` in the tensor stands for `categories[i]`. Empty for another one. */
  readonly categories: readonly string[];
  /** How many of its cells have no value. */
  readonly missing: number;
}

/** A table as tensors. */
export interface Table {
  /**
   * The columns to learn from, [rows, columns], of the `dtype` that was asked for: numbers, indices of categories, days since
   * 1970-01-01 00:00 UTC, NaN for no value.
   */
  readonly x: Tensor;
  /** The column to predict, [rows]: numbers of that `dtype`, or int32 indices of categories; `null` if no target was asked for. */
  readonly y: Tensor | null;
  /** The columns of `x`. */
  readonly columns: readonly Column[];
  /** The column of `y`. */
  readonly target: Column | null;
}

/** How a column is to be read. */
export interface ColumnPlan {
  /** Its name. */
  readonly name: string;
  /** What to read it as; `"skip"` leaves it out. */
  readonly kind: ColumnKind | "skip";
  /** The only words it may hold, in this order; without them any word is a category, and they are sorted. */
  readonly categories?: readonly string[];
  /** Whether its numbers have a decimal comma. */
  readonly decimalComma?: boolean;
  /** Whether a cell that is no number counts as missing, for there was one in the sample; else it is an error. */
  readonly lenient?: boolean;
  /** The order of its dates. */
  readonly dateOrder?: DateOrder;
  /** Whether it has neither a name nor a value, as after a comma at the end of each line. */
  readonly isNothing?: boolean;
}

/** Bytes of memory that a column, and a category, take beside their text. */
export const COLUMN_COST = 256;
export const CATEGORY_COST = 96;

/** Nobody writes a number of more characters. */
export const MAX_NUMBER_LENGTH = 120;

/** The number in a cell, a decimal with a point; NaN for anything else. */
export function parseNumber(text: string): number {
  const value = Number(text);
  const first = text.charCodeAt(0);
  if (text.length === 1 && first >= ZERO && first <= ZERO + 9) return value; // most cells of most files
  // Number() also accepts blanks, hexadecimals and Infinity.
  return value - value === 0 && !/^\s*$|[xXbBoO]/.test(text) ? value : NaN;
}

/** The number in a cell, a decimal with a comma such as `10018,15`; NaN for anything else. */
export function parseDecimalComma(text: string): number {
  return /^\s*[-+]?\d+(,\d+)?([eE][-+]?\d+)?\s*$/.test(text) ? parseNumber(text.replace(",", ".")) : NaN;
}

/**
 * The number in a cell whose thousands are grouped such that it can be read in one way only: `1,416.1`, `1.416,1`, `1,234,567`; NaN for
 * anything else, `1,416` too.
 */
function parseGrouped(text: string): number {
  if (text.length > MAX_NUMBER_LENGTH) return NaN;
  const [, number, comma, point] =
    /^\s*([-+]?\d{1,3}(?:((?:,\d{3})+\.\d+|(?:,\d{3}){2,})|((?:\.\d{3})+,\d+|(?:\.\d{3}){2,})))\s*$/.exec(text) ?? [];
  if (comma !== undefined) return parseNumber(number.replaceAll(",", ""));
  return point === undefined ? NaN : parseNumber(number.replaceAll(".", "").replace(",", "."));
}

/** Whether a cell means infinity, or is a number past float64: `inf`, `-Infinity`, `1e400`. */
export function isInfinite(text: string): boolean {
  return text.length <= MAX_NUMBER_LENGTH &&
    (/^\s*[-+]?inf(inity)?\s*$/i.test(text) || Math.abs(Number(text)) === Infinity);
}

/** What turns a cell of a column into a number, NaN for what is none. */
export function cellParser({ kind, decimalComma, dateOrder = "mdy" }: ColumnPlan): (cell: string) => number {
  if (kind === "date") return (cell) => parseDate(cell, dateOrder);
  const parse = decimalComma ? parseDecimalComma : parseNumber;
  return (cell) => {
    const value = parse(cell);
    return value === value ? value : parseGrouped(cell);
  };
}

/** Whether a cell has no value: blanks around it do not count. */
export function isMissing(cell: string, missing: ReadonlySet<string>): boolean {
  if (missing.has(cell)) return true;
  const [first, last] = [cell.charCodeAt(0), cell.charCodeAt(cell.length - 1)];
  return (first <= BLANK || last <= BLANK) && missing.has(cell.trim());
}

const ZERO = "0".charCodeAt(0);
const BLANK = " ".charCodeAt(0);

/**
 * The index of the column `target`, which is a name or an index that may count from the end; `null` for `null`.
 *
 * @throws {RangeError} if there is no such column
 */
export function findTarget(plans: readonly ColumnPlan[], target: string | number | null, where: string): number | null {
  if (target === null) return null;
  const place = typeof target === "number" ? placeOf(plans, target) : plans.findIndex(({ name }) => name === target);
  if (plans[place] !== undefined) return place;
  throw new RangeError(`Cannot find the target ${JSON.stringify(target)} in ${where}: ${columnsNear(target, plans)}`);
}

/** A place that is counted from the end where it is negative, over columns that are something. */
function placeOf(plans: readonly ColumnPlan[], index: number): number {
  if (index >= 0) return index;
  const places = plans.map((_, i) => i).filter((i) => plans[i].isNothing !== true);
  return places[places.length + index] ?? -1;
}

/** The columns for a message, and the one that is probably meant by a name. */
export function columnsNear(name: string | number, columns: readonly { readonly name: string }[]): string {
  const names = columns.map(({ name }) => name);
  const all = `its columns are ${names.slice(0, 20).map(quoted).join(", ")}`;
  return typeof name === "number" || names.length < 2 ? all : `${all}, the nearest is ${quoted(nearest(name, names))}`;
}

/**
 * Checks the kind that the numbers of a table are asked for in.
 *
 * @throws {TypeError} With what there is, if it is none of them.
 */
export function requireDType(action: string, dtype: string | undefined): void {
  if (dtype !== undefined) requireChoice(action, "dtype", dtype, ["float32", "float64"]);
}
