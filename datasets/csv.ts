/** CSV files as tensors, their schema guessed. */
import { CsvParseStream } from "@std/csv";
import { type ColumnKind, type ColumnPlan, findTarget, parseNumber, type Table } from "./table.ts";
import { TableBuilder } from "./table_builder.ts";
import { namingErrors, openText, type TextSource } from "./text_source.ts";

/** What {@linkcode fromCsv} need not guess. */
export interface CsvOptions {
  /** The column to predict, by name or number; -1 is the last. Without one, `y` is null. */
  target?: string | number;
  /** Whether the first record names the columns; when absent, it does if none of its cells is empty or a number. */
  header?: boolean;
  /** What stands between cells; a comma when absent. */
  separator?: string;
  /** What to read columns as, by name; the others are guessed. */
  columns?: Readonly<Record<string, ColumnKind | "skip">>;
  /** Cells that mean: nothing known; {@linkcode MISSING} when absent. */
  missing?: readonly string[];
  /** Leave out rows with an empty cell, instead of keeping it as NaN. */
  skipIncomplete?: boolean;
  /** What to call a stream in errors. */
  name?: string;
}

/** Cells that mean: nothing known. */
export const MISSING: readonly string[] = ["", "?", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None"];

/** Records that the schema is guessed from. */
const SAMPLE = 1_000;

/**
 * The table in a CSV file (RFC 4180, UTF-8; inflated if its name ends in `.gz`), or in a stream of one, read as it comes.
 *
 * A column is numeric if every known cell of the first 1,000 records is a number, else categorical, its categories
 * sorted. Columns without a header are called `column0`, `column1`, …
 *
 * @throws {SyntaxError} if a record has more or fewer cells than there are columns, or a cell does not fit its column;
 * the message names file, record and column
 * @throws {RangeError} if there is no such target, or no row
 *
 * @example
 * ```ts
 * import { fromCsv } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = "length,kind\n5.1,setosa\n7.0,versicolor\n";
 * const { x, y, target } = await fromCsv(new Response(text).body!, { target: "kind" });
 * assertEquals([x.shape, y?.toArray(), target?.categories], [[2, 1], [0, 1], ["setosa", "versicolor"]]);
 * ```
 */
export async function fromCsv(source: TextSource, options: CsvOptions = {}): Promise<Table> {
  const where = options.name ?? (typeof source === "string" ? source : "CSV");
  const stream = new CsvParseStream({ separator: options.separator ?? "," });
  let record = 0;
  const records = namingErrors((await openText(source)).pipeThrough(stream), where, () => `record ${record}`);
  const sample: string[][] = [];
  let builder: TableBuilder | null = null;
  for await (const cells of records) {
    record++;
    if (builder) builder.add(cells, `record ${record}`);
    else if (sample.push(cells) > SAMPLE) builder = begin(sample, where, options);
  }
  return (builder ?? begin(sample, where, options)).finish();
}

/** A builder with the columns that `sample` shows, and its rows. */
function begin(sample: readonly string[][], where: string, options: CsvOptions): TableBuilder {
  if (sample.length === 0) throw new RangeError(`Cannot read ${where}: it holds no rows`);
  const missing = new Set(options.missing ?? MISSING);
  const header = options.header ?? sample[0].every((cell) => !missing.has(cell) && Number.isNaN(parseNumber(cell)));
  const names = sample[0].map((cell, i) => header ? cell : `column${i}`);
  const rows = header ? sample.slice(1) : sample;
  const plans = planColumns(names, rows, missing, where, options);
  const target = findTarget(plans, options.target ?? null, where);
  const builder = new TableBuilder(plans, { where, target, missing, skipIncomplete: options.skipIncomplete ?? false });
  rows.forEach((cells, i) => builder.add(cells, `record ${i + (header ? 2 : 1)}`));
  return builder;
}

function planColumns(
  names: readonly string[],
  rows: readonly string[][],
  missing: ReadonlySet<string>,
  where: string,
  { columns = {} }: CsvOptions,
): ColumnPlan[] {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new SyntaxError(`Cannot read ${where}: record 1 names "${twice}" twice`);
  const unknown = Object.keys(columns).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(`Cannot find the column "${unknown}" in ${where}: its header lacks it`);
  }
  return names.map((name, i) => {
    const isNumber = (cell: string) => missing.has(cell) || !Number.isNaN(parseNumber(cell));
    const guess = rows.every((cells) => isNumber(cells[i] ?? "")) ? "numeric" : "categorical";
    return { name, kind: Object.hasOwn(columns, name) ? columns[name] : guess };
  });
}
