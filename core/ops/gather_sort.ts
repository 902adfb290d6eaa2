/** Along one dimension: elements gathered and scattered by index, and in order. */
import { byName, checkOptions, requireNumber, requireTensor } from "../arguments.ts";
import { backend } from "../backend/choose.ts";
import type { TypedArray } from "../dtype.ts";
import { wrap } from "../memory/allocate.ts";
import { resolveDim, rowMajor, sameShape, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type Dim, dimOf } from "./arrange.ts";
import { cast, copyOf, type Operand, operand } from "./elementwise.ts";
import { addAt, gather as rowsOf, gatherGradient, indexElements, put, rowIndices } from "./index.ts";
import { contiguous, detached, elements, expand, narrow, reshape, select, squeeze, transpose } from "./movement.ts";

/** Elements and where they stood. */
export interface ValuesIndices {
  /** The elements. */
  values: Tensor;
  /** Their indices along the dimension, int32. */
  indices: Tensor;
}

// By index.

/**
 * `y[i, j] = x[index[i, j], j]` along dimension 0, and so along others: elements picked by an index of the shape of the result. PyTorch's
 * `torch.gather`.
 *
 * @example
 * ```ts
 * import { gather, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const index = tensor([[0], [2]], { dtype: "int32" });
 * assertEquals(gather(tensor([[1, 2, 3], [4, 5, 6]]), 1, index).toArray(), [[1], [6]]);
 * ```
 * @throws {RangeError} If an index is out of range, or the index is larger than x in another dimension.
 */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  const places = placesAlong(x, dim, index, "gather");
  return rowsOf(reshape(contiguous(x), [sizeOf(x.shape)]), places, index.shape);
}

/**
 * A copy of x with `y[index[i, j], j] = source[i, j]` along dimension 0, and so along others; of several values for one place the last
 * one stays. The source may be a number. PyTorch's `torch.scatter`.
 *
 * @throws {RangeError} If an index is out of range, or the index is larger than the source, or than x in another dimension.
 */
export function scatter(x: Tensor, dim: number, index: Tensor, source: Operand): Tensor {
  const { places, values } = placedValues(x, dim, index, source, "scatter");
  return put(x, places, values);
}

/** A copy of x to which the elements of a source are added where `scatter` would put them. PyTorch's `torch.scatter_add`. */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Operand): Tensor {
  const { places, values } = placedValues(x, dim, index, source, "scatterAdd");
  return addAt(x, places, values);
}

/** The places, in row-major order of x, that an index points to along a dimension. */
function placesAlong(x: Tensor, dim: number, index: Tensor, verb: string): Int32Array {
  requireTensor(x, verb);
  requireTensor(index, `${verb} by the index`);
  const d = resolveDim(dim, x.shape.length, `${verb} along`);
  const fits = index.shape.length === x.shape.length && index.shape.every((n, e) => e === d || n <= x.shape[e]);
  if (!fits && sizeOf(index.shape) > 0) {
    throw new RangeError(
      `Cannot ${verb} ${show(x.shape)} along dimension ${d} by an index of shape ${show(index.shape)}: ` +
        `it must have as many dimensions, and no larger ones but that`,
    );
  }
  const places = new Int32Array(sizeOf(index.shape));
  if (x.shape.length === 0) return places;
  const given = indexElements(index);
  const [outer, size, inner] = [sizeOf(x.shape.slice(0, d)), x.shape[d], sizeOf(x.shape.slice(d + 1))];
  if (index.shape.every((n, e) => e === d || n === x.shape[e])) {
    backend().places({ outer, size, count: index.shape[d] ?? 0, inner, dim: d }, given, places);
    return places;
  }
  const steps = rowMajor(x.shape), along = rowIndices(x, index, d);
  index.shape.forEach((n, e) => { // the place of its own element, but for the dimension
    const block = sizeOf(index.shape.slice(e + 1));
    for (let k = 0; e !== d && k < places.length; k++) places[k] += (Math.floor(k / block) % n) * steps[e];
  });
  for (let k = 0; k < places.length; k++) places[k] += along[k] * steps[d];
  return places;
}

/** The elements of a source that an index is for, in the dtype of x, one after the other, and their places. */
function placedValues(x: Tensor, dim: number, index: Tensor, source: Operand, verb: string) {
  for (const part of [x, index]) requireTensor(part, verb);
  const given = cast(operand(source, x.dtype, `${verb} the source`), x.dtype);
  const places = placesAlong(x, dim, index, verb);
  const part = typeof source === "object" ? cut(given, index, verb) : expand(given, index.shape);
  return { places, values: reshape(part, [sizeOf(index.shape)]) };
}

