/** Guesses from the first records of a CSV file what its columns hold. */
import { quoted } from "../../core/io/read_file.ts";
import type { Steps } from "../../core/event_loop.ts";
import { type ColumnKind, type ColumnPlan, parseDecimalComma, parseNumber } from "./table.ts";

/** What the columns are guessed from. */
interface CsvSample {
  /** What errors and notes call the file. */
  readonly where: string;
  /** The first records, the header among them. */
  readonly records: readonly string[][];
  /** Whether the first record names the columns; `undefined` to guess it. */
  readonly header: boolean | undefined;
  /** The separator of cells. */
  readonly separator: string;
  /** What to read columns as, by name. */
  readonly columns: Readonly<Record<string, ColumnKind | "skip">>;
  /** What cells without a value hold. */
  readonly missing: ReadonlySet<string>;
  /** Called with a line for each guess that may be wrong. */
  readonly onNote: (note: string) => void;
}

/** If more than this part of a column are numbers, its other cells look like slips. */
const MOSTLY_NUMBERS = 0.9;

/** Nobody writes a number of more characters. */
const MAX_NUMBER_LENGTH = 120;

/** Whether the first record names the columns: as the options say, else if none of its cells is empty or a number. */
export function* hasHeader(sample: CsvSample): Steps<boolean> {
  const { where, records: [first], header, separator, missing, onNote } = sample;
  if (header !== undefined) return header;
  const isNumber = (cell: string) =>
    !isNaN(parseNumber(cell)) || (separator !== "," && !isNaN(parseDecimalComma(cell)));
  let [allNumbers, allNames] = [true, true];
  for (let i = 0; i < first.length && (allNumbers || allNames); i++) {
    const number = isNumber(first[i]);
    allNumbers &&= number;
    allNames &&= !number && !missing.has(first[i]);
    yield;
  }
  if (allNumbers) {
    onNote(`${where}: record 1 holds numbers only and is taken as a row: say that it is the header if it is`);
  }
  return allNames;
}

/**
 * How to read each column: as the options say, else as its cells look.
 *
 * @throws {SyntaxError} if two columns have the same name
 * @throws {RangeError} if the options name a column that is not there
 */
export function* planColumns(sample: CsvSample, header: boolean): Steps<ColumnPlan[]> {
  const { where, records, columns } = sample;
  const names = records[0].map((cell, i) => header ? cell : `column${i}`);
  const known = new Set<string>();
  for (const name of names) {
    if (known.size === known.add(name).size) {
      throw new SyntaxError(`Cannot read ${where}: record 1 names ${quoted(name)} twice`);
    }
    yield;
  }
  const unknown = Object.keys(columns).find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new RangeError(`Cannot find the column "${unknown}" in ${where}: its header lacks it`);
  }
  const plans: ColumnPlan[] = [];
  for (const [i, name] of names.entries()) {
    plans.push(planColumn(name, i, sample, header));
    yield;
  }
  return plans;
}

function planColumn(name: string, at: number, sample: CsvSample, header: boolean): ColumnPlan {
  const { records, columns, missing, separator } = sample;
  const cells = records.map((record) => record[at] ?? "");
  if (header) cells.shift();
  const known = cells.filter((cell) => !missing.has(cell));
  const decimalComma = separator !== "," && known.some((cell) => cell.includes(",")) &&
    known.every((cell) => !isNaN(parseDecimalComma(cell)));
  const isNumeric = decimalComma || known.every((cell) => !isNaN(parseNumber(cell)));
  if (decimalComma && known.every((cell) => /^[^,]*$|^\s*[-+]?\d{1,3},\d{3}\s*$/.test(cell))) noteComma(name, sample);
  const kind = Object.hasOwn(columns, name) ? columns[name] : isNumeric ? "numeric" : "categorical";
  if (!isNumeric && !Object.hasOwn(columns, name)) noteSlip(name, cells, sample, header);
  return { name, kind, decimalComma };
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
  const known = cells.filter((cell) => !missing.has(cell));
  const numbers = known.filter(looksNumeric).length;
  if (numbers <= MOSTLY_NUMBERS * known.length) return;
  const at = cells.findIndex((cell) => !missing.has(cell) && isNaN(parseNumber(cell)));
  const found = `record ${at + (header ? 2 : 1)}, column ${quoted(name)} holds ${
    JSON.stringify(cells[at].slice(0, 40))
  }`;
  const cure = at === 0 && !header ? "say that it is the header if it is" : "write it like 1005.5 or leave it empty";
  onNote(
    `${where}: ${found}, no number, so the column is read as categories, ` +
      `though ${numbers} of the first ${known.length} values look like numbers: ${cure}`,
  );
}

/** Whether people would call a cell a number: also `1,005` and `10018,15`. */
function looksNumeric(cell: string): boolean {
  return cell.length <= MAX_NUMBER_LENGTH && isNumeral(cell);
}

function isNumeral(cell: string): boolean {
  return !isNaN(parseNumber(cell)) || /^\s*[-+]?\d{1,3}([,.]\d{3})*([.,]\d+)?\s*$/.test(cell) ||
    !isNaN(parseDecimalComma(cell));
}
