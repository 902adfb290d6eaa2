/** What a schema keeps of each column, and the features that become of a value. */

/** What the columns of a schema can hold. */
export type SchemaKind = "numeric" | "categorical" | "boolean" | "date";

/**
 * The mean of numbers, which is subtracted, and their deviation √(Σ(x − x̄)² / n), by which they are divided. Where that is 0, every
 * number becomes 0: of one number nothing can be learned, and a network would make of another whatever its weights began as.
 */
export interface Scale {
  /** The mean. */
  readonly mean: number;
  /** The deviation. */
  readonly std: number;
}

/** What all columns have. */
export interface AnySchemaColumn {
  /** Its name. */
  readonly name: string;
  /** How many of the rows that the schema was fitted by had no value: if any, a feature says which values are missing. */
  readonly missing: number;
  /** Whether cells that it cannot hold count as missing, for there were some when the schema was fitted; else they are errors. */
  readonly lenient: boolean;
}

/** A column of numbers: one feature (x − mean) / std, a gap as the median; and one for what is missing. */
export interface NumericSchemaColumn extends AnySchemaColumn, Scale {
  /** What it holds. */
  readonly kind: "numeric";
  /** The median, which stands for a gap. */
  readonly median: number;
}

/** A column of words: one feature, 0 for words that are rare or unknown, i + 1 for `categories[i]`, one more for gaps. */
export interface CategoricalSchemaColumn extends AnySchemaColumn {
  /** What it holds. */
  readonly kind: "categorical";
  /** The words that are told apart, the commonest first. */
  readonly categories: readonly string[];
  /** How many words there were, the rare ones among them. */
  readonly words: number;
}

/** A column of two opposite words: one feature, 0 or 1, a gap as the commoner; and one for what is missing. */
export interface BooleanSchemaColumn extends AnySchemaColumn {
  /** What it holds. */
  readonly kind: "boolean";
  /** What stands for a gap. */
  readonly common: 0 | 1;
}

/** A column of dates: month and weekday as categories; year, day, elapsed days and, if there are times, the hour as numbers. */
export interface DateSchemaColumn extends AnySchemaColumn {
  /** What it holds. */
  readonly kind: "date";
  /** The order of dates that can be read in two ways. */
  readonly order: "dmy" | "mdy";
  /** The median day since 1970-01-01, which stands for a gap in the numbers. */
  readonly median: number;
  /** The year. */
  readonly year: Scale;
  /** The day of the month. */
  readonly day: Scale;
  /** Days since 1970-01-01. */
  readonly elapsed: Scale;
  /** The hour of the day with its part, `null` where no date has a time. */
  readonly hour: Scale | null;
}

/** What a schema keeps of a column: words and numbers alone, so that JSON can hold it. */
export type SchemaColumn = NumericSchemaColumn | CategoricalSchemaColumn | BooleanSchemaColumn | DateSchemaColumn;

/** The features of a column: how many values each of its categories has, and the names of its numbers. */
export interface ColumnFeatures {
  readonly categories: readonly (readonly [name: string, size: number])[];
  readonly numbers: readonly string[];
}

const DAY = 86_400_000; // milliseconds

/** Opposite words, in lower case. */
const BOOLEANS: readonly (readonly [no: string, yes: string])[] = [
  ["false", "true"],
  ["no", "yes"],
  ["f", "t"],
  ["n", "y"],
  ["off", "on"],
];

/** 0 or 1 for a word that means no or yes; NaN for another. */
export function parseBoolean(word: string): number {
  const known = word.trim().toLowerCase();
  const pair = BOOLEANS.find((words) => words.includes(known));
  return pair === undefined ? NaN : pair.indexOf(known);
}

/** Whether words are two opposite ones, or one of them. */
export function areBooleans(words: readonly string[]): boolean {
  const known = words.slice(0, 3).map((word) => word.toLowerCase());
  return known.length > 0 && known.length <= 2 &&
    BOOLEANS.some((pair) => known.every((word) => pair.includes(word)) && new Set(known).size === known.length);
}

/** The parts of a date that are features. */
export function partsOf(days: number): Record<"year" | "month" | "day" | "weekday" | "hour", number> {
  const date = new Date(Math.floor(days) * DAY);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: (date.getUTCDay() + 6) % 7 + 1, // Monday is 1
    hour: 24 * (days - Math.floor(days)),
  };
}

/** The features that a column becomes. */
export function featuresOf(column: SchemaColumn): ColumnFeatures {
  const { name, kind, missing } = column;
  const gap = missing > 0 ? [`${name} missing`] : [];
  if (kind === "categorical") {
    return { categories: [[name, column.categories.length + 1 + Number(missing > 0)]], numbers: [] };
  }
  if (kind !== "date") return { categories: [], numbers: [name, ...gap] };
  const parts = ["year", "day", "elapsed", ...(column.hour === null ? [] : ["hour"])];
  return {
    categories: [[`${name} month`, 13], [`${name} weekday`, 8]],
    numbers: [...parts.map((part) => `${name} ${part}`), ...gap],
  };
}

function scaled(value: number, { mean, std }: Scale): number {
  return std === 0 ? 0 : (value - mean) / std;
}

/**
 * Writes the features of a value: its category's from `out[c]` on, its numbers from `out[n]` on. The value is a number, 0 or 1, a day
 * since 1970-01-01, or the number of a category's feature; NaN for a gap.
 */
export function writeFeatures(column: SchemaColumn, value: number, out: Float32Array, c: number, n: number): void {
  const isGap = Number.isNaN(value);
  if (column.kind === "categorical") {
    out[c] = isGap ? (column.missing > 0 ? column.categories.length + 1 : 0) : value;
    return;
  }
  if (column.kind === "numeric") out[n++] = scaled(isGap ? column.median : value, column);
  else if (column.kind === "boolean") out[n++] = isGap ? column.common : value;
  else n = writeDate(column, value, out, c, n);
  if (column.missing > 0) out[n] = Number(isGap);
}

function writeDate(column: DateSchemaColumn, value: number, out: Float32Array, c: number, n: number): number {
  const isGap = Number.isNaN(value), days = isGap ? column.median : value;
  const { year, month, day, weekday, hour } = partsOf(days);
  out[c] = isGap ? 0 : month;
  out[c + 1] = isGap ? 0 : weekday;
  out[n++] = scaled(year, column.year);
  out[n++] = scaled(day, column.day);
  out[n++] = scaled(days, column.elapsed);
  if (column.hour !== null) out[n++] = scaled(hour, column.hour);
  return n;
}
