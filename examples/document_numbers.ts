/** The numbers that the documents print, or that their programs printed with a fixed seed. */
import reference from "../tests/reference/documents_reference.json" with { type: "json" };

/**
 * The value in `documents_reference.json` whose key contains all of `words`, which only one does.
 *
 * @throws {RangeError} If there is no such key, or several.
 */
export function documentNumbers<T>(...words: string[]): T {
  const found = Object.entries(reference).filter(([key]) => words.every((word) => key.includes(word)));
  if (found.length !== 1) {
    throw new RangeError(`Cannot find the numbers of "${words.join(" … ")}": ${found.length} keys`);
  }
  return found[0][1] as unknown as T;
}
