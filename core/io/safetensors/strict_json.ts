/**
 * A strict JSON parser, for headers of files that come from strangers. `JSON.parse` keeps the last of two equal keys and
 * rounds integers past 2^53: this parser refuses both, and returns maps, where `__proto__` is a name like any other.
 * Numbers must be whole, as sizes and offsets are.
 */

import { runAtOnce, type Steps } from "../../event_loop.ts";
import { Cap, quoted } from "../read_file.ts";

/** A value of JSON, with objects as maps in the order of their keys. */
export type Json = null | boolean | number | string | Json[] | Map<string, Json>;

const WORDS: ReadonlyMap<string, null | boolean> = new Map([["t", true], ["f", false], ["n", null]]);

/** A backslash, a surrogate or a control character: a string with one of these is left to JSON.parse. */
const SPECIAL = /[^ -[\]-\ud7ff\ue000-\uffff]/;

const MAX_DEPTH = 64;

/** Characters that are joined ahead of the reader's place: more than any word or number has, so that only strings need more. */
const AHEAD = 1 << 10;

/** Characters of a list or an object read at a time, so that the event loop can turn in between. */
const STEP = 1 << 16;

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
  const reader = new Reader([text], where, base, cap);
  const value = runAtOnce(reader.value(0));
  reader.end();
  return value;
}

/**
 * Parses the text in `parts` as one JSON object, as {@linkcode parseStrictJson} does, and gives each member as it comes: a long
 * list never stands in memory as maps, and may be left between two. Nothing is given where a step of a long member ends.
 */
export function* parseStrictMembers(
  parts: readonly string[],
  cap: Cap,
  base: number,
): Generator<[key: string, value: Json] | void, void> {
  const reader = new Reader(parts, cap.where, base, cap);
  const keys = new Set<string>();
  for (let more = reader.opens("}"); more; more = reader.goesOn("}")) {
    const key = reader.key(keys);
    keys.add(key);
    yield [key, yield* reader.value(1)];
  }
  reader.end();
}

/** A parser of text in parts. Only parts about its place are joined: to join them all would take long in one piece. */
class Reader {
  text: string;
  #at = 0;
  #passed = 0; // characters before `text`
  #next = 1; // the part that follows `text`
  #due = STEP; // where a step ends

  constructor(readonly parts: readonly string[], readonly where: string, readonly base: number, readonly cap: Cap) {
    this.text = parts[0] ?? "";
  }

  *value(depth: number): Steps<Json> {
    if (depth > MAX_DEPTH) throw this.#error(`nesting deeper than ${MAX_DEPTH}`);
    this.#skip();
    const first = this.text[this.#at];
    this.cap.count(
      first === "{" ? MAP_COST : VALUE_COST,
      () => `JSON of many values, at character ${this.#passed + this.#at},`,
    );
    if (this.#passed + this.#at >= this.#due) {
      this.#due = this.#passed + this.#at + STEP;
      yield;
    }
    if (first === "{") return yield* this.#object(depth);
    if (first === "[") return yield* this.#array(depth);
    if (first === '"') return this.#string();
    const word = WORDS.get(first);
    return word !== undefined && this.#acceptAll(`${word}`) ? word : this.#number();
  }

  end(): void {
    this.#skip();
    if (this.#at < this.text.length) throw this.#error("text after the value");
  }

  /** Passes an opening bracket, and the bracket `close` where it follows: whether an item begins instead. */
  opens(close: "}" | "]"): boolean {
    this.#at++;
    return !this.#accept(close);
  }

  /** Passes a comma after an item, or the bracket `close`: whether another item begins. */
  goesOn(close: "}" | "]"): boolean {
    const more = this.#accept(",");
    if (!more) this.#expect(close);
    return more;
  }

  /** The key of an object's next member, which is none of the `known`, and the colon. */
  key(known: { has(key: string): boolean }): string {
    this.#skip();
    const start = this.#passed + this.#at;
    const key = this.#string();
    if (known.has(key)) throw this.#error(`the key ${quoted(key)} a second time`, start - this.#passed);
    this.#expect(":");
    return key;
  }

  *#object(depth: number): Steps<Map<string, Json>> {
    const members = new Map<string, Json>();
    for (let more = this.opens("}"); more; more = this.goesOn("}")) {
      const key = this.key(members);
      members.set(key, yield* this.value(depth + 1));
    }
    return members;
  }

  *#array(depth: number): Steps<Json[]> {
    const items: Json[] = [];
    for (let more = this.opens("]"); more; more = this.goesOn("]")) items.push(yield* this.value(depth + 1));
    return items;
  }

  #string(): string {
    const token = this.text[this.#at] === '"' ? this.#quoted() : "";
    if (token.length > 1 && token.endsWith('"') && !SPECIAL.test(token)) return token.slice(1, -1);
    const value = parseString(token);
    if (value === null) throw this.#error("no well-formed string", this.#at - token.length);
    return value;
  }

  /** The characters from a quote on to the one that ends the string, or to the text's end. */
  #quoted(): string {
    let end = endOfString(this.text, this.#at);
    while (end < 0 && this.#extend()) end = endOfString(this.text, this.#at);
    const start = this.#at;
    this.#at = end < 0 ? this.text.length : end;
    return this.text.slice(start, this.#at);
  }

  /** Joins what is left of the text with as much again, or with a part at least; whether there was more. */
  #extend(): boolean {
    if (this.#next === this.parts.length) return false;
    this.#passed += this.#at;
    const joined = [this.text.slice(this.#at)];
    this.#at = 0;
    let [length, wanted] = [joined[0].length, 2 * joined[0].length];
    do {
      const part = this.parts[this.#next++];
      joined.push(part);
      length += part.length;
    } while (length < wanted && this.#next < this.parts.length);
    this.text = joined.join("");
    return true;
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
    do {
      for (let code: number; (code = this.text.charCodeAt(this.#at)) <= SPACE;) {
        if (code !== SPACE && code !== TAB && code !== LF && code !== CR) return;
        this.#at++;
      }
    } while (this.text.length - this.#at < AHEAD && this.#extend());
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
    let [offset, left] = [this.base, this.#passed + at];
    for (const part of this.parts) {
      offset += new TextEncoder().encode(part.slice(0, left)).length;
      left -= Math.min(left, part.length);
    }
    return new SyntaxError(`Cannot read JSON in ${this.where}: found ${found} at byte ${offset}`);
  }
}

/** Where the string ends that begins with the quote at `start`: after the next quote that no backslash escapes; -1 where none is. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escape = quote; // a loop, for a pattern over a string of millions of characters exhausts the stack
    while (text[escape - 1] === "\\") escape--;
    if ((quote - escape) % 2 === 0) return quote + 1;
  }
  return -1;
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
