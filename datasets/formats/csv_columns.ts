/** Guesses from the first records of a CSV file what its columns hold. */
import { quoted } from "../../core/io/read_file.ts";
import type { Steps } from "../../core/event_loop.ts";
import { type DateOrder, datesIn } from "./parse_date.ts";
import {
  cellParser,
  type ColumnKind,
  type ColumnPlan,
  columnsNear,
  isInfinite,
  isMissing,
  MAX_NUMBER_LENGTH,
  parseDecimalComma,
  parseNumber,
} from "./table.ts";

/** What to read columns as, by name. */
export type ColumnKinds = Readonly<Record<string, ColumnKind | "skip">>;

/** What the columns are guessed from. */
interface CsvSample {
  /** What errors and notes call the file. */
  readonly where: string;
  /** The first records, the header among them. */
  readonly records: readonly string[][];
  /** The separator of cells. */
  readonly separator: string;
  /** The decimal sign; `undefined` to guess it column by column. */
  readonly decimal: "." | "," | undefined;
  /** The order of dates that can be read in two ways; `undefined` to guess it. */
  readonly dates: DateOrder | undefined;
  /** What to read columns as, by name. */
  readonly columns: ColumnKinds;
  /** What cells without a value hold. */
  readonly missing: ReadonlySet<string>;
  /** Called with a line for each guess that may be wrong. */
  readonly onNote: (note: string) => void;
}

/** If more than this part of a column are numbers it is one of numbers, and its other cells are slips. */
const MOSTLY_NUMBERS = 0.9;

/** If more than this part are, but no more than that, it is one of categories, and worth a word. */
const HALF_NUMBERS = 0.5;

/**
 * How to read each column: as the options say, else as its cells look.
 *
 * @throws {SyntaxError} if two columns have the same name
 * @throws {RangeError} if the options name a column that is not there
 */
export function* planColumns(sample: CsvSample, header: boolean): Steps<ColumnPlan[]> {
  const { where, records, columns } = sample;
  const names = columnNames(records[0], header);
  const known = new Set<string>();
  for (const name of names) {
    if (known.size === known.add(name).size) {
      throw new SyntaxError(`Cannot read ${where}: record 1 names ${quoted(name)} twice`);
    }
    yield;
  }
  const unknown = Object.keys(columns).find((name) => !known.has(name));
  if (unknown !== undefined) {
    const near = columnsNear(unknown, names.map((name) => ({ name })));
    throw new RangeError(`Cannot find the column ${quoted(unknown)} in ${where}: ${near}`);
  }
  const plans: ColumnPlan[] = [];
  for (const [i, name] of names.entries()) {
    plans.push(planColumn(name, i, sample, header));
    yield;
  }
  return plans;
}

/** What the columns are called: those without a name by their number. */
export function columnNames(first: readonly string[], header: boolean): string[] {
  return first.map((cell, i) => (header && cell.trim()) || `column${i}`);
}

function planColumn(name: string, at: number, sample: CsvSample, header: boolean): ColumnPlan {
  const { where, records, columns, missing, onNote } = sample;
  const cells = records.slice(header ? 1 : 0).map((record) => record[at] ?? "");
  const known = cells.filter((cell) => !isMissing(cell, missing));
  const told = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (told === undefined && header && known.length === 0 && isMissing(records[0][at], missing)) {
    onNote(`${where}: column ${at + 1} has neither a name nor a value and is left out`);
    return { name, kind: "skip", isNothing: true };
  }
  const dates = told === undefined || told === "date" ? datesOf(name, known, sample, told) : null;
  if (dates !== null) return dates;
  const numbers = numbersOf(known, sample);
  const kind = told ?? (numbers.kind === "numeric" ? "numeric" : "categorical");
  const isGuessed = numbers.decimalComma && sample.decimal === undefined;
  if (isGuessed && kind === "numeric" && known.every(hasGroupsOnly)) noteComma(name, sample);
  if (told === undefined && kind === "categorical") noteSlip(name, cells, sample, header);
  return { name, kind, decimalComma: numbers.decimalComma, lenient: numbers.lenient };
}

