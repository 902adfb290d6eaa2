/** What many elements are like: medians and quantiles, their values, how often each is there, and how rows vary together. */
import { byName, checkOptions, requireChoice, requireNumber, requireTensor, shown } from "../arguments.ts";
import { isFloating } from "../dtype.ts";
import { wrap } from "../memory/allocate.ts";
import { resolveDim, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import {
  ALONG,
  ALONG_KINDS,
  type AlongOptions,
  gather,
  pickedAlong,
  sort,
  sortRows,
  type ValuesIndices,
} from "./gather_sort.ts";
import { gather as rowsOf } from "./index.ts";
import { stack } from "./join.ts";
import { detached, elements, narrow, reshape, select, squeeze, transpose } from "./movement.ts";
import { isnan, where } from "./where.ts";

/**
 * The median of all elements, or the medians along a dimension and where they stand: of an even number the lower of the two in the middle,
 * and NaN where there is one. PyTorch's `torch.median`.
 *
 * @throws {RangeError} If there are no elements.
 */
export function median(x: Tensor): Tensor;
/** The medians along a dimension. */
export function median(x: Tensor, dim: number | AlongOptions, keepdim?: boolean): ValuesIndices;
export function median(x: Tensor, dim?: number | AlongOptions, keepdim = false): Tensor | ValuesIndices {
  requireTensor(x, "take the median of");
  const named = byName<AlongOptions>("take the median", dim, ALONG, ALONG_KINDS);
  if (named?.dim !== undefined) return median(x, named.dim, named.keepdim);
  if (dim === undefined || named !== null) return median(reshape(x, [sizeOf(x.shape)]), 0).values;
  const d = resolveDim(dim as number, x.ndim, "take the median along");
  const n = x.shape[d] ?? 1;
  if (n === 0) {
    throw new RangeError(`Cannot take the median of ${show(x.shape)} along dimension ${d}: it has no elements`);
  }
  if (x.ndim === 0) return sort(x);
  const { values, indices } = sort(detached(x), d);
  const nans = isnan(values).sum(d, true); // they stand last
  const place = where(nans.gt(0), nans.neg().add(n), Math.floor((n - 1) / 2));
  return pickedAlong(x, d, gather(indices, d, place), keepdim);
}

/** How `quantile` takes what lies between two elements. */
export type QuantileInterpolation = "linear" | "lower" | "higher" | "nearest" | "midpoint";

/** The options of `quantile`. */
export interface QuantileOptions extends AlongOptions {
  /**
   * What is taken between two elements.
   *
   * @default {"linear"}
   */
  interpolation?: QuantileInterpolation;
}

const BETWEEN: Readonly<Record<QuantileInterpolation, (rest: number, low: number) => number>> = {
  linear: (rest) => rest,
  lower: () => 0,
  higher: () => 1,
  nearest: (rest, low) => Number(rest > 0.5 || (rest === 0.5 && low % 2 === 1)),
  midpoint: () => 0.5,
};

/**
 * The elements below which a part q of all lies, of all or along a dimension; several q stand in a new first dimension. NaN where there is
 * one. PyTorch's `torch.quantile`.
 *
 * @example
 * ```ts
 * import { quantile, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(quantile(tensor([4, 1, 2]), 0.5).item(), 2);
 * assertEquals(quantile(tensor([[4, 1, 2]]), [0, 0.75], { dim: 1 }).toArray(), [[1], [3]]);
 * ```
 * @throws {RangeError} If a q lies outside of [0, 1], or there are no elements.
 * @throws {TypeError} If x is not of floats, or there is no such interpolation.
 */
export function quantile(
  x: Tensor,
  q: number | readonly number[] | Tensor,
  dim?: number | QuantileOptions,
  keepdim = false,
  interpolation: QuantileInterpolation = "linear",
): Tensor {
  requireTensor(x, "take the quantile of");
  const named = byName<QuantileOptions>("take the quantile", dim, [...ALONG, "interpolation"], ALONG_KINDS);
  if (named !== null) return quantile(x, q, named.dim, named.keepdim, named.interpolation);
  requireChoice("take the quantile", "interpolation", interpolation, Object.keys(BETWEEN));
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot take the quantile of ${x.dtype}: use float() first`);
  const all = dim === undefined;
  const from = all ? reshape(x, [sizeOf(x.shape)]) : unsqueezed(x);
  const d = all ? 0 : resolveDim(dim as number, x.ndim, "take the quantile along");
  const last = transpose(from, d, -1);
  const found = between(last, quantilesOf(q), interpolation); // [q, …, 1]
  const shape = x.ndim === 0 || (all && !keepdim) ? [] : all ? x.shape.map(() => 1) : null;
  const many = transpose(found, d + 1, -1);
  const out = shape !== null ? reshape(many, [many.shape[0], ...shape]) : keepdim ? many : squeeze(many, d + 1);
  return typeof q === "number" || (q as Tensor).ndim === 0 ? select(out, 0, 0) : out;
}

function unsqueezed(x: Tensor): Tensor {
  return x.ndim === 0 ? reshape(x, [1]) : x;
}

function quantilesOf(q: number | readonly number[] | Tensor): number[] {
  const list = typeof q === "number"
    ? [q]
    : Array.isArray(q)
    ? q
    : (requireTensor(q as Tensor, "take the quantile at"), [...elements(detached(q as Tensor))]);
  const wrong = list.find((part) => !(part >= 0 && part <= 1));
  if (wrong !== undefined) throw new RangeError(`Cannot take the quantile ${shown(wrong)}: give a number from 0 to 1`);
  return list;
}

/** The quantiles of the last dimension, in a new first one. */
function between(x: Tensor, q: readonly number[], interpolation: QuantileInterpolation): Tensor {
  const n = x.shape.at(-1)!;
  if (n === 0) throw new RangeError(`Cannot take the quantile of ${show(x.shape)}: it has no elements`);
  const sorted = sort(x).values;
  const parts = q.map((part) => {
    const place = part * (n - 1), low = Math.floor(place);
    const [below, above] = [low, Math.ceil(place)].map((at) => narrow(sorted, -1, at, 1));
    const weight = BETWEEN[interpolation](place - low, low);
    const isElement = interpolation !== "linear" && interpolation !== "midpoint"; // of which 0 · ∞ would make NaN
    return !isElement ? below.add(above.sub(below).mul(weight)) : weight === 0 ? below : above;
  });
  const nan = isnan(x).any(-1, true);
  return where(nan, NaN, stack(parts));
}

// Counted.

/** The options of `unique`, without which it is the values alone. */
export interface UniqueOptions {
  /** Whether the place of each element among the values is wanted. */
  returnInverse?: boolean;
  /** Whether it is wanted how often each value stands there. */
  returnCounts?: boolean;
}

/** The values of a tensor, each once. */
export interface UniqueResult {
  /** The values in order. */
  values: Tensor;
  /** For each element its value's index, int32, in the shape of the tensor. */
  inverse: Tensor;
  /** How often each value stands there, int32. */
  counts: Tensor;
}

/**
 * The values of all elements in order, each once; with options also where each element is among them, and how often each is there.
 * PyTorch's `torch.unique`.
 *
 * @example
 * ```ts
 * import { tensor, unique } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(unique(tensor([3, 1, 3])).toArray(), [1, 3]);
 * assertEquals(unique(tensor([3, 1, 3]), { returnCounts: true }).counts.toArray(), [1, 2]);
 * ```
 */
export function unique(x: Tensor): Tensor;
/** The same with where each element is among them, and how often each is there. */
export function unique(x: Tensor, options: UniqueOptions): UniqueResult;
export function unique(x: Tensor, options?: UniqueOptions): Tensor | UniqueResult {
  requireTensor(x, "find the values of");
  checkOptions("find values", options ?? {}, ["returnInverse", "returnCounts"], {
    returnInverse: "boolean",
    returnCounts: "boolean",
  });
  const flat = elements(detached(x));
  const order = sortRows(flat, Math.max(1, flat.length), false);
  const [inverse, firsts] = [new Int32Array(flat.length), [] as number[]];
  order.forEach((at, k) => {
    if (k === 0 || flat[order[k - 1]] !== flat[at]) firsts.push(k);
    inverse[at] = firsts.length - 1;
  });
  const values = rowsOf(reshape(detached(x), [flat.length]), Int32Array.from(firsts, (k) => order[k]), [firsts.length]);
  if (options === undefined) return values;
  const counts = Int32Array.from(firsts, (k, i) => (firsts[i + 1] ?? flat.length) - k);
  return { values, inverse: wrap(inverse, x.shape, "int32"), counts: wrap(counts, [firsts.length], "int32") };
}

/** The options of `bincount`. */
export interface BincountOptions {
  /**
   * What each element counts, a vector as long as the elements'; the counts are then floats.
   *
   * @default {null} which is 1 for each
   */
  weights?: Tensor | null;
  /**
   * The least length of the result.
   *
   * @default {0}
   */
  minlength?: number;
}

/**
 * How often each whole number from 0 stands in a vector, int32. PyTorch's `torch.bincount`.
 *
 * @example
 * ```ts
 * import { bincount, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(bincount(tensor([0, 3, 3], { dtype: "int32" })).toArray(), [1, 0, 0, 2]);
 * ```
 * @throws {RangeError} If a number is negative, x is no vector, or the weights are not as many.
 * @throws {TypeError} If x is of floats or bools.
 */
export function bincount(x: Tensor, options: BincountOptions = {}): Tensor {
  requireTensor(x, "count");
  checkOptions("count", options, ["weights", "minlength"], { minlength: "number" });
  const { weights = null, minlength = 0 } = options;
  if (isFloating(x.dtype) || x.dtype === "bool") throw new TypeError(`Cannot count ${x.dtype}: use int() first`);
  if (x.ndim !== 1) throw new RangeError(`Cannot count in a tensor of shape ${show(x.shape)}: give a vector`);
  if (!(Number.isInteger(minlength) && minlength >= 0)) {
    throw new RangeError(`Cannot count with minlength ${minlength}: give a whole number from 0`);
  }
  if (weights !== null) requireTensor(weights, "count with the weights");
  if (weights !== null && weights.numel() !== x.numel()) {
    throw new RangeError(`Cannot count ${x.numel()} numbers with ${weights.numel()} weights: give one for each`);
  }
  const values = elements(detached(x));
  const least = values.find((value: number) => value < 0);
  if (least !== undefined) throw new RangeError(`Cannot count the negative number ${least}: counts begin at 0`);
  let length = minlength;
  for (const value of values) length = Math.max(length, value + 1);
  const each = weights === null ? null : elements(detached(weights));
  const counts = each === null ? new Int32Array(length) : new Float64Array(length);
  values.forEach((value: number, i: number) => counts[value] += each === null ? 1 : each[i]);
  if (weights === null) return wrap(counts, [length], "int32");
  return wrap(counts, [length], "float64").to(weights.dtype === "float32" ? "float32" : "float64");
}

/**
 * How many elements lie in each of so many equal parts of [min, max], in the dtype of x; what lies outside is not counted. Where both are
 * equal they are the least and the largest element. PyTorch's `torch.histc`.
 *
 * @throws {RangeError} If `bins` is not a whole number from 1, or the bounds are not in order.
 */
export function histc(x: Tensor, bins = 100, min = 0, max = 0): Tensor {
  requireTensor(x, "take the histogram of");
  for (const part of [bins, min, max]) requireNumber(part, "take a histogram by");
  if (!(Number.isInteger(bins) && bins >= 1)) {
    throw new RangeError(`Cannot take a histogram of ${bins} parts: give a whole number from 1`);
  }
  const values = elements(detached(x));
  let [low, high] = [min, max];
  if (low === high && values.length > 0) [low, high] = [detached(x).min().item(), detached(x).max().item()];
  if (low === high) [low, high] = [low - 1, high + 1];
  if (!(low < high && high - low < Infinity)) {
    throw new RangeError(`Cannot take a histogram from ${low} to ${high}: give finite bounds in order`);
  }
  const counts = new Float64Array(bins);
  values.forEach((value: number) => {
    if (value >= low && value <= high) counts[Math.min(bins - 1, Math.floor((value - low) / (high - low) * bins))]++;
  });
  return wrap(counts, [bins], "float64").to(isFloating(x.dtype) ? x.dtype : "float32");
}

// Rows that vary together.

/** The options of `cov`. */
export interface CovOptions {
  /**
   * What is taken off the number of observations that the sums are divided by.
   *
   * @default {1}
   */
  correction?: number;
}

/** The covariances of variables, the rows of a matrix [variables, observations]. PyTorch's `torch.cov`. */
export function cov(x: Tensor, options: CovOptions = {}): Tensor {
  requireTensor(x, "take the covariance of");
  checkOptions("take the covariance", options, ["correction"], { correction: "number" });
  const { correction = 1 } = options;
  if (x.ndim > 2) throw new RangeError(`Cannot take the covariance of ${show(x.shape)}: give a matrix or a vector`);
  const rows = reshape(isFloating(x.dtype) ? x : x.float(), x.ndim === 2 ? x.shape : [1, x.numel()]);
  const apart = rows.sub(rows.mean(1, true));
  const found = apart.matmul(apart.t()).div(Math.max(0, rows.shape[1] - correction));
  return x.ndim === 2 ? found : reshape(found, []);
}

/** The correlations of variables, the rows of a matrix: their covariances over their deviations. PyTorch's `torch.corrcoef`. */
export function corrcoef(x: Tensor): Tensor {
  const found = cov(x);
  if (found.ndim === 0) return found.div(found);
  const deviations = found.diagonal().sqrt();
  return found.div(deviations.unsqueeze(1)).div(deviations.unsqueeze(0)).clamp(-1, 1);
}
