/** Builds a table from cells of text, row by row, so that a large file is never in memory as text. */
import { nameColumns } from "../../core/column_names.ts";
import { fromData } from "../../core/create.ts";
import type { Steps } from "../../core/event_loop.ts";
import { type Cap, quoted } from "../../core/io/read_file.ts";
import { sortInSteps } from "../../core/io/in_steps.ts";
import { MAX_ELEMENTS } from "../../core/io/elements.ts";
import {
  CATEGORY_COST,
  cellParser,
  type Column,
  type ColumnPlan,
  isInfinite,
  isMissing,
  parseNumber,
  type Table,
} from "./table.ts";

const BLOCK = 1 << 18;

/** Words or rows a step, between which the event loop can turn. */
const STEP = 1 << 14;
const MAX_CATEGORIES = 1 << 20;

/** Numbers from here on become infinity in float32: half a step past its largest. */
const FLOAT32_END = 2 ** 128 - 2 ** 103;

/** Settings of a {@linkcode TableBuilder}. */
interface TableSettings {
  /** The name of the file, and the most bytes that the table may come to. */
  readonly cap: Cap;
  /** What errors count rows in. */
  readonly unit: "line" | "record";
  /** The index of the column to predict. */
  readonly target: number | null;
  /** What cells without a value hold. */
  readonly missing: ReadonlySet<string>;
  /** Whether to leave out rows with a missing value. */
  readonly skipIncomplete: boolean;
  /**
   * What to do about a cell that its column cannot hold.
   *
   * @default {"say that it is categorical or missing"}
   */
  readonly cure?: string;
  /**
   * The dtype of numbers.
   *
   * @default {"float32"}
   */
  readonly dtype?: "float32" | "float64";
}

type FloatKind = NonNullable<TableSettings["dtype"]>;
type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

function floats(dtype: FloatKind, length: number): Floats {
  return dtype === "float64" ? new Float64Array(length) : new Float32Array(length);
}

/** Checks that a row has a cell for each column. */
export function checkWidth(cells: readonly string[], width: number, where: string, at: string): void {
  if (cells.length === width) return;
  throw new SyntaxError(`Cannot read ${where}: ${at} has ${cells.length} cells, and there are ${width} columns`);
}

/** A table that grows row by row. */
export class TableBuilder {
  readonly #cells: CellReader[];
  readonly #place: (number | null)[];
  readonly #x: Rows;
  readonly #y: Rows;
  readonly #row: Floats;
  #skipped = 0;

  /** A table without rows, made column by column. */
  static *of(plans: readonly ColumnPlan[], settings: TableSettings): Steps<TableBuilder> {
    const cells: CellReader[] = [];
    for (const plan of plans) {
      cells.push(yield* CellReader.of(plan, settings));
      yield;
    }
    return new TableBuilder(plans, settings, cells);
  }

  private constructor(plans: readonly ColumnPlan[], readonly settings: TableSettings, cells: CellReader[]) {
    const { cap, dtype = "float32" } = settings;
    this.#cells = cells;
    let width = 0;
    this.#place = plans.map(({ kind }, i) => kind === "skip" || i === settings.target ? null : width++);
    this.#x = new Rows(width, cap, dtype);
    this.#y = new Rows(1, cap, dtype);
    this.#row = floats(dtype, width);
  }

