/** CSV files as tensors. */
import { checkOptions, describe, type OptionTypes, requireChoice, requireTexts } from "../../core/arguments.ts";
import { runInSlices, type Steps } from "../../core/event_loop.ts";
import { Cap, type ReadOptions } from "../../core/io/read_file.ts";
import { hasHeader, planColumns } from "./csv_schema.ts";
import { COLUMN_COST, type ColumnKind, findTarget, requireDType, type Table } from "./table.ts";
import { checkWidth, TableBuilder } from "./table_builder.ts";
import { checkLine, LineSplitter, readText, textName, type TextSource } from "./text_source.ts";

/** How {@linkcode fromCsv} reads. */
export interface CsvOptions extends ReadOptions {
  /** The column to predict, by name or index; -1 is the last. Without it, `y` is `null`. */
  target?: string | number;
  /** Whether the first record names the columns. Without it, it does if none of its cells is empty or a number. */
  header?: boolean;
  /**
   * The separator of cells. `null` guesses it, as pandas does for `sep=None`: the one of `, ; TAB |` that stands in the first line
   * most often.
   *
   * @default {","}
   */
  separator?: string | null;
  /** What to read columns as, by name; what the others hold is guessed. */
  columns?: Readonly<Record<string, ColumnKind | "skip">>;
  /**
   * What cells without a value hold: pandas' `na_values`.
   *
   * @default {MISSING}
   */
  missing?: readonly string[];
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
  /**
   * What errors call a stream.
   *
   * @default {"CSV"}
   */
  name?: string;
  /** Called with a line for each guess that may be wrong, for rows that were left out, and for numbers too large for float32. */
  onNote?: (note: string) => void;
}

const OPTIONS = [
  "target",
  "header",
  "separator",
  "columns",
  "missing",
  "skipIncomplete",
  "dtype",
  "name",
  "onNote",
  "maxBytes",
] as const;

const KINDS: OptionTypes<CsvOptions> = {
  header: "boolean",
  skipIncomplete: "boolean",
  name: "string",
  onNote: "function",
};

const COLUMN_KINDS = ["numeric", "categorical", "skip"] as const;

