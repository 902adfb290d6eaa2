/** The rows of a CSV file as it comes: its dialect and columns are guessed from the first ones. */
import { runInSlices, type Steps, TimeSlice, yieldToEventLoop } from "../../core/event_loop.ts";
import { Cap, type ReadOptions } from "../../core/io/read_file.ts";
import { type ColumnKinds, columnNames, planColumns } from "./csv_columns.ts";
import { cellDialect, type CsvDialect, dialectNote, SEPARATOR_LINE } from "./csv_dialect.ts";
import { guessHeader, type HeaderGuess } from "./csv_header.ts";
import { CsvRecords } from "./csv_records.ts";
import type { DateOrder } from "./parse_date.ts";
import { COLUMN_COST, type ColumnPlan } from "./table.ts";
import { checkWidth } from "./table_builder.ts";
import { TextEncoding } from "./text_encoding.ts";
import { LineSplitter, readText, textName, type TextSource } from "./text_source.ts";

/** What cells without a value hold in most files: pandas' list, `?` and the errors of spreadsheets. */
export const MISSING: readonly string[] = [
  ...["", "?", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "nan", "NaN", "-nan", "-NaN", "NaT"],
  ...["null", "NULL", "None", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"],
  ...["#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"],
];

/** How rows are read; what is not given is guessed. */
export interface RowOptions extends ReadOptions {
  readonly header?: boolean;
  readonly separator?: string | null;
  readonly quote?: CsvDialect["quote"];
  readonly decimal?: CsvDialect["decimal"];
  readonly encoding?: string;
  readonly dates?: DateOrder;
  readonly missing?: readonly string[];
  readonly name?: string;
  readonly onNote?: (note: string) => void;
  /** Whether the rows are kept, so that the length of the text counts. @default true */
  readonly isKept?: boolean;
  /** Names that show that the first record is the header. */
  readonly knownNames?: readonly string[];
  /** What to read columns as, of the names that there are. */
  readonly kindsOf?: (names: readonly string[]) => ColumnKinds;
}

/** What is known when the first row is given out. */
export interface CsvStart {
  readonly cap: Cap;
  readonly plans: readonly ColumnPlan[];
  readonly dialect: CsvDialect;
  readonly missing: ReadonlySet<string>;
  /** What errors count rows in. */
  readonly unit: "record";
}

/** What takes the rows. */
export interface RowSink {
  /** Takes the cells of the record that is the `at`-th of the file. */
  add(cells: readonly string[], at: number): void;
}

/** The columns are guessed from so many records, or from fewer that have so many cells together. */
const SAMPLE = 1_000;
const SAMPLE_CELLS = 1 << 20;

/** Gives the rows of `source` to what `begin` makes, and yields that whenever rows were added and others have to be waited for. */
export async function* csvRows<T extends RowSink>(
  source: TextSource,
  options: RowOptions,
  begin: (start: CsvStart) => Steps<T>,
): AsyncGenerator<T, T> {
  const cap = new Cap(options.name ?? textName(source, "CSV"), options);
  const encoding = new TextEncoding(options.encoding);
  const rows = new CsvRows(cap, options, encoding, begin);
  const lines = new LineSplitter(cap, (line) => rows.addLine(line), (head) => rows.guess(head));
  const slice = new TimeSlice();
  for await (const text of readText(source, cap, () => `record ${rows.record}`, encoding, options.isKept)) {
    lines.push(text);
    if (rows.isReady()) await afterTurn(slice, rows.begin());
    if (rows.sink !== null) yield rows.sink;
  }
  lines.end();
  return await afterTurn(slice, rows.finish());
}

/** Does the work in slices of its own, after the event loop has turned where a very long line has used up this one. */
async function afterTurn<T>(slice: TimeSlice, steps: Steps<T>): Promise<T> {
  if (slice.isOver()) await yieldToEventLoop();
  return await runInSlices(steps);
}

/** Rows that are being read; the first are kept until the columns are guessed from them. */
class CsvRows<T extends RowSink> {
  record = 0;
  sink: T | null = null;
  readonly #sample: string[][] = [];
  #isFirst = true;
  #width = 0;
  #records!: CsvRecords;

  constructor(
    readonly cap: Cap,
    readonly options: RowOptions,
    readonly encoding: TextEncoding,
    readonly make: (start: CsvStart) => Steps<T>,
  ) {}

  /** Guesses separator and quotes from the first 64 kB. */
  guess(head: string): void {
    this.#records = new CsvRecords(cellDialect(head, this.options), this.cap);
  }

  addLine(line: string): void {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (isFirst && SEPARATOR_LINE.test(line)) return;
    const cells = this.#records.add(line);
    if (cells !== null) this.#add(cells);
  }

  #add(cells: string[]): void {
    this.record++;
    if (this.sink !== null) return this.sink.add(cells, this.record);
    if (this.record === 1) this.#width = cells.length;
    if (this.record === 1) this.cap.count(COLUMN_COST * cells.length, () => `a table of ${cells.length} columns`);
    else {
      if (this.record === 2) endLike(this.#sample[0], cells);
      checkWidth(cells, this.#sample[0].length, this.cap.where, `record ${this.record}`);
    }
    this.#sample.push(cells);
  }

  /** Whether there are enough records to guess the columns from, and they have not been guessed. */
  isReady(): boolean {
    return this.sink === null && this.#sample.length > 0 && this.#sample.length > lastOfSample(this.#sample);
  }

  /** Guesses the columns, and gives out the rows that they were guessed from. */
  *begin(): Steps<T> {
    const records = this.#sample, { where } = this.cap;
    if (records.length === 0) throw new RangeError(`Cannot read ${where}: it holds no rows`);
    const { header, start } = yield* this.#start(records.slice(0, lastOfSample(records) + 1));
    const sink = yield* this.make(start);
    for (let i = header ? 1 : 0; i < records.length; i++) {
      sink.add(records[i], i + 1);
      if (i % 16 === 0) yield;
    }
    records.length = 0;
    return this.sink = sink;
  }

  *#start(records: string[][]): Steps<{ header: boolean; start: CsvStart }> {
    const { cap, options: { decimal, dates, kindsOf, onNote = () => {} } } = this, { where } = cap;
    const missing = new Set(this.options.missing ?? MISSING);
    const { separator, quote } = this.#records.dialect;
    const told = this.options.header ?? (yield* this.#hasKnownNames(records[0]));
    const guess: HeaderGuess = told === null ? yield* guessHeader({ records, separator, missing }) : { header: told };
    const { header } = guess;
    if (guess.note !== undefined) onNote(`${where}: ${guess.note}`);
    const columns = kindsOf?.(columnNames(records[0], header)) ?? {};
    yield;
    const plans = yield* planColumns({ where, records, separator, decimal, dates, columns, missing, onNote }, header);
    const sign = decimal ?? (plans.some(({ kind, decimalComma }) => kind === "numeric" && decimalComma) ? "," : ".");
    const dialect: CsvDialect = { separator, quote, decimal: sign, header, encoding: this.encoding.name ?? "utf-8" };
    const note = dialectNote(where, dialect, this.options);
    if (note !== null) onNote(note);
    return { header, start: { cap, plans, dialect, missing, unit: "record" } };
  }

  /** Whether the first record has all names that are known, `null` where it has not or there are none. */
  *#hasKnownNames(first: readonly string[]): Steps<true | null> {
    const names = this.options.knownNames;
    if (names === undefined) return null;
    const cells = new Set<string>();
    for (const cell of first) {
      cells.add(cell.trim());
      yield;
    }
    return names.every((name) => cells.has(name)) ? true : null;
  }

  *finish(): Steps<T> {
    this.#records.end();
    const sink = this.sink ?? (yield* this.begin()), { skipped } = this.#records;
    if (this.#width === 1 && skipped > 0) {
      const what = skipped === 1 ? "an empty line is" : `${skipped} empty lines are`;
      this.options.onNote?.(`${this.cap.where}: ${what} left out: write "" where a gap is meant`);
    }
    return sink;
  }
}

/** Lets the first record end with an empty cell if the second one does, and only then: some programs put a comma there, some in one kind of line alone. */
function endLike(first: string[], second: readonly string[]): void {
  if (second.length === first.length + 1 && second.at(-1) === "") first.push("");
  else if (first.length === second.length + 1 && first.at(-1) === "") first.pop();
}

/** The index of the last record that the columns are guessed from: a header and a row at least. */
function lastOfSample([first]: readonly string[][]): number {
  return Math.max(1, Math.min(SAMPLE, SAMPLE_CELLS / first.length));
}
