/** ARFF files, OpenML's format, as tensors. */
import { TextLineStream } from "@std/streams";
import { parseAttribute, splitValues } from "./arff_syntax.ts";
import { type ColumnPlan, findTarget, type Table } from "./table.ts";
import { TableBuilder } from "./table_builder.ts";
import { namingErrors, openText, type TextSource } from "./text_source.ts";

/** How {@linkcode readArff} reads. */
export interface ArffOptions {
  /** The attribute to predict, by name or number; the last when absent, none if `null`. */
  target?: string | number | null;
  /** Attributes to leave out, by name. */
  skip?: readonly string[];
  /** Leave out rows with an unknown value, instead of keeping it as NaN. */
  skipIncomplete?: boolean;
  /** What to call a stream in errors. */
  name?: string;
}

const MISSING: ReadonlySet<string> = new Set(["?"]);

/**
 * The table in an ARFF file (UTF-8, dense; inflated if its name ends in `.gz`), or in a stream of one, read as it comes.
 * Nominal attributes are categorical in the declared order, strings categorical too, `?` is unknown.
 *
 * @throws {SyntaxError} at the first line that is not ARFF or does not fit its attributes; the message names file and line
 * @throws {RangeError} if there is no such target, or no row
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
  const where = options.name ?? (typeof source === "string" ? source : "ARFF");
  const plans: ColumnPlan[] = [];
  let builder: TableBuilder | null = null;
  let number = 0;
  const text = (await openText(source)).pipeThrough(new TextLineStream());
  for await (const line of namingErrors(text, where, () => `line ${number}`)) {
    number++;
    if (line === "" || line[0] === "%" || line.trim() === "") continue;
    if (builder) builder.add(readRow(line, where, number), `line ${number}`);
    else if (/^\s*@data\s*$/i.test(line)) {
      if (plans.length === 0) {
        throw new SyntaxError(`Cannot read ${where}: line ${number} begins data without attributes`);
      }
      builder = begin(plans, where, options);
    } else readDeclaration(line, plans, where, number);
  }
  if (builder) return builder.finish();
  throw new SyntaxError(`Cannot read ${where}: it ends at line ${number}, and no line says @DATA`);
}

function begin(plans: readonly ColumnPlan[], where: string, options: ArffOptions): TableBuilder {
  const { target = -1, skip = [], skipIncomplete = false } = options;
  const kept = plans.map((plan) => skip.includes(plan.name) ? { ...plan, kind: "skip" as const } : plan);
  return new TableBuilder(kept, { where, target: findTarget(kept, target, where), missing: MISSING, skipIncomplete });
}

function readDeclaration(line: string, plans: ColumnPlan[], where: string, number: number): void {
  if (/^\s*@relation\b/i.test(line)) return;
  const plan = parseAttribute(line);
  if (typeof plan === "string") throw new SyntaxError(`Cannot read ${where}: line ${number} ${plan}`);
  if (plans.some(({ name }) => name === plan.name)) {
    throw new SyntaxError(`Cannot read ${where}: line ${number} declares "${plan.name}" a second time`);
  }
  plans.push(plan);
}

function readRow(line: string, where: string, number: number): string[] {
  if (line[0] === "{") {
    throw new SyntaxError(`Cannot read ${where}: line ${number} is sparse: save it with every value`);
  }
  const values = splitValues(line);
  if (values === null) throw new SyntaxError(`Cannot read ${where}: line ${number} has a quote that does not end`);
  return values;
}
