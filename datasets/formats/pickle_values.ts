/** The values on the stack of the pickle reader: data, and names that nothing calls. */
import { countElements } from "../../core/io/elements.ts";
import { elementReader } from "../../core/io/npy/header.ts";

/** The only names of callables that a file may contain. */
export const MARKERS = [
  "numpy.core.multiarray _reconstruct",
  "numpy._core.multiarray _reconstruct",
  "numpy ndarray",
  "numpy dtype",
  "_codecs encode",
] as const;

/** One of {@linkcode MARKERS} on the stack. */
export class Marker {
  /** A marker of this name. */
  constructor(readonly name: typeof MARKERS[number]) {}
}

/** The mark on the stack where a tuple begins. */
export class Mark {}

/** Raw bytes, Python 2's `str`, in the memory of the file. */
export class Bytes {
  /** The bytes from byte `at` of the file on. */
  constructor(readonly raw: Uint8Array<ArrayBuffer>, readonly at: number) {}
}

/** Text, kept as UTF-8. */
export class Text {
  #latin1: Bytes | null | undefined;

  /** The text from byte `at` of the file on. */
  constructor(readonly utf8: Uint8Array<ArrayBuffer>, readonly at: number) {}

  /** The same text in Latin-1, made once; `null` if it has other characters or is not UTF-8. */
  get latin1(): Bytes | null {
    if (this.#latin1 === undefined) {
      const raw = toLatin1(this.utf8);
      this.#latin1 = raw && new Bytes(raw, this.at);
    }
    return this.#latin1;
  }
}

function toLatin1(utf8: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const out = new Uint8Array(utf8.length);
  let length = 0;
  for (let i = 0; i < utf8.length; i++) {
    const lead = utf8[i];
    if (lead < 0x80) out[length++] = lead;
    else {
      const next = utf8[++i];
      if ((lead !== 0xc2 && lead !== 0xc3) || (next & 0xc0) !== 0x80 || next === undefined) return null;
      out[length++] = (lead & 3) << 6 | next & 0x3f;
    }
  }
  return out.subarray(0, length);
}

/** Python's `tuple`. */
export class Tuple {
  /** A tuple of these items. */
  constructor(readonly items: readonly Value[]) {}
}

/** NumPy's `dtype`; its byte order comes with the opcode BUILD. */
class Dtype {
  /** `<`, `>`, `|` or `=`; `null` before BUILD. */
  order: string | null = null;
  /** A type such as `f4`. */
  constructor(readonly kind: string) {}
}

/** NumPy's `ndarray`; its content comes with the opcode BUILD. */
export class NumpyArray {
  /** Its content; `null` before BUILD. */
  content: {
    readonly shape: readonly number[];
    readonly fortran: boolean;
    readonly descr: string;
    readonly bytes: Bytes;
  } | null = null;
}

/** Anything on the stack. */
export type Value = null | boolean | number | Bytes | Text | Tuple | Marker | Mark | Dtype | NumpyArray;

/** What errors call a value. */
export function kindOf(value: Value | undefined): string {
  if (value === undefined) return "an empty stack";
  if (value === null) return "None";
  if (value instanceof Marker) return value.name;
  if (typeof value === "object") return value.constructor.name;
  return String(value);
}

/** The text of a short ASCII string, written by Python 2 or 3; `null` for anything else. */
function textOf(value: Value | undefined): string | null {
  const bytes = value instanceof Bytes ? value.raw : value instanceof Text ? value.utf8 : null;
  if (bytes === null || bytes.length > 64 || bytes.some((byte) => byte > 0x7f)) return null;
  return new TextDecoder().decode(bytes);
}

// What the opcodes REDUCE and BUILD do in a pickled array. Nothing is called: each callable is a case here, and the types of all
// operands are checked.

