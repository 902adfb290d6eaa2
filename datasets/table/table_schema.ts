/** What was learned of a table's columns, fitted once and applied to every later table with the same ones. */
import {
  checkOptions,
  describe,
  isPlainObject,
  requireChoice,
  requireSizes,
  requireTensor,
} from "../../core/arguments.ts";
import { nameColumns } from "../../core/column_names.ts";
import { fromData } from "../../core/create.ts";
import { runAtOnce, runInSlices, type Steps } from "../../core/event_loop.ts";
import { elements } from "../../core/ops/movement.ts";
import type { Tensor } from "../../core/tensor.ts";
import { checkText, TEXT_OPTIONS, TEXT_TYPES } from "../formats/csv.ts";
import { csvRows, type CsvStart, MISSING, type RowOptions, type RowSink } from "../formats/csv_rows.ts";
import type { ColumnKind } from "../formats/table.ts";
import type { TextSource } from "../formats/text_source.ts";
import { cellsOf, namesOf, recordRows, recordStart, type TableRecord } from "./record_rows.ts";
import { type EncodedRows, RowEncoder } from "./row_encoder.ts";
import { type ColumnFeatures, featuresOf, type SchemaColumn, type SchemaKind } from "./schema_columns.ts";
import { SchemaFit, type SchemaParts, type SchemaTarget } from "./schema_fit.ts";
import { schemaParts } from "./schema_json.ts";
import type {
  SchemaBatch,
  SchemaOptions,
  SchemaReadOptions,
  SchemaStreamOptions,
  TableAnswer,
  TableSource,
} from "./schema_options.ts";

const FIT_OPTIONS = [
  "target",
  "kinds",
  "maxCategories",
  "minCount",
  "skipIncomplete",
  "rows",
  ...TEXT_OPTIONS,
] as const;
const READ_OPTIONS = ["target", "skipIncomplete", ...TEXT_OPTIONS] as const;
const KINDS = ["numeric", "categorical", "boolean", "date", "skip"] as const;

/**
 * Turns the rows of tables into features for a network, in the same way for all of them: it is fitted to one table, kept as JSON, and
 * applied to any later file or record with the same columns in any order, with or without the target.
 *
 * | column | features |
 * | --- | --- |
 * | numbers | (x − mean) / std, gaps as the median; a 1 for what is missing, if anything was |
 * | words | a category: 1 for the commonest, 2, …; 0 for rare and unknown ones; a last one for gaps, if there were any |
 * | true and false, yes and no | 1 and 0, gaps as the commoner; a 1 for what is missing |
 * | dates | month and weekday as categories; year, day, elapsed days and the hour as numbers |
 *
 * The features x of a row are its categories and then its numbers, float32, as `nn.TabularModel` takes them. A column with a word for
 * each row, or one that counts them, is left out and noted; one of sentences is refused.
 *
 * @example
 * ```ts
 * import { TableSchema } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const train = new Blob(["size,colour,price\n1,red,10\n3,red,30\n,blue,20\n2,blue,20\n"]);
 * const schema = await TableSchema.fit(train, { target: "price" });
 * assertEquals(schema.featureNames, ["colour", "size", "size missing"]);
 *
 * const later = TableSchema.fromJSON(JSON.parse(JSON.stringify(schema)));
 * assertEquals(later.encode({ colour: "green", size: 2 }).toArray(), [[0, 0, 0]]);
 * ```
 */
export class TableSchema {
  /** What is kept of the columns to learn from. */
  readonly columns: readonly SchemaColumn[];
  /** What is to be predicted, `null` for nothing. */
  readonly target: SchemaTarget | null;
  /** The columns that were left out: later tables may have or lack them. */
  readonly ignored: readonly string[];
  /** How many rows the table had that it was fitted to. */
  readonly rows: number;
  /** Of how many of these rows the statistics are. */
  readonly fittedRows: number;
  readonly #features: readonly ColumnFeatures[];
  readonly #parts: SchemaParts & { missing: readonly string[] | null };

