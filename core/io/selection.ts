/** Which tensors of a file are wanted, by name. */
import { choices, describe } from "../arguments.ts";
import { quoted, shortened } from "./read_file.ts";

/** Options that choose among the tensors of a file. A name stands for its tensor, and for all whose names go on with a dot. */
export interface TensorSelection {
  /**
   * The names of the tensors to read.
   *
   * @default {undefined} all of them
   */
  only?: readonly string[] | undefined;
  /**
   * The names of tensors to leave out, such as those of a dtype that has no place here.
   *
   * @default {undefined} none
   */
  skip?: readonly string[] | undefined;
}

/** The most names that a message lists. */
const MAX_LISTED = 20;

/** Tells which names a selection takes. */
export class Selection {
  readonly #only: ReadonlySet<string> | null;
  readonly #skip: ReadonlySet<string>;

  /** Throws a TypeError where the options are no lists of texts. */
  constructor(readonly where: string, { only, skip = [] }: TensorSelection) {
    this.#only = only === undefined ? null : namesOf(where, "only", only);
    this.#skip = namesOf(where, "skip", skip);
  }

  /** Whether a tensor is wanted. */
  takes(name: string): boolean {
    const all = this.#only === null && this.#skip.size === 0;
    if (all) return true;
    const beginnings = beginningsOf(name), only = this.#only;
    return !beginnings.some((part) => this.#skip.has(part)) &&
      (only === null || beginnings.some((part) => only.has(part)));
  }

  /**
   * Checks that each name of `only` stands for one of the tensors.
   *
   * @throws {RangeError} with the nearest name that there is
   */
  check(names: readonly string[]): void {
    if (this.#only === null) return;
    const known = new Set(names.flatMap(beginningsOf));
    const missing = [...this.#only].find((name) => !known.has(name));
    if (missing === undefined) return;
    const few = names.length > 0 && names.length <= MAX_LISTED;
    throw new RangeError(
      `Cannot read ${this.where} with only ${quoted(missing)}: it has no tensor of that name, ` +
        (few ? choices("names", missing, names.map(shortened)) : `and ${names.length} of others`),
    );
  }
}

function namesOf(where: string, option: string, names: readonly string[]): ReadonlySet<string> {
  const right = Array.isArray(names) && names.every((name) => typeof name === "string");
  if (right) return new Set(names);
  throw new TypeError(`Cannot read ${where} with ${option} ${describe(names)}: give names, as in ["head", "0.weight"]`);
}

/** `a.b.c`, `a.b` and `a` of `a.b.c`. */
function beginningsOf(name: string): string[] {
  const found = [name];
  for (let end = name.lastIndexOf("."); end > 0; end = name.lastIndexOf(".", end - 1)) found.push(name.slice(0, end));
  return found;
}