/** The value of `callee(*operands)`; `null` if that does not occur in a pickled array. */
export function reduce(callee: Value, operands: Value): Value {
  if (!(callee instanceof Marker && operands instanceof Tuple)) return null;
  switch (callee.name) {
    case "numpy.core.multiarray _reconstruct":
    case "numpy._core.multiarray _reconstruct":
      return reconstruct(operands.items);
    case "numpy dtype":
      return toDtype(operands.items);
    case "_codecs encode":
      return encodeLatin1(operands.items);
    case "numpy ndarray":
      return null;
  }
}

/** `_reconstruct(ndarray, (0,), "b")`: an array that BUILD will fill. */
function reconstruct(items: readonly Value[]): NumpyArray | null {
  const [type, shape, code] = items;
  const empty = shape instanceof Tuple && shape.items.length === 1 && shape.items[0] === 0;
  const right = items.length === 3 && type instanceof Marker && type.name === "numpy ndarray" && empty;
  return right && textOf(code) === "b" ? new NumpyArray() : null;
}

/** `dtype("f4", False, True)`, where Python 2 wrote 0 and 1. */
function toDtype(items: readonly Value[]): Dtype | null {
  const [kind, align, copy] = items;
  const name = textOf(kind);
  const flags = (align === 0 || align === false) && (copy === 1 || copy === true);
  return items.length === 3 && name !== null && flags ? new Dtype(name) : null;
}

/** `encode(text, "latin1")`: how Python 3 writes bytes in protocol 2. */
function encodeLatin1(items: readonly Value[]): Bytes | null {
  const [text, codec] = items;
  if (items.length !== 2 || !(text instanceof Text) || textOf(codec) !== "latin1") return null;
  return text.latin1;
}

/** Completes `target` by `state`; returns what is wrong, or `null`. */
export function build(target: Value | undefined, state: Value): string | null {
  if (!(state instanceof Tuple)) return "a state that is no tuple";
  if (target instanceof Dtype) return buildDtype(target, state.items);
  if (target instanceof NumpyArray) return buildArray(target, state.items);
  return "a target that is neither dtype nor ndarray";
}

/** `(3, "<", None, None, None, -1, -1, 0)`: version, byte order, and what structured kinds would have. */
function buildDtype(dtype: Dtype, items: readonly Value[]): string | null {
  const [version, order, ...rest] = items;
  const text = textOf(order);
  if (dtype.order !== null) return "a dtype built before";
  if (items.length !== 8 || version !== 3 || text === null || !/^[<>|=]$/.test(text)) {
    return "no state of a plain dtype";
  }
  if (rest.slice(0, 3).some((value) => value !== null)) return "the state of a structured dtype";
  dtype.order = text;
  return null;
}

/** `(1, shape, dtype, fortran, bytes)`. */
function buildArray(array: NumpyArray, items: readonly Value[]): string | null {
  const [version, shape, dtype, fortran, bytes] = items;
  if (array.content !== null) return "an array built before";
  if (items.length !== 5 || version !== 1) return "no state of an ndarray";
  if (!(shape instanceof Tuple && shape.items.every((size) => Number.isSafeInteger(size) && (size as number) >= 0))) {
    return "a shape that is no tuple of sizes";
  }
  if (!(dtype instanceof Dtype) || dtype.order === null) return "no complete dtype";
  if (typeof fortran !== "boolean" && fortran !== 0 && fortran !== 1) return "an order that is neither C nor Fortran";
  if (!(bytes instanceof Bytes)) return "elements that are no bytes";
  const descr = dtype.order + dtype.kind, sizes = shape.items as number[];
  const kind = elementReader(descr);
  if (kind === null) return `kind ${descr}, which is not read`;
  const wanted = countElements(sizes) * kind.size;
  if (bytes.raw.length !== wanted) return `${bytes.raw.length} bytes where ${descr} [${sizes}] takes ${wanted}`;
  array.content = { shape: sizes, fortran: Boolean(fortran), descr, bytes };
  return null;
}
