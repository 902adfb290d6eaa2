/**
 * Python's pickle, read without running anything: of the opcodes of protocols 0 to 2, and of later ones where a dialect has them, those
 * that it needs, and of the names of callables those that it recognises. Nothing is called.
 *
 * @see {@link https://docs.python.org/3/library/pickletools.html} for the opcodes
 */
import type { Steps } from "../../event_loop.ts";
import { quoted } from "../read_file.ts";
import { Bytes, kindOf, Mark, Text, Tuple, type Value } from "./pickle_values.ts";

/** What one kind of pickle may hold. Where a value or a complaint is returned, the complaint is the string. */
export interface Dialect {
  /** What that is, for errors. */
  readonly holds: string;
  /** The most values on the stack. */
  readonly maxStack: number;
  /** The most values kept. */
  readonly maxMemo: number;
  /** The last protocol that is read; 2 if left out. */
  readonly maxProtocol?: number;
  /** The opcodes beside those of numbers, texts and tuples. */
  readonly opcodes: ReadonlyMap<number, Opcode>;
  /** The value that stands for a name, which the opcode at byte `at` has, or why there is none. */
  marker(name: string, at: number): Value | string;
  /** The value of `callee(*operands)`, made at byte `at`, or what is wrong with these. */
  reduce(callee: Value, operands: Value, at: number): Value | string;
  /** Completes `target` by `state`; returns what is wrong, or `null`. */
  build(target: Value | undefined, state: Value): string | null;
  /** Counts a value that is made, before it is. */
  count?(): void;
}

const MAX_LINE = 1_000;

/** Opcodes in one step. */
const STEP = 1 << 8;

/**
 * The value pickled in `bytes`, whose memory it shares.
 *
 * @param where What errors call the file
 * @throws {SyntaxError} at the first opcode that is not supported, or has wrong operands; the message names the opcode and its byte
 */
export function readPickle(bytes: Uint8Array<ArrayBuffer>, where: string, dialect: Dialect): Steps<Value> {
  return new PickleReader(bytes, where, dialect).run();
}

/** A pickle is a program for a machine with a stack and a memo: this is the machine, and its place in the file. */
export class PickleReader {
  readonly #stack: Value[] = [];
  readonly #memo = new Map<number, Value>();
  #at = 0;
  #start = 0;
  #opcode = "";
  #done = false;

  /** A machine at the beginning of a file. */
  constructor(readonly file: Uint8Array<ArrayBuffer>, readonly where: string, readonly dialect: Dialect) {}

  /** The byte at which the current opcode begins. */
  get start(): number {
    return this.#start;
  }

  *run(): Steps<Value> {
    for (let count = 1; !this.#done; count++) {
      this.#start = this.#at;
      this.#opcode = "opcode";
      const code = this.byte();
      const opcode = this.dialect.opcodes.get(code) ?? OPCODES.get(code);
      if (opcode === undefined) throw this.error(`0x${code.toString(16).padStart(2, "0")}, which is not read`);
      this.#opcode = opcode.name;
      opcode.run(this);
      if (count % STEP === 0) yield;
    }
    return this.#stack[0];
  }

  error(found: string): SyntaxError {
    return new SyntaxError(
      `Cannot read ${this.where}: ${this.#opcode} at byte ${this.#start} found ${found}; ${this.dialect.holds}`,
    );
  }

  protocol(version: number): void {
    const { maxProtocol = 2 } = this.dialect;
    if (this.#start !== 0 || version > maxProtocol) throw this.error(`protocol ${version}: save it with protocol=2`);
  }

