/** Rows of records, objects with a value for each column, as cells of text. */
import { describe, isPlainObject, requireArray } from "../../core/arguments.ts";
import { runInSlices, type Steps } from "../../core/event_loop.ts";
import { Cap, quoted } from "../../core/io/read_file.ts";
import { planColumns } from "../formats/csv_columns.ts";
import { type CsvStart, MISSING, type RowOptions, type RowSink } from "../formats/csv_rows.ts";
import type { ColumnPlan } from "../formats/table.ts";

/** A row of a table by the names of its columns; `null`, `undefined`, NaN and an empty text are gaps. */
export type TableRecord = Readonly<Record<string, string | number | boolean | Date | null | undefined>>;

/** The columns are guessed from so many records. */
const SAMPLE = 1_000;

/** Records between which the event loop can turn. */
const STEP = 1_024;

/** The most bytes of a record for each of its columns: what is made of it counts by itself. */
const NO_LIMIT: { maxBytes: number } = { maxBytes: Infinity };

/** Gives `records` to what `begin` makes of their columns, which are guessed as those of a file are. */
export async function* recordRows<T extends RowSink>(
  records: readonly TableRecord[],
  options: RowOptions,
  begin: (start: CsvStart) => Steps<T>,
): AsyncGenerator<T, T> {
  requireArray(records, "read records of", "[{ length: 5.1, kind: null }]");
  const where = options.name ?? "the records";
  if (records.length === 0) throw new RangeError(`Cannot read ${where}: there are none`);
  const names = namesOf(records[0], where, 1), { dates, kindsOf, onNote = () => {} } = options;
  const missing = new Set([...options.missing ?? MISSING, ""]);
  const sample = [names, ...records.slice(0, SAMPLE).map((record, i) => cellsOf(record, names, where, i + 1))];
  const columns = kindsOf?.(names) ?? {};
  const guess = { where, records: sample, separator: ",", decimal: "." as const, dates, columns, missing, onNote };
  const plans = await runInSlices(planColumns(guess, true));
  const sink = await runInSlices(begin(recordStart(where, plans, missing)));
  for (let at = 0; at < records.length; at += STEP) {
    records.slice(at, at + STEP).forEach((record, i) =>
      sink.add(cellsOf(record, names, where, at + i + 1), at + i + 1)
    );
    yield sink;
  }
  return sink;
}

/** What is known of records before the first is read. */
export function recordStart(
  where: string,
  plans: readonly ColumnPlan[],
  missing: ReadonlySet<string>,
): CsvStart {
  const dialect = { separator: ",", quote: null, decimal: ".", header: true, encoding: "utf-8" } as const;
  return { cap: new Cap(where, NO_LIMIT), plans, dialect, missing, unit: "record" };
}

/** The names of a record's columns. */
export function namesOf(record: TableRecord, where: string, at: number): string[] {
  if (isPlainObject(record)) return Object.keys(record);
  throw new TypeError(
    `Cannot read ${where}: record ${at} is ${describe(record)}, give an object as in { length: 5.1, kind: null }`,
  );
}

/** The cells of a record that must have these columns, in any order. */
export function cellsOf(record: TableRecord, names: readonly string[], where: string, at: number): string[] {
  const own = namesOf(record, where, at);
  const absent = names.find((name) => !Object.hasOwn(record, name));
  if (absent !== undefined) throw new RangeError(`Cannot read ${where}: record ${at} lacks ${quoted(absent)}`);
  if (own.length > names.length) {
    const other = own.find((name) => !names.includes(name))!;
    throw new RangeError(`Cannot read ${where}: record ${at} has ${quoted(other)}, which the others lack`);
  }
  return names.map((name) => cellOf(record[name], name, where, at));
}

function cellOf(value: TableRecord[string], name: string, where: string, at: number): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "number" || typeof value === "boolean") return `${value}`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "" : value.toISOString();
  throw new TypeError(
    `Cannot read ${where}: record ${at}, ${quoted(name)} is ${
      describe(value)
    }: give a number, a text, a boolean or a Date`,
  );
}
