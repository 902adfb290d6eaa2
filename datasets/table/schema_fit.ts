/** Fits a schema to the rows of a table, which it sees once, one by one. */
import type { Steps } from "../../core/event_loop.ts";
import { quoted } from "../../core/io/read_file.ts";
import type { CsvStart } from "../formats/csv_rows.ts";
import { type ColumnPlan, findTarget } from "../formats/table.ts";
import { CellReader, sortWords } from "../formats/table_builder.ts";
import { type CategoryOptions, type ColumnFit, columnFit } from "./column_fit.ts";
import type { Scale, SchemaColumn, SchemaKind } from "./schema_columns.ts";

/** What is to be predicted: a number, with its scale, or one of these classes. */
export type SchemaTarget =
  | { readonly name: string; readonly kind: "numeric" } & Scale
  | { readonly name: string; readonly kind: "categorical"; readonly categories: readonly string[] };

/** What a schema consists of. */
export interface SchemaParts {
  readonly columns: readonly SchemaColumn[];
  readonly target: SchemaTarget | null;
  /** The columns that were left out, which later tables may have or lack. */
  readonly ignored: readonly string[];
  /** How many rows there were, and how many of them it was fitted by. */
  readonly rows: number;
  readonly fittedRows: number;
}

/** How a schema is fitted. */
interface FitSettings extends CategoryOptions {
  readonly target: string | number | null;
  readonly kinds: Readonly<Record<string, SchemaKind | "skip">>;
  readonly skipIncomplete: boolean;
  readonly rows: (row: number) => boolean;
  readonly onNote: (note: string) => void;
}

/** Takes rows, and makes a schema of their statistics. */
export class SchemaFit {
  readonly #readers: CellReader[];
  readonly #fits: ColumnFit[];
  readonly #values: Float64Array;
  #rows = 0;
  #fitted = 0;
  #skipped = 0;

  /** A fit of the columns that were found. */
  static *of(start: CsvStart, settings: FitSettings): Steps<SchemaFit> {
    const { cap, plans, missing, unit } = start, { skipIncomplete } = settings;
    const target = findTarget(plans, settings.target, cap.where);
    const readers: CellReader[] = [];
    for (const plan of plans) {
      readers.push(yield* CellReader.of(plan, { cap, unit, target, missing, skipIncomplete, dtype: "float64" }));
      yield;
    }
    return new SchemaFit(start, settings, target, readers);
  }

  private constructor(
    readonly start: CsvStart,
    readonly settings: FitSettings,
    readonly target: number | null,
    readers: CellReader[],
  ) {
    const told = ({ name, kind }: ColumnPlan, i: number) =>
      (i === target && kind === "numeric" ? kind : settings.kinds[name]) as SchemaKind | undefined;
    this.#readers = readers;
    this.#fits = start.plans.map((plan, i) => columnFit(plan, told(plan, i), settings));
    this.#values = new Float64Array(readers.length);
  }

  /** Takes a row. */
  add(cells: readonly string[], at: number): void {
    const { missing, plans } = this.start;
    if (this.settings.skipIncomplete && this.#readers.some((r, i) => r.wanted && r.lacks(cells[i], missing))) {
      this.#skipped++;
      return;
    }
    if (this.target !== null) requireTarget(this.#readers[this.target], cells[this.target], this.start, at);
    const isFitted = this.settings.rows(this.#rows++);
    if (isFitted) this.#fitted++;
    for (let i = 0; i < plans.length; i++) {
      if (plans[i].kind === "skip" && i !== this.target) continue;
      this.#values[i] = this.#readers[i].read(plans[i].kind === "numeric" ? cells[i] : cells[i].trim(), missing, at);
      this.#fits[i].see(this.#values[i]);
      if (isFitted) this.#fits[i].add(this.#values[i]);
    }
  }

  /**
   * The schema.
   *
   * @throws {RangeError} if there are no rows, or no column to learn from, or a column holds text
   */
  *finish(): Steps<SchemaParts> {
    const { cap: { where }, plans } = this.start;
    this.#requireRows(where);
    const columns: SchemaColumn[] = [], ignored: string[] = [];
    for (const [i, plan] of plans.entries()) {
      if (i === this.target) continue;
      const column = plan.kind === "skip" ? null : yield* this.#column(i, where);
      if (column === null) ignored.push(plan.name);
      else columns.push(column);
    }
    const target = this.target === null ? null : yield* this.#target(this.target);
    this.#note(where);
    if (columns.length > 0) return { columns, target, ignored, rows: this.#rows, fittedRows: this.#fitted };
    const what = target === null ? "from it" : `${target.name} of ${where}`;
    throw new RangeError(`Cannot learn ${what}: there is no ${target === null ? "" : "other "}column to learn it from`);
  }

  *#column(i: number, where: string): Steps<SchemaColumn | null> {
    const reader = this.#readers[i], { name, lenient = false } = this.start.plans[i];
    const column = yield* this.#fits[i].finish(reader.words, lenient);
    if (!("why" in column)) return column;
    if (column.isError) throw new RangeError(`Cannot learn from column ${quoted(name)} of ${where}: ${column.why}`);
    this.settings.onNote(`${where}: column ${quoted(name)} is left out: ${column.why}`);
    return null;
  }

  *#target(i: number): Steps<SchemaTarget> {
    const { name, kind } = this.start.plans[i];
    if (kind === "date") throw new RangeError(`Cannot learn ${name}: it holds dates, give it as a number`);
    if (kind === "numeric") {
      const column = yield* this.#fits[i].finish([], false);
      if ("why" in column || column.kind !== "numeric") throw new RangeError(`Cannot learn ${name}: it has no numbers`);
      return { name, kind, mean: column.mean, std: column.std };
    }
    const words = this.#readers[i].words;
    const order = yield* sortWords(words);
    return { name, kind: "categorical", categories: order.map((code) => words[code]) };
  }

  #note(where: string): void {
    const { onNote } = this.settings, all = this.#skipped + this.#rows;
    if (this.#skipped > 0) onNote(`${where}: ${this.#skipped} of ${all} rows have an empty cell and are left out`);
    for (const reader of this.#readers) reader.notes.forEach((note) => onNote(note));
  }

  #requireRows(where: string): void {
    if (this.#fitted > 0) return;
    const found = this.#skipped > 0
      ? `each of its ${this.#skipped} rows has an empty cell`
      : this.#rows > 0
      ? `none of its ${this.#rows} rows is to be fitted by`
      : "it holds no rows";
    throw new RangeError(`Cannot read ${where}: ${found}`);
  }
}

/**
 * Checks that a row has a target.
 *
 * @throws {SyntaxError} if it has none
 */
export function requireTarget(reader: CellReader, cell: string, { cap, missing, unit }: CsvStart, at: number): void {
  if (!reader.lacks(cell, missing)) return;
  throw new SyntaxError(
    `Cannot read ${cap.where}: ${unit} ${at} has no target ${quoted(reader.name)}: fill it, or skip incomplete rows`,
  );
}
