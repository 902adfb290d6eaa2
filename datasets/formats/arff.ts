/** ARFF files, the format of Weka and OpenML, as tensors. */
import { checkOptions, requireTexts } from "../../core/arguments.ts";
import { runAtOnce, runInSlices, type Steps, TimeSlice, yieldToEventLoop } from "../../core/event_loop.ts";
import { Cap, quoted, type ReadOptions, shortened } from "../../core/io/read_file.ts";
import { CATEGORY_COST, COLUMN_COST, type ColumnPlan, findTarget, requireDType, type Table } from "./table.ts";
import { TableBuilder } from "./table_builder.ts";
import { LineSplitter, readText, textName, type TextSource } from "./text_source.ts";

/** How {@linkcode readArff} reads. */
export interface ArffOptions extends ReadOptions {
  /**
   * The attribute to predict, by name or index; `null` for none.
   *
   * @default {-1} the last one
   */
  target?: string | number | null;
  /**
   * Attributes to leave out, by name.
   *
   * @default {[]}
   */
  skip?: readonly string[];
  /**
   * Whether to leave out rows with a missing value, which otherwise is NaN.
   *
   * @default {false}
   */
  skipIncomplete?: boolean;
  /**
   * The dtype of numbers: float32 keeps 7 digits, float64 suits times and other large numbers.
   *
   * @default {"float32"}
   */
  dtype?: "float32" | "float64";
  /** Called with a line for rows that were left out, and for numbers too large for float32. */
  onNote?: (note: string) => void;
  /**
   * What errors call a stream.
   *
   * @default {"ARFF"}
   */
  name?: string;
}

const MISSING: ReadonlySet<string> = new Set(["?"]);

/**
 * The table in an ARFF file (UTF-8, dense; inflated if its name ends in `.gz`), or in a stream, which is read as it comes.
 * Nominal attributes are categorical with the categories in the declared order, and so are strings, with sorted ones; `?` is a missing
 * value.
 *
 * @throws {SyntaxError} at the first line that is not ARFF or does not fit its attributes; the message names file and line
 * @throws {RangeError} if there is no such target, or no row, or the table comes to more than `maxBytes`
 * @see {@link https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/} for the format
 *
 * @example
 * ```ts
 * import { readArff } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = "@RELATION r\n@ATTRIBUTE a REAL\n@ATTRIBUTE b {no,yes}\n@DATA\n0.5,yes\n";
 * const { x, y } = await readArff(new Response(text).body!);
 * assertEquals([x.toArray(), y?.toArray()], [[[0.5]], [1]]);
 * ```
 */
export async function readArff(source: TextSource, options: ArffOptions = {}): Promise<Table> {
  checkOptions("read ARFF", options, ["target", "skip", "skipIncomplete", "dtype", "onNote", "name", "maxBytes"], {
    skipIncomplete: "boolean",
    onNote: "function",
    name: "string",
  });
  requireTexts("read ARFF", "attributes to skip", options.skip);
  requireDType("read ARFF", options.dtype);
  const cap = new Cap(options.name ?? textName(source, "ARFF"), options);
  const file = new ArffFile(cap, options);
  const lines: string[] = [], slice = new TimeSlice();
  const splitter = new LineSplitter(cap, (line) => void lines.push(line));
  const addLines = async () => {
    for (const line of lines) {
      const steps = file.add(line);
      if (steps !== null) { for (const _ of steps) if (slice.isOver()) await yieldToEventLoop(); }
    }
    lines.length = 0;
  };
  for await (const text of readText(source, cap, () => `line ${file.line}`)) {
    splitter.push(text);
    await addLines();
  }
  splitter.end();
  await addLines();
  return await runInSlices(file.finish());
}

/** A file that is being read: its declarations, then its rows. */
class ArffFile {
  line = 0;
  readonly #plans = new Map<string, ColumnPlan>();
  #builder: TableBuilder | null = null;

  constructor(readonly cap: Cap, readonly options: ArffOptions) {}

