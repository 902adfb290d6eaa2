/** Dates and times in the cells of a table, as days since the beginning of 1970. */

/** The order of day, month and year in dates such as 3.4.2025; dates that begin with the year are read in any case. */
export type DateOrder = "dmy" | "mdy";

const DAY = 86_400_000; // milliseconds
const YEAR_FIRST = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(.*)$/;
const YEAR_LAST = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(.*)$/;
const YEAR_MONTH = /^(\d{4})-(\d{2})$/;
const NAMED = /^(?:(\d{1,2})[-. ]+([a-z]{3,9})|([a-z]{3,9})\.? (\d{1,2}),?)[-. ]+(\d{4})(.*)$/i;
const MONTHS = "january february march april may june july august september october november december".split(" ");
const TIME = /^[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?\s*(Z|UTC|[-+]\d{2}:?\d{2})?$/;
const MAX_LENGTH = 40; // nobody writes a longer date

/**
 * The days since 1970-01-01 00:00 UTC of a date such as 2025-04-03, 3.4.2025, 3 Apr 2025, April 3, 2025 or 2025-04, with a time of day
 * such as 12:30 or T12:30:05Z or without; NaN for anything else. A time without a zone is taken as UTC.
 */
export function parseDate(text: string, order: DateOrder): number {
  if (text.length > MAX_LENGTH) return NaN;
  const cell = text.trim();
  const first = YEAR_FIRST.exec(cell);
  if (first !== null) return daysOf(Number(first[1]), Number(first[3]), Number(first[4]), first[5]);
  const last = YEAR_LAST.exec(cell);
  if (last === null) return parseNamed(cell);
  const [a, b] = [Number(last[1]), Number(last[3])];
  return order === "dmy" ? daysOf(Number(last[4]), b, a, last[5]) : daysOf(Number(last[4]), a, b, last[5]);
}

function parseNamed(cell: string): number {
  const [, year, month] = YEAR_MONTH.exec(cell) ?? [];
  if (year !== undefined) return daysOf(Number(year), Number(month), 1, "");
  const [, day1, name1, name2, day2, named, time] = NAMED.exec(cell) ?? [];
  if (named === undefined) return NaN;
  const name = (name1 ?? name2).toLowerCase(), place = MONTHS.findIndex((known) => known.startsWith(name));
  return place < 0 ? NaN : daysOf(Number(named), place + 1, Number(day1 ?? day2), time);
}

function daysOf(year: number, month: number, day: number, time: string): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day; // not 31 April
  return exists ? date.getTime() / DAY + timeOf(time) : NaN;
}

/** The part of a day; NaN for what is no time of day. */
function timeOf(text: string): number {
  if (text === "") return 0;
  const [, hours, minutes, seconds = "0", zone = "Z"] = TIME.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 61) return NaN;
  const [, sign = "+", h = "0", m = "0"] = /^([-+])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  const offset = (sign === "-" ? -1 : 1) * (60 * Number(h) + Number(m));
  return (60 * Number(hours) + Number(minutes) - offset) / 1440 + Number(seconds) / 86_400;
}

/** If more than this part of a column are dates it is one of dates, and its other cells are slips. */
const MOSTLY_DATES = 0.9;

/** One of the first cells of a column of dates is a date. */
const FIRST = 16;

/** How the dates of a column are written. */
interface DateColumn {
  readonly order: DateOrder;
  /** Whether another order would make other dates. */
  readonly isSure: boolean;
  /** Whether all cells are dates. */
  readonly all: boolean;
}

/**
 * The order in which these cells are dates: that of the first part past 12, if there is one, else day first with points and month first
 * with other signs. `null` if they are no dates.
 */
export function datesIn(cells: readonly string[]): DateColumn | null {
  const isDate = (order: DateOrder) => (cell: string) => !isNaN(parseDate(cell, order));
  if (!cells.slice(0, FIRST).some((cell) => isDate("dmy")(cell) || isDate("mdy")(cell))) return null;
  const [dmy, mdy] = [cells.filter(isDate("dmy")).length, cells.filter(isDate("mdy")).length];
  const count = Math.max(dmy, mdy);
  if (count <= MOSTLY_DATES * cells.length) return null;
  const points = cells.some((cell) => /^\s*\d{1,2}\./.test(cell));
  const order = dmy > mdy || (dmy === mdy && points) ? "dmy" : "mdy";
  const isSure = dmy !== mdy || points || !cells.some((cell) => YEAR_LAST.test(cell.trim()));
  return { order, isSure, all: count === cells.length };
}
