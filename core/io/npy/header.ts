/** The header of a `.npy` file: a Python dict of three entries, read by a small grammar and never evaluated. */
import type { DType } from "../../dtype.ts";
import type { Steps } from "../../event_loop.ts";
import { checkBooleans, fromFloat16, type Location, widenLongs, widenUnsigned } from "../elements.ts";
import { halved, plain, swapBytes, widened } from "../file_dtypes.ts";
import { convertInSteps, type Elements, joinInSteps } from "../in_steps.ts";

/** Headers longer than this are refused, as NumPy does. */
export const MAX_NPY_HEADER = 10_000;

/** What a header says. */
export interface NpyHeader {
  /** Kind and byte order, such as `<f4`. */
  readonly descr: string;
  /** Whether the first index runs fastest. */
  readonly fortranOrder: boolean;
  /** Sizes along each dimension. */
  readonly shape: readonly number[];
}

type Value = string | boolean | readonly number[];

/** White space, then one token: a string without escapes, a whole number with Python 2's `L`, a word, or a mark. */
const TOKEN = /[ \t\r\n\f]*(?:'([^'\\\n]*)'|"([^"\\\n]*)"|(0|[1-9][0-9]*)L?(?![\w.])|(True|False)\b|([{}(),:]))/y;
const SPACE = /^[ \t\r\n\f]*$/;

/**
 * Parses the text of a header.
 *
 * @param where What to call the file in errors
 * @param base The byte at which the text begins
 * @throws {SyntaxError} if it is anything but a dict of exactly `descr`, `fortran_order` and `shape`
 */
export function parseNpyHeader(text: string, where: string, base: number): NpyHeader {
  return new Reader(text, where, base).header();
}

class Reader {
  #at = 0;

  constructor(readonly text: string, readonly where: string, readonly base: number) {}

  header(): NpyHeader {
    const entries = new Map<string, Value>();
    this.#expect("{");
    while (!this.#accept("}")) {
      const key = this.#key();
      if (entries.has(key)) throw this.#error(`the key '${key}' a second time`);
      this.#expect(":");
      entries.set(key, this.#value(key));
      if (!this.#accept(",")) {
        this.#expect("}");
        break;
      }
    }
    if (!SPACE.test(this.text.slice(this.#at))) throw this.#error("text after the dict");
    return this.#complete(entries);
  }

  #complete(entries: ReadonlyMap<string, Value>): NpyHeader {
    const descr = entries.get("descr"), fortranOrder = entries.get("fortran_order"), shape = entries.get("shape");
    if (typeof descr !== "string") throw this.#error("no 'descr' that names one dtype");
    if (typeof fortranOrder !== "boolean") throw this.#error("no 'fortran_order' that is True or False");
    if (!Array.isArray(shape)) throw this.#error("no 'shape' that is a tuple of sizes");
    return { descr, fortranOrder, shape };
  }

  #key(): string {
    const [, single, double] = this.#token();
    const key = single ?? double;
    if (key !== "descr" && key !== "fortran_order" && key !== "shape") {
      throw this.#error("no key among 'descr', 'fortran_order' and 'shape'");
    }
    return key;
  }

  #value(key: string): Value {
    const [, single, double, , word, mark] = this.#token();
    if (mark === "(") return this.#sizes();
    if (word !== undefined) return word === "True";
    const text = single ?? double;
    if (text === undefined) throw this.#error(`no value of '${key}'`);
    return text;
  }

  /** The rest of a tuple: `)`, `3,)`, `3, 4)`. A single size needs its comma, as in Python. */
  #sizes(): number[] {
    const sizes: number[] = [];
    let comma = true;
    while (!this.#accept(")")) {
      const digits = this.#token()[3];
      if (digits === undefined || !comma) throw this.#error("no whole size, or no comma before it");
      if (!Number.isSafeInteger(Number(digits))) throw this.#error("a size past 2^53");
      sizes.push(Number(digits));
      comma = this.#accept(",");
    }
    if (sizes.length === 1 && !comma) throw this.#error("a size in brackets, which is no tuple");
    return sizes;
  }

