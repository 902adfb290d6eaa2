/**
 * Writes `rule_texts.ts`: what the files of `backward/rules/` say of each derivative, read from them line by line.
 *
 * A text and not the files themselves, because they are nowhere to be read in a browser, in a bundle and in the package of npm, which has
 * JavaScript on other lines. A test compares it with the files.
 *
 * `deno run -R=backward -W=display display/explain/build.ts`
 *
 * @module
 */
import { files } from "../../core/host/files.ts";
import type { RuleText, RuleTexts } from "./explanation.ts";

const FOLDER = "backward/rules";

/** The rules' files by name, as they are. */
export async function readRules(): Promise<Record<string, string>> {
  const disk = await files("read the rules");
  const names: string[] = [];
  for await (const { name } of disk.readDir(FOLDER)) if (name.endsWith(".ts")) names.push(name);
  const texts = names.sort().map(async (name) => [`${FOLDER}/${name}`, await disk.readTextFile(`${FOLDER}/${name}`)]);
  return Object.fromEntries(await Promise.all(texts));
}

/** A comment without its stars and slashes, on one line. */
function plain(comment: string): string {
  return comment.replaceAll(/\{@link(?:code)? ([^}]*)\}/g, "$1").replaceAll(
    /^\s*(\/\*\*|\*\/|\*|\/\/) ?|\s*\*\/\s*$/gm,
    "",
  )
    .replaceAll(/\s+/g, " ").trim();
}

/** The functions of a file that stand at its top level, with what is said of each; the format of the files is that of `deno fmt`. */
function functionsIn(file: string, text: string): [name: string, found: RuleText][] {
  const declared =
    /^(?:(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n)?(?:export )?(?:function|const) (\w+)(?:: \w+<"\w+">)?( =|\()/gm;
  return [...text.matchAll(declared)].map((match) => {
    const [whole, comment, name] = match;
    const line = text.slice(0, match.index + whole.length).split("\n").length;
    const body = text.slice(match.index).slice(comment?.length ?? 0).trim();
    const end = body.search(/;\n(?=\n|\S)|\n\}/);
    const rule = body.slice(0, end).replace(/^(export )?(const|function) \w+( = )?/, "");
    return [name, { file, line, formulas: comment === undefined ? [] : [plain(comment)], rule: plain(rule) }];
  });
}

/** An entry of a table of rules, with the comment above it. */
interface Entry {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly comment: string;
  readonly rule: string;
}

/** The entries of a file's tables: what stands two spaces in, between `… Rules<…> = {` and `};`. */
function entriesIn(file: string, text: string): Entry[] {
  const found: { name: string; line: number; comment: string; lines: string[] }[] = [];
  let inside = false, comment = "";
  text.split("\n").forEach((line, i) => {
    if (/^(export )?const \w*[rR]ules: Rules<.*> = \{$/.test(line)) inside = true;
    else if (line === "};") inside = false;
    if (!inside) return;
    const start = /^ {2}(\w+): (.*)$/.exec(line);
    if (/^ {2}\/\/ /.test(line)) comment += line + "\n";
    else if (start !== null) {
      found.push({ name: start[1], line: i + 1, comment: plain(comment), lines: [start[2]] });
      comment = "";
    } else if (/^ {2}\s*[^\s.]/.test(line)) found.at(-1)?.lines.push(line);
  });
  return found.map(({ name, line, comment, lines }) => ({
    ...{ name, file, line, comment },
    rule: lines.join(" ").replaceAll(/\s+/g, " ").replace(/,\s*$/, "").trim(),
  }));
}

/** The names in a text, each once. */
const namesIn = (code: string) => [...new Set(code.match(/\b[a-zA-Z]\w*\b/g))];

/** What the rules' sources say: of each operation, and of each function that rules and layers call. */
export function ruleTexts(sources: Readonly<Record<string, string>>): { operations: RuleTexts; functions: RuleTexts } {
  const functions = new Map(Object.entries(sources).flatMap(([file, text]) => functionsIn(file, text)));
  const operations = Object.entries(sources).flatMap(([file, text]) => entriesIn(file, text)).filter(({ rule }) =>
    rule !== "notDifferentiable"
  ).map(({ name, file, line, comment, rule }): [string, RuleText] => {
    const called = namesIn(rule).flatMap((word) => functions.get(word) ?? []);
    const said = called.flatMap(({ formulas }) => formulas);
    const bare = called.filter(({ formulas }) => formulas.length === 0).map((other) => other.rule);
    return [name, { file, line, formulas: comment !== "" ? [comment] : said, rule: [rule, ...bare].join(", ") }];
  });
  const documented = [...functions].filter(([name, { formulas }]) => formulas.length > 0 && name.endsWith("Backward"));
  return { operations: Object.fromEntries(operations), functions: Object.fromEntries(documented) };
}

/** The module that holds them. */
export function textModule(sources: Readonly<Record<string, string>>): string {
  const { operations, functions } = ruleTexts(sources);
  const table = (texts: RuleTexts) =>
    Object.entries(texts).map(([name, text]) => `  ${name}: ${JSON.stringify(text)},\n`).join("");
  return `// deno-fmt-ignore-file
/** Generated from backward/rules/ by display/explain/build.ts; not to be edited. */
import type { RuleTexts } from "./explanation.ts";

/** What is said of each operation. */
export const OPERATIONS: RuleTexts = {
${table(operations)}};

/** What is said of each function that a derivative may call. */
export const FUNCTIONS: RuleTexts = {
${table(functions)}};
`;
}

if (import.meta.main) {
  const disk = await files("write the rules' texts");
  await disk.writeTextFile("display/explain/rule_texts.ts", textModule(await readRules()));
}
