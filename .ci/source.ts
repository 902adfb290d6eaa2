/**
 * Just enough of TypeScript's lexical grammar to find import lines: comments, strings, and what is neither.
 *
 * @module
 */

/** A text without comments, in which `"n"` stands for the string `strings[n]`. */
export interface Source {
  readonly code: string;
  readonly strings: readonly string[];
}

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/g;
const NAMES = String.raw`(?:[\w$]+\s*,\s*)?(?:\{[^}]*\}|\*(?:\s*as\s+[\w$]+)?)|[\w$]+`;
const FROM = String.raw`\b(?:import|export)\s*(type\b)?\s*(${NAMES})\s*from\s*"(\d+)"`;
const IMPORT = new RegExp(String.raw`${FROM}|\bimport\s*(\()?\s*"(\d+)"`, "g");

/** Takes the comments and strings out of `text`. */
export function read(text: string): Source {
  const strings: string[] = [];
  const code = text.replace(TOKEN, (token) => {
    if (token.startsWith("//") || token.startsWith("/*")) return " ";
    return `"${strings.push(token.slice(1, -1)) - 1}"`;
  });
  return { code, strings };
}

/** A file's use of another one. */
export interface Import {
  /** A path from the root, or a bare specifier. */
  readonly target: string;
  /** Whether nothing but types is taken, so that the line is gone before the program runs. */
  readonly types: boolean;
  /** The names that are taken, as they are called there; `null` where it is all of them. */
  readonly names: readonly string[] | null;
}

/** What the file at `path` imports, statically, dynamically or by re-export. */
export function importsOf(path: string, text: string): Import[] {
  const { code, strings } = read(text);
  return Array.from(code.matchAll(IMPORT), ([, type, names, from, call, direct]) => {
    const specifier = strings[Number(from ?? direct)];
    const target = specifier.startsWith(".") ? resolve(path, specifier) : specifier;
    const types = type !== undefined || (names !== undefined && areTypes(names));
    return { target, types, names: call === undefined ? namesTaken(names ?? "") : null };
  });
}

/** Whether each of the names in braces is marked as a type; an import of no names at all runs the file. */
function areTypes(names: string): boolean {
  const list = names.startsWith("{") ? inBraces(names) : [];
  return list.length > 0 && list.every((name) => /^type\s/.test(name));
}

/** What stands in the braces of an import or export, one text a name. */
function inBraces(names: string): string[] {
  const list = /\{([^}]*)\}/.exec(names)?.[1].split(",") ?? [];
  return list.map((name) => name.trim()).filter((name) => name !== "");
}

/** The names as they are called in the file that has them; `null` for a star, which takes everything. */
function namesTaken(names: string): string[] | null {
  if (names.includes("*")) return null;
  const alone = /^[\w$]+/.test(names) ? ["default"] : [];
  return [...alone, ...inBraces(names).map((name) => name.replace(/^type\s+/, "").split(/\s+as\s+/)[0])];
}

const DECLARED =
  /\bexport\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|const|let|var|interface|type|enum)\s+([\w$]+)/g;
const LISTED = /\bexport\s+(?:type\s*)?(\{[^}]*\})/g;

/** The names that a file exports, by themselves or in a list; not those behind a star. */
export function exportsOf(text: string): string[] {
  const { code } = read(text);
  const declared = Array.from(code.matchAll(DECLARED), ([, name]) => name);
  const listed = Array.from(code.matchAll(LISTED), ([, list]) => inBraces(list)).flat();
  return [...declared, ...listed.map((name) => name.replace(/^type\s+/, "").split(/\s+as\s+/).at(-1)!)];
}

function resolve(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}