function cut(source: Tensor, index: Tensor, verb: string): Tensor {
  if (source.ndim !== index.ndim || index.shape.some((n, d) => n > source.shape[d])) {
    throw new RangeError(
      `Cannot ${verb} a source of shape ${show(source.shape)} by an index of shape ${show(index.shape)}: it is smaller`,
    );
  }
  return index.shape.reduce((part, n, d) => part.shape[d] === n ? part : narrow(part, d, 0, n), source);
}

/** The slices of x along a dimension that an index of rank 1 names, in its order. PyTorch's `torch.index_select`. */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  const d = dimOf(x, dim, "select slices along");
  const rows = rowIndices(x, vector(index, "select slices by"), d);
  return transpose(rowsOf(transpose(x, 0, d), rows, [rows.length]), 0, d);
}

/** The options of `indexAdd`. */
export interface IndexAddOptions {
  /**
   * A factor for what is added.
   *
   * @default {1}
   */
  alpha?: number;
}

/**
 * A copy of x to whose slices, along a dimension, those of a source are added: slice `i` to slice `index[i]`. PyTorch's
 * `torch.index_add`.
 *
 * @throws {RangeError} If an index is out of range, or the source has other sizes than x, or not a slice for each index.
 */
export function indexAdd(x: Tensor, dim: number, index: Tensor, source: Tensor, options: IndexAddOptions = {}): Tensor {
  const d = dimOf(x, dim, "add slices along");
  requireTensor(source, "add the slices of");
  checkOptions("add slices", options, ["alpha"], { alpha: "number" });
  const rows = rowIndices(x, vector(index, "add slices by"), d);
  if (!sameShape(source.shape, x.shape.with(d, rows.length))) {
    throw new RangeError(
      `Cannot add slices of ${show(source.shape)} to ${
        show(x.shape)
      } along dimension ${d} by ${rows.length} indices: ` +
        `expected ${show(x.shape.with(d, rows.length))}`,
    );
  }
  const { alpha = 1 } = options;
  const from = transpose(cast(alpha === 1 ? source : source.mul(alpha), x.dtype), 0, d);
  return x.add(transpose(gatherGradient(from, transpose(x, 0, d).shape, rows), 0, d));
}

function vector(index: Tensor, action: string): Tensor {
  requireTensor(index, action);
  if (index.ndim > 1) throw new RangeError(`Cannot ${action} an index of shape ${show(index.shape)}: give a vector`);
  return index;
}

// In order.

/** The options of `sort` and `argsort`. */
export interface SortOptions {
  /**
   * The dimension.
   *
   * @default {-1}
   */
  dim?: number;
  /**
   * Whether the largest come first.
   *
   * @default {false}
   */
  descending?: boolean;
}

/**
 * The elements in order along a dimension, equal ones as they stood; NaN counts as the largest. PyTorch's `torch.sort`, stable.
 *
 * @example
 * ```ts
 * import { sort, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const { values, indices } = sort(tensor([3, 1, 2]), { descending: true });
 * assertEquals([values.toArray(), indices.toArray()], [[3, 2, 1], [0, 2, 1]]);
 * ```
 */
export function sort(x: Tensor, dim: number | SortOptions = -1, descending = false): ValuesIndices {
  const named = byName<SortOptions>("sort", dim, ["dim", "descending"], { dim: "number", descending: "boolean" });
  if (named !== null) return sort(x, named.dim, named.descending);
  requireTensor(x, "sort");
  const d = resolveDim(dim as number, x.shape.length, "sort along");
  const indices = orderAlong(x, d, descending);
  return { values: x.ndim === 0 ? copyOf(x) : gather(x, d, indices), indices };
}

/** The indices that sort along a dimension; no more than the first need stand in order. */
function orderAlong(x: Tensor, d: number, descending: boolean, first = x.shape[d]): Tensor {
  if (x.ndim === 0) return wrap(new Int32Array(1), [], "int32");
  const last = contiguous(transpose(detached(x), d, -1)); // [rows…, n]
  const order = sortRows(elements(last), last.shape.at(-1)!, descending, first);
  return contiguous(transpose(wrap(order, last.shape, "int32"), d, -1));
}

/** The elements of x at these indices along a dimension, and the indices, in memory of their own; `d` stays with size 1 or not. */
export function pickedAlong(x: Tensor, d: number, places: Tensor, keepdim = true): ValuesIndices {
  const indices = contiguous(places);
  const values = x.ndim === 0 ? copyOf(x) : gather(x, d, indices);
  return keepdim || x.ndim === 0 ? { values, indices } : { values: squeeze(values, d), indices: squeeze(indices, d) };
}

/** The indices that sort a tensor along a dimension. PyTorch's `torch.argsort`, stable. */
export function argsort(x: Tensor, dim: number | SortOptions = -1, descending = false): Tensor {
  return sort(x, dim, descending).indices;
}