  #token(): RegExpExecArray {
    TOKEN.lastIndex = this.#at;
    const token = TOKEN.exec(this.text);
    if (token === null) throw this.#error("nothing a header may hold");
    this.#at = TOKEN.lastIndex;
    return token;
  }

  #accept(mark: string): boolean {
    TOKEN.lastIndex = this.#at;
    if (TOKEN.exec(this.text)?.[5] !== mark) return false;
    this.#at = TOKEN.lastIndex;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#accept(mark)) throw this.#error(`no "${mark}"`);
  }

  #error(found: string): SyntaxError {
    const offset = this.base + new TextEncoder().encode(this.text.slice(0, this.#at)).length;
    return new SyntaxError(`Cannot read ${this.where}: found ${found} in the header at byte ${offset}`);
  }
}

/** The dict of a header as NumPy writes it: keys sorted, a comma after each. */
export function printNpyHeader({ descr, fortranOrder, shape }: NpyHeader): string {
  const sizes = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  return `{'descr': '${descr}', 'fortran_order': ${fortranOrder ? "True" : "False"}, 'shape': ${sizes}, }`;
}

// The dtypes of `.npy` files, and how each is read into one of the library's.

/** A dtype that a file may have. */
interface NpyDType {
  /** Bytes of one element in the file. */
  readonly size: number;
  /** Most bytes of one element in memory. */
  readonly memory: number;
  /** The little-endian elements in `bytes`. */
  read(bytes: ArrayBuffer, place: Location): Elements;
  /** Whether the bytes need no conversion. */
  readonly plain?: boolean;
}

const NPY_DTYPES: ReadonlyMap<string, NpyDType> = new Map<string, NpyDType>([
  ["b1", { size: 1, memory: 1, read: checkBooleans }],
  ["u1", plain(Uint8Array, "uint8")],
  ["i1", widened(Int8Array)],
  ["u2", widened(Uint16Array)],
  ["i2", widened(Int16Array)],
  ["u4", { size: 4, memory: 8, read: widenUnsigned }],
  ["i4", plain(Int32Array, "int32")],
  ["u8", { size: 8, memory: 8, read: (bytes, place) => widenLongs(bytes, false, place) }],
  ["i8", { size: 8, memory: 8, read: (bytes, place) => widenLongs(bytes, true, place) }],
  ["f2", halved(fromFloat16)],
  ["f4", plain(Float32Array, "float32")],
  ["f8", plain(Float64Array, "float64")],
]);

/** The `descr` of each dtype. */
export const DESCR: Readonly<Record<DType, string>> = {
  float32: "<f4",
  float64: "<f8",
  int32: "<i4",
  uint8: "|u1",
  bool: "|b1",
};

/** How to read elements of one `descr`. */
export interface ElementReader {
  /** Bytes of one element in the file. */
  readonly size: number;
  /** Most bytes of one element in memory. */
  readonly memory: number;
  /** A copy of the elements in `bytes`. */
  read(bytes: Uint8Array, where: string, at: number): Steps<Elements>;
}

/**
 * The reader for a `descr` such as `<f4`, or `null` for a dtype that is not supported. `<`, `|`, `=` and nothing mean
 * little-endian, as every machine is that Deno runs on.
 */
export function elementReader(descr: string): ElementReader | null {
  const [, order, code] = /^([<>|=]?)([a-z][0-9])$/.exec(descr) ?? [];
  const known = NPY_DTYPES.get(code);
  if (known === undefined) return null;
  return {
    size: known.size,
    memory: known.memory,
    *read(bytes, where, at) {
      const { size, plain, read } = known;
      if (plain && order !== ">") return read((yield* joinInSteps([bytes])).buffer, { where, at, fileDType: descr });
      return yield* convertInSteps(bytes, size, (copy, from) => {
        if (order === ">") swapBytes(copy, size);
        return read(copy.buffer, { where, at: at + from, fileDType: descr });
      });
    },
  };
}

/** The dtypes that {@linkcode elementReader} knows, for errors. */
export const READABLE: string = [...NPY_DTYPES.keys()].join(" ");
