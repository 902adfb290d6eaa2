/** Reads what a schema wrote as JSON, and refuses anything else: it may come from a file that somebody else made. */
import { isPlainObject } from "../../core/arguments.ts";
import type { Scale, SchemaColumn } from "./schema_columns.ts";
import type { SchemaParts, SchemaTarget } from "./schema_fit.ts";

const FORMAT = "gradus table schema 1";

/** The parts of the schema that `json` holds. */
export function schemaParts(json: unknown): SchemaParts & { missing: readonly string[] | null } {
  const found = objectIn(json, "it");
  if (found.format !== FORMAT) throw wrong(`its format is ${JSON.stringify(found.format)}, not "${FORMAT}"`);
  const columns = listIn(found.columns, "columns").map((column, i) => columnIn(column, `columns[${i}]`));
  if (columns.length === 0) throw wrong("it has no columns");
  const target = found.target === null ? null : targetIn(found.target);
  const ignored = textsIn(found.ignored, "ignored");
  const names = [...columns.map(({ name }) => name), ...ignored, ...(target === null ? [] : [target.name])];
  if (new Set(names).size < names.length) throw wrong("a name comes twice in it");
  return {
    ...{ columns, target, ignored },
    rows: numberIn(found.rows, "rows"),
    fittedRows: numberIn(found.fittedRows, "fittedRows"),
    missing: found.missing === null ? null : textsIn(found.missing, "missing"),
  };
}

function columnIn(json: unknown, at: string): SchemaColumn {
  const found = objectIn(json, at);
  const name = textIn(found.name, `${at}.name`);
  const shared = {
    name,
    missing: numberIn(found.missing, `${at}.missing`),
    lenient: flagIn(found.lenient, `${at}.lenient`),
  };
  const median = () => numberIn(found.median, `${at}.median`);
  if (found.kind === "numeric") return { ...shared, kind: "numeric", ...scaleIn(found, at), median: median() };
  if (found.kind === "categorical") {
    const words = numberIn(found.words, `${at}.words`);
    return { ...shared, kind: "categorical", categories: wordsIn(found.categories, `${at}.categories`), words };
  }
  if (found.kind === "boolean") return { ...shared, kind: "boolean", common: found.common === 1 ? 1 : 0 };
  if (found.kind !== "date") throw wrong(`${at}.kind is ${JSON.stringify(found.kind)}`);
  const [year, day, elapsed] = ["year", "day", "elapsed"].map((part) => scaleIn(found[part], `${at}.${part}`));
  const hour = found.hour === null ? null : scaleIn(found.hour, `${at}.hour`);
  const order = found.order === "dmy" ? "dmy" : "mdy";
  return { ...shared, kind: "date", order, median: median(), year, day, elapsed, hour };
}

function targetIn(json: unknown): SchemaTarget {
  const found = objectIn(json, "target"), name = textIn(found.name, "target.name");
  if (found.kind === "numeric") return { name, kind: "numeric", ...scaleIn(found, "target") };
  if (found.kind !== "categorical") throw wrong(`target.kind is ${JSON.stringify(found.kind)}`);
  return { name, kind: "categorical", categories: wordsIn(found.categories, "target.categories") };
}

function scaleIn(json: unknown, at: string): Scale {
  const found = objectIn(json, at), std = numberIn(found.std, `${at}.std`);
  if (std < 0) throw wrong(`${at}.std is ${std}`);
  return { mean: numberIn(found.mean, `${at}.mean`), std };
}

function objectIn(json: unknown, at: string): Record<string, unknown> {
  if (isPlainObject(json)) return json;
  throw wrong(`${at} is no object`);
}

function listIn(json: unknown, at: string): readonly unknown[] {
  if (Array.isArray(json)) return json;
  throw wrong(`${at} is no array`);
}

function textsIn(json: unknown, at: string): string[] {
  return listIn(json, at).map((text, i) => textIn(text, `${at}[${i}]`));
}

function wordsIn(json: unknown, at: string): string[] {
  const words = textsIn(json, at);
  if (new Set(words).size === words.length) return words;
  throw wrong(`a word comes twice in ${at}`);
}

function textIn(json: unknown, at: string): string {
  if (typeof json === "string") return json;
  throw wrong(`${at} is no text`);
}

function numberIn(json: unknown, at: string): number {
  if (typeof json === "number" && Number.isFinite(json)) return json;
  throw wrong(`${at} is no finite number`);
}

function flagIn(json: unknown, at: string): boolean {
  if (typeof json === "boolean") return json;
  throw wrong(`${at} is neither true nor false`);
}

function wrong(what: string): SyntaxError {
  return new SyntaxError(`Cannot read a table schema: ${what}; give what JSON.stringify() wrote of one`);
}
