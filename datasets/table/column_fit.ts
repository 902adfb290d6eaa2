/** Statistics of a column, row by row, and what a schema keeps of them. */
import type { Steps } from "../../core/event_loop.ts";
import { sortInSteps } from "../../core/io/in_steps.ts";
import { quoted } from "../../core/io/read_file.ts";
import type { ColumnPlan } from "../formats/table.ts";
import {
  areBooleans,
  type BooleanSchemaColumn,
  type CategoricalSchemaColumn,
  type DateSchemaColumn,
  type NumericSchemaColumn,
  parseBoolean,
  partsOf,
  type Scale,
  type SchemaColumn,
  type SchemaKind,
} from "./schema_columns.ts";

/** A column of no use: why, and whether that is an error. */
interface Unfit {
  readonly why: string;
  readonly isError: boolean;
}

/** How many categories are told apart, and how often one must come to be. */
export interface CategoryOptions {
  readonly maxCategories: number;
  readonly minCount: number;
}

/** The median is that of so many values at most, spread over the whole column: more need not be in memory. */
const MEDIAN_VALUES = 1 << 15;

/** From so many rows on a word for each row is an id, and a sentence for each a text. */
const LEAST_ROWS = 10;
const MOSTLY = 0.95;
const TEXT_LENGTH = 20; // characters, on average
const TEXT_BLANKS = 2;
const TEXT_SAMPLE = 1_000; // words that these means are of

/** What rows are counted by. */
const COUNTER = /^(column0|unnamed.*|index|row|rowid|row_?id|id|no|nr|number)$|[_ ]id$/i;

/** Mean and deviation of numbers, in one pass (Welford 1962). */
class Moments {
  count = 0;
  #mean = 0;
  #squares = 0;

  add(value: number): void {
    const delta = value - this.#mean;
    this.#mean += delta / ++this.count;
    this.#squares += delta * (value - this.#mean);
  }

  scale(name: string): Scale {
    const scale = { mean: this.#mean, std: this.count === 0 ? 0 : Math.sqrt(this.#squares / this.count) };
    if (Number.isFinite(scale.std) && Number.isFinite(scale.mean)) return scale;
    throw new RangeError(`Cannot scale column ${quoted(name)}: its numbers are too large, skip it`);
  }
}

/**
 * Values at even distances in a column: each one, and where there are too many every second, every fourth, … They stand outside of the
 * engine's heap, which grows by what lives long in it.
 */
class SpreadValues {
  #values = new Float64Array(1 << 8);
  #count = 0;
  #seen = 0;
  #distance = 1;