/** What cells without a value hold in most files. */
export const MISSING: readonly string[] = ["", "?", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None"];

/** The columns are guessed from so many records, or from fewer that have so many cells together. */
const SAMPLE = 1_000;
const SAMPLE_CELLS = 1 << 20;

/**
 * The table in a CSV file (RFC 4180, UTF-8; inflated if its name ends in `.gz`), or in a stream, which is read as it comes.
 *
 * A column is numeric if all its values in the first 1,000 records are numbers (or in fewer records that have a million cells
 * together), else categorical, with its categories sorted. If the separator is not the comma, all numbers of a column may have decimal
 * commas. Without a header the columns are called `column0`, `column1`, …
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
export async function fromCsv(source: TextSource, options: CsvOptions = {}): Promise<Table> {
  checkOptions("read CSV", options, OPTIONS, KINDS);
  if (!["string", "undefined"].includes(typeof options.separator) && options.separator !== null) {
    const found = describe(options.separator);
    throw new TypeError(`Cannot read CSV with separator ${found}: give a text, or null to guess it`);
  }
  requireTexts("read CSV", "missing cells", options.missing);
  requireDType("read CSV", options.dtype);
  for (const kind of Object.values(options.columns ?? {})) requireChoice("read CSV", "kind", kind, COLUMN_KINDS);
  const where = options.name ?? textName(source, "CSV");
  const cap = new Cap(where, options);
  const table = new CsvTable(cap, options);
  const lines = new LineSplitter(cap, (line) => table.addLine(line));
  for await (const text of readText(source, cap, () => `record ${table.record}`)) {
    lines.push(text);
    if (table.isReady()) await runInSlices(table.begin());
  }
  lines.end();
  return await runInSlices(table.finish());
}

/** A table that is being read; its first records are kept until the columns are guessed from them. */
class CsvTable {
  record = 0;
  readonly #sample: string[][] = [];
  #records: CsvRecords | null = null;
  #builder: TableBuilder | null = null;

  constructor(readonly cap: Cap, readonly options: CsvOptions) {
    const { separator = "," } = options;
    if (separator !== null) this.#records = new CsvRecords(separator, cap);
  }

  addLine(line: string): void {
    this.#records ??= new CsvRecords(guessSeparator(line), this.cap);
    const cells = this.#records.add(line);
    if (cells !== null) this.#add(cells);
  }

  #add(cells: string[]): void {
    this.record++;
    if (this.#builder !== null) return this.#builder.add(cells, this.record);
    if (this.record === 1) this.cap.count(COLUMN_COST * cells.length, () => `a table of ${cells.length} columns`);
    else checkWidth(cells, this.#sample[0].length, this.cap.where, `record ${this.record}`);
    this.#sample.push(cells);
  }

  /** Whether there are enough records to guess the columns from, and they have not been guessed. */
  isReady(): boolean {
    return this.#builder === null && this.#sample.length > 0 && this.#sample.length > lastOfSample(this.#sample);
  }

  /** Guesses the columns. */
  *begin(): Steps<TableBuilder> {
    const options = { ...this.options, separator: this.#records?.separator ?? "," };
    return this.#builder = yield* begin(this.#sample, this.cap, options);
  }

  *finish(): Steps<Table> {
    this.#records?.end();
    const builder = this.#builder ?? (yield* this.begin());
    const table = yield* builder.finish();
    for (const note of builder.notes()) this.options.onNote?.(note);
    return table;
  }
}

/** The index of the last record that the columns are guessed from: a header and a row at least. */
function lastOfSample([first]: readonly string[][]): number {
  return Math.max(1, Math.min(SAMPLE, SAMPLE_CELLS / first.length));
}

/** A builder with the columns that the first records show, and the rows of all of them; `records` is emptied. */
function* begin(
  records: string[][],
  cap: Cap,
  options: CsvOptions & { separator: string },
): Steps<TableBuilder> {
  const { where } = cap;
  if (records.length === 0) throw new RangeError(`Cannot read ${where}: it holds no rows`);
  const { separator, columns = {}, skipIncomplete = false, dtype = "float32", onNote = () => {} } = options;
  const missing = new Set(options.missing ?? MISSING);
  const first = records.slice(0, lastOfSample(records) + 1);
  const sample = { where, records: first, header: options.header, separator, columns, missing, onNote };
  const header = yield* hasHeader(sample);
  const plans = yield* planColumns(sample, header);
  const target = findTarget(plans, options.target ?? null, where);
  const settings = { cap, unit: "record", target, missing, skipIncomplete, dtype } as const;
  const builder = yield* TableBuilder.of(plans, settings);
  for (let i = header ? 1 : 0; i < records.length; i++) {
    builder.add(records[i], i + 1);
    if (i % 16 === 0) yield;
  }
  records.length = 0;
  return builder;
}

const SEPARATORS = [",", ";", "\t", "|"];

/** A comma between digits counts only where no other separator stands: it may be a decimal one. */
function guessSeparator(line: string): string {
  const unquoted = line.replace(/"[^"]*"/g, "");
  const cells = /[;\t|]/.test(unquoted) ? unquoted.replace(/(?<=\d),(?=\d)/g, "") : unquoted;
  const counts = SEPARATORS.map((separator) => cells.split(separator).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))];
}

// The records of CSV (RFC 4180), line by line.

/** Makes records of lines; a record has several where a quoted cell contains a line break. */
class CsvRecords {
  #cells: string[] = [];
  #open: string[] | null = null; // the lines of a quoted cell that has not ended
  #length = 0;
  #lines = 0;
  #records = 0;

  /**
   * A reader of records with this separator between cells.
   *
   * @throws {RangeError} if the separator is empty, or contains a quote or a line break
   */
  constructor(readonly separator: string, readonly cap: Cap) {
    if (separator !== "" && !/["\r\n]/.test(separator)) return;
    throw new RangeError(
      `Cannot separate cells by ${JSON.stringify(separator)}: take a character such as ";" or "\\t"`,
    );
  }

  /**
   * The cells of the record that ends with `line`; `null` if none does, as with an empty line.
   *
   * @throws {SyntaxError} if a quote is out of place
   */
  add(line: string): string[] | null {
    this.#lines++;
    if (this.#open === null && line === "") return null;
    const cells = this.#open === null && !line.includes('"') ? line.split(this.separator) : this.#parse(line);
    if (cells !== null) this.#records++;
    return cells;
  }

  /** Checks that no quoted cell is open at the end of the text. */
  end(): void {
    if (this.#open !== null) throw this.#error("a quoted cell does not end");
  }

  #parse(line: string): string[] | null {
    let at = 0;
    for (let more = true; more;) {
      const end = this.#open !== null || line[at] === '"' ? this.#quoted(line, at) : this.#plain(line, at);
      if (end < 0) return null;
      more = end < line.length;
      at = end + this.separator.length;
    }
    const cells = this.#cells;
    this.#cells = [];
    return cells;
  }

  /** Reads a cell without quotes that begins at `at`; returns its end. */
  #plain(line: string, at: number): number {
    const found = line.indexOf(this.separator, at);
    const end = found < 0 ? line.length : found;
    const cell = line.slice(at, end);
    if (cell.includes('"')) throw this.#error("a quote stands inside a cell that is not quoted");
    this.#cells.push(cell);
    return end;
  }

  /** Reads a quoted cell, or the rest of one, from `at` on; returns the place after it, or -1 if it goes on in the next line. */
  #quoted(line: string, at: number): number {
    const parts = this.#open ?? [];
    const start = this.#open === null ? at + 1 : at;
    const end = closingQuote(line, start);
    parts.push(line.slice(start, end < 0 ? line.length : end));
    if (end < 0) {
      this.#open = parts;
      checkLine(this.#length += line.length + 1, this.cap);
      return -1;
    }
    this.#cells.push(parts.join("\n").replaceAll('""', '"'));
    this.#open = null;
    this.#length = 0;
    if (end + 1 === line.length || line.startsWith(this.separator, end + 1)) return end + 1;
    throw this.#error("something but a separator follows a quoted cell");
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(
      `Cannot read ${this.cap.where} after record ${this.#records}: ${what}, in line ${this.#lines}`,
    );
  }
}

/** The place of the first quote from `start` on that is not doubled; -1 if there is none. */
function closingQuote(line: string, start: number): number {
  for (let quote = line.indexOf('"', start); quote >= 0; quote = line.indexOf('"', quote + 2)) {
    if (line[quote + 1] !== '"') return quote;
  }
  return -1;
}
