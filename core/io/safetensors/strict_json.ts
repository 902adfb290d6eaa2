/**
 * JSON for headers that come from strangers. `JSON.parse` keeps the last of two equal keys and rounds integers past
 * 2^53: this reader refuses both, and returns maps, where `__proto__` is a name like any other. Numbers are sizes and
 * offsets, so whole.
 */

import { Cap, quoted } from "../cap.ts";

/** A value of JSON, with objects as maps in the order of their keys. */
export type Json = null | boolean | number | string | Json[] | Map<string, Json>;

const WORDS: ReadonlyMap<string, null | boolean> = new Map([["t", true], ["f", false], ["n", null]]);

/** What a string may not hold as it stands: a backslash, a surrogate, a control character. JSON.parse judges one that does. */
const SPECIAL = /[^ -[\]-\ud7ff\ue000-\uffff]/;

const MAX_DEPTH = 64;

const [TAB, LF, CR, SPACE, ZERO] = Array.from("\t\n\r 0", (mark) => mark.charCodeAt(0));

/** Bytes that a map, and any other value, take in memory, beside the text of strings. */
const MAP_COST = 256;
const VALUE_COST = 32;

/**
 * Parses `text` as one JSON value whose numbers are whole and not negative; white space may stand around it.
 *
 * @throws {SyntaxError} if it is not such JSON, repeats a key, holds an integer past 2^53 or nests deeper than 64; the
 * message names `where` and the byte offset, counted from `base`.
 * @throws {RangeError} if its values take more than `cap` allows
 */
export function parseStrictJson(text: string, where: string, base = 0, cap = new Cap(where, {}, text.length)): Json {
  const reader = new Reader(text, where, base, cap);
  const value = reader.value(0);
  reader.end();
  return value;
}

/**
 * Parses `text` as one JSON object, as {@linkcode parseStrictJson} does, and gives each member as it comes: a long list never
 * stands in memory as maps, and may be left between two.
 */
export function* parseStrictMembers(text: string, cap: Cap, base: number): Generator<[key: string, value: Json], void> {
  const reader = new Reader(text, cap.where, base, cap);
  const keys = new Set<string>();
  for (const member of reader.members(0, keys)) {
    keys.add(member[0]);
    yield member;
  }
  reader.end();
}

class Reader {
  #at = 0;

  constructor(readonly text: string, readonly where: string, readonly base: number, readonly cap: Cap) {}

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw this.#error(`nesting deeper than ${MAX_DEPTH}`);
    this.#skip();
    const first = this.text[this.#at];
    this.cap.take(first === "{" ? MAP_COST : VALUE_COST, () => `JSON of many values, at character ${this.#at},`);
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    const word = WORDS.get(first);
    return word !== undefined && this.#acceptAll(`${word}`) ? word : this.#number();
  }

  end(): void {
    this.#skip();
    if (this.#at < this.text.length) throw this.#error("text after the value");
  }

  /** The members of an object from its opening bracket on, whose keys so far are in `known`. */
  *members(depth: number, known: { has(key: string): boolean }): Generator<[key: string, value: Json], void> {
    for (const start of this.#places("}")) {
      const key = this.#string();
      if (known.has(key)) throw this.#error(`the key ${quoted(key)} a second time`, start);
      this.#expect(":");
      yield [key, this.value(depth + 1)];
    }
  }

  #object(depth: number): Map<string, Json> {
    const members = new Map<string, Json>();
    for (const [key, value] of this.members(depth, members)) members.set(key, value);
    return members;
  }

  #array(depth: number): Json[] {
    const items: Json[] = [];
    for (const _ of this.#places("]")) items.push(this.value(depth + 1));
    return items;
  }

  /** An opening bracket, the places of items, which are read there, with commas between them, and the bracket `close`. */
  *#places(close: "}" | "]"): Generator<number, void> {
    this.#at++;
    if (this.#accept(close)) return;
    do {
      this.#skip();
      yield this.#at;
    } while (this.#accept(","));
    this.#expect(close);
  }

  #string(): string {
    const start = this.#at;
    this.#at = this.text[start] === '"' ? endOfString(this.text, start) : start;
    const token = this.text.slice(start, this.#at);
    if (token.length > 1 && token.endsWith('"') && !SPECIAL.test(token)) return token.slice(1, -1);
    const value = parseString(token);
    if (value === null) throw this.#error("no well-formed string", start);
    return value;
  }

  #number(): number {
    const start = this.#at;
    let value = 0, code: number;
    for (; (code = this.text.charCodeAt(this.#at) - ZERO) >= 0 && code <= 9; this.#at++) value = 10 * value + code;
    const digits = this.#at - start;
    if (digits === 0 || (digits > 1 && this.text[start] === "0") || /[.eE]/.test(this.text[this.#at] ?? "")) {
      throw this.#error("neither a whole number nor another value", start);
    }
    if (!Number.isSafeInteger(value)) throw this.#error("an integer past 2^53", start);
    return value;
  }

  /** Passes over white space. */
  #skip(): void {
    for (let code: number; (code = this.text.charCodeAt(this.#at)) <= SPACE;) {
      if (code !== SPACE && code !== TAB && code !== LF && code !== CR) return;
      this.#at++;
    }
  }

  #accept(mark: string): boolean {
    this.#skip();
    return this.#acceptAll(mark);
  }

  #acceptAll(token: string): boolean {
    if (!this.text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
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

/** Where the string ends that begins with the quote at `start`: after the next quote that no backslash escapes. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escape = quote; // a loop, for a pattern over a string of millions of characters exhausts the stack
    while (text[escape - 1] === "\\") escape--;
    if ((quote - escape) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** The text that a string token stands for; `null` for a control character, an unknown escape or a lone surrogate. */
function parseString(token: string): string | null {
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === "string" && value.isWellFormed() ? value : null;
  } catch {
    return null;
  }
}