  /** Reads a line: at once if it is a short row, as most are, else in the returned steps. */
  add(line: string): Steps<void> | null {
    this.line++;
    if (line === "" || line[0] === "%" || line.trim() === "") return null;
    if (this.#builder === null || line.length >= LONG) return this.#take(line);
    this.#builder.add(this.#checked(line, splitShort(line)), this.line);
    return null;
  }

  *#take(line: string): Steps<void> {
    if (this.#builder) this.#builder.add(this.#checked(line, yield* splitValues(line)), this.line);
    else if (/^\s*@data\s*$/i.test(line)) this.#builder = yield* this.#begin();
    else if (!/^\s*@relation\b/i.test(line)) yield* this.#declare(line);
  }

  *finish(): Steps<Table> {
    if (this.#builder === null) {
      throw new SyntaxError(`Cannot read ${this.cap.where}: it ends at line ${this.line}, and no line says @DATA`);
    }
    const table = yield* this.#builder.finish();
    for (const note of this.#builder.notes()) this.options.onNote?.(note);
    return table;
  }

  *#begin(): Steps<TableBuilder> {
    if (this.#plans.size === 0) throw this.#error("begins data without attributes");
    const { target: wanted = -1, skip = [], skipIncomplete = false, dtype = "float32" } = this.options;
    const left = new Set(skip);
    const plans: ColumnPlan[] = [];
    for (const plan of this.#plans.values()) {
      plans.push(left.has(plan.name) ? { ...plan, kind: "skip" } : plan);
      yield;
    }
    const target = findTarget(plans, wanted, this.cap.where);
    const settings = { cap: this.cap, unit: "line", target, missing: MISSING, skipIncomplete, dtype } as const;
    return yield* TableBuilder.of(plans, settings);
  }

  *#declare(line: string): Steps<void> {
    const plan = yield* parseAttribute(line);
    if (typeof plan === "string") throw this.#error(plan);
    if (this.#plans.has(plan.name)) throw this.#error(`declares ${quoted(plan.name)} a second time`);
    const cost = COLUMN_COST + CATEGORY_COST * (plan.categories?.length ?? 0);
    this.cap.count(cost, () => `the attribute in line ${this.line}`);
    this.#plans.set(plan.name, plan);
    yield;
  }

  #checked(line: string, values: string[] | null): string[] {
    if (line[0] === "{") throw this.#error("is sparse: save it with every value");
    if (values === null) throw this.#error("has a quote that does not end");
    return values;
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(`Cannot read ${this.cap.where}: line ${this.line} ${what}`);
  }
}

// The lines of ARFF: attributes, and values between commas.

const KEYWORD = /^\s*@attribute\s+(?=\S)/i;
const PLAIN_NAME = /[^\s'"{},%]+/y;
const BLANKS = /\s*/y;
const TYPE = /^([a-z]+)\s*(?:%.*)?$/i;
const COMMENT = /^\s*(?:%.*)?$/;

/** A line of so many characters is split in steps of so many values, between which the event loop can turn. */
const LONG = 1 << 20;
const STEP = 1 << 12;

/** The column that an `@ATTRIBUTE` line declares, or a text that says what is wrong with the line. */
function* parseAttribute(line: string): Steps<ColumnPlan | string> {
  const start = KEYWORD.exec(line)?.[0].length ?? line.length;
  const name = readName(line, start);
  const type = name && line.slice(name.end).trim();
  if (type?.startsWith("{")) return yield* parseNominal(name!.text, type);
  const kind = TYPE.exec(type ?? "")?.[1];
  if (name === null || kind === undefined) {
    return `is ${JSON.stringify(line.slice(0, 60))}, no @ATTRIBUTE with a name and a type`;
  }
  switch (kind.toLowerCase()) {
    case "numeric":
    case "real":
    case "integer":
      return { name: name.text, kind: "numeric" };
    case "string":
      return { name: name.text, kind: "categorical" };
    default:
      return `gives ${quoted(name.text)} the type ${shortened(kind)}: numeric, real, integer, string and {…} are read`;
  }
}

/** The name that begins at `at`, quoted or not; `null` if there is none. */
function readName(line: string, at: number): Value | null {
  if (line[at] === "'" || line[at] === '"') return readQuoted(line, at);
  const text = match(PLAIN_NAME, line, at);
  return text === null ? null : { text, end: at + text.length };
}

function* parseNominal(name: string, type: string): Steps<ColumnPlan | string> {
  const close = yield* endOfList(type);
  const categories = COMMENT.test(type.slice(close + 1)) ? yield* splitValues(type.slice(1, close)) : null;
  if (close < 0 || categories === null || (yield* repeats(categories))) {
    return `gives ${quoted(name)} values that repeat or do not end`;
  }
  return { name, kind: "categorical", categories };
}

/** The place of the brace that ends a list, the first that is not in quotes; -1 if there is none. */
function* endOfList(list: string): Steps<number> {
  const marks = /['"}]/g;
  for (let mark = marks.exec(list); mark !== null; mark = marks.exec(list)) {
    if (mark[0] === "}") return mark.index;
    const quoted = readQuoted(list, mark.index);
    if (quoted === null) return -1;
    marks.lastIndex = quoted.end;
    yield;
  }
  return -1;
}

function* repeats(values: readonly string[]): Steps<boolean> {
  const known = new Set<string>();
  for (const [i, value] of values.entries()) {
    if (known.size === known.add(value).size) return true;
    if (i % STEP === 0) yield;
  }
  return false;
}

/** The values of a short line; `null` if a quote does not end. */
function splitShort(line: string): string[] | null {
  return /['"\s]/.test(line) ? runAtOnce(splitValues(line)) : line.split(",");
}

/** The values of a line, without quotes; `null` if a quote does not end. */
function* splitValues(line: string): Steps<string[] | null> {
  const values: string[] = [];
  for (let at = 0; at <= line.length; at++) {
    const value = readValue(line, at);
    if (value === null) return null;
    at = value.end;
    if (values.push(value.text) % STEP === 0) yield;
  }
  return values;
}

interface Value {
  readonly text: string;
  /** The place after it. */
  readonly end: number;
}

/** The value from `at` on, up to a comma or the end of the line; `null` if a quote is out of place. */
function readValue(line: string, at: number): Value | null {
  const start = at + match(BLANKS, line, at)!.length;
  if (line[start] !== "'" && line[start] !== '"') {
    const comma = line.indexOf(",", start);
    const end = comma < 0 ? line.length : comma;
    const text = line.slice(start, end).trimEnd();
    return /['"]/.test(text) ? null : { text, end };
  }
  const quoted = readQuoted(line, start);
  const end = quoted && quoted.end + match(BLANKS, line, quoted.end)!.length;
  return end !== null && (end === line.length || line[end] === ",") ? { text: quoted!.text, end } : null;
}

/** The text in the quotes that begin at `at`; `null` if they do not end. */
function readQuoted(line: string, at: number): Value | null {
  const marks = line[at] === "'" ? /['\\]/g : /["\\]/g;
  marks.lastIndex = at + 1;
  for (let mark = marks.exec(line); mark !== null; mark = marks.exec(line)) {
    if (mark[0] !== "\\") return { text: unescape(line.slice(at + 1, mark.index)), end: mark.index + 1 };
    marks.lastIndex = mark.index + 2;
  }
  return null;
}

function unescape(text: string): string {
  return text.includes("\\") ? text.replace(/\\(.)/g, "$1") : text;
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}