  private constructor(parts: SchemaParts & { missing: readonly string[] | null }) {
    if (!Array.isArray(parts?.columns)) {
      throw new TypeError(
        "Cannot make a TableSchema with new: await TableSchema.fit(table), or TableSchema.fromJSON(json)",
      );
    }
    this.#parts = parts;
    this.columns = parts.columns;
    this.target = parts.target;
    this.ignored = parts.ignored;
    this.rows = parts.rows;
    this.fittedRows = parts.fittedRows;
    this.#features = parts.columns.map(featuresOf);
  }

  /**
   * A schema of the columns of `source`, which is read once, row by row.
   *
   * @throws {SyntaxError} if the text cannot be read, or a row has no target
   * @throws {RangeError} if there is no such column, no row, nothing to learn from, or a column holds text
   */
  static async fit(source: TableSource, options: SchemaOptions = {}): Promise<TableSchema> {
    checkOptions("fit a schema", options, FIT_OPTIONS, { ...TEXT_TYPES, skipIncomplete: "boolean", rows: "function" });
    checkText(options);
    const { target = null, kinds = {}, maxCategories = 1000, minCount = 2, skipIncomplete = false } = options;
    const { rows = () => true, onNote = () => {} } = options;
    requireSizes("fit a schema", { maxCategories, minCount });
    requireKinds(kinds);
    if (target !== null && typeof target !== "string" && typeof target !== "number") {
      throw new TypeError(`Cannot fit a schema with target ${describe(target)}: give the column's name, or its number`);
    }
    const settings = { target, kinds, maxCategories, minCount, skipIncomplete, rows, onNote };
    const kindsOf = () => Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, planned(kind)]));
    const fit = await lastOf(
      rowsOf(source, { ...options, kindsOf, isKept: false }, (start) => SchemaFit.of(start, settings)),
    );
    return new TableSchema({ ...await runInSlices(fit.finish()), missing: options.missing ?? null });
  }

  /**
   * The schema that `JSON.stringify()` wrote, after `JSON.parse()`.
   *
   * @throws {SyntaxError} if it is no such schema
   */
  static fromJSON(json: unknown): TableSchema {
    return new TableSchema(schemaParts(json));
  }

  /** What `JSON.stringify()` writes. */
  toJSON(): unknown {
    return { format: "gradus table schema 1", ...this.#parts };
  }

  /** How many values each category of a row has, and how many numbers a row has: what `nn.TabularModel` is made of. */
  get features(): { categories: number[]; numbers: number } {
    return {
      categories: this.#features.flatMap(({ categories }) => categories.map(([, size]) => size)),
      numbers: this.#features.reduce((sum, { numbers }) => sum + numbers.length, 0),
    };
  }

  /** The names of the features, in the order of the columns of x. */
  get featureNames(): string[] {
    return [
      ...this.#features.flatMap(({ categories }) => categories.map(([name]) => name)),
      ...this.#features.flatMap(({ numbers }) => numbers),
    ];
  }

  /** For each feature of x the number of the column that it comes from. */
  get featureColumns(): number[] {
    return [
      ...this.#features.flatMap(({ categories }, i) => categories.map(() => i)),
      ...this.#features.flatMap(({ numbers }, i) => numbers.map(() => i)),
    ];
  }

  /** How many outputs a model has for the target: 1 for a number, one for each class; 0 without a target. */
  get outputs(): number {
    return this.target === null ? 0 : this.target.kind === "numeric" ? 1 : this.target.categories.length;
  }

  /**
   * All rows of a table: x [rows, features] and, where the table has the target, y [rows].
   *
   * @throws {SyntaxError} if the text cannot be read, or a cell does not fit its column
   * @throws {RangeError} if a column is new or missing, or there is no row
   */
  async read(source: TableSource, options: SchemaReadOptions = {}): Promise<EncodedRows> {
    checkOptions("read a table", options, READ_OPTIONS, {
      ...TEXT_TYPES,
      skipIncomplete: "boolean",
      target: "boolean",
    });
    const encoder = await lastOf(this.#encoded(source, options, false));
    if (encoder.count === 0) throw new RangeError(`Cannot read ${encoder.start.cap.where}: it holds no rows`);
    const { x, y } = await runInSlices(encoder.take());
    for (const note of encoder.notes()) options.onNote?.(note);
    return { x: nameColumns(x, this.featureNames), y };
  }

  /** The rows of a table part by part, so that none is in memory for long; as {@linkcode TableSchema.read}. */
  async *stream(source: TableSource, options: SchemaStreamOptions = {}): AsyncGenerator<SchemaBatch, void> {
    const types = { ...TEXT_TYPES, skipIncomplete: "boolean", target: "boolean", batchSize: "number" } as const;
    checkOptions("read a table", options, ["batchSize", ...READ_OPTIONS], types);
    const { batchSize = 1024, ...others } = options;
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`Cannot read ${batchSize} rows at a time: give a whole number from 1`);
    }
    const rows = this.#encoded(source, others, true);
    for (;;) {
      const { done, value: encoder } = await rows.next();
      if (encoder.count >= batchSize || (done && encoder.count > 0)) yield* partsOf(encoder, batchSize);
      if (!done) continue;
      for (const note of encoder.notes()) options.onNote?.(note);
      return;
    }
  }

  #encoded(source: TableSource, options: SchemaReadOptions, cells: boolean): AsyncGenerator<RowEncoder, RowEncoder> {
    checkText(options);
    const { target = true, skipIncomplete = false, ...text } = options;
    const missing = options.missing ?? this.#parts.missing;
    const rows: RowOptions = {
      ...text,
      ...(missing !== null && { missing }),
      kindsOf: (names) => this.#kindsOf(names, target),
      knownNames: this.columns.map(({ name }) => name),
      isKept: !cells,
    };
    const expected = cells ? 0 : this.rows; // most tables that are read whole are those that were learned from
    return rowsOf(source, rows, (start) => this.#encoder(start, { target, skipIncomplete, cells, expected }));
  }

  *#encoder(start: CsvStart, settings: ConstructorParameters<typeof RowEncoder>[2]): Steps<RowEncoder> {
    yield;
    return new RowEncoder(start, this.#parts, settings);
  }

  /** What a later table's columns are read as: nothing is guessed of those that are known. */
  #kindsOf(names: readonly string[], target: boolean): Record<string, ColumnKind | "skip"> {
    const known: [string, ColumnKind | "skip"][] = [
      ...this.columns.map(({ name, kind }): [string, ColumnKind | "skip"] => [name, planned(kind)]),
      ...this.ignored.map((name): [string, "skip"] => [name, "skip"]),
      ...(this.target === null ? [] : [[this.target.name, target ? this.target.kind : "skip"] as const]).map((
        [name, kind],
      ): [string, ColumnKind | "skip"] => [name, kind]),
    ];
    return Object.fromEntries(known.filter(([name]) => names.includes(name)));
  }

  /**
   * The features of one record or of several, float32 [records, features]. A record needs each column that was learned from; the target
   * and the columns that were left out may be there.
   *
   * @throws {RangeError} if a column is new or missing, and names it
   */
  encode(records: TableRecord | readonly TableRecord[]): Tensor {
    const list = (Array.isArray(records) ? records : [records]) as readonly TableRecord[];
    if (list.length === 0) throw new RangeError("Cannot encode no records: give one at least");
    const names = namesOf(list[0], "the records", 1), kinds = this.#kindsOf(names, false);
    const missing = new Set([...this.#parts.missing ?? MISSING, ""]);
    const plans = names.map((name) => ({ name, kind: Object.hasOwn(kinds, name) ? kinds[name] : "numeric" as const }));
    const start = recordStart("the records", plans, missing);
    const encoder = new RowEncoder(start, this.#parts, {
      target: false,
      skipIncomplete: false,
      cells: false,
      expected: 0,
    });
    list.forEach((record, i) => encoder.add(cellsOf(record, names, "the records", i + 1), i + 1));
    return runAtOnce(encoder.take()).x;
  }

  /**
   * Targets y [rows] as a network learns them: numbers as (y − mean) / std, float32 [rows, 1]; classes as they are.
   *
   * @throws {TypeError} if the schema has no target
   */
  toTargets(y: Tensor): Tensor {
    requireTensor(y, "make targets of");
    const { target } = this;
    if (target === null) throw noTarget();
    if (target.kind === "categorical") return y;
    const own = elements(y), values = new Float32Array(own.length);
    for (let i = 0; i < values.length; i++) values[i] = (Number(own[i]) - target.mean) / (target.std || 1);
    return fromData(values, [values.length, 1]);
  }

  /**
   * What a network's outputs [rows, outputs] say about each row: a number in the target's unit, or a class and the probabilities of all.
   *
   * @throws {RangeError} if there are not as many outputs as the target needs
   */
  toAnswers(outputs: Tensor): TableAnswer[] {
    requireTensor(outputs, "make answers of");
    const { target } = this, width = this.outputs;
    if (target === null) throw noTarget();
    if (outputs.ndim !== 2 || outputs.shape[1] !== width) {
      throw new RangeError(`Cannot make answers of outputs [${outputs.shape}]: expected [rows, ${width}]`);
    }
    const all = elements(outputs);
    return Array.from({ length: outputs.shape[0] }, (_, row) => {
      const own = Array.from({ length: width }, (_, i) => Number(all[row * width + i]));
      return target.kind === "numeric"
        ? { value: own[0] * (target.std || 1) + target.mean }
        : answerOf(own, target.categories);
    });
  }

  /** A line about each column: `size: numeric, mean 2.000, std 1.000`. */
  describe(): string[] {
    return this.columns.map(columnLine);
  }
}

