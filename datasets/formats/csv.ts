/** CSV files as tensors. */
import { checkOptions, type OptionTypes, requireChoice, requireTexts } from "../../core/arguments.ts";
import { runInSlices } from "../../core/event_loop.ts";
import type { ReadOptions } from "../../core/io/read_file.ts";
import { checkDialect, type CsvDialect } from "./csv_dialect.ts";
import { csvRows } from "./csv_rows.ts";
import type { DateOrder } from "./parse_date.ts";
import { type ColumnKind, findTarget, requireDType, type Table } from "./table.ts";
import { TableBuilder } from "./table_builder.ts";
import type { TextSource } from "./text_source.ts";

/** How the text of a CSV file is read; what is not given is guessed from its first 64 kB and its first 1,000 records. */
export interface CsvTextOptions extends ReadOptions {
  /**
   * Whether the first record names the columns. Guessed: it does if all its cells are words; or if one is a word above numbers; or if
   * beside words that do not come again there are only empty cells, as above the index of a data frame, or years.
   */
  header?: boolean;
  /** The separator of cells. Guessed, also for `null`: the one of `, ; TAB |` that stands in most lines as often as in the first. */
  separator?: string | null;
  /** What stands around cells that contain a separator or a line end; `null` for nothing. Guessed: `'` where only that can be. */
  quote?: '"' | "'" | null;
  /** The decimal sign. Guessed column by column, a comma only where it is not the separator. */
  decimal?: "." | ",";
  /**
   * The encoding, as `TextDecoder` names it. Guessed: UTF-16 by its byte order mark or its zeros, windows-1252 where more bytes are
   * wrong in UTF-8 than right, else UTF-8.
   */
  encoding?: string;
  /**
   * The order of dates that can be read in two ways, such as 3/4/2025: `"dmy"` or `"mdy"`. Guessed: day first with points, month first
   * with other signs.
   */
  dates?: DateOrder;
  /**
   * What cells without a value hold, blanks around it aside: pandas' `na_values`.
   *
   * @default {MISSING}
   */
  missing?: readonly string[];
  /**
   * What errors call a stream.
   *
   * @default {"CSV"}
   */
  name?: string;
  /**
   * Called with a line for what was guessed of a file unlike plain CSV (commas, double quotes, UTF-8), for each guess that may be wrong,
   * for cells that are read as missing, for rows that were left out, and for numbers too large for float32.
   */
  onNote?: (note: string) => void;
}

/** How {@linkcode fromCsv} reads. */
export interface CsvOptions extends CsvTextOptions {
  /** The column to predict, by name or index; -1 is the last. Without it, `y` is `null`. */
  target?: string | number;
  /** What to read columns as, by name; what the others hold is guessed. */
  columns?: Readonly<Record<string, ColumnKind | "skip">>;
  /**
   * Whether to leave out rows with a missing value, which otherwise is NaN.
   *
   * @default {false}
   */
  skipIncomplete?: boolean;
  /**
   * The dtype of numbers: float32 keeps 7 digits, float64 suits times and other large numbers.
   *
   * @default {"float32"}
   */
  dtype?: "float32" | "float64";
}

/** A table and how its file is written. */
export interface CsvTable extends Table {
  /** What was guessed or given. */
  readonly dialect: CsvDialect;
}

/** The names of the options that say how text is read, and the types of some. */
export const TEXT_OPTIONS = [
  ...["header", "separator", "quote", "decimal", "encoding", "dates", "missing", "name", "onNote", "maxBytes"] as const,
];
export const TEXT_TYPES: OptionTypes<CsvTextOptions> = { header: "boolean", name: "string", onNote: "function" };

const OPTIONS = ["target", "columns", "skipIncomplete", "dtype", ...TEXT_OPTIONS] as const;

const COLUMN_KINDS = ["numeric", "categorical", "date", "skip"] as const;

/**
 * The table in a CSV file (RFC 4180; inflated if its name ends in `.gz`), or in a stream, which is read as it comes.
 *
 * A column is numeric if more than nine tenths of its values in the first 1,000 records are numbers (or in fewer records that have a
 * million cells together): the others count as missing, and are noted. It holds dates if so many are dates (2025-12-31, 31.12.2025,
 * 12/31/2025, 31 Dec 2025, 2025-12, with a time of day or without). Else it is categorical, with its categories sorted. If the separator is not the comma, the
 * numbers of a column may have decimal commas. `inf` counts as missing. A value that does not fit its column after 1,000 records that
 * did is an error. Without a header the columns are called `column0`, `column1`, …, as is one without a name.
 *
 * @throws {SyntaxError} if a record has more or fewer cells than there are columns, or a cell does not fit its column;
 * the message names file, record and column
 * @throws {RangeError} if there is no such target, or no row, or the table comes to more than `maxBytes`
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
export async function fromCsv(source: TextSource, options: CsvOptions = {}): Promise<CsvTable> {
  checkOptions("read CSV", options, OPTIONS, { ...TEXT_TYPES, skipIncomplete: "boolean" });
  checkText(options);
  requireDType("read CSV", options.dtype);
  for (const kind of Object.values(options.columns ?? {})) requireChoice("read CSV", "kind", kind, COLUMN_KINDS);
  const { target = null, columns = {}, skipIncomplete = false, dtype = "float32", onNote = () => {} } = options;
  let dialect!: CsvDialect;
  const rows = csvRows(source, { ...options, kindsOf: () => columns }, function* ({ cap, plans, missing, ...start }) {
    dialect = start.dialect;
    const place = findTarget(plans, target, cap.where);
    return yield* TableBuilder.of(plans, { cap, unit: "record", target: place, missing, skipIncomplete, dtype });
  });
  let step = await rows.next();
  while (!step.done) step = await rows.next();
  const table = await runInSlices(step.value.finish());
  for (const note of step.value.notes()) onNote(note);
  return { ...table, dialect };
}

/** Checks the options that say how text is read. */
export function checkText(options: CsvTextOptions): void {
  checkDialect(options);
  requireTexts("read CSV", "missing cells", options.missing);
  if (options.dates !== undefined) requireChoice("read CSV", "order of dates", options.dates, ["dmy", "mdy"]);
}
