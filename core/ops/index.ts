/** Indexing: basic indices give views, integer tensors and masks give copies. */
import { newEmpty, newZeros, wrap } from "../memory/allocate.ts";
import { checkOptions, describe, requireArray, requireTensor } from "../arguments.ts";
import { backend } from "../backend/choose.ts";
import { isFloating } from "../dtype.ts";
import { isRecorded, noteFunction, record, rewrite } from "../record.ts";
import { GradientSlot } from "../gradient_slot.ts";
import { broadcastShapes, sameShape, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { binaryInto, cast, copyInto, copyOf, type Operand, operand } from "./elementwise.ts";
import {
  contiguous,
  detached,
  elements,
  expand,
  permute,
  reshape,
  select,
  slice,
  unsqueeze,
  view,
} from "./movement.ts";
import { nonzero, placesWhere } from "./where.ts";

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
  let from = 0; // the dimension of x
  for (const index of expandEllipsis(x, indices)) {
    if (index !== null) from++;
    if (index === null) out = unsqueeze(out, d++);
    else if (typeof index === "number") out = select(out, d, index, from - 1);
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
 * `[...by.shape, ...x.shape[1:]]`; a bool tensor, a mask, picks the places where it is true. Several indices go along the dimensions in
 * turn, basic ones among them; tensors are broadcast, and pick one element for each of theirs.
 *
 * @throws {RangeError} If an index is out of range, or the mask does not have the leading shape of `x`.
 * @throws {TypeError} If a tensor has a floating dtype.
 */
export function index(x: Tensor, by: readonly (Index | Tensor)[]): Tensor {
  return by.length === 1 ? indexRows(x, by[0] as Tensor) : indexSeveral(x, by);
}

/** A tensor of indices along a dimension of a view; `named` is that of the tensor itself, for messages. */
type Along = { readonly dim: number; readonly named: number; readonly by: Tensor };

/** The tensors of several indices, each for a dimension of the view that the basic ones make; a mask stands for several dimensions. */
function indexSeveral(x: Tensor, by: readonly (Index | Tensor)[]): Tensor {
  const { part, tensors } = basicPart(x, by);
  if (tensors.length === 0) return copyOf(part);
  const dims = tensors.map(({ dim }) => dim);
  const lead = tensors.map(({ by }) => by.shape).reduce((a, b) => broadcastShapes(a, b, "index with"));
  const rest = part.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const from = permute(part, [...dims, ...rest]); // [indexed…, rest…]
  const rows = new Int32Array(sizeOf(lead));
  for (const { dim, named, by } of tensors) {
    const along = rowIndices(part, expand(by, lead), dim, named);
    for (let k = 0; k < rows.length; k++) rows[k] = rows[k] * part.shape[dim] + along[k];
  }
  const flat = reshape(from, [sizeOf(dims.map((d) => part.shape[d])), ...rest.map((d) => part.shape[d])]);
  const out = gather(flat, rows, lead);
  // As in PyTorch: where the indexed dimensions are neighbours, the new ones stand in their place, else in front.
  const before = dims.every((d, i) => d === dims[0] + i) ? dims[0] : 0;
  const order = out.shape.map((_, d) => d);
  return before === 0 ? out : permute(out, [...order.splice(lead.length, before), ...order]);
}

/** The view of the basic indices, and the index tensors with the dimensions of that view that they are for. */
function basicPart(
  x: Tensor,
  by: readonly (Index | Tensor)[],
): { part: Tensor; tensors: Along[] } {
  const masked = new Map<Tensor, number>(); // the size that a mask has where it stands for one of its dimensions
  const spread = by.flatMap((i) => isTensor(i) && i.dtype === "bool" ? columnsOf(i, masked) : [i]);
  const basic = spread.map((i): Index => isTensor(i) ? ":" : i);
  const part = basic.every((i) => i === ":" || i === "...") ? x : at(x, basic);
  const full = expandEllipsis(x, basic);
  const [dots, more] = [basic.indexOf("..."), full.length - basic.length];
  const tensors: Along[] = [];
  let [dim, named] = [0, 0];
  full.forEach((entry, k) => {
    const given = spread[dots < 0 || k < dots ? k : k < dots + more + 1 ? dots : k - more];
    if (isTensor(given)) {
      const [size, found] = [masked.get(given), part.shape[dim]];
      if (size !== undefined && size !== found) {
        throw new RangeError(
          `Cannot index dimension ${named} with size ${found} by a mask of size ${size}: they differ`,
        );
      }
      tensors.push({ dim, named, by: given });
    }
    if (entry !== null) named++;
    if (typeof entry !== "number") dim++;
  });
  return { part, tensors };
}

function isTensor(x: Index | Tensor): x is Tensor {
  return x instanceof GradientSlot;
}

/** Where a mask is true, for each of its dimensions, whose sizes go into `sizes`. */
function columnsOf(mask: Tensor, sizes: Map<Tensor, number>): Tensor[] {
  const places = nonzero(mask);
  const columns = mask.shape.map((_, d) => select(places, 1, d));
  columns.forEach((column, d) => sizes.set(column, mask.shape[d]));
  return columns;
}

/**
 * The elements where a mask, broadcast to x, is true, in row-major order. PyTorch's `torch.masked_select`.
 *
 * @throws {TypeError} If the mask is not bool.
 */
export function maskedSelect(x: Tensor, mask: Tensor): Tensor {
  requireTensor(x, "select from");
  requireTensor(mask, "select by");
  if (mask.dtype !== "bool") {
    throw new TypeError(`Cannot select by a ${mask.dtype} tensor: use a bool mask, as gt(0) gives`);
  }
  const shape = broadcastShapes(x.shape, mask.shape, "select by a mask");
  return byMask(expand(x, shape), expand(mask, shape));
}

/** The options of `indexPut`. */
export interface IndexPutOptions {
  /**
   * Whether the values are added to what is there; where an index stands twice, both are.
   *
   * @default {false}
   */
  accumulate?: boolean;
}

/**
 * A copy of x with the values, broadcast, where the indices point: `x[i, 1:] = v` is `x = indexPut(x, [i, "1:"], v)`, and in place
 * `x.indexPut_([i, "1:"], v)`. The indices are those of `at` and `index`; of values for one place the last one stays. PyTorch's
 * `torch.index_put`.
 *
 * @example
 * ```ts
 * import { indexPut, tensor, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const rows = tensor([0, 1], { dtype: "int32" });
 * assertEquals(indexPut(zeros([2, 3]), [rows, tensor([2, 0], { dtype: "int32" })], 5).toArray(), [[0, 0, 5], [5, 0, 0]]);
 * assertEquals(zeros([2, 3]).indexPut_([1, "1:"], tensor([7, 8])).toArray(), [[0, 0, 0], [0, 7, 8]]);
 * ```
 * @throws {RangeError} If an index is out of range, or the values do not broadcast to what is indexed.
 */
export function indexPut(
  x: Tensor,
  indices: readonly (Index | Tensor)[],
  values: Operand,
  options: IndexPutOptions = {},
): Tensor {
  requireTensor(x, "write by index into");
  const { accumulate, places } = placesOf(x, indices, options);
  const given = cast(operand(values, x.dtype, "write by index"), x.dtype);
  if (!sameShape(broadcastShapes(given.shape, places.shape, "write by index"), places.shape)) {
    throw new RangeError(`Cannot write ${show(given.shape)} by index into ${show(places.shape)}: it is larger`);
  }
  const flat = reshape(expand(given, places.shape), [places.numel()]);
  const rows = elements(places) as Int32Array;
  return accumulate ? addAt(x, rows, flat) : put(x, rows, flat);
}

/** The places that the indices point to, by their number in row-major order. */
function placesOf(x: Tensor, indices: readonly (Index | Tensor)[], options: IndexPutOptions) {
  requireArray(indices, "write by the index", '[i, "1:"]');
  checkOptions("write by index", options, ["accumulate"], { accumulate: "boolean" });
  const counted = new Int32Array(sizeOf(x.shape));
  for (let i = 0; i < counted.length; i++) counted[i] = i;
  const numbers = wrap(counted, x.shape, "int32");
  const single = indices.length === 1 && isTensor(indices[0]);
  return {
    accumulate: options.accumulate ?? false,
    places: single ? index(numbers, indices) : indexSeveral(numbers, indices),
  };
}

/**
 * `indexPut` in place: without tensors among the indices it writes into the view that they make. Where x or the values are recorded, so is
 * the writing: gradients go to the values, and to what x was made from where it was not written. A view of x that was taken before does
 * not follow.
 */
export function indexPutInto<T extends Tensor>(
  x: T,
  indices: readonly (Index | Tensor)[],
  values: Operand,
  options: IndexPutOptions = {},
): T {
  requireArray(indices, "write by the index", '[i, "1:"]');
  checkOptions("write by index", options, ["accumulate"], { accumulate: "boolean" });
  const written = [x, values].filter((part) => typeof part === "object");
  if (isRecorded(...written)) return rewrite(x, indexPut(x, indices, values, options), "write by index");
  if (indices.some(isTensor)) return copyInto(x, indexPut(x, indices, values, options));
  const part = at(x, indices as readonly Index[]);
  if (options.accumulate) binaryInto("add", part, values);
  else copyInto(part, values);
  return x;
}

function indexRows(x: Tensor, by: Tensor): Tensor {
  if (Array.isArray(by) || typeof by === "number") {
    const cure = 'give them in a tensor, tensor([0, 2], { dtype: "int32" }), or use at() for a single one';
    throw new TypeError(`Cannot pick rows by ${describe(by)}: ${cure}`);
  }
  requireTensor(by, "index with");
  if (by.dtype === "bool") return byMask(x, by);
  if (isFloating(by.dtype)) {
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

/** Indices along a dimension, checked; those from the end count from the beginning. */
export function rowIndices(x: Tensor, by: Tensor, dim = 0, named = dim): Int32Array {
  const size = x.shape[dim], given = indexElements(by);
  const whole = new Int32Array(given.length);
  for (let k = 0; k < given.length; k++) { // a batch is short: Int32Array.from() would take as long as the copy
    const i = given[k];
    if (i < -size || i >= size) {
      throw new RangeError(`Cannot take index ${i} of dimension ${named} with size ${size}: it is out of range`);
    }
    whole[k] = i < 0 ? i + size : i;
  }
  return whole;
}

/** The elements of an index, one after the other. */
export function indexElements(by: Tensor): Int32Array {
  if (by.dtype !== "int32" && by.dtype !== "uint8") {
    throw new TypeError(`Cannot index with a ${by.dtype} tensor: use an int32 tensor or a bool mask`);
  }
  return elements(by.dtype === "int32" ? by : cast(by, "int32")) as Int32Array;
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
  const width = sizeOf(shape.slice(1));
  if (width > 0 && rows.length > 0) backend().scatterAdd(elements(detached(g)), width, rows, dx.data);
  return record("gatherBackward", dx, [g], { rows });
}

/** x with the elements of `values` [n] at `places`, counted in row-major order; of several for one place the last one. */
export function put(x: Tensor, places: Int32Array, values: Tensor): Tensor {
  const out = newEmpty(x.shape, x.dtype);
  out.data.set(elements(detached(x)));
  const from = elements(detached(values));
  for (let i = 0; i < places.length; i++) out.data[places[i]] = from[i];
  return record("put", out, [x, values], { places });
}

/** x with the elements of `values` [n] added at `places`. */
export function addAt(x: Tensor, places: Int32Array, values: Tensor): Tensor {
  if (x.dtype === "bool") throw new TypeError("Cannot add bools at places: use int() first");
  return x.add(reshape(gatherGradient(values, [sizeOf(x.shape)], places), x.shape));
}

function byMask(x: Tensor, mask: Tensor): Tensor {
  const lead = x.shape.slice(0, mask.shape.length);
  if (!sameShape(lead, mask.shape)) {
    throw new RangeError(
      `Cannot index ${show(x.shape)} by a mask of shape ${show(mask.shape)}: it must be its leading sizes`,
    );
  }
  const places = placesWhere(elements(mask));
  const flat = contiguous(x).view(sizeOf(lead), ...x.shape.slice(mask.shape.length));
  return gather(flat, places, [places.length]);
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
