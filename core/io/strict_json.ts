/**
 * JSON for headers that come from strangers. `JSON.parse` keeps the last of two equal keys and rounds integers past
 * 2^53: this reader refuses both, and returns maps, where `__proto__` is a name like any other. Numbers are sizes and
 * offsets, so whole.
 */

/** A value of JSON, with objects as maps in the order of their keys. */
export type Json = null | boolean | number | string | Json[] | Map<string, Json>;

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\]|\\[^])*"/y; // JSON.parse judges what is inside
const WHOLE = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
const WORD = /true|false|null/y;
const MAX_DEPTH = 64;

/**
 * Parses `text` as one JSON value whose numbers are whole and not negative; white space may stand around it.
 *
 * @throws {SyntaxError} if it is not such JSON, repeats a key, holds an integer past 2^53 or nests deeper than 64; the
 * message names `where` and the byte offset, counted from `base`.
 */
export function parseStrictJson(text: string, where: string, base = 0): Json {
  const reader = new Reader(text, where, base);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  #at = 0;

  constructor(readonly text: string, readonly where: string, readonly base: number) {}

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw this.#error(`nesting deeper than ${MAX_DEPTH}`);
    this.#take(SPACE);
    const first = this.text[this.#at];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    const word = this.#take(WORD);
    return word === null ? this.#number() : JSON.parse(word);
  }

  end(): void {
    this.#take(SPACE);
    if (this.#at < this.text.length) throw this.#error("text after the value");
  }

  #object(depth: number): Map<string, Json> {
    const members = new Map<string, Json>();
    this.#list("}", () => {
      const start = this.#at;
      const key = this.#string();
      if (members.has(key)) throw this.#error(`the key ${JSON.stringify(key)} a second time`, start);
      this.#expect(":");
      members.set(key, this.value(depth + 1));
    });
    return members;
  }

  #array(depth: number): Json[] {
    const items: Json[] = [];
    this.#list("]", () => items.push(this.value(depth + 1)));
    return items;
  }

  /** An opening bracket, items with commas between them, and the bracket `close`. */
  #list(close: "}" | "]", item: () => void): void {
    this.#at++;
    if (this.#accept(close)) return;
    do {
      this.#take(SPACE);
      item();
    } while (this.#accept(","));
    this.#expect(close);
  }

  #string(): string {
    const start = this.#at;
    const value = parseString(this.#take(STRING));
    if (value === null) throw this.#error("no well-formed string", start);
    return value;
  }

  #number(): number {
    const start = this.#at;
    const token = this.#take(WHOLE);
    if (token === null) throw this.#error("neither a whole number nor another value");
    if (!Number.isSafeInteger(Number(token))) throw this.#error("an integer past 2^53", start);
    return Number(token);
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text);
    if (match === null) return null;
    this.#at = pattern.lastIndex;
    return match[0];
  }

  #accept(mark: string): boolean {
    this.#take(SPACE);
    if (this.text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#accept(mark)) throw this.#error(`no "${mark}"`);
  }

  #error(found: string, at: number = this.#at): SyntaxError {
    const offset = this.base + new TextEncoder().encode(this.text.slice(0, at)).length;
    return new SyntaxError(`Cannot read JSON in ${this.where}: found ${found} at byte ${offset}`);
  }
}

/** The text that a string token stands for; `null` for a control character, an unknown escape or a lone surrogate. */
function parseString(token: string | null): string | null {
  try {
    const value: string | null = JSON.parse(token ?? "null");
    return value?.isWellFormed() ? value : null;
  } catch {
    return null;
  }
}