function requireKinds(kinds: NonNullable<SchemaOptions["kinds"]>): void {
  if (!isPlainObject(kinds)) {
    throw new TypeError(`Cannot fit a schema with kinds ${describe(kinds)}: give them by name, { price: "numeric" }`);
  }
  for (const kind of Object.values(kinds)) requireChoice("fit a schema", "kind", kind, KINDS);
}

function answerOf(logits: readonly number[], classes: readonly string[]): TableAnswer {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return { value: classes[logits.indexOf(largest)] ?? classes[0], probabilities: powers.map((power) => power / sum) };
}

function noTarget(): TypeError {
  return new TypeError("Cannot use the target of a schema without one: fit it with { target }");
}

/** What a column of such a kind is read as. */
function planned(kind: SchemaKind | "skip"): ColumnKind | "skip" {
  return kind === "boolean" ? "categorical" : kind;
}

function columnLine(column: SchemaColumn): string {
  const { name, kind, missing } = column, gaps = missing > 0 ? `, ${missing} empty` : "";
  if (kind === "numeric") {
    const constant = column.std === 0 ? " (constant)" : "";
    return `${name}: numeric, mean ${column.mean.toPrecision(4)}, std ${column.std.toPrecision(4)}${constant}${gaps}`;
  }
  if (kind === "categorical") {
    const { words, categories: { length } } = column;
    return `${name}: ${words} categories${words > length ? `, ${length} of them told apart` : ""}${gaps}`;
  }
  return `${name}: ${kind === "date" ? "dates" : "yes or no"}${gaps}`;
}

function rowsOf<T extends RowSink>(
  source: TableSource,
  options: RowOptions,
  begin: (start: CsvStart) => Steps<T>,
): AsyncGenerator<T, T> {
  if (Array.isArray(source)) return recordRows(source, options, begin);
  return csvRows(source as TextSource, options, begin);
}

async function lastOf<T>(rows: AsyncGenerator<T, T>): Promise<T> {
  let step = await rows.next();
  while (!step.done) step = await rows.next();
  return step.value;
}

/** The rows that an encoder has, in parts. */
function* partsOf(encoder: RowEncoder, size: number): Generator<SchemaBatch, void> {
  const names = encoder.start.plans.map(({ name }) => name);
  const { x, y, cells } = runAtOnce(encoder.take());
  for (let at = 0; at < cells.length; at += size) {
    const end = Math.min(at + size, cells.length);
    yield { x: x.slice(0, at, end), y: y === null ? null : y.slice(0, at, end), cells: cells.slice(at, end), names };
  }
}
