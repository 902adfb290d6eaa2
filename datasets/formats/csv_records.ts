/** The records of CSV (RFC 4180), line by line. */
import type { Cap } from "../../core/io/read_file.ts";
import type { CellDialect } from "./csv_dialect.ts";
import { checkLine } from "./text_source.ts";

/** Makes records of lines; a record has several where a quoted cell contains a line break. */
export class CsvRecords {
  readonly #separator: string;
  readonly #quote: string;
  #cells: string[] = [];
  #open: string[] | null = null; // the lines of a quoted cell that has not ended
  #length = 0;
  #lines = 0;
  #records = 0;
  #blanks = 0;
  #skipped = 0;

  /**
   * A reader of records in this dialect.
   *
   * @throws {RangeError} if the separator is empty, or contains a quote or a line break
   */
  constructor(readonly dialect: CellDialect, readonly cap: Cap) {
    const { separator, quote } = dialect;
    this.#separator = separator;
    this.#quote = quote ?? "\n"; // which stands in no line
    if (separator !== "" && !/["\r\n]/.test(separator) && separator !== quote) return;
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
    if (this.#open === null && line === "") {
      this.#blanks++;
      return null;
    }
    const cells = this.#open === null && !line.includes(this.#quote) ? line.split(this.#separator) : this.#parse(line);
    if (cells === null) return null;
    if (this.#records++ > 0) this.#skipped += this.#blanks;
    this.#blanks = 0;
    return cells;
  }

  /** How many empty lines stand between records: in a table of one column each may have been meant as a gap. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Checks that no quoted cell is open at the end of the text. */
  end(): void {
    if (this.#open !== null) throw this.#error("a quoted cell does not end");
  }

  #parse(line: string): string[] | null {
    let at = 0;
    for (let more = true; more;) {
      const end = this.#open !== null || line[at] === this.#quote ? this.#quoted(line, at) : this.#plain(line, at);
      if (end < 0) return null;
      more = end < line.length;
      at = end + this.#separator.length;
    }
    const cells = this.#cells;
    this.#cells = [];
    return cells;
  }

  /** Reads a cell without quotes that begins at `at`; returns its end. */
  #plain(line: string, at: number): number {
    const found = line.indexOf(this.#separator, at);
    const end = found < 0 ? line.length : found;
    const cell = line.slice(at, end);
    if (cell.includes(this.#quote)) throw this.#error("a quote stands inside a cell that is not quoted");
    this.#cells.push(cell);
    return end;
  }

  /** Reads a quoted cell, or the rest of one, from `at` on; returns the place after it, or -1 if it goes on in the next line. */
  #quoted(line: string, at: number): number {
    const parts = this.#open ?? [];
    const start = this.#open === null ? at + 1 : at;
    const end = closingQuote(line, start, this.#quote);
    parts.push(line.slice(start, end < 0 ? line.length : end));
    if (end < 0) {
      this.#open = parts;
      checkLine(this.#length += line.length + 1, this.cap);
      return -1;
    }
    this.#cells.push(parts.join("\n").replaceAll(this.#quote + this.#quote, this.#quote));
    this.#open = null;
    this.#length = 0;
    if (end + 1 === line.length || line.startsWith(this.#separator, end + 1)) return end + 1;
    throw this.#error("something but a separator follows a quoted cell");
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(
      `Cannot read ${this.cap.where} after record ${this.#records}: ${what}, in line ${this.#lines}`,
    );
  }
}

/** The place of the first quote from `start` on that is not doubled; -1 if there is none. */
function closingQuote(line: string, start: number, mark: string): number {
  for (let quote = line.indexOf(mark, start); quote >= 0; quote = line.indexOf(mark, quote + 2)) {
    if (line[quote + 1] !== mark) return quote;
  }
  return -1;
}
