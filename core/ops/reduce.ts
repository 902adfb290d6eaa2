/** Reductions, of many elements to few, over all dimensions or the named ones; and scans: running sums, products of all others. */
import { byName, describe, requireNumber, requireTensor } from "../arguments.ts";
import type { ReduceOp } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import { allocate, checkedConvert, type DType, isFloating } from "../dtype.ts";
import { newEmpty, wrap } from "../memory/allocate.ts";
import { cast } from "./elementwise.ts";
import { detached, elements, narrow, permute, view } from "./movement.ts";
import { isRecorded, noteFunction, record } from "../record.ts";
import { resolveDim, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** Which dimensions to reduce: one, several, or (`undefined`) all. */
export type Dims = number | readonly number[] | undefined;

/** The arguments of a reduction by name: `sum({ dim: 1, keepdim: true })`. */
export interface ReduceOptions {
  /** Which dimensions: one, several, or all. */
  dim?: Dims;
  /**
   * Whether reduced dimensions stay, with size 1.
   *
   * @default {false}
   */
  keepdim?: boolean;
}

/** The arguments of `var` and `std` by name. */
export interface VarianceOptions extends ReduceOptions {
  /**
   * What is taken off the number of elements: 1 for a sample's variance, 0 for a population's.
   *
   * @default {1}
   */
  correction?: number;
  /** PyTorch's older name: `true` for a correction of 1, `false` for 0. */
  unbiased?: boolean;
}

/** The correction that the arguments by name ask for. */
function correctionOf({ correction, unbiased }: VarianceOptions): number {
  if (correction !== undefined && unbiased !== undefined) {
    throw new TypeError("Cannot take the variance with correction and unbiased: give one of the two");
  }
  return correction ?? Number(unbiased ?? true);
}

/** The arguments of `norm` by name. */
export interface NormOptions extends ReduceOptions {
  /**
   * The power: 2 for lengths, 1 for sums of sizes, `Infinity` and `-Infinity` for the largest and the smallest size, 0 for how many
   * elements are not 0.
   *
   * @default {2}
   */
  p?: number;
}

/** Dimensions, or the arguments from there on by name. */
type Over<T = ReduceOptions> = Dims | T;

const NAMES = ["dim", "keepdim"] as const;
const KINDS = { keepdim: "boolean", correction: "number", unbiased: "boolean", p: "number" } as const;
const VARIANCE = ["correction", "unbiased"] as const;

/** The arguments that were given by name; `null` for positions. Most calls give positions. */
function named<T extends ReduceOptions>(
  what: string,
  over: Over<T>,
  more: readonly (keyof T & string)[] = [],
): T | null {
  if (over === undefined || typeof over !== "object" || Array.isArray(over)) return null;
  return byName<ReduceOptions>(`take the ${what}`, over, [...NAMES, ...more as readonly []], KINDS) as T | null;
}

/** `op` over `over`; with `keepdim` the dimensions stay, with size 1. Errors call the operation `what`. */
export function reduce(op: ReduceOp, x: Tensor, over: Over, keepdim = false, what: string = op): Tensor {
  const options = named(what, over);
  if (options !== null) return reduce(op, x, options.dim, options.keepdim, what);
  const dims = over as Dims;
  if (typeof keepdim !== "boolean") {
    throw new TypeError(`Cannot take the ${what} with keepdim ${describe(keepdim)}: it is true or false`);
  }
  const reduced = reducedDims(x, dims, what);
  const stays = x.shape.map((_, d) => !reduced.has(d));
  const pick = (values: readonly number[], kept: boolean) => values.filter((_, d) => stays[d] === kept);
  const reduction = {
    kept: pick(x.shape, true),
    keptStrides: pick(x.strides, true),
    reduced: pick(x.shape, false),
    reducedStrides: pick(x.strides, false),
  };
  const out = newEmpty(keepdim ? x.shape.map((n, d) => (stays[d] ? n : 1)) : reduction.kept, resultDType(op, x.dtype));
  if (sizeOf(reduction.reduced) === 0) refuseEmpty(op, x, dims);
  const exact = isFloating(out.dtype) || !(op === "sum" || op === "prod")
    ? out.data
    : new Float64Array(out.data.length);
  backend().reduce(op, reduction, x.data, x.offset, exact);
  if (exact !== out.data) storeIntegers(op, exact, out);
  return record(op, out, [x], { dims: [...reduced] });
}

/** The set of dimensions to reduce, checked. */
function reducedDims(x: Tensor, dims: Dims, action: string): Set<number> {
  const rank = x.shape.length;
  const list = dims === undefined ? x.shape.map((_, d) => d) : typeof dims === "number" ? [dims] : dims;
  if (!Array.isArray(list)) {
    throw new TypeError(`Cannot take the ${action} over ${describe(dims)}: dimensions are numbers, as in 1 or [0, 1]`);
  }
  const reduced = new Set(list.map((d) => resolveDim(d, rank, `take the ${action} over`)));
  if (reduced.size !== list.length) {
    throw new RangeError(`Cannot take the ${action} over dimensions ${show(list)}: one of them stands there twice`);
  }
  return reduced;
}

function resultDType(op: ReduceOp, dtype: DType): DType {
  if (op === "any" || op === "all") return "bool";
  if (op === "argmax" || op === "argmin") return "int32";
  return isFloating(dtype) || op === "max" || op === "min" ? dtype : "int32";
}

function refuseEmpty(op: ReduceOp, x: Tensor, dims: Dims): void {
  if (op === "sum" || op === "prod" || op === "any" || op === "all") return;
  const where = dims === undefined ? "" : ` over dimension ${dims}`;
  throw new RangeError(
    `Cannot take the ${op} of an empty tensor of shape ${show(x.shape)}${where}: it has no elements`,
  );
}

/**
 * Integer results are computed exactly in float64 and stored only if they fit; a product that outgrew float64 and then met 0 is 0.
 *
 * @throws {RangeError} If one does not fit.
 */
function storeIntegers(op: string, exact: ArrayLike<number>, out: Tensor): void {
  for (let i = 0; i < exact.length; i++) out.data[i] = checkedConvert(exact[i] || 0, "int32", op);
}

function countOf(x: Tensor, dims: Dims, action: string): number {
  return sizeOf(x.shape.filter((_, d) => reducedDims(x, dims, action).has(d)));
}

/** `Σx / n`; of nothing it is NaN. */
export function mean(x: Tensor, over: Over, keepdim = false): Tensor {
  const options = named("mean", over);
  if (options !== null) return mean(x, options.dim, options.keepdim);
  const dims = over as Dims;
  requireFloating(x, "mean");
  const out = reduce("sum", x, dims, keepdim, "mean").div(countOf(x, dims, "mean"));
  return noteFunction("mean", out, [x], { dims: [...reducedDims(x, dims, "mean")] });
}

/**
 * `Σ(x − x̄)² / (n − correction)`: correction 1 is the sample's variance (PyTorch's default), 0 the population's.
 * One element with correction 1 gives NaN.
 */
export function variance(x: Tensor, over: Over<VarianceOptions>, keepdim = false, correction = 1): Tensor {
  const options = named<VarianceOptions>("variance", over, VARIANCE);
  if (options !== null) return variance(x, options.dim, options.keepdim, correctionOf(options));
  const dims = over as Dims;
  requireFloating(x, "variance");
  const spread = Math.max(0, countOf(x, dims, "variance") - correction);
  const apart = x.sub(mean(x, dims, true));
  return reduce("sum", apart.mul(apart), dims, keepdim, "variance").div(spread);
}

/** The root of `variance`. */
export function deviation(x: Tensor, dims: Over<VarianceOptions>, keepdim = false, correction = 1): Tensor {
  return rootOfSquares(variance(x, dims, keepdim, correction));
}

/** `(Σ|x|ᵖ)^(1/p)`, for p = 2 the Frobenius norm of a matrix; where it is 0 its slope is 0. */
export function norm(x: Tensor, over: Over<NormOptions>, keepdim = false, p = 2): Tensor {
  const options = named<NormOptions>("norm", over, ["p"]);
  if (options !== null) return norm(x, options.dim, options.keepdim, options.p);
  const dims = over as Dims;
  requireFloating(x, "norm");
  if (typeof dims === "string" || Math.abs(Number(dims)) === Infinity) {
    throw new RangeError(
      `Cannot take the norm over dimension ${dims}: norm() takes dimensions where PyTorch takes p, and p is 2; ` +
        `others go by name, as in norm({ p: Infinity }), which is abs().max()`,
    );
  }
  requireNumber(p, "take the norm with p");
  if (p === 2) return rootOfSquares(reduce("sum", x.mul(x), dims, keepdim, "norm"));
  if (p === 0) return reduce("sum", x.ne(0).to(x.dtype), dims, keepdim, "norm");
  const size = x.abs();
  if (p === 1) return reduce("sum", size, dims, keepdim, "norm");
  if (Math.abs(p) === Infinity) return reduce(p > 0 ? "max" : "min", size, dims, keepdim, "norm");
  const zero = size.eq(0), none = zero.to(x.dtype); // |x|ᵖ has no slope at 0 for p < 1
  const sum = reduce("sum", p > 0 ? size.add(none).pow(p).sub(none) : size.pow(p), dims, keepdim, "norm");
  const empty = sum.eq(0);
  return sum.add(empty).pow(1 / p).sub(empty.to(x.dtype));
}

/** `√x` of sums of squares; its derivative at 0 is 0, so that the gradient of squares that are all 0 is not ∞ · 0. */
function rootOfSquares(x: Tensor): Tensor {
  if (!isRecorded(x)) return x.sqrt();
  const zero = x.eq(0);
  return x.add(zero).sqrt().sub(zero.to(x.dtype)); // √1 − 1 where x is 0
}

/** `log Σ eˣ`, with the maximum taken out first so that nothing overflows; of nothing it is −∞. */
export function logsumexp(x: Tensor, over: Over, keepdim = false): Tensor {
  const options = named("logsumexp", over);
  if (options !== null) return logsumexp(x, options.dim, options.keepdim);
  const dims = over as Dims;
  if (!isFloating(x.dtype)) x = cast(x, "float32");
  if (x.numel() === 0) return reduce("sum", x, dims, keepdim, "logsumexp").log();
  const top = reduce("max", detached(x), dims, true, "logsumexp"); // any constant gives the same result and gradient
  const limit = x.dtype === "float32" ? 3.4028234663852886e38 : Number.MAX_VALUE;
  const finite = top.clamp(-limit, limit); // an infinite maximum would give ∞ − ∞
  const sum = reduce("sum", x.sub(finite).exp(), dims, true).log().add(finite);
  if (keepdim) return sum;
  const reduced = reducedDims(x, dims, "logsumexp");
  return sum.view(...x.shape.filter((_, d) => !reduced.has(d)));
}

function requireFloating(x: Tensor, action: string): void {
  if (!isFloating(x.dtype)) {
    throw new TypeError(
      `Cannot take the ${action} of ${x.dtype}: its result may be a fraction, cast it first with float()`,
    );
  }
}

/** The maximum or minimum along one dimension, and the first index where it stands. */
export function extreme(
  op: "max" | "min",
  x: Tensor,
  over: number | ReduceOptions,
  keepdim: boolean,
): { values: Tensor; indices: Tensor } {
  const options = named(op, over as Over);
  if (options !== null) return extreme(op, x, options.dim as number, options.keepdim ?? false);
  const dim = over as number;
  const indices = argExtreme(op === "max" ? "argmax" : "argmin", x, dim, keepdim);
  const values = reduce(op, detached(x), dim, keepdim);
  return { values: record("extreme", values, [x, indices], { dim: resolveDim(dim, x.ndim, op) }), indices };
}

/** The first index of the extreme, along `dim` or (without one) in row-major order over everything. */
export function argExtreme(op: "argmax" | "argmin", x: Tensor, dim?: number | ReduceOptions, keepdim = false): Tensor {
  return reduce(op, x, dim, keepdim);
}

/**
 * The running sums `y[i] = x[0] + … + x[i]` along `dim`, or products, carried in float64; integers give int32.
 *
 * @throws {RangeError} If there is no such dimension, or a result does not fit int32.
 */
export function cumulate(op: "cumsum" | "cumprod", x: Tensor, over: number | { dim?: number }): Tensor {
  requireTensor(x, `take ${op}() of`);
  const dim = byName<{ dim?: number }>(`take ${op}()`, over, ["dim"]) === null ? over : (over as { dim?: number }).dim;
  const what = op === "cumsum" ? "cumulative sum" : "cumulative product";
  const d = resolveDim(dim as number, x.shape.length, `take the ${what} over`);
  if (x.shape.length === 0) return view(cumulate(op, view(x, [1]), 0), []);
  const out = newEmpty(x.shape, isFloating(x.dtype) ? x.dtype : "int32");
  const exact = isFloating(out.dtype) ? out.data : new Float64Array(out.data.length);
  const outer = sizeOf(x.shape.slice(0, d)), inner = sizeOf(x.shape.slice(d + 1));
  backend().scan({ products: op === "cumprod", outer, count: x.shape[d], inner }, elements(detached(x)), exact);
  if (exact !== out.data) storeIntegers(what, exact, out);
  return record(op, out, [x], { dim: d });
}

/** The arguments of `diff` by name. */
export interface DiffOptions {
  /**
   * How often differences are taken.
   *
   * @default {1}
   */
  n?: number;
  /**
   * The dimension.
   *
   * @default {-1}
   */
  dim?: number;
}

/** The differences of neighbours along a dimension, n times over. PyTorch's `torch.diff`. */
export function diff(x: Tensor, n: number | DiffOptions = 1, dim = -1): Tensor {
  const options = byName<DiffOptions>("take diff()", n, ["n", "dim"], { n: "number", dim: "number" });
  if (options !== null) return diff(x, options.n, options.dim);
  requireTensor(x, "take diff() of");
  if (!(Number.isInteger(n) && n as number >= 0)) {
    throw new RangeError(`Cannot take diff() ${n} times: give a whole number from 0`);
  }
  if (x.ndim === 0) throw new RangeError("Cannot take diff() of a tensor of rank 0: it has no neighbours");
  const d = resolveDim(dim, x.ndim, "take diff() along");
  let y = x;
  for (let left = n as number; left > 0; left--) {
    const length = Math.max(0, y.shape[d] - 1);
    const [after, before] = [narrow(y, d, Math.min(1, y.shape[d]), length), narrow(y, d, 0, length)];
    y = y.dtype === "bool" ? after.ne(before) : after.sub(before);
  }
  return y;
}

/** The variance and the mean together. PyTorch's `torch.var_mean`. */
export function varMean(
  x: Tensor,
  dim?: Dims | VarianceOptions,
  keepdim = false,
  correction = 1,
): [variance: Tensor, mean: Tensor] {
  requireTensor(x, "take the variance of");
  const options = named<VarianceOptions>("variance", dim, VARIANCE);
  if (options !== null) return varMean(x, options.dim, options.keepdim, correctionOf(options));
  return [variance(x, dim, keepdim, correction), mean(x, dim as Dims, keepdim)];
}

/** The largest element over dimensions, also several; equal ones share the gradient. PyTorch's `torch.amax`. */
export function amax(x: Tensor, dim?: Dims | ReduceOptions, keepdim = false): Tensor {
  requireTensor(x, "take the max of");
  return reduce("max", x, dim, keepdim);
}

/** The smallest element over dimensions, also several; equal ones share the gradient. PyTorch's `torch.amin`. */
export function amin(x: Tensor, dim?: Dims | ReduceOptions, keepdim = false): Tensor {
  requireTensor(x, "take the min of");
  return reduce("min", x, dim, keepdim);
}

/**
 * For each element the product of all others over `dims`: of those before it times those after it. To divide the whole product by the
 * element would fail where it is 0 or infinite, or the product overflows. Products are carried in float64.
 */
export function productsOfOthers(x: Tensor, dims: readonly number[]): Tensor {
  const order = [...x.shape.keys()].sort((a, b) => Number(dims.includes(a)) - Number(dims.includes(b)));
  const permuted = permute(detached(x), order); // [kept…, dims…]
  const from = elements(permuted);
  const out = new Float64Array(from.length);
  const length = Math.max(1, sizeOf(dims.map((d) => x.shape[d])));
  for (let start = 0; start < from.length; start += length) {
    for (let i = 0, before = 1; i < length; before *= from[start + i++]) out[start + i] = before;
    for (let i = length - 1, after = 1; i >= 0; after *= from[start + i--]) out[start + i] *= after;
  }
  const kept = allocate(x.dtype, out.length);
  kept.set(out);
  const others = permute(wrap(kept, permuted.shape, x.dtype), order.map((_, d) => order.indexOf(d)));
  return record("productsOfOthers", others, [x], { dims });
}