  /**
   * Adds the row at line or record `at` of the file.
   *
   * @throws {SyntaxError} if a cell does not fit its column, or there is not one for each column
   */
  add(cells: readonly string[], at: number): void {
    const { cap: { where }, unit, target, missing, skipIncomplete } = this.settings;
    if (cells.length !== this.#cells.length) checkWidth(cells, this.#cells.length, where, `${unit} ${at}`);
    if (skipIncomplete && cells.some((cell, i) => this.#cells[i].wanted && this.#cells[i].lacks(cell, missing))) {
      this.#skipped++;
      return;
    }
    for (let i = 0; i < cells.length; i++) {
      const place = this.#place[i];
      if (place !== null) this.#row[place] = this.#cells[i].read(cells[i], missing, at);
    }
    if (target !== null) this.#y.add([this.#target(cells[target], at)]);
    this.#x.add(this.#row);
  }

  /** A line each about rows that were left out, cells that are no numbers, and numbers too large for float32. */
  notes(): string[] {
    const { count } = this.#x, { where } = this.settings.cap;
    const left = `${where}: ${this.#skipped} of ${this.#skipped + count} rows have an empty cell and are left out`;
    return [...this.#skipped > 0 ? [left] : [], ...this.#cells.flatMap((cells) => cells.notes)];
  }

  /**
   * The table. No more rows can be added.
   *
   * @throws {RangeError} if it has no rows
   */
  *finish(): Steps<Table> {
    const { cap: { where }, target } = this.settings;
    const x = yield* this.#x.join();
    const rows = this.#x.count;
    if (rows === 0) {
      const found = this.#skipped > 0 ? `each of its ${this.#skipped} rows has an empty cell` : "it holds no rows";
      throw new RangeError(`Cannot read ${where}: ${found}`);
    }
    const width = this.#row.length;
    const columns: Column[] = [];
    for (const [i, cells] of this.#cells.entries()) {
      const place = this.#place[i];
      if (place !== null) columns.push(yield* cells.finish(x, place, width));
      yield;
    }
    const named = nameColumns(fromData(x, [rows, width]), columns.map(({ name }) => name));
    if (target === null) return { x: named, y: null, columns, target };
    const values = yield* this.#y.join();
    const column = yield* this.#cells[target].finish(values, 0, 1);
    const y = fromData(column.kind !== "categorical" ? values : new Int32Array(values), [rows]);
    return { x: named, y, columns, target: column };
  }

  #target(cell: string, at: number): number {
    const { cap: { where }, unit, target, missing } = this.settings;
    const cells = this.#cells[target!];
    if (!cells.lacks(cell, missing)) return cells.read(cell, missing, at);
    throw new SyntaxError(
      `Cannot read ${where}: ${unit} ${at} has no target ${quoted(cells.name)}: fill it, or skip incomplete rows`,
    );
  }
}

const NO_CODES: Map<string, number> = new Map();

/** Cells that were read otherwise than they stand, and where the first is. */
interface Oddities {
  count: number;
  readonly first: string;
}

/** Reads the cells of one column. */
export class CellReader {
  readonly name: string;
  readonly #plan: ColumnPlan;
  readonly #isWords: boolean;
  readonly #codes: Map<string, number>;
  readonly #parse: (cell: string) => number;
  readonly #end: number;
  #missing = 0;
  #infinite: Oddities | null = null;
  #odd: Oddities | null = null;

  /** A reader of a column, whose words are taken in steps. */
  static *of(plan: ColumnPlan, settings: TableSettings): Steps<CellReader> {
    const reader = new CellReader(plan, settings);
    if (!reader.#isWords || plan.categories === undefined) return reader;
    for (const [i, word] of plan.categories.entries()) {
      reader.#codes.set(word, i);
      if (i % STEP === STEP - 1) yield;
    }
    return reader;
  }

  private constructor(plan: ColumnPlan, readonly settings: TableSettings) {
    this.#parse = cellParser(plan);
    this.name = plan.name;
    this.#plan = plan;
    this.#isWords = plan.kind === "categorical" || plan.kind === "skip"; // which a target may be
    this.#codes = this.#isWords ? new Map() : NO_CODES;
    this.#end = settings.dtype !== "float64" ? FLOAT32_END : Infinity;
  }

  /** The words that were read, in the order in which they came. */
  get words(): string[] {
    return [...this.#codes.keys()];
  }

  /** Whether the column is not left out. */
  get wanted(): boolean {
    return this.#plan.kind !== "skip";
  }

  /** Whether a cell has no value, or none that the column can hold. */
  lacks(cell: string, missing: ReadonlySet<string>): boolean {
    if (this.#isWords) return isMissing(cell, missing);
    return isMissing(cell, missing) || (this.#mayBeOdd(cell) && isNaN(this.#parse(cell)));
  }

  /** The number that stands for a cell, NaN for a gap. */
  read(cell: string, missing: ReadonlySet<string>, at: number): number {
    const value = this.#isWords ? this.#codes.get(cell) : this.#parse(cell);
    if (value !== undefined && value === value) {
      if (value >= this.#end || value <= -this.#end) this.#infinite = this.#counted(this.#infinite, cell, at);
      return value;
    }
    const isGap = isMissing(cell, missing);
    if (!isGap && !this.#mayBeOdd(cell)) return this.#newCategory(cell, at);
    if (!isGap) this.#odd = this.#counted(this.#odd, cell, at);
    this.#missing++;
    return NaN;
  }

  /** Whether a cell that is no number counts as missing. */
  #mayBeOdd(cell: string): boolean {
    return !this.#isWords && (this.#plan.lenient === true || isInfinite(cell));
  }

  /** Lines about cells that are no numbers, and about numbers that are too large for float32. */
  get notes(): string[] {
    const { where } = this.settings.cap;
    const what = this.#plan.kind === "date" ? "date" : "number";
    const odd = (found: string) =>
      `${found}, no ${what}, and is read as missing: write it like ${what === "date" ? "2025-12-31" : "1005.5"}`;
    const large = (found: string) => `${found}, past float32, and became infinite: read it with dtype "float64"`;
    const told = (all: Oddities | null, tell: (found: string) => string) => {
      if (all === null) return [];
      return [`${where}: ${tell(all.first + (all.count === 1 ? "" : ` and ${all.count - 1} more like it`))}`];
    };
    return [...told(this.#odd, odd), ...told(this.#infinite, large)];
  }

  #counted(before: Oddities | null, cell: string, at: number): Oddities {
    if (before !== null) return Object.assign(before, { count: before.count + 1 });
    return { count: 1, first: `${this.settings.unit} ${at}, column ${quoted(this.name)} holds ${cell.slice(0, 40)}` };
  }

  #newCategory(cell: string, at: number): number {
    const { cap, unit, cure = "say that it is categorical or missing" } = this.settings;
    const fail = (what: string) =>
      new SyntaxError(`Cannot read ${cap.where}: ${unit} ${at}, column ${quoted(this.name)} ${what}`);
    const found = JSON.stringify(cell.slice(0, 40));
    if (this.#plan.kind === "numeric") throw fail(`holds ${found}, no number: ${cure}`);
    if (this.#plan.kind === "date") throw fail(`holds ${found}, no date: ${cure}`);
    if (this.#plan.categories) throw fail(`holds ${found}, which is none of its declared values`);
    if (this.#codes.size >= MAX_CATEGORIES) throw fail(`has more than ${MAX_CATEGORIES} categories: skip it`);
    cap.count(CATEGORY_COST + cell.length, () => `column ${quoted(this.name)} at ${unit} ${at}`);
    this.#codes.set(cell, this.#codes.size);
    return this.#codes.size - 1;
  }

  /** The column. Unless the order of its words was declared, they are sorted, and their indices in `values` change with them. */
  *finish(values: Floats, place: number, width: number): Steps<Column> {
    const { name, kind, categories } = this.#plan;
    const column = { name, kind: kind === "skip" ? "categorical" : kind, missing: this.#missing } as const;
    if (column.kind !== "categorical" || categories) return { ...column, categories: categories ?? [] };
    const words = [...this.#codes.keys()];
    const order = yield* sortWords(words);
    const codes = new Int32Array(words.length);
    order.forEach((word, i) => codes[word] = i);
    for (let i = place, next = STEP; i < values.length; i += width) {
      values[i] = codes[values[i]] ?? NaN;
      if (--next === 0) {
        next = STEP;
        yield;
      }
    }
    return { ...column, categories: order.map((word) => words[word]) };
  }
}

/** The indices of `words` in sorted order: numbers first and by their value, so that "10" follows "9"; the rest by code unit. */
export function* sortWords(words: readonly string[]): Steps<number[]> {
  const numbers = new Float64Array(words.length);
  for (let i = 0; i < words.length; i++) {
    numbers[i] = parseNumber(words[i]);
    if (i % STEP === 0) yield;
  }
  return yield* sortInSteps(words.map((_, i) => i), (i, j) => {
    const p = numbers[i], q = numbers[j];
    if (p === p && q === q && p !== q) return p - q;
    if (p === p !== (q === q)) return p === p ? -1 : 1;
    return words[i] < words[j] ? -1 : 1;
  });
}

/** Rows of equal width: in one array for as many as are expected, and in blocks what comes beyond, until it is known how many there are. */
export class Rows {
  /** How many there are. */
  count = 0;
  readonly #expected: number;
  readonly #first: Floats;
  readonly #blocks: Floats[] = [];
  readonly #perBlock: number;

  /** No rows yet, which will count against the cap. If as many come as are `expected`, nothing is copied at the end. */
  constructor(readonly width: number, readonly cap: Cap, readonly dtype: FloatKind, expected = 0) {
    this.#perBlock = Math.max(1, Math.floor(BLOCK / Math.max(1, width)));
    const mayBe = expected * this.#rowBytes <= cap.limit && expected * width <= MAX_ELEMENTS;
    this.#expected = mayBe ? expected : 0;
    this.#first = floats(dtype, this.#expected * width);
  }

  get #rowBytes(): number {
    return this.width * (this.dtype === "float64" ? 8 : 4);
  }

  /** Adds a row, of which it keeps a copy. */
  add(row: ArrayLike<number>): void {
    const at = this.count++;
    this.cap.count(this.#rowBytes, () => `row ${this.count}`);
    if (this.count * this.width > MAX_ELEMENTS) {
      throw new RangeError(
        `Cannot read ${this.cap.where}: row ${this.count} passes the ${MAX_ELEMENTS} numbers of a tensor`,
      );
    }
    if (at < this.#expected) return this.#first.set(row, at * this.width);
    const i = (at - this.#expected) % this.#perBlock;
    if (i === 0) this.#blocks.push(floats(this.dtype, this.#perBlock * this.width));
    this.#blocks.at(-1)!.set(row, i * this.width);
  }

  /** All rows in one array; the blocks are freed. */
  *join(): Steps<Floats> {
    if (this.count === this.#expected) return this.#first;
    const all = floats(this.dtype, this.count * this.width);
    const first = this.#first.subarray(0, all.length);
    all.set(first);
    const size = this.#perBlock * this.width;
    for (const [i, block] of this.#blocks.entries()) {
      const at = first.length + i * size;
      all.set(block.subarray(0, Math.min(size, all.length - at)), at);
      yield;
    }
    this.#blocks.length = 0;
    return all;
  }
}