/** How a column of dates is read; `null` if it is none. */
function datesOf(
  name: string,
  known: readonly string[],
  { where, dates, onNote }: CsvSample,
  told: "date" | undefined,
): ColumnPlan | null {
  const found = datesIn(known);
  if (found === null) return told === undefined ? null : { name, kind: "date", dateOrder: dates ?? "mdy" };
  const { order, isSure, all } = found;
  if (!isSure && dates === undefined) {
    onNote(
      `${where}: column ${quoted(name)} holds dates such as ${known[0].trim()}, read as ${
        order === "dmy" ? "day, month, year" : "month, day, year"
      }: say which order they have`,
    );
  }
  return { name, kind: "date", dateOrder: isSure ? order : dates ?? order, lenient: !all };
}

/** Whether most of the cells are numbers, and how those are written. */
function numbersOf(
  known: readonly string[],
  { separator, decimal }: CsvSample,
): Required<Pick<ColumnPlan, "decimalComma" | "lenient">> & { kind: "numeric" | "words" } {
  const commas = decimal === "," || (decimal === undefined && separator !== ",");
  const count = (decimalComma: boolean) => {
    const parse = cellParser({ name: "", kind: "numeric", decimalComma });
    return known.filter((cell) => isInfinite(cell) || (cell.length <= MAX_NUMBER_LENGTH && !isNaN(parse(cell)))).length;
  };
  const [points, other] = [decimal === "," ? 0 : count(false), commas ? count(true) : 0];
  const decimalComma = decimal === "," || other > points || (other === points && known.some((c) => c.includes(",")));
  const numbers = Math.max(points, other);
  const isNumeric = numbers === known.length || numbers > MOSTLY_NUMBERS * known.length;
  return {
    kind: isNumeric ? "numeric" : "words",
    decimalComma: commas && decimalComma,
    lenient: isNumeric && numbers < known.length,
  };
}

/** Whether a cell has no decimal comma but one that may group thousands. */
function hasGroupsOnly(cell: string): boolean {
  return /^[^,]*$|^\s*[-+]?\d{1,3},\d{3}\s*$/.test(cell);
}

/** Notes that commas were read as decimal ones, which may have meant thousands. */
function noteComma(name: string, { where, onNote }: CsvSample): void {
  onNote(
    `${where}: column ${
      quoted(name)
    } is read with decimal commas, 1,005 as 1.005: write 1005 where thousands are meant`,
  );
}

/** Notes which cell makes a column categorical that holds numbers otherwise. */
function noteSlip(
  name: string,
  cells: readonly string[],
  { where, missing, onNote }: CsvSample,
  header: boolean,
): void {
  const known = cells.filter((cell) => !isMissing(cell, missing));
  const numbers = known.filter(looksNumeric).length;
  if (numbers <= HALF_NUMBERS * known.length) return;
  const at = cells.findIndex((cell) => !isMissing(cell, missing) && isNaN(parseNumber(cell)));
  const found = `record ${at + (header ? 2 : 1)}, column ${quoted(name)} holds ${
    JSON.stringify(cells[at].slice(0, 40))
  }`;
  const cure = at === 0 && !header ? "say that it is the header if it is" : "write it like 1005.5 or leave it empty";
  onNote(
    `${where}: ${found}, no number, so the column is read as categories, ` +
      `though ${numbers} of the first ${known.length} values look like numbers: ${cure}`,
  );
}

/** Whether people would call a cell a number: also `1,005` and `10018,15`, `$5` and `5 %`. */
function looksNumeric(cell: string): boolean {
  return cell.length <= MAX_NUMBER_LENGTH && isNumeral(cell.replace(/^\s*[$€£¥]|[%€$£]\s*$/, ""));
}

function isNumeral(cell: string): boolean {
  return !isNaN(parseNumber(cell)) || /^\s*[-+]?\d{1,3}([,.]\d{3})*([.,]\d+)?\s*$/.test(cell) ||
    !isNaN(parseDecimalComma(cell));
}
