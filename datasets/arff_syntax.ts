/** The lines of ARFF: attributes, and values between commas. */
import type { ColumnPlan } from "./table.ts";

const ATTRIBUTE =
  /^\s*@attribute\s+(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s'"{},%]+))\s*(\{.*\}|[a-z]+)\s*(?:%.*)?$/i;
const VALUE = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^,'"]*))\s*(,|$)/y;

/** The column that an `@ATTRIBUTE` line declares, or what is wrong with the line. */
export function parseAttribute(line: string): ColumnPlan | string {
  const match = ATTRIBUTE.exec(line);
  if (match === null) return `is ${JSON.stringify(line.slice(0, 60))}, no @ATTRIBUTE with a name and a type`;
  const [, single, double, plain, type] = match;
  const name = unescape(single ?? double ?? plain);
  if (type[0] === "{") return parseNominal(name, type.slice(1, -1));
  switch (type.toLowerCase()) {
    case "numeric":
    case "real":
    case "integer":
      return { name, kind: "numeric" };
    case "string":
      return { name, kind: "categorical" };
    default:
      return `gives "${name}" the type ${type}: numeric, real, integer, string and {…} are read`;
  }
}

function parseNominal(name: string, list: string): ColumnPlan | string {
  const categories = splitValues(list);
  if (categories === null || new Set(categories).size !== categories.length) {
    return `gives "${name}" values that repeat or do not end`;
  }
  return { name, kind: "categorical", categories };
}

/** The values of a line, their quotes taken off; `null` if one does not end. */
export function splitValues(line: string): string[] | null {
  if (!/['"\s]/.test(line)) return line.split(",");
  const values: string[] = [];
  for (let at = 0; at <= line.length;) {
    VALUE.lastIndex = at;
    const match = VALUE.exec(line);
    if (match === null) return null;
    const [, single, double, plain, end] = match;
    values.push(plain === undefined ? unescape(single ?? double) : plain.trim());
    if (end === "") break;
    at = VALUE.lastIndex;
  }
  return values;
}

function unescape(text: string): string {
  return text.includes("\\") ? text.replace(/\\(.)/g, "$1") : text;
}
