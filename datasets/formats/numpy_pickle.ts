/** NumPy arrays in pickles: the names of callables that these hold, and what the opcodes REDUCE and BUILD do with them. */
import { countElements } from "../../core/io/elements.ts";
import { elementReader } from "../../core/io/npy/header.ts";
import { runAtOnce } from "../../core/event_loop.ts";
import { type Dialect, readPickle } from "../../core/io/pickle/pickle_reader.ts";
import { Bytes, encodeLatin1, Marker, textOf, Tuple, type Value } from "../../core/io/pickle/pickle_values.ts";

/** The only names of callables that a file may contain. */
const MARKERS = [
  "numpy.core.multiarray _reconstruct",
  "numpy._core.multiarray _reconstruct",
  "numpy ndarray",
  "numpy dtype",
  "_codecs encode",
];

const DIALECT: Dialect = {
  holds: "a pickle here holds NumPy arrays only",
  maxStack: 1_000,
  maxMemo: 10_000,
  opcodes: new Map(),
  marker: (name) => MARKERS.includes(name) ? new Marker(name) : "which is none of an array's",
  reduce: (callee, operands) => reduce(callee, operands) ?? "operands that it does not have in a NumPy array",
  build,
};

/**
 * The value pickled in `bytes`. Its arrays share their memory.
 *
 * @param where What errors call the file
 * @throws {SyntaxError} at the first opcode that is not supported, or has wrong operands; the message names the opcode and its byte
 */
export function readNumpyPickle(bytes: Uint8Array<ArrayBuffer>, where: string): Value {
  return runAtOnce(readPickle(bytes, where, DIALECT));
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

// What the opcodes REDUCE and BUILD do in a pickled array. Nothing is called: each callable is a case here, and the types of all
// operands are checked.

/** The value of `callee(*operands)`; `null` if that does not occur in a pickled array. */
function reduce(callee: Value, operands: Value): Value {
  if (!(callee instanceof Marker && operands instanceof Tuple)) return null;
  switch (callee.name) {
    case "numpy.core.multiarray _reconstruct":
    case "numpy._core.multiarray _reconstruct":
      return reconstruct(operands.items);
    case "numpy dtype":
      return toDtype(operands.items);
    case "_codecs encode":
      return encodeLatin1(operands.items);
    default:
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

/** Completes `target` by `state`; returns what is wrong, or `null`. */
function build(target: Value | undefined, state: Value): string | null {
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
