/**
 * Exports that nobody takes: what was forgotten in an entry point, or need not be exported. `tests/exports.test.ts` applies it.
 *
 * @module
 */
import type { Files, Rule } from "./house.ts";
import { exportsOf, importsOf } from "./source.ts";

/** Names by the file that exports them. */
export type Names = Readonly<Record<string, readonly string[]>>;

const LIBRARY = /^(mod\.ts$|(core|backward|layers|datasets|display)\/)/;
const TAKERS = /^(mod\.ts$|(core|backward|layers|datasets|display|cli)\/)/;

/** What is taken of each file by the files of the library and by its commands, as `path: name`, and `path: *` for everything. */
function taken(files: Files): Set<string> {
  const found = new Set<string>();
  for (const [path, text] of files) {
    if (!TAKERS.test(path) || !path.endsWith(".ts")) continue;
    for (const { target, names } of importsOf(path, text)) {
      for (const name of names ?? ["*"]) found.add(`${target}: ${name}`);
    }
  }
  return found;
}

/**
 * Every export of the library is taken by another file of it, or belongs to an entry point, or stands in `others`: names that tests,
 * measurements and scripts take. The list names nothing that needs no mention.
 */
export const exportsAreTaken = (entries: readonly string[], others: Names): Rule => (files) => {
  const used = taken(files);
  const gone = Object.keys(others).filter((path) => !files.has(path));
  const complaints = [...files].filter(([path]) =>
    LIBRARY.test(path) && /\.[jt]s$/.test(path) && !entries.includes(path)
  )
    .flatMap(([path, text]) => {
      const exported = exportsOf(text);
      const free = exported.filter((name) => !used.has(`${path}: *`) && !used.has(`${path}: ${name}`));
      const listed = others[path] ?? [];
      return [
        ...free.filter((name) => !listed.includes(name))
          .map((name) =>
            `${path} exports ${name}, which nothing takes: name it in an entry point, or keep it in its file`
          ),
        ...listed.filter((name) => !free.includes(name)).map((name) => `${path}: take ${name} off the list of exports`),
      ];
    });
  return [...complaints, ...gone.map((path) => `${path} is not there: take it off the list of exports`)];
};
