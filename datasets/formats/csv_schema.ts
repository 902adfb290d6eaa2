/** What the columns of a CSV file hold, guessed from its first records. */
import { quoted } from "../../core/io/read_file.ts";
import type { Steps } from "../../core/event_loop.ts";
import { type ColumnKind, type ColumnPlan, parseDecimalComma, parseNumber } from "./table.ts";

/** What the schema is guessed from, and with. */
interface CsvSample {
  /** The file, for errors and notes. */
  readonly where: string;
  /** The first records, the header among them. */
  readonly records: readonly string[][];
  /** Whether the first record names the columns; guessed when absent. */
  readonly header: boolean | undefined;
  /** What stands between cells. */
  readonly separator: string;
  /** What to read columns as, by name. */
  readonly columns: Readonly<Record<string, ColumnKind | "skip">>;
  /** Cells that mean: nothing known. */
  readonly missing: ReadonlySet<string>;
  /** Told what was guessed and may be wrong, in a line. */
  readonly onNote: (note: string) => void;
}

/** The part of a column that has to be numbers for its other cells to look like slips. */
const MOSTLY = 0.9;

/** The most characters that look like a number to people. */
const MAX_NUMBER = 120;

/** Whether the first record names the columns: if none of its cells is empty or a number, unless it was told. */
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
 * The columns as told, else as their cells look.
 *
 * @throws {SyntaxError} if a name comes twice
 * @throws {RangeError} if a column that was told about is not there
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

/** Says how commas were read that may stand for thousands. */
function noteComma(name: string, { where, onNote }: CsvSample): void {
  onNote(
    `${where}: column ${
      quoted(name)
    } is read with decimal commas, 1,005 as 1.005: write 1005 where thousands are meant`,
  );
}

/** Says which cell made categories of a column that is numbers but for a few. */
function noteSlip(
  name: string,
  cells: readonly string[],
  { where, missing, onNote }: CsvSample,
  header: boolean,
): void {
  const known = cells.filter((cell) => !missing.has(cell));
  const numbers = known.filter(looksNumeric).length;
  if (numbers <= MOSTLY * known.length) return;
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

/** Whether a cell is a number to people: also `1,005` and `10018,15`. Nobody writes one of more characters than a line's. */
function looksNumeric(cell: string): boolean {
  return cell.length <= MAX_NUMBER && isNumeral(cell);
}

function isNumeral(cell: string): boolean {
  return !isNaN(parseNumber(cell)) || /^\s*[-+]?\d{1,3}([,.]\d{3})*([.,]\d+)?\s*$/.test(cell) ||
    !isNaN(parseDecimalComma(cell));
}