  add(value: number): void {
    if (this.#seen++ % this.#distance !== 0) return;
    if (this.#count === MEDIAN_VALUES) this.#thin();
    else if (this.#count === this.#values.length) this.#grow();
    if ((this.#seen - 1) % this.#distance === 0) this.#values[this.#count++] = value;
  }

  /** Keeps every second value. */
  #thin(): void {
    this.#count /= 2;
    for (let i = 0; i < this.#count; i++) this.#values[i] = this.#values[2 * i];
    this.#distance *= 2;
  }

  #grow(): void {
    const more = new Float64Array(MEDIAN_VALUES);
    more.set(this.#values);
    this.#values = more;
  }

  median(): number {
    const sorted = this.#values.slice(0, this.#count).sort();
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}

/** What is known of a column's values. */
export interface ColumnFit {
  /** Adds a value of a row to fit by, NaN for a gap: a number, a day, or the number of a word. */
  add(value: number): void;
  /** Looks at a value of any row. */
  see(value: number): void;
  /** What a schema keeps, or why it keeps nothing. */
  finish(words: readonly string[], lenient: boolean): Steps<SchemaColumn | Unfit>;
}

/** The statistics of a column that is read as `plan` says; `told` is the kind that somebody asked for. */
export function columnFit(plan: ColumnPlan, told: SchemaKind | undefined, options: CategoryOptions): ColumnFit {
  if (plan.kind === "numeric") return new NumericFit(plan.name, told);
  return plan.kind === "date" ? new DateFit(plan) : new WordFit(plan.name, told, options);
}

class NumericFit implements ColumnFit {
  readonly #moments = new Moments();
  readonly #spread = new SpreadValues();
  #gaps = 0;
  #last: number | null = null;
  #isCounter = true;

  constructor(readonly name: string, readonly told: SchemaKind | undefined) {}

  see(value: number): void {
    if (this.#last !== null && value - this.#last !== 1) this.#isCounter = false;
    this.#last = value;
  }

  add(value: number): void {
    if (Number.isNaN(value)) return void this.#gaps++;
    this.#moments.add(value);
    this.#spread.add(value);
  }

  *finish(_words: readonly string[], lenient: boolean): Steps<NumericSchemaColumn | Unfit> {
    const { name, told } = this;
    if (told === undefined && this.#isCounter && this.#moments.count >= LEAST_ROWS && COUNTER.test(name)) {
      return { why: "it counts the rows", isError: false };
    }
    if (this.#moments.count === 0) return { why: "it has no value", isError: false };
    yield;
    const missing = this.#gaps;
    return { name, kind: "numeric", ...this.#moments.scale(name), median: this.#spread.median(), missing, lenient };
  }
}

class DateFit implements ColumnFit {
  readonly #parts = { year: new Moments(), day: new Moments(), elapsed: new Moments(), hour: new Moments() };
  readonly #spread = new SpreadValues();
  #gaps = 0;
  #hasTime = false;

  constructor(readonly plan: ColumnPlan) {}

  see(): void {}

  add(days: number): void {
    if (Number.isNaN(days)) return void this.#gaps++;
    const { year, day, hour } = partsOf(days);
    this.#parts.year.add(year);
    this.#parts.day.add(day);
    this.#parts.elapsed.add(days);
    this.#parts.hour.add(hour);
    this.#hasTime ||= hour !== 0;
    this.#spread.add(days);
  }

  *finish(_words: readonly string[], lenient: boolean): Steps<DateSchemaColumn | Unfit> {
    const { name, dateOrder: order = "mdy" } = this.plan;
    if (this.#parts.year.count === 0) return { why: "it has no value", isError: false };
    yield;
    const [year, day, elapsed] = [this.#parts.year, this.#parts.day, this.#parts.elapsed].map((m) => m.scale(name));
    const hour = this.#hasTime ? this.#parts.hour.scale(name) : null;
    const missing = this.#gaps;
    return { name, kind: "date", order, median: this.#spread.median(), year, day, elapsed, hour, missing, lenient };
  }
}

class WordFit implements ColumnFit {
  readonly #counts: number[] = [];
  #rows = 0;
  #gaps = 0;
  #known = 0;

  constructor(readonly name: string, readonly told: SchemaKind | undefined, readonly options: CategoryOptions) {}

  see(value: number): void {
    if (!Number.isNaN(value)) this.#known++;
  }

  add(code: number): void {
    this.#rows++;
    if (Number.isNaN(code)) return void this.#gaps++;
    this.#counts[code] = (this.#counts[code] ?? 0) + 1;
  }

  *finish(words: readonly string[], lenient: boolean): Steps<CategoricalSchemaColumn | BooleanSchemaColumn | Unfit> {
    const { name, told } = this, missing = this.#gaps;
    if (words.length === 0) return { why: "it has no value", isError: false };
    const unfit = told === undefined ? this.#unfit(words) : null;
    if (unfit !== null) return unfit;
    yield;
    if (told === "boolean" || (told === undefined && areBooleans(words) && this.#sawTwo(words))) {
      return { name, kind: "boolean", common: this.#common(words), missing, lenient };
    }
    const categories = yield* this.#categories(words);
    return { name, kind: "categorical", categories, words: words.length, missing, lenient };
  }

  /** Whether two words were learned from: of one alone, what the other means is unknown, as it is to a category. */
  #sawTwo(words: readonly string[]): boolean {
    return words.filter((_, code) => this.#counts[code] > 0).length === 2;
  }

  /** What is wrong with a column of as many words as rows, or of sentences. */
  #unfit(words: readonly string[]): Unfit | null {
    if (this.#known < LEAST_ROWS) return null;
    const some = words.slice(0, TEXT_SAMPLE);
    const length = some.reduce((sum, word) => sum + word.length, 0) / some.length;
    const blanks = some.reduce((sum, word) => sum + word.split(/\s+/, 50).length - 1, 0) / some.length;
    if (words.length > this.#known / 2 && length >= TEXT_LENGTH && blanks >= TEXT_BLANKS) {
      return {
        why: `it holds text, such as ${quoted(words[0])}: skip it, or say that it is categorical`,
        isError: true,
      };
    }
    const isId = words.length >= MOSTLY * this.#known;
    return isId ? { why: `it has a word for nearly each row, such as ${quoted(words[0])}`, isError: false } : null;
  }

  *#categories(words: readonly string[]): Steps<string[]> {
    const { maxCategories, minCount } = this.options;
    const count = (code: number) => this.#counts[code] ?? 0;
    const common = words.map((_, code) => code).filter((code) => count(code) >= minCount);
    const sorted = yield* sortInSteps(common, (a, b) => count(b) - count(a) || (words[a] < words[b] ? -1 : 1));
    return sorted.slice(0, maxCategories).map((code) => words[code]);
  }

  #common(words: readonly string[]): 0 | 1 {
    const rows = [0, 0];
    words.forEach((word, code) => {
      const value = parseBoolean(word);
      if (Number.isNaN(value)) {
        throw new SyntaxError(`Cannot take column ${quoted(this.name)} for true and false: it holds ${quoted(word)}`);
      }
      rows[value] += this.#counts[code] ?? 0;
    });
    return rows[1] > rows[0] ? 1 : 0;
  }
}
