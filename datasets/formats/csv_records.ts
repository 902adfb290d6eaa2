/** The records of CSV (RFC 4180), line by line. */
import type { Cap } from "../../core/io/cap.ts";
import { checkLine } from "./text_source.ts";

/** Puts records together from lines; a record goes on where a quoted cell holds the line's end. */
export class CsvRecords {
  #cells: string[] = [];
  #open: string[] | null = null; // the lines of a quoted cell under way
  #length = 0;
  #lines = 0;
  #records = 0;

  /**
   * A reader of records whose cells stand between `separator`s.
   *
   * @throws {RangeError} if the separator is empty, or holds a quote or a line's end
   */
  constructor(readonly separator: string, readonly cap: Cap) {
    if (separator !== "" && !/["\r\n]/.test(separator)) return;
    throw new RangeError(
      `Cannot separate cells by ${JSON.stringify(separator)}: take a character such as ";" or "\\t"`,
    );
  }

  /**
   * The cells of the record that `line` ends, or `null` where it ends none: an empty line is no record.
   *
   * @throws {SyntaxError} if a quote stands where none may
   */
  add(line: string): string[] | null {
    this.#lines++;
    if (this.#open === null && line === "") return null;
    const cells = this.#open === null && !line.includes('"') ? line.split(this.separator) : this.#parse(line);
    if (cells !== null) this.#records++;
    return cells;
  }

  /** Checks that no quoted cell is under way where the text ends. */
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

  /** Reads a cell without quotes from `at` on; gives its end. */
  #plain(line: string, at: number): number {
    const found = line.indexOf(this.separator, at);
    const end = found < 0 ? line.length : found;
    const cell = line.slice(at, end);
    if (cell.includes('"')) throw this.#error("a quote stands inside a cell that is not quoted");
    this.#cells.push(cell);
    return end;
  }

  /** Reads a quoted cell, or the rest of one, from `at` on; gives the place after it, -1 if it goes on in the next line. */
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

/** Where the first quote from `start` on stands that is not doubled; -1 if none does. */
function closingQuote(line: string, start: number): number {
  for (let quote = line.indexOf('"', start); quote >= 0; quote = line.indexOf('"', quote + 2)) {
    if (line[quote + 1] !== '"') return quote;
  }
  return -1;
}
