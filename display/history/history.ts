/** The history of a run as files that other tools read: CSV, and lines of JSON. */
import { describe, requireArray, requirePath } from "../../core/arguments.ts";
import { files } from "../../core/host/files.ts";
import { writeAtomically } from "../../core/io/atomic_write.ts";
import { historyLine } from "../../layers/train/checkpoint/history_file.ts";
import type { EpochRecord, MetricValue } from "../../layers/train/train.ts";

/** The columns that every history has, in their order. */
const COLUMNS = ["epoch", "step", "seconds", "lr", "trainLoss", "validLoss"] as const;

/**
 * A history as CSV: a column for each number of the record of an epoch, a line for each epoch. A metric of several numbers has a column for
 * each, `recall[0]`; what an epoch has not is empty.
 *
 * @example
 * ```ts
 * import { historyCsv } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const history = [{ epoch: 1, step: 10, seconds: 0.5, lr: 0.1, trainLoss: 2, metrics: { recall: [0.5, 1] } }];
 * assertEquals(
 *   historyCsv(history),
 *   "epoch,step,seconds,lr,trainLoss,validLoss,recall[0],recall[1]\r\n1,10,0.5,0.1,2,,0.5,1\r\n",
 * );
 * ```
 */
export function historyCsv(history: readonly EpochRecord[]): string {
  checkHistory(history);
  const rows = history.map((record) => ({
    ...Object.fromEntries(COLUMNS.map((name) => [name, record[name]])),
    ...Object.fromEntries(Object.entries(record.metrics).flatMap(([name, value]) => numbersIn(name, value))),
  }));
  const names = [...new Set<string>([...COLUMNS, ...rows.flatMap(Object.keys)])];
  const lines = [names, ...rows.map((row: Record<string, number | undefined>) => names.map((name) => row[name]))];
  return lines.map((cells) => cells.map(cellOf).join(",") + "\r\n").join("");
}

/** The numbers of a metric, by the names of their columns. */
function numbersIn(name: string, value: MetricValue): [name: string, value: number][] {
  if (typeof value === "number") return [[name, value]];
  return value.flatMap((part, i) => numbersIn(`${name}[${i}]`, part));
}

/** A cell by RFC 4180. */
function cellOf(value: string | number | undefined): string {
  const text = value === undefined ? "" : `${value}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A history as lines of JSON, one for each epoch, as `Checkpoints` writes them into `history.jsonl`; NaN and infinity become `null`, which
 * JSON has.
 */
export function historyLines(history: readonly EpochRecord[]): string {
  checkHistory(history);
  return history.map(historyLine).join("");
}

/**
 * The history in lines of JSON; `null` becomes NaN. A last line without its end is left out: it is being written.
 *
 * @throws {SyntaxError} If a line is no record of an epoch; the message has its number.
 */
export function parseHistory(text: string): EpochRecord[] {
  if (typeof text !== "string") throw new TypeError(`Cannot read a history from ${describe(text)}: give lines of JSON`);
  return text.split("\n").slice(0, -1).flatMap((line, i) => line.trim() === "" ? [] : [recordIn(line, i + 1)]);
}

function recordIn(line: string, number: number): EpochRecord {
  try {
    const record = JSON.parse(line, (_, value) => value === null ? NaN : value);
    if (typeof record.epoch === "number" && typeof record.metrics === "object") return record;
  } catch { // told below
  }
  throw new SyntaxError(
    `Cannot read line ${number} of a history: it is no record of an epoch, as history.jsonl has them`,
  );
}

/**
 * Reads a `history.jsonl`; of one that is being written the whole lines.
 *
 * @throws {SyntaxError} If a line is no record of an epoch.
 */
export async function readHistory(path: string): Promise<EpochRecord[]> {
  requirePath(path, "read");
  return parseHistory(await (await files(`read ${path}`, "parseHistory() takes its text")).readTextFile(path));
}

/**
 * Writes a history as the file's ending says: `.csv` or `.jsonl`. The old file is there until the new one is whole.
 *
 * @throws {RangeError} For another ending.
 */
export async function writeHistory(history: readonly EpochRecord[], path: string): Promise<void> {
  checkHistory(history);
  requirePath(path, "write");
  const text = path.endsWith(".csv") ? historyCsv(history) : path.endsWith(".jsonl") ? historyLines(history) : null;
  if (text === null) throw new RangeError(`Cannot write a history as ${path}: end the name in .csv or .jsonl`);
  await writeAtomically(path, [new TextEncoder().encode(text)]);
}

function checkHistory(history: readonly EpochRecord[]): void {
  requireArray(history, "write the history", "learner.history");
  const odd = history.findIndex((record) => typeof record?.metrics !== "object" || record.metrics === null);
  if (odd < 0) return;
  throw new TypeError(`Cannot write the history: its entry ${odd} is ${describe(history[odd])}; give learner.history`);
}