/** The order of each run of n elements, stable; no more than the first need stand in order. */
export function sortRows(from: TypedArray, n: number, descending: boolean, first = n): Int32Array {
  const order = new Int32Array(from.length);
  const rows = n === 0 ? 0 : from.length / n;
  backend().order({ rows, count: n, descending, first }, from, order);
  return order;
}

/** The options of `topk`. */
export interface TopkOptions {
  /**
   * The dimension.
   *
   * @default {-1}
   */
  dim?: number;
  /**
   * Whether the largest are taken, or the smallest.
   *
   * @default {true}
   */
  largest?: boolean;
}

/**
 * The k largest elements along a dimension, the largest first, or with `largest: false` the smallest. PyTorch's `torch.topk`.
 *
 * @throws {RangeError} If k is not a whole number up to the size of the dimension.
 */
export function topk(x: Tensor, k: number, dim: number | TopkOptions = -1, largest = true): ValuesIndices {
  const named = byName<TopkOptions>("take topk()", dim, ["dim", "largest"], { dim: "number", largest: "boolean" });
  if (named !== null) return topk(x, k, named.dim, named.largest);
  const d = countedDim(x, k, dim as number, 0, "topk");
  const order = orderAlong(x, d, largest, k);
  return pickedAlong(x, d, x.ndim === 0 ? order : narrow(order, d, 0, k));
}

/** The dimension of which the first k are taken. */
function countedDim(x: Tensor, k: number, dim: number, least: number, name: string): number {
  requireTensor(x, `take ${name}() of`);
  requireNumber(k, `take ${name}() with k`);
  const d = resolveDim(dim, x.shape.length, `take ${name}() along`);
  const n = x.shape[d] ?? 1;
  if (Number.isInteger(k) && k >= least && k <= n) return d;
  throw new RangeError(
    `Cannot take ${name}() with k ${k} of ${
      show(x.shape)
    } along dimension ${d}: give a whole number from ${least} to ${n}`,
  );
}

/** A dimension, and whether it stays with size 1. */
export interface AlongOptions {
  /** The dimension. */
  dim?: number;
  /**
   * Whether the dimension stays, with size 1.
   *
   * @default {false}
   */
  keepdim?: boolean;
}

/** The names of these options. */
export const ALONG = ["dim", "keepdim"] as const;
/** Their types. */
export const ALONG_KINDS = { dim: "number", keepdim: "boolean" } as const;

/** The k-th smallest element along a dimension, counted from 1. PyTorch's `torch.kthvalue`. */
export function kthvalue(x: Tensor, k: number, dim: number | AlongOptions = -1, keepdim = false): ValuesIndices {
  const named = byName<AlongOptions>("take kthvalue()", dim, ALONG, ALONG_KINDS);
  if (named !== null) return kthvalue(x, k, named.dim, named.keepdim);
  const d = countedDim(x, k, dim as number, 1, "kthvalue");
  const order = orderAlong(x, d, false);
  return pickedAlong(x, d, x.ndim === 0 ? order : narrow(order, d, k - 1, 1), keepdim);
}

/** The running maxima along a dimension, and where each stands, the last of equal ones; NaN stays. PyTorch's `torch.cummax`. */
export function cummax(x: Tensor, dim: Dim): ValuesIndices {
  return running(x, dim, "cummax", (value, best) => value >= best);
}

/** The running minima along a dimension, and where each stands, the last of equal ones; NaN stays. PyTorch's `torch.cummin`. */
export function cummin(x: Tensor, dim: Dim): ValuesIndices {
  return running(x, dim, "cummin", (value, best) => value <= best);
}

function running(x: Tensor, dim: Dim, name: string, beats: (value: number, best: number) => boolean): ValuesIndices {
  requireTensor(x, `take ${name}() of`);
  if (x.ndim === 0) {
    const { values, indices } = running(reshape(x, [1]), dim, name, beats);
    return { values: select(values, 0, 0), indices: select(indices, 0, 0) };
  }
  const d = dimOf(x, dim, `take ${name}() along`);
  const last = contiguous(transpose(detached(x), d, -1)); // [rows…, n]
  const [from, n] = [elements(last), last.shape.at(-1)!];
  const places = new Int32Array(from.length);
  for (let start = 0; start < from.length; start += n) {
    for (let i = 1; i < n; i++) {
      const [best, value] = [from[start + places[start + i - 1]], from[start + i]];
      const wins = value !== value || (best === best && beats(value, best));
      places[start + i] = wins ? i : places[start + i - 1];
    }
  }
  const indices = contiguous(transpose(wrap(places, last.shape, "int32"), d, -1));
  return { values: gather(x, d, indices), indices };
}
