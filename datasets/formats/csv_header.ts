/** Guesses whether the first record of a CSV file names its columns. */
import type { Steps } from "../../core/event_loop.ts";
import { isInfinite, isMissing, MAX_NUMBER_LENGTH, parseDecimalComma, parseNumber } from "./table.ts";

/** The first records of a file. */
interface Records {
  readonly records: readonly string[][];
  readonly separator: string;
  readonly missing: ReadonlySet<string>;
}

/** What a first record is, and a word about it where that may be wrong. */
export interface HeaderGuess {
  readonly header: boolean;
  readonly note?: string;
}

/** What the cells of the first record are, beside those below them. */
interface Evidence {
  /** Cells that are no numbers and no gaps. */
  words: number;
  /** Words above numbers alone: nobody's first row. */
  above: number;
  /** Words that stand in their column again: hardly names. */
  again: number;
  /** Columns of numbers, or of words that come more than once, with a word above them that does not. */
  apart: number;
  /** Gaps. */
  gaps: number;
  /** Numbers. */
  numbers: number[];
  /** Numbers past all of their column. */
  outside: number;
}

const ALL_NUMBERS = "record 1 holds numbers only and is taken as a row: say that it is the header if it is";
const TAKEN = "record 1 is taken for the header: say that it is none if it is a row";

/**
 * Whether the first record names the columns: if all its cells are words; or if one is a word above numbers; or if beside words that do
 * not come again there are only gaps, as above a data frame's index and after a comma at the end, or years, as above a table of years.
 */
export function* guessHeader(sample: Records): Steps<HeaderGuess> {
  const all: Evidence = { words: 0, above: 0, again: 0, apart: 0, gaps: 0, numbers: [], outside: 0 };
  const [first] = sample.records;
  for (let i = 0; i < first.length; i++) {
    addEvidence(all, first[i], i, sample);
    yield;
  }
  if (all.numbers.length === first.length) return { header: false, note: ALL_NUMBERS };
  if (all.words === first.length) return { header: true };
  if (all.words === 0 || all.again > 0) return { header: false };
  if (all.above > 0) {
    return all.numbers.length > 0 && !areLabels(all) ? { header: true, note: TAKEN } : { header: true };
  }
  if (all.numbers.length > 0) return { header: areLabels(all) && (all.numbers.length > 1 || all.apart > 0) };
  return { header: true, ...(all.apart === 0 && sample.records.length > 1 && { note: TAKEN }) };
}

function addEvidence(all: Evidence, cell: string, at: number, sample: Records): void {
  if (isGap(cell, sample.missing)) return void all.gaps++;
  const number = numberIn(cell, sample.separator);
  const below = sample.records.slice(1).map((record) => record[at] ?? "").filter((c) => !isGap(c, sample.missing));
  const numbers = below.length > 0 && below.every((c) => !isNaN(numberIn(c, sample.separator)));
  if (!isNaN(number)) {
    all.numbers.push(number);
    all.outside += Number(numbers && below.every((c) => Math.abs(numberIn(c, sample.separator)) < number));
    return;
  }
  all.words++;
  if (numbers) all.above++;
  else if (below.includes(cell)) all.again++;
  else if (new Set(below).size < below.length) all.apart++;
}

/** Whether the numbers of the first record are names of columns: years in equal steps, or the count from 0 or 1; one year by itself if it is past the numbers below it. */
function areLabels({ numbers, outside }: Evidence): boolean {
  const years = numbers.every((n) => Number.isInteger(n) && n >= 1800 && n <= 2200);
  if (numbers.length === 1) return years && outside === 1;
  const step = numbers[1] - numbers[0];
  const even = step !== 0 && numbers.every((n, i) => n === numbers[0] + i * step);
  return even && (years || (step === 1 && (numbers[0] === 0 || numbers[0] === 1)));
}

/** The number in a cell; in a file of other separators it may have a decimal comma. */
function numberIn(cell: string, separator: string): number {
  if (cell.length > MAX_NUMBER_LENGTH) return NaN;
  const value = parseNumber(cell);
  return isNaN(value) && separator !== "," ? parseDecimalComma(cell) : value;
}

function isGap(cell: string, missing: ReadonlySet<string>): boolean {
  return isMissing(cell, missing) || isInfinite(cell);
}
