/**
 * The rules for what people read, as pure functions over texts: the docs of the entry points, and the pages in Markdown;
 * `tests/pages.test.ts` applies them to the project.
 *
 * @module
 */
import type { Rule } from "./house.ts";

// The docs of entry points.

/** The entry points of a package by their names in `deno.json`: `{ "./nn": "./layers/nn/nn.ts" }`. */
export type EntryPoints = Readonly<Record<string, string>>;

/**
 * The file of every entry point begins with a module doc, whose example imports that entry point and asserts. `deno task test` runs
 * examples in fences marked `ts`, and no others.
 */
export const entryPointsAreDocumented = (packageName: string, entries: EntryPoints): Rule => (files) =>
  Object.entries(entries).flatMap(([entry, target]) => {
    const path = target.replace(/^\.\//, "");
    const doc = /^\/\*\*([\s\S]*?)\*\//.exec(files.get(path) ?? "")?.[1];
    if (doc === undefined || !/@module\b/.test(doc)) {
      return [`${path} has no module doc: begin it with /** … @module */`];
    }
    return missingInExample(exampleOf(doc), packageName + entry.slice(1)).map((what) => `${path}: ${what}`);
  });

/** The code of the first example that runs. */
function exampleOf(doc: string): string | null {
  const lines = doc.replace(/^ *\* ?/gm, "");
  return /@example\s[^@]*?^```ts\n([\s\S]*?)^```/m.exec(lines)?.[1] ?? null;
}

function missingInExample(example: string | null, specifier: string): string[] {
  if (example === null) return ["its module doc has no example that runs: put one after @example, in ```ts"];
  const missing = [];
  if (!example.includes(`from "${specifier}"`)) missing.push(`its example does not import ${specifier}`);
  if (!/\bassert\w*\(/.test(example)) missing.push("its example asserts nothing");
  return missing;
}

// The pages in Markdown.

/** Whether there is a file or folder at a path from the project's root. */
export type Exists = (path: string) => boolean;

const withoutFences = (page: string) => page.replace(/^( *)```[\s\S]*?^\1```/gm, "");
const withoutCode = (page: string) => withoutFences(page).replace(/(`+)[\s\S]*?\1/g, "");
const LINK = /\[(?:[^[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)/gm;

/** What a page links to within the project: a path from the root, and the anchor after it. */
function linksOf(page: string, text: string): { path: string; anchor: string }[] {
  const targets = Array.from(withoutCode(text).matchAll(LINK), ([, inline, below]) => inline ?? below);
  return targets.filter((target) => !/^[a-z]+:/i.test(target)).map((target) => {
    const { pathname, hash } = new URL(target, `file:///${page}`);
    return { path: decodeURIComponent(pathname).replace(/^\/|\/$/g, ""), anchor: hash.slice(1) };
  });
}

/** Links lead to files that are there, and to headings that the page has. */
export const linksLeadSomewhere = (exists: Exists): Rule => (pages) =>
  [...pages].flatMap(([page, text]) =>
    linksOf(page, text).flatMap(({ path, anchor }) => {
      if (!exists(path)) return [`${page} links to ${path}: there is no such file`];
      if (anchor === "" || headingsOf(pages.get(path) ?? "").includes(decodeURIComponent(anchor))) return [];
      return [`${page} links to ${path}#${anchor}: there is no such heading`];
    })
  );

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(page: string): string[] {
  return Array.from(
    withoutFences(page).matchAll(/^#+ +(.+?) *#*$/gm),
    ([, title]) => title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"),
  );
}

/** A name in code font that links to a file of source stands in that file: [`matmul()`](core/ops/linalg.ts). */
export const linkedNamesAreThere: Rule = (files) =>
  [...files].filter(([page]) => page.endsWith(".md")).flatMap(([page, text]) =>
    Array.from(withoutFences(text).matchAll(/\[`([^`]+)`\]\(([^)#\s]+)\)/g)).flatMap(([, name, target]) => {
      const path = new URL(target, `file:///${page}`).pathname.slice(1);
      const source = files.get(path);
      const word = nameIn(name);
      if (source === undefined || word === null || hasWord(source, word)) return [];
      return [`${page} says that ${path} has ${word}: it has not`];
    })
  );

/** A diagram in Mermaid names files that are there, and in a label with one file only functions that stand in it. */
export const diagramsAreTrue = (exists: Exists): Rule => (files) =>
  [...files].filter(([page]) => page.endsWith(".md")).flatMap(([page, text]) =>
    labelsOf(text).flatMap(({ paths, names }) => {
      const lost = paths.filter((path) => !exists(path)).map((path) => `${page} draws ${path}: there is no such file`);
      const source = files.get(paths[0]);
      if (paths.length !== 1 || source === undefined) return lost;
      return names.filter((name) => !hasWord(source, name))
        .map((name) => `${page} draws ${name}() in ${paths[0]}: it is not there`);
    })
  );

/** The paths and calls of functions in each label of the diagrams of a page. */
function labelsOf(page: string): { paths: string[]; names: string[] }[] {
  const diagrams = Array.from(page.matchAll(/^ *```mermaid\n([\s\S]*?)^ *```/gm), ([, diagram]) => diagram);
  return diagrams.flatMap((diagram) => Array.from(diagram.matchAll(/"([^"]*)"/g), ([, label]) => label)).map((
    label,
  ) => ({
    paths: Array.from(label.matchAll(/[\w.]+(?:\/[\w.]+)*\.(?:ts|c|h)\b/g), ([path]) => path),
    names: Array.from(label.matchAll(/(\w+)\(/g), ([, name]) => name),
  }));
}

/** The last word of a name such as `nn.Linear` or `pool.acquire()`; none where it is a path or code. */
function nameIn(text: string): string | null {
  return /\.(ts|c|h|md|json)$/.test(text) ? null : /^(?:\w+\.)*#?(\w+)(?:\(.*\))?$/.exec(text)?.[1] ?? null;
}

function hasWord(source: string, word: string): boolean {
  return new RegExp(String.raw`(?<!\w)${word}(?!\w)`).test(source);
}
