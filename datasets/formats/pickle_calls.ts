/**
 * What REDUCE and BUILD mean for the few pairs that a pickled array consists of. Nothing is called: each pair is a case
 * here, and every operand's type is checked.
 */
import { describe } from "../../core/io/npy/kinds.ts";
import { countElements } from "../../core/io/tensor_bytes.ts";
import { Bytes, Dtype, Marker, NumpyArray, Text, textOf, Tuple, type Value } from "./pickle_values.ts";

/** The value that stands for `callee(*operands)`; `null` if that is no pair a pickled array has. */
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

/** `_reconstruct(ndarray, (0,), "b")`: an array still to be built. */
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

/** Completes `target` from `state`; why it cannot, or `null` when done. */
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
  const kind = describe(descr);
  if (kind === null) return `kind ${descr}, which is not read`;
  const wanted = countElements(sizes) * kind.size;
  if (bytes.raw.length !== wanted) return `${bytes.raw.length} bytes where ${descr} [${sizes}] takes ${wanted}`;
  array.content = { shape: sizes, fortran: Boolean(fortran), descr, bytes };
  return null;
}
