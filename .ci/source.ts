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
const IMPORT = /\b(?:import|export)\b[^";]*?\bfrom\s*"(\d+)"|\bimport\s*\(?\s*"(\d+)"/g;

/** Takes the comments and strings out of `text`. */
export function read(text: string): Source {
  const strings: string[] = [];
  const code = text.replace(TOKEN, (token) => {
    if (token.startsWith("//") || token.startsWith("/*")) return " ";
    return `"${strings.push(token.slice(1, -1)) - 1}"`;
  });
  return { code, strings };
}

/** What the file at `path` imports, statically, dynamically or by re-export: paths from the root, or bare specifiers. */
export function importsOf(path: string, text: string): string[] {
  const { code, strings } = read(text);
  const specifiers = Array.from(code.matchAll(IMPORT), ([, from, direct]) => strings[Number(from ?? direct)]);
  return specifiers.map((specifier) => specifier.startsWith(".") ? resolve(path, specifier) : specifier);
}

function resolve(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}
