/** CSV files as tensors, their schema guessed. */
import { CsvParseStream } from "@std/csv";
import { hasHeader, planColumns } from "./csv_schema.ts";
import { type ColumnKind, findTarget, type Table } from "./table.ts";
import { TableBuilder } from "./table_builder.ts";
import { namingErrors, openText, type TextSource } from "./text_source.ts";

/** What {@linkcode fromCsv} need not guess. */
export interface CsvOptions {
  /** The column to predict, by name or number; -1 is the last. Without one, `y` is null. */
  target?: string | number;
  /** Whether the first record names the columns; when absent, it does if none of its cells is empty or a number. */
  header?: boolean;
  /** What stands between cells; a comma when absent. */
  separator?: string;
  /** What to read columns as, by name; the others are guessed. */
  columns?: Readonly<Record<string, ColumnKind | "skip">>;
  /** Cells that mean: nothing known; {@linkcode MISSING} when absent. */
  missing?: readonly string[];
  /** Leave out rows with an empty cell, instead of keeping it as NaN. */
  skipIncomplete?: boolean;
  /** The kind of the numbers: float32 when absent, which keeps 7 digits; float64 for times and other large ones. */
  dtype?: "float32" | "float64";
  /** What to call a stream in errors. */
  name?: string;
  /** Told in a line each what was guessed and may be wrong, and how many rows were left out. */
  onNote?: (note: string) => void;
}

/** Cells that mean: nothing known. */
export const MISSING: readonly string[] = ["", "?", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None"];

/** Records that the schema is guessed from. */
const SAMPLE = 1_000;

/**
 * The table in a CSV file (RFC 4180, UTF-8; inflated if its name ends in `.gz`), or in a stream of one, read as it comes.
 *
 * A column is numeric if every known cell of the first 1,000 records is a number, else categorical, its categories
 * sorted. Where the separator is no comma, the numbers of a column may have decimal commas: all of them. Columns without
 * a header are called `column0`, `column1`, …
 *
 * @throws {SyntaxError} if a record has more or fewer cells than there are columns, or a cell does not fit its column;
 * the message names file, record and column
 * @throws {RangeError} if there is no such target, or no row
 *
 * @example
 * ```ts
 * import { fromCsv } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = "length,kind\n5.1,setosa\n7.0,versicolor\n";
 * const { x, y, target } = await fromCsv(new Response(text).body!, { target: "kind" });
 * assertEquals([x.shape, y?.toArray(), target?.categories], [[2, 1], [0, 1], ["setosa", "versicolor"]]);
 * ```
 */
export async function fromCsv(source: TextSource, options: CsvOptions = {}): Promise<Table> {
  const where = options.name ?? (typeof source === "string" ? source : "CSV");
  const stream = new CsvParseStream({ separator: options.separator ?? "," });
  let record = 0;
  const records = namingErrors((await openText(source)).pipeThrough(stream), where, () => `record ${record}`);
  const sample: string[][] = [];
  let builder: TableBuilder | null = null;
  for await (const cells of records) {
    record++;
    if (builder) builder.add(cells, `record ${record}`);
    else if (sample.push(cells) > SAMPLE) builder = begin(sample, where, options);
  }
  builder ??= begin(sample, where, options);
  const table = builder.finish();
  const { skipped } = builder;
  if (skipped > 0) {
    options.onNote?.(`${where}: ${skipped} of ${skipped + table.x.shape[0]} rows have an empty cell and are left out`);
  }
  return table;
}

/** A builder with the columns that `records` show, and their rows. */
function begin(records: readonly string[][], where: string, options: CsvOptions): TableBuilder {
  if (records.length === 0) throw new RangeError(`Cannot read ${where}: it holds no rows`);
  const { separator = ",", columns = {}, skipIncomplete = false, dtype = "float32", onNote = () => {} } = options;
  const missing = new Set(options.missing ?? MISSING);
  const sample = { where, records, header: options.header, separator, columns, missing, onNote };
  const header = hasHeader(sample);
  const plans = planColumns(sample, header);
  const target = findTarget(plans, options.target ?? null, where);
  const builder = new TableBuilder(plans, { where, target, missing, skipIncomplete, dtype });
  records.slice(header ? 1 : 0).forEach((cells, i) => builder.add(cells, `record ${i + (header ? 2 : 1)}`));
  return builder;
}
