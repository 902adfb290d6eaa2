/**
 * Python's pickle, read without Python's power: about thirty of the opcodes of protocols 0 to 2, names that are only
 * marks, and no callables at all.
 *
 * @see {@link https://docs.python.org/3/library/pickletools.html} for the opcodes
 */
import { build, reduce } from "./pickle_calls.ts";
import { OPCODES } from "./pickle_opcodes.ts";
import { Bytes, kindOf, Mark, Text, type Value } from "./pickle_values.ts";

const MAX_STACK = 1_000;
const MAX_MEMO = 10_000;
const MAX_LINE = 1_000;

/**
 * The value pickled in `bytes`, which it shares.
 *
 * @param where What to call the file in errors
 * @throws {SyntaxError} at the first opcode that is not of the few, or whose operands are not as they must be; the
 * message names the opcode and its byte
 */
export function readPickle(bytes: Uint8Array<ArrayBuffer>, where: string): Value {
  return new PickleReader(bytes, where).run();
}

/** The machine that a pickle is a program for: a stack, a memory, and a place in the file. */
export class PickleReader {
  readonly #stack: Value[] = [];
  readonly #memo = new Map<number, Value>();
  #at = 0;
  #start = 0;
  #opcode = "";
  #done = false;

  constructor(readonly file: Uint8Array<ArrayBuffer>, readonly where: string) {}

  /** The byte at which the opcode under way stands. */
  get start(): number {
    return this.#start;
  }

  run(): Value {
    while (!this.#done) {
      this.#start = this.#at;
      this.#opcode = "opcode";
      const code = this.byte();
      const opcode = OPCODES.get(code);
      if (opcode === undefined) throw this.error(`0x${code.toString(16).padStart(2, "0")}, which is not read`);
      this.#opcode = opcode.name;
      opcode.run(this);
    }
    return this.#stack[0];
  }

  error(found: string): SyntaxError {
    return new SyntaxError(
      `Cannot read ${this.where}: ${this.#opcode} at byte ${this.#start} found ${found}; a pickle here holds NumPy arrays only`,
    );
  }

  protocol(version: number): void {
    if (this.#start !== 0 || version > 2) throw this.error(`protocol ${version}: save it with protocol=2`);
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
    if (this.#stack.push(value) > MAX_STACK) throw this.error(`more than ${MAX_STACK} values on the stack`);
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
    if (this.#memo.size > MAX_MEMO) throw this.error(`more than ${MAX_MEMO} values kept`);
  }

  reduce(): void {
    const [callee, operands] = this.popSome(2);
    const value = reduce(callee, operands);
    if (value === null) throw this.error(`${kindOf(callee)} with operands that it does not have in a NumPy array`);
    this.push(value);
  }

  build(): void {
    const state = this.pop();
    const target = this.#stack.at(-1);
    const reason = build(target, state);
    if (reason !== null) throw this.error(reason);
  }
}
