/** Turns the rows of a table into features, by a schema that was fitted to another one. */
import { fromData } from "../../core/create.ts";
import { runAtOnce, type Steps } from "../../core/event_loop.ts";
import { Cap, quoted } from "../../core/io/read_file.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { CsvStart } from "../formats/csv_rows.ts";
import { type ColumnPlan, isMissing } from "../formats/table.ts";
import { CellReader, Rows } from "../formats/table_builder.ts";
import { featuresOf, parseBoolean, type SchemaColumn, writeFeatures } from "./schema_columns.ts";
import { requireTarget, type SchemaParts, type SchemaTarget } from "./schema_fit.ts";

/** Rows as tensors. */
export interface EncodedRows {
  /** Their features, float32 [rows, features]: categories, then numbers. */
  readonly x: Tensor;
  /** Their targets, [rows]: float64 numbers or int32 classes; `null` where the table has none. */
  readonly y: Tensor | null;
}

/** How rows are encoded. */
interface EncodeSettings {
  /** Whether a target in the table is read. */
  readonly target: boolean;
  readonly skipIncomplete: boolean;
  /** Whether the cells of the rows are kept. */
  readonly cells: boolean;
  /** How many rows there probably are. */
  readonly expected: number;
}

/** Where a cell of a row goes: a column and the place of its first category and of its first number. */
interface Place {
  readonly column: SchemaColumn;
  readonly read: (cell: string, at: number) => number;
  readonly cell: number;
  readonly c: number;
  readonly n: number;
}

/** Encodes rows, whose columns may stand in any order. */
export class RowEncoder {
  readonly #places: Place[];
  readonly #target: { cell: number; reader: CellReader; classes: Map<string, number> | null } | null;
  readonly #row: Float32Array;
  readonly #readers: CellReader[] = [];
  readonly #unknown = new Map<string, { count: number; first: string }>();
  #x: Rows;
  #y: Rows;
  #cells: (readonly string[])[] = [];
  #skipped = 0;

  /**
   * An encoder of a table with these columns.
   *
   * @throws {RangeError} if a column is new or missing
   */
  constructor(readonly start: CsvStart, readonly schema: SchemaParts, readonly settings: EncodeSettings) {
    const cells = cellsOf(schema, start);
    const target = schema.target === null || !settings.target ? undefined : cells.get(schema.target.name);
    const features = schema.columns.map(featuresOf);
    let [c, n] = [0, features.reduce((sum, { categories }) => sum + categories.length, 0)];
    this.#places = schema.columns.map((column, i) => {
      const cell = cells.get(column.name)!;
      const place = { column, cell, c, n, read: this.#reader(column, start.plans[cell]) };
      c += features[i].categories.length;
      n += features[i].numbers.length;
      return place;
    });
    this.#row = new Float32Array(n);
    this.#target = target === undefined ? null : this.#targetOf(schema.target!, target);
    [this.#x, this.#y] = this.#emptied(settings.expected);
  }

  #emptied(expected = 0): [x: Rows, y: Rows] {
    // Rows that are taken part by part are not kept: no number of them is too large.
    const cap = this.settings.cells ? new Cap(this.start.cap.where, { maxBytes: Infinity }) : this.start.cap;
    // A row has a separator or a line end for each cell.
    const rows = cap.size === null ? 0 : Math.min(expected, Math.floor(cap.size / this.start.plans.length));
    const targets = this.#target === null ? 0 : rows;
    return [new Rows(this.#row.length, cap, "float32", rows), new Rows(1, cap, "float64", targets)];
  }

  /** What reads the cells of a column: NaN for gaps, 0 for words that are rare or unknown. */
  #reader(column: SchemaColumn, { decimalComma = false }: ColumnPlan): Place["read"] {
    const { missing } = this.start, { name, kind, lenient } = column;
    if (kind === "categorical") {
      const codes = new Map(column.categories.map((word, i) => [word, i + 1]));
      return (cell) =>
        codes.get(cell) ?? codes.get(cell.trim()) ??
          (isMissing(cell, missing) ? NaN : this.#countUnknown(name, cell));
    }
    if (kind === "boolean") return (cell, at) => isMissing(cell, missing) ? NaN : this.#boolean(name, cell, at);
    const order = kind === "date" ? { dateOrder: column.order } : {};
    const reader = this.#cellReader({ name, kind, decimalComma, lenient, ...order });
    return (cell, at) => reader.read(cell, missing, at);
  }

  #cellReader(plan: ColumnPlan): CellReader {
    const { cap, unit, missing } = this.start;
    const cure = "mend it, or leave it empty"; // what a column holds was settled when the schema was fitted
    const settings = { cap, unit, target: null, missing, skipIncomplete: false, cure, dtype: "float64" } as const;
    const reader = runAtOnce(CellReader.of(plan, settings));
    this.#readers.push(reader);
    return reader;
  }

