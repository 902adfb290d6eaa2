/** The lines of ARFF: attributes, and values between commas. */
import { quoted, shortened } from "../../core/io/cap.ts";
import type { ColumnPlan } from "./table.ts";

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
