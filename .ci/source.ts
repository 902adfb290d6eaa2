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
const IMPORT = new RegExp(String.raw`${FROM}|\bimport\s*\(?\s*"(\d+)"`, "g");

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
}

/** What the file at `path` imports, statically, dynamically or by re-export. */
export function importsOf(path: string, text: string): Import[] {
  const { code, strings } = read(text);
  return Array.from(code.matchAll(IMPORT), ([, type, names, from, direct]) => {
    const specifier = strings[Number(from ?? direct)];
    const target = specifier.startsWith(".") ? resolve(path, specifier) : specifier;
    return { target, types: type !== undefined || (names !== undefined && areTypes(names)) };
  });
}

/** Whether each of the names in braces is marked as a type; an import of no names at all runs the file. */
function areTypes(names: string): boolean {
  const list = /^\{([^}]*)\}$/.exec(names)?.[1].split(",").map((name) => name.trim()).filter((name) => name !== "");
  return list !== undefined && list.length > 0 && list.every((name) => /^type\s/.test(name));
}

function resolve(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}
