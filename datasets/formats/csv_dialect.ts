/** How a CSV file is written: separator, quotes, header, decimal sign, encoding; guessed from its first 64 kB. */
import { describe, requireChoice } from "../../core/arguments.ts";

/** How a CSV file is written, as it was guessed or given. */
export interface CsvDialect {
  /** What stands between cells. */
  readonly separator: string;
  /** What stands around cells that contain a separator or a line end; `null` for nothing. */
  readonly quote: '"' | "'" | null;
  /** The decimal sign of its numbers: a comma if any column has decimal commas. */
  readonly decimal: "." | ",";
  /** Whether its first record names the columns. */
  readonly header: boolean;
  /** The encoding of its text, as `TextDecoder` names it. */
  readonly encoding: string;
}

/** What is known of a file's dialect before its records are read. */
export type CellDialect = Pick<CsvDialect, "separator" | "quote">;

const SEPARATORS = [",", ";", "\t", "|"];

/** The first line of a file that tells Excel its separator. */
export const SEPARATOR_LINE = /^sep=(.)$/i;

/** Separator and quotes: those given, and where `undefined` or `null` (of the separator) says nothing, those that `head` shows. */
export function cellDialect(
  head: string,
  { separator, quote }: { separator?: string | null | undefined; quote?: CsvDialect["quote"] | undefined },
): CellDialect {
  const mark = quote === undefined ? guessQuote(head) : quote;
  const said = SEPARATOR_LINE.exec(head.slice(0, head.search(/[\r\n]|$/)))?.[1];
  return { separator: separator ?? said ?? guessSeparator(head, mark), quote: mark };
}

/**
 * Checks the options of a dialect.
 *
 * @throws {TypeError} if the separator is no text, or quote or decimal sign is none of those there are
 * @throws {RangeError} if the encoding is unknown
 */
export function checkDialect(
  { separator, quote, decimal, encoding }: {
    separator?: string | null;
    quote?: string | null;
    decimal?: string;
    encoding?: string;
  },
): void {
  if (!["string", "undefined"].includes(typeof separator) && separator !== null) {
    throw new TypeError(`Cannot read CSV with separator ${describe(separator)}: give a text, or null to guess it`);
  }
  if (quote !== undefined && quote !== null) requireChoice("read CSV", "quote", quote, ['"', "'"]);
  if (decimal !== undefined) requireChoice("read CSV", "decimal sign", decimal, [".", ","]);
  if (encoding === undefined) return;
  try {
    new TextDecoder(encoding);
  } catch {
    throw new RangeError(
      `Cannot read CSV with encoding ${describe(encoding)}: give one such as "utf-8" or "windows-1252"`,
    );
  }
}

/** A line that says how a file is read, `null` where nothing was guessed that is unlike plain CSV: commas, double quotes, UTF-8. */
export function dialectNote(
  where: string,
  dialect: CsvDialect,
  given: { separator?: string | null; quote?: CsvDialect["quote"]; encoding?: string },
): string | null {
  const isPlain = (dialect.separator === "," || typeof given.separator === "string") &&
    (dialect.quote === '"' || given.quote !== undefined) &&
    (dialect.encoding === "utf-8" || given.encoding !== undefined);
  return isPlain ? null : `${where}: read as ${dialectText(dialect)}`;
}

/** A dialect in words. */
function dialectText({ separator, quote, decimal, header, encoding }: CsvDialect): string {
  return [
    `${encoding}, ${JSON.stringify(separator)} between cells`,
    quote === null ? "no quotes" : `quotes ${quote}`,
    `decimal ${decimal === "," ? "commas" : "points"}`,
    header ? "a header" : "no header",
  ].join(", ");
}

/**
 * The separator that stands in the first line, and as often in most other lines; of several the one that stands there most often. A
 * comma between digits counts only where no other separator stands: it may be a decimal one.
 */
function guessSeparator(head: string, quote: CsvDialect["quote"]): string {
  const unquoted = quote === null ? head : head.replaceAll(new RegExp(`${quote}[^${quote}]*(${quote}|$)`, "g"), "");
  const lines = unquoted.split(/\r\n|\n|\r/).filter((line) => line !== "");
  if (lines.length > 2) lines.pop(); // the head may end within it
  const [first = ""] = lines;
  const mayBeDecimal = /[;\t|]/.test(first);
  const counts = SEPARATORS.map((separator) =>
    lines.map((line) => (mayBeDecimal ? line.replaceAll(/(?<=\d),(?=\d)/g, "") : line).split(separator).length - 1)
  );
  const scores = counts.map((of) => of[0] === 0 ? 0 : of.filter((n) => n === of[0]).length / lines.length);
  const best = Math.max(...scores);
  const most = Math.max(...counts.filter((_, i) => scores[i] === best).map(([n = 0]) => n));
  return best === 0 ? "," : SEPARATORS[scores.findIndex((score, i) => score === best && counts[i][0] === most)];
}

/** Single quotes where no double ones stand, and each cell that begins with a single quote ends with one, twice at least. */
function guessQuote(head: string): '"' | "'" {
  if (head.includes('"')) return '"';
  const opened = head.match(/(?<=^|[\r\n,;\t|])'/g)?.length ?? 0;
  const closed = head.match(/(?<=[\r\n,;\t|]|^)'[^'\r\n]*'(?=$|[\r\n,;\t|])/g)?.length ?? 0;
  return closed >= 2 && closed === opened ? "'" : '"';
}