  #targetOf(target: SchemaTarget, cell: number) {
    const { decimalComma = false } = this.start.plans[cell], { name, kind } = target;
    const reader = this.#cellReader({ name, kind, decimalComma });
    const classes = target.kind === "categorical" ? new Map(target.categories.map((word, i) => [word, i])) : null;
    return { cell, reader, classes };
  }

  #boolean(name: string, cell: string, at: number): number {
    const value = parseBoolean(cell);
    if (!Number.isNaN(value)) return value;
    throw this.#wrong(at, name, `holds ${quoted(cell)}, neither yes nor no: write "yes", "no", "true" or "false"`);
  }

  #countUnknown(name: string, cell: string): number {
    const before = this.#unknown.get(name);
    if (before === undefined) this.#unknown.set(name, { count: 1, first: cell });
    else before.count++;
    return 0;
  }

  #wrong(at: number, name: string, what: string): SyntaxError {
    return new SyntaxError(`Cannot read ${this.start.cap.where}: record ${at}, column ${quoted(name)} ${what}`);
  }

  /** Encodes a row. */
  add(cells: readonly string[], at: number): void {
    if (this.settings.skipIncomplete && this.#lacksOne(cells)) {
      this.#skipped++;
      return;
    }
    if (this.#target !== null) this.#y.add([this.#targetIn(cells[this.#target.cell], at)]);
    for (const { column, cell, c, n, read } of this.#places) {
      writeFeatures(column, read(cells[cell], at), this.#row, c, n);
      if (column.kind === "numeric" && !Number.isFinite(this.#row[n])) {
        throw this.#wrong(at, column.name, tooFar(cells[cell]));
      }
    }
    this.#x.add(this.#row);
    if (this.settings.cells) this.#cells.push(cells);
  }

  /** Whether a row has a gap, also in its target. */
  #lacksOne(cells: readonly string[]): boolean {
    const { missing } = this.start, target = this.#target;
    return this.#places.some(({ cell }) => isMissing(cells[cell], missing)) ||
      (target !== null && target.reader.lacks(cells[target.cell], missing));
  }

  #targetIn(cell: string, at: number): number {
    const { reader, classes } = this.#target!;
    requireTarget(reader, cell, this.start, at);
    if (classes === null) return reader.read(cell, this.start.missing, at);
    const value = classes.get(cell.trim());
    if (value !== undefined) return value;
    const known = [...classes.keys()].slice(0, 20).map(quoted).join(", ");
    throw this.#wrong(at, reader.name, `holds ${quoted(cell)}, and the classes are ${known}`);
  }

  /** How many rows were encoded since they were last taken. */
  get count(): number {
    return this.#x.count;
  }

  /** The rows that were encoded since they were last taken, and their cells where those are kept. */
  *take(): Steps<EncodedRows & { cells: readonly (readonly string[])[] }> {
    const count = this.#x.count, cells = this.#cells, isNumber = this.#target?.classes === null;
    const x = fromData(yield* this.#x.join(), [count, this.#row.length]);
    const y = this.#target === null ? null : yield* this.#y.join();
    [this.#x, this.#y] = this.#emptied();
    this.#cells = [];
    return { x, y: y === null ? null : fromData(isNumber ? y : new Int32Array(y), [count]), cells };
  }

  /** Lines about rows that were left out, words that were not learned, and cells that were read as missing. */
  notes(): string[] {
    const { where } = this.start.cap;
    const left = `${where}: ${this.#skipped} rows have an empty cell and are left out`;
    const unknown = [...this.#unknown].map(([name, { count, first }]) =>
      `${where}: column ${quoted(name)} holds ${quoted(first)}${
        count === 1 ? "" : ` and ${count - 1} more such cells`
      } that the schema does not tell apart: they count as unknown`
    );
    return [...this.#skipped > 0 ? [left] : [], ...unknown, ...this.#readers.flatMap(({ notes }) => notes)];
  }
}

/** What is wrong with a number that float32 cannot hold when it is scaled. */
function tooFar(cell: string): string {
  return `holds ${cell.slice(0, 40)}, too far from the numbers that were learned from: mend it, or leave it empty`;
}

/** Where in a row each column stands. */
function cellsOf({ columns, target, ignored }: SchemaParts, { cap: { where }, plans }: CsvStart): Map<string, number> {
  const cells = new Map(plans.map(({ name }, i) => [name, i]));
  const absent = columns.find(({ name }) => !cells.has(name));
  if (absent !== undefined) {
    const names = plans.slice(0, 20).map(({ name }) => quoted(name)).join(", ");
    throw new RangeError(
      `Cannot read ${where}: it lacks the column ${
        quoted(absent.name)
      } that was learned from; its columns are ${names}`,
    );
  }
  const known = new Set([...columns.map(({ name }) => name), ...ignored, ...(target === null ? [] : [target.name])]);
  const other = plans.find(({ name, kind }) => !known.has(name) && kind !== "skip");
  if (other === undefined) return cells;
  throw new RangeError(
    `Cannot read ${where}: the column ${quoted(other.name)} is new, nothing was learned of it: leave it out`,
  );
}