  stop(): void {
    const rest = this.file.length - this.#at;
    if (rest > 0) throw this.error(`${rest} more bytes`);
    if (this.#stack.length !== 1 || this.#stack[0] instanceof Mark) {
      throw this.error(`${this.#stack.length} values on the stack`);
    }
    this.#done = true;
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    const end = this.#at + length;
    if (end > this.file.length) {
      throw this.error(`${this.file.length - this.#at} of ${length} bytes: the file ends at byte ${this.file.length}`);
    }
    return this.file.subarray(this.#at, this.#at = end);
  }

  byte(): number {
    return this.take(1)[0];
  }

  int(): number {
    const [a, b, c, d] = this.take(4);
    return (a | b << 8 | c << 16 | d << 24) >>> 0;
  }

  /** A size of 8 bytes. One past 2^53 is rounded, and past the end of any file. */
  long(): number {
    return this.int() + 2 ** 32 * this.int();
  }

  bytes(length: number): Bytes {
    const raw = this.take(length);
    return new Bytes(raw, this.#at - length);
  }

  text(length: number): Text {
    const utf8 = this.take(length);
    return new Text(utf8, this.#at - length);
  }

  line(limit = MAX_LINE): string {
    const end = this.file.indexOf(0x0a, this.#at);
    if (end < 0 || end - this.#at > limit) throw this.error("no end of its line");
    const line = this.take(end + 1 - this.#at).subarray(0, -1);
    if (line.some((byte) => byte > 0x7f)) throw this.error("a line that is not ASCII");
    return new TextDecoder().decode(line);
  }

  push(value: Value): void {
    const { maxStack, count } = this.dialect;
    count?.();
    if (this.#stack.push(value) > maxStack) throw this.error(`more than ${maxStack} values on the stack`);
  }

  pop(): Value {
    const value = this.#stack.pop();
    if (value === undefined || value instanceof Mark) throw this.error(`${kindOf(value)} where a value must be`);
    return value;
  }

  popSome(count: number): Value[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  popToMark(): Value[] {
    const mark = this.#stack.findLastIndex((value) => value instanceof Mark);
    if (mark < 0) throw this.error("no mark");
    return this.#stack.splice(mark).slice(1);
  }

  get(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw this.error(`nothing kept as ${key}`);
    this.push(value);
  }

  put(key: number): void {
    const value = this.pop();
    this.#stack.push(value);
    this.#memo.set(key, value);
    const { maxMemo } = this.dialect;
    if (this.#memo.size > maxMemo) throw this.error(`more than ${maxMemo} values kept`);
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  /** Reads the size of a frame, whose bytes come next, and must be there. */
  frame(): void {
    const size = this.long(), begin = this.#at;
    this.take(size);
    this.#at = begin;
  }

  /** The value on top of the stack, which stays there. */
  top(): Value | undefined {
    return this.#stack.at(-1);
  }

  /** Pushes a value; throws where it is a complaint. */
  pushOr(value: Value | string, about = ""): void {
    if (typeof value === "string") throw this.error(about + value);
    this.push(value);
  }

  global(): void {
    this.#pushName(`${this.line()} ${this.line()}`);
  }

  stackGlobal(): void {
    const names = this.popSome(2).map((value) => value instanceof Text ? value.decoded : null);
    if (names.includes(null)) throw this.error("no texts for a module and a name");
    this.#pushName(names.join(" "));
  }

  #pushName(name: string): void {
    this.pushOr(this.dialect.marker(name, this.#start), `the name ${quoted(name)}, `);
  }

  reduce(): void {
    const [callee, operands] = this.popSome(2);
    this.pushOr(this.dialect.reduce(callee, operands, this.#start), `${kindOf(callee)} with `);
  }

  build(): void {
    const state = this.pop();
    const reason = this.dialect.build(this.top(), state);
    if (reason !== null) throw this.error(reason);
  }
}

// The supported opcodes, and how the literals after them are written.

/** A supported opcode. */
interface Opcode {
  readonly name: string;
  run(reader: PickleReader): void;
}

/** Opcodes by their byte. */
export function opcodesOf(
  ...rows: readonly (readonly [code: string, name: string, run: Opcode["run"]])[]
): ReadonlyMap<number, Opcode> {
  return new Map(rows.map(([code, name, run]) => [code.charCodeAt(0), { name, run }]));
}

/** The opcodes of every dialect. */
const OPCODES = opcodesOf(
  ["\x80", "PROTO", (r) => r.protocol(r.byte())],
  ["(", "MARK", (r) => r.push(new Mark())],
  ["N", "NONE", (r) => r.push(null)],
  ["\x88", "NEWTRUE", (r) => r.push(true)],
  ["\x89", "NEWFALSE", (r) => r.push(false)],
  ["I", "INT", (r) => r.push(toInt(r, r.line()))],
  ["J", "BININT", (r) => r.push(r.int() | 0)],
  ["K", "BININT1", (r) => r.push(r.byte())],
  ["M", "BININT2", (r) => r.push(r.byte() + 256 * r.byte())],
  ["L", "LONG", (r) => r.push(toInt(r, r.line().replace(/L$/, "")))],
  ["\x8a", "LONG1", (r) => r.push(toLong(r, r.take(r.byte())))],
  ["S", "STRING", (r) => r.push(toBytes(r, r.line(Infinity)))],
  ["T", "BINSTRING", (r) => r.push(r.bytes(r.int()))],
  ["U", "SHORT_BINSTRING", (r) => r.push(r.bytes(r.byte()))],
  ["X", "BINUNICODE", (r) => r.push(r.text(r.int()))],
  [")", "EMPTY_TUPLE", (r) => r.push(new Tuple([]))],
  ["t", "TUPLE", (r) => r.push(new Tuple(r.popToMark()))],
  ["\x85", "TUPLE1", (r) => r.push(new Tuple(r.popSome(1)))],
  ["\x86", "TUPLE2", (r) => r.push(new Tuple(r.popSome(2)))],
  ["\x87", "TUPLE3", (r) => r.push(new Tuple(r.popSome(3)))],
  ["g", "GET", (r) => r.get(toInt(r, r.line()))],
  ["h", "BINGET", (r) => r.get(r.byte())],
  ["j", "LONG_BINGET", (r) => r.get(r.int())],
  ["p", "PUT", (r) => r.put(toInt(r, r.line()))],
  ["q", "BINPUT", (r) => r.put(r.byte())],
  ["r", "LONG_BINPUT", (r) => r.put(r.int())],
  ["c", "GLOBAL", (r) => r.global()],
  ["R", "REDUCE", (r) => r.reduce()],
  ["b", "BUILD", (r) => r.build()],
  [".", "STOP", (r) => r.stop()],
);

function toInt(reader: PickleReader, line: string): number {
  const value = Number(line);
  if (/^-?[0-9]+$/.test(line) && Number.isSafeInteger(value)) return value;
  throw reader.error("no whole number below 2^53");
}

function toLong(reader: PickleReader, bytes: Uint8Array): number {
  if (bytes.length > 8) throw reader.error(`an integer of ${bytes.length} bytes`);
  const value = Number(toBigInt(bytes));
  if (Number.isSafeInteger(value)) return value;
  throw reader.error("an integer past 2^53");
}

/** A little-endian integer in two's complement. */
export function toBigInt(bytes: Uint8Array): bigint {
  return BigInt.asIntN(8 * bytes.length, bytes.reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n));
}

const ESCAPE = /\\(?:x([0-9a-f]{2})|([\\'"nrtabfv]))|\\|[^\\]+/g;
const ESCAPED: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
};

/** The bytes of a quoted string with Python's escapes, as protocol 0 writes a `str`. */
function toBytes(reader: PickleReader, line: string): Bytes {
  const quote = line[0];
  if (line.length < 2 || (quote !== "'" && quote !== '"') || !line.endsWith(quote)) {
    throw reader.error("no quoted string");
  }
  const out = new Uint8Array(line.length - 2);
  let length = 0;
  for (const [token, hex, letter] of line.slice(1, -1).matchAll(ESCAPE)) {
    if (hex !== undefined) out[length++] = parseInt(hex, 16);
    else if (letter !== undefined) out[length++] = ESCAPED[letter];
    else if (token === "\\") throw reader.error("an escape that Python does not write");
    else for (let i = 0; i < token.length; i++) out[length++] = token.charCodeAt(i);
  }
  return new Bytes(out.subarray(0, length), reader.start);
}
