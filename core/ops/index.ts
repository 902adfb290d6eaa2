/** Indexing: basic indices give views, integer tensors and masks give copies. */
import { newEmpty, newZeros } from "../memory/allocate.ts";
import { describe, requireTensor } from "../arguments.ts";
import { backend } from "../backend/choose.ts";
import { isFloating } from "../dtype.ts";
import { noteFunction, record } from "../record.ts";
import { sameShape, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { contiguous, detached, elements, select, slice, unsqueeze, view } from "./movement.ts";

/**
 * One basic index, as Python writes it: a whole number picks, `"1:3"`, `":"`, `"::2"` are ranges, `"..."` stands for all the
 * dimensions left out, and `null` inserts a dimension of size 1.
 */
export type Index = number | string | null;

/**
 * The view that the indices describe: `x[:, 1, ::2]` is `at(x, [":", 1, "::2"])`.
 *
 * @throws {RangeError} If there are more indices than dimensions, or a number is out of range.
 * @throws {SyntaxError} If a string is not a range.
 * @throws {TypeError} If an index is a tensor or an array: those copy, and are for `index`.
 */
export function at(x: Tensor, indices: readonly Index[]): Tensor {
  let out = x;
  let d = 0;
  for (const index of expandEllipsis(x, indices)) {
    if (index === null) out = unsqueeze(out, d++);
    else if (typeof index === "number") out = select(out, d, index);
    else if (index === ":") d++;
    else if (typeof index !== "string") throw notBasic(index);
    else {
      const { start, end, step } = parseRange(index);
      out = slice(out, d++, start, end, step);
    }
  }
  return out === x ? view(x, x.shape) : out;
}

function notBasic(index: unknown): TypeError {
  const found = Array.isArray(index) ? "an array" : typeof index === "object" ? "a tensor" : `${index}`;
  return new TypeError(
    `Cannot take at() of ${found}: it takes numbers, ranges and null, and gives a view; ` +
      `use index() with a bool mask or tensor([…], { dtype: "int32" })`,
  );
}

/** The indices with `"..."` replaced by as many `":"` as it stands for. */
function expandEllipsis(x: Tensor, indices: readonly Index[]): readonly Index[] {
  const taken = indices.filter((i) => i !== null && i !== "...").length;
  if (taken > x.shape.length) {
    throw new RangeError(`Cannot index ${show(x.shape)} with ${taken} indices: it has ${x.shape.length} dimensions`);
  }
  const dots = indices.indexOf("...");
  if (dots < 0) return indices;
  if (indices.indexOf("...", dots + 1) >= 0) {
    throw new SyntaxError(`Cannot index ${show(x.shape)}: an ellipsis may stand once`);
  }
  return indices.toSpliced(dots, 1, ...Array<Index>(x.shape.length - taken).fill(":"));
}

const RANGE = /^(-?\d+)?:(-?\d+)?(?::(-?\d+)?)?$/;

function parseRange(text: string): { start: number | undefined; end: number | undefined; step: number } {
  const parts = RANGE.exec(text.replaceAll(" ", ""));
  if (parts === null) {
    throw new SyntaxError(`Cannot read the index "${text}": expected a range like "1:3", ":", "::2", or "..."`);
  }
  const [start, end, step] = parts.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  return { start, end, step: step ?? 1 };
}

/**
 * Indexing by a tensor: an integer tensor picks rows `x[i]` along dimension 0, so that the result has shape
 * `[...by.shape, ...x.shape[1:]]`; a bool tensor, a mask, picks the places where it is true.
 *
 * @throws {RangeError} If an index is out of range, or the mask does not have the leading shape of `x`.
 * @throws {TypeError} If `by` has a floating dtype.
 */
export function index(x: Tensor, by: Tensor): Tensor {
  if (Array.isArray(by) || typeof by === "number") {
    const cure = 'give them in a tensor, tensor([0, 2], { dtype: "int32" }), or use at() for a single one';
    throw new TypeError(`Cannot pick rows by ${describe(by)}: ${cure}`);
  }
  requireTensor(by, "index with");
  if (by.dtype === "bool") return byMask(x, by);
  if (by.dtype !== "int32" && by.dtype !== "uint8") {
    throw new TypeError(`Cannot index with a ${by.dtype} tensor: use an int32 tensor or a bool mask`);
  }
  if (x.shape.length === 0) throw new RangeError("Cannot index a tensor of rank 0: it has no dimensions, use item()");
  return noteFunction("index", gather(x, rowIndices(x, by), by.shape), [x, by], {});
}

/**
 * The rows of a uint8 tensor that `by` picks along dimension 0, each byte `b` replaced by the float32 `table[b]`, in one pass. It has no
 * gradient, as nothing made from integers has.
 *
 * @throws {RangeError} If an index is out of range.
 * @throws {TypeError} If the tensor is not one of bytes.
 */
export function indexBytes(x: Tensor, by: Tensor, table: Float32Array): Tensor {
  const [from, rows] = [contiguous(x), rowIndices(x, by)];
  const out = newEmpty([...by.shape, ...x.shape.slice(1)], "float32");
  gatherInto(from, rows, out, table);
  return out;
}

function rowIndices(x: Tensor, by: Tensor): Int32Array {
  const size = x.shape[0], given = elements(by);
  const whole = new Int32Array(given.length);
  for (let k = 0; k < given.length; k++) { // a batch is short: Int32Array.from() would take as long as the copy
    const i = given[k];
    if (i < -size || i >= size) {
      throw new RangeError(`Cannot take index ${i} of dimension 0 with size ${size}: it is out of range`);
    }
    whole[k] = i < 0 ? i + size : i;
  }
  return whole;
}

/** The `rows` of x, in the leading shape `lead`. */
export function gather(x: Tensor, rows: Int32Array, lead: readonly number[]): Tensor {
  const out = newEmpty([...lead, ...x.shape.slice(1)], x.dtype);
  const from = contiguous(x);
  gatherInto(from, rows, out);
  return record("gather", out, [from], { rows });
}

function gatherInto(from: Tensor, rows: Int32Array, out: Tensor, table?: Float32Array): void {
  const width = sizeOf(from.shape.slice(1));
  if (width === 0) return; // a back end would check the places of rows that have no elements
  backend().gather(from.data, from.offset, width, width, rows, out.data, table);
}

/** The gradient of a tensor of `shape` by that of `rows` of it, g [rows, …]: each is added to its row, 0 at first. */
export function gatherGradient(g: Tensor, shape: readonly number[], rows: Int32Array): Tensor {
  const dx = newZeros(shape, g.dtype);
  const layers = detached(g).reshape(rows.length, ...shape.slice(1));
  rows.forEach((row, i) => dx.select(0, row).add_(layers.select(0, i)));
  return record("gatherBackward", dx, [g], { rows });
}

function byMask(x: Tensor, mask: Tensor): Tensor {
  const lead = x.shape.slice(0, mask.shape.length);
  if (!sameShape(lead, mask.shape)) {
    throw new RangeError(
      `Cannot index ${show(x.shape)} by a mask of shape ${show(mask.shape)}: it must be its leading sizes`,
    );
  }
  const places: number[] = [];
  elements(mask).forEach((on, i) => on && places.push(i));
  const flat = contiguous(x).view(sizeOf(lead), ...x.shape.slice(mask.shape.length));
  return gather(flat, Int32Array.from(places), [places.length]);
}

/**
 * One element of each row: `out[i] = x[i, columns[i]]` for x [rows, columns].
 *
 * @throws {RangeError} If a column is out of range or the number of rows differs.
 */
export function pick(x: Tensor, columns: Tensor): Tensor {
  const [rows, width] = x.shape;
  checkColumns(rows, width, columns);
  const flat = Int32Array.from(elements(columns), (column, row) => row * width + column);
  return gather(contiguous(x).view(-1), flat, [rows]);
}

/** The one-hot rows of `columns`: [n] becomes float32 [n, width], each row 0 but for a 1 at its column. */
export function oneHot(columns: Tensor, width: number): Tensor {
  checkColumns(columns.shape[0], width, columns);
  const out = newZeros([columns.shape[0], width], "float32");
  elements(columns).forEach((column: number, row: number) => (out.data[row * width + column] = 1));
  return out;
}

function checkColumns(rows: number, width: number, columns: Tensor): void {
  if (
    columns.shape.length !== 1 || columns.shape[0] !== rows || isFloating(columns.dtype) || columns.dtype === "bool"
  ) {
    throw new RangeError(
      `Cannot pick one of ${width} columns in ${rows} rows by ${columns.dtype} of shape ${show(columns.shape)}: ` +
        `expected int32 or uint8 of shape [${rows}]`,
    );
  }
  const wrong = elements(columns).find((column: number) => column < 0 || column >= width);
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot pick column ${wrong} of ${width}: the target ${wrong} is out of bounds, expected 0 to ${width - 1}`,
    );
  }
}
