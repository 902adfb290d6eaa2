/** ARFF files, OpenML's format, as tensors. */
import { checkOptions } from "../../core/arguments.ts";
import { runAtOnce, runInSlices, type Steps } from "../../core/event_loop.ts";
import { Cap, quoted, type ReadOptions, shortened } from "../../core/io/read_file.ts";
import { CATEGORY_COST, COLUMN_COST, type ColumnPlan, findTarget, type Table } from "./table.ts";
import { TableBuilder } from "./table_builder.ts";
import { LineSplitter, readText, type TextSource } from "./text_source.ts";

/** How {@linkcode readArff} reads. */
export interface ArffOptions extends ReadOptions {
  /** The attribute to predict, by name or number; the last when absent, none if `null`. */
  target?: string | number | null;
  /** Attributes to leave out, by name. */
  skip?: readonly string[];
  /** Leave out rows with an unknown value, instead of keeping it as NaN. */
  skipIncomplete?: boolean;
  /** The kind of the numbers: float32 when absent, which keeps 7 digits; float64 for times and other large ones. */
  dtype?: "float32" | "float64";
  /** Told in a line each how many rows were left out, and what is past float32. */
  onNote?: (note: string) => void;
  /** What to call a stream in errors. */
  name?: string;
}

const MISSING: ReadonlySet<string> = new Set(["?"]);

/**
 * The table in an ARFF file (UTF-8, dense; inflated if its name ends in `.gz`), or in a stream of one, read as it comes.
 * Nominal attributes are categorical in the declared order, strings categorical too, `?` is unknown.
 *
 * @throws {SyntaxError} at the first line that is not ARFF or does not fit its attributes; the message names file and line
 * @throws {RangeError} if there is no such target, or no row, or more comes of it than `maxBytes`
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
  checkOptions("read ARFF", options, ["target", "skip", "skipIncomplete", "dtype", "onNote", "name", "maxBytes"]);
  const cap = new Cap(options.name ?? (typeof source === "string" ? source : "ARFF"), options);
  const file = new ArffFile(cap, options);
  const lines = new LineSplitter(cap, (line) => file.add(line));
  for await (const text of readText(source, cap, () => `line ${file.line}`)) lines.push(text);
  lines.end();
  return await runInSlices(file.finish());
}

/** A file under way: its declarations, then its rows. */
class ArffFile {
  line = 0;
  readonly #plans = new Map<string, ColumnPlan>();
  #builder: TableBuilder | null = null;

  constructor(readonly cap: Cap, readonly options: ArffOptions) {}

  add(line: string): void {
    this.line++;
    if (line === "" || line[0] === "%" || line.trim() === "") return;
    if (this.#builder) this.#builder.add(this.#row(line), this.line);
    else if (/^\s*@data\s*$/i.test(line)) this.#builder = this.#begin();
    else if (!/^\s*@relation\b/i.test(line)) this.#declare(line);
  }

  *finish(): Steps<Table> {
    if (this.#builder === null) {
      throw new SyntaxError(`Cannot read ${this.cap.where}: it ends at line ${this.line}, and no line says @DATA`);
    }
    const table = yield* this.#builder.finish();
    for (const note of this.#builder.notes()) this.options.onNote?.(note);
    return table;
  }

  #begin(): TableBuilder {
    if (this.#plans.size === 0) throw this.#error("begins data without attributes");
    const { target: wanted = -1, skip = [], skipIncomplete = false, dtype = "float32" } = this.options;
    const left = new Set(skip);
    const plans = Array.from(
      this.#plans.values(),
      (plan) => left.has(plan.name) ? { ...plan, kind: "skip" as const } : plan,
    );
    const target = findTarget(plans, wanted, this.cap.where);
    const settings = { cap: this.cap, unit: "line", target, missing: MISSING, skipIncomplete, dtype } as const;
    return runAtOnce(TableBuilder.of(plans, settings));
  }

  #declare(line: string): void {
    const plan = parseAttribute(line);
    if (typeof plan === "string") throw this.#error(plan);
    if (this.#plans.has(plan.name)) throw this.#error(`declares ${quoted(plan.name)} a second time`);
    const cost = COLUMN_COST + CATEGORY_COST * (plan.categories?.length ?? 0);
    this.cap.take(cost, () => `the attribute in line ${this.line}`);
    this.#plans.set(plan.name, plan);
  }

  #row(line: string): string[] {
    if (line[0] === "{") throw this.#error("is sparse: save it with every value");
    const values = splitValues(line);
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
const BEFORE = /\s*/y;
const TYPE = /^([a-z]+)\s*(?:%.*)?$/i;
const COMMENT = /^\s*(?:%.*)?$/;

/** The column that an `@ATTRIBUTE` line declares, or what is wrong with the line. */
export function parseAttribute(line: string): ColumnPlan | string {
  const start = KEYWORD.exec(line)?.[0].length ?? line.length;
  const name = readName(line, start);
  const type = name && line.slice(name.end).trim();
  if (type?.startsWith("{")) return parseNominal(name!.text, type);
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

/** The name that begins at `at`, quoted or not, and where it ends; `null` where none does. */
function readName(line: string, at: number): Value | null {
  if (line[at] === "'" || line[at] === '"') return readQuoted(line, at);
  const text = match(PLAIN_NAME, line, at);
  return text === null ? null : { text, end: at + text.length };
}

function parseNominal(name: string, type: string): ColumnPlan | string {
  const close = endOfList(type);
  const categories = COMMENT.test(type.slice(close + 1)) ? splitValues(type.slice(1, close)) : null;
  if (close < 0 || categories === null || new Set(categories).size !== categories.length) {
    return `gives ${quoted(name)} values that repeat or do not end`;
  }
  return { name, kind: "categorical", categories };
}

/** Where the brace stands that ends a list: the first that is not in quotes; -1 without one. */
function endOfList(list: string): number {
  const marks = /['"}]/g;
  for (let mark = marks.exec(list); mark !== null; mark = marks.exec(list)) {
    if (mark[0] === "}") return mark.index;
    const quoted = readQuoted(list, mark.index);
    if (quoted === null) return -1;
    marks.lastIndex = quoted.end;
  }
  return -1;
}

/** The values of a line, their quotes taken off; `null` if one does not end. */
export function splitValues(line: string): string[] | null {
  if (!/['"\s]/.test(line)) return line.split(",");
  const values: string[] = [];
  for (let at = 0; at <= line.length; at++) {
    const value = readValue(line, at);
    if (value === null) return null;
    values.push(value.text);
    at = value.end;
  }
  return values;
}

interface Value {
  readonly text: string;
  /** Where the line goes on. */
  readonly end: number;
}

/** The value from `at` on, up to a comma or the line's end; `null` where a quote is out of place. */
function readValue(line: string, at: number): Value | null {
  const start = at + match(BEFORE, line, at)!.length;
  if (line[start] !== "'" && line[start] !== '"') {
    const comma = line.indexOf(",", start);
    const end = comma < 0 ? line.length : comma;
    const text = line.slice(start, end).trimEnd();
    return /['"]/.test(text) ? null : { text, end };
  }
  const quoted = readQuoted(line, start);
  const end = quoted && quoted.end + match(BEFORE, line, quoted.end)!.length;
  return end !== null && (end === line.length || line[end] === ",") ? { text: quoted!.text, end } : null;
}

/** The text in the quotes that begin at `at`, and the place after them; `null` if they do not end. */
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
