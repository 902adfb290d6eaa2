/** The source of what turns the row of a table into features, for a program that imports nothing. */
import { MISSING, type TableSchema } from "../datasets/data.ts";

/**
 * `encode(row)` as TypeScript: what `schema.encode()` gives for a record, of numbers, words and dates that begin with the year. Texts of
 * other numbers and dates, which depend on the file that was learned from, are refused.
 */
export function encodeSource(schema: TableSchema): string {
  const { ignored, target } = schema, { missing } = schema.toJSON() as { missing: string[] | null };
  const columns = schema.columns.map((column) => ({ ...column, words: undefined, order: undefined })); // not needed there
  const others = [...ignored, ...(target === null ? [] : [target.name])];
  return `
/** A row by the names of its columns; null, NaN and an empty text are gaps, a date is a Date or begins with its year. */
export type Row = { readonly [column: string]: string | number | boolean | Date | null | undefined };

type Scale = { readonly mean: number; readonly std: number };

type Column = {
  readonly name: string;
  readonly kind: string;
  readonly missing: number;
  readonly lenient: boolean;
  readonly mean?: number;
  readonly std?: number;
  readonly median?: number;
  readonly categories?: readonly string[];
  readonly common?: number;
  readonly year?: Scale;
  readonly day?: Scale;
  readonly elapsed?: Scale;
  readonly hour?: Scale | null;
};

const COLUMNS: readonly Column[] = ${JSON.stringify(columns)};
const OTHERS: readonly string[] = ${JSON.stringify(others)};
const MISSING: ReadonlySet<string> = new Set(${JSON.stringify([...new Set([...missing ?? MISSING, ""])])});
${BODY}`;
}

const BODY = String.raw`
/** The features of a row, FEATURES by name: what was learned from. */
export function encode(row: Row): number[] {
  const odd = Object.keys(row).find((name) => !OTHERS.includes(name) && !COLUMNS.some((column) => column.name === name));
  if (odd !== undefined) {
    throw new RangeError("Cannot read the row: the column " + JSON.stringify(odd) + " is new, nothing was learned of it: leave it out");
  }
  const parts = COLUMNS.map((column) => featuresOf(column, row));
  return [...parts.flatMap(({ codes }) => codes), ...parts.flatMap(({ numbers }) => numbers)];
}

function featuresOf(column: Column, row: Row): { codes: number[]; numbers: number[] } {
  const { name, kind, missing, categories = [] } = column;
  if (!Object.hasOwn(row, name)) {
    throw new RangeError("Cannot read the row: it lacks the column " + JSON.stringify(name) + " that was learned from");
  }
  const text = textOf(row[name]), value = valueOf(column, text), isGap = Number.isNaN(value);
  if (kind === "categorical") {
    return { codes: [isGap ? (missing > 0 ? categories.length + 1 : 0) : value], numbers: [] };
  }
  const codes: number[] = [], numbers: number[] = [], days = isGap ? column.median! : value;
  if (kind === "numeric") numbers.push(scaled(days, { mean: column.mean!, std: column.std! }));
  else if (kind === "boolean") numbers.push(isGap ? column.common! : value);
  else {
    const date = new Date(Math.floor(days) * 86400000);
    codes.push(...(isGap ? [0, 0] : [date.getUTCMonth() + 1, (date.getUTCDay() + 6) % 7 + 1]));
    numbers.push(scaled(date.getUTCFullYear(), column.year!), scaled(date.getUTCDate(), column.day!), scaled(days, column.elapsed!));
    if (column.hour) numbers.push(scaled(24 * (days - Math.floor(days)), column.hour));
  }
  if (missing > 0) numbers.push(Number(isGap));
  if (!numbers.every(Number.isFinite)) throw odd(column, text, "too far from the numbers that were learned from");
  return { codes, numbers };
}

/** In single precision, as it was learned from. */
function scaled(value: number, { mean, std }: Scale): number {
  return std === 0 ? 0 : Math.fround((value - mean) / std);
}

/** The number that a cell is: a category's place, 0 or 1, days since 1970-01-01; NaN for a gap. */
function valueOf(column: Column, text: string): number {
  const { kind, categories = [] } = column, word = text.trim(), isGap = MISSING.has(text) || MISSING.has(word);
  if (kind === "categorical") {
    const place = Math.max(categories.indexOf(text), categories.indexOf(word));
    return place >= 0 ? place + 1 : isGap ? NaN : 0;
  }
  if (isGap) return NaN;
  const value = kind === "boolean" ? booleanOf(word) : kind === "date" ? daysOf(word) : numberOf(word);
  if (Number.isNaN(value) && (kind === "boolean" || !column.lenient)) {
    throw odd(column, text, kind === "boolean" ? "neither yes nor no" : kind === "date" ? "no date such as 2026-11-30" : "no number");
  }
  return value;
}

function odd({ name }: Column, text: string, what: string): RangeError {
  return new RangeError("Cannot read the row: " + JSON.stringify(name) + " is " + JSON.stringify(text) + ", " + what);
}

function textOf(value: Row[string]): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  return value instanceof Date ? (Number.isNaN(value.getTime()) ? "" : value.toISOString()) : String(value);
}

function booleanOf(word: string): number {
  const known = word.toLowerCase(), pairs = [["false", "true"], ["no", "yes"], ["f", "t"], ["n", "y"], ["off", "on"]];
  const pair = pairs.find((words) => words.includes(known));
  return pair === undefined ? NaN : pair.indexOf(known);
}

function numberOf(word: string): number {
  const value = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(word) ? Number(word) : NaN;
  return Number.isFinite(value) ? value : NaN;
}

const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?Z?)?$/;

function daysOf(word: string): number {
  const found = DATE.exec(word);
  if (found === null) return NaN;
  const [year, month, day, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hours > 23 || minutes > 59 || seconds >= 61) return NaN;
  return date.getTime() / 86400000 + ((60 * hours + minutes) / 1440 + seconds / 86400);
}
`;
