/** Reductions, of many elements to few, over all dimensions or the named ones; and scans: running sums, products of all others. */
import { describe, requireTensor } from "../arguments.ts";
import type { ReduceOp } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import { allocate, checkedConvert, type DType, isFloating, type TypedArray } from "../dtype.ts";
import { newEmpty, wrap } from "../memory/allocate.ts";
import { cast } from "./elementwise.ts";
import { detached, elements, permute, view } from "./movement.ts";
import { noteFunction, record } from "../record.ts";
import { resolveDim, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** Which dimensions to reduce: one, several, or (`undefined`) all. */
export type Dims = number | readonly number[] | undefined;

/** `op` over `dims`; with `keepdim` they stay, with size 1. Errors call the operation `what`. */
export function reduce(op: ReduceOp, x: Tensor, dims: Dims, keepdim = false, what: string = op): Tensor {
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
export function mean(x: Tensor, dims: Dims, keepdim = false): Tensor {
  requireFloating(x, "mean");
  const out = reduce("sum", x, dims, keepdim, "mean").div(countOf(x, dims, "mean"));
  return noteFunction("mean", out, [x], { dims: [...reducedDims(x, dims, "mean")] });
}

/**
 * `Σ(x − x̄)² / (n − correction)`: correction 1 is the sample's variance (PyTorch's default), 0 the population's.
 * One element with correction 1 gives NaN.
 */
export function variance(x: Tensor, dims: Dims, keepdim = false, correction = 1): Tensor {
  requireFloating(x, "variance");
  const spread = Math.max(0, countOf(x, dims, "variance") - correction);
  const apart = x.sub(mean(x, dims, true));
  return reduce("sum", apart.mul(apart), dims, keepdim, "variance").div(spread);
}

/** The root of `variance`. */
export function deviation(x: Tensor, dims: Dims, keepdim = false, correction = 1): Tensor {
  return rootOfSquares(variance(x, dims, keepdim, correction));
}

/** `√Σx²`, the Frobenius norm of a matrix. */
export function norm(x: Tensor, dims: Dims, keepdim = false): Tensor {
  requireFloating(x, "norm");
  if (typeof dims === "string" || Math.abs(Number(dims)) === Infinity) {
    throw new RangeError(
      `Cannot take the norm over dimension ${dims}: norm() takes dimensions where PyTorch takes p, and p is 2; ` +
        `for p of Infinity use abs().max()`,
    );
  }
  return rootOfSquares(reduce("sum", x.mul(x), dims, keepdim, "norm"));
}

/** `√x` of sums of squares; its derivative at 0 is 0, so that the gradient of squares that are all 0 is not ∞ · 0. */
function rootOfSquares(x: Tensor): Tensor {
  const zero = x.eq(0);
  return x.add(zero).sqrt().sub(zero.to(x.dtype)); // √1 − 1 where x is 0
}

/** `log Σ eˣ`, with the maximum taken out first so that nothing overflows; of nothing it is −∞. */
export function logsumexp(x: Tensor, dims: Dims, keepdim = false): Tensor {
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
  dim: number,
  keepdim: boolean,
): { values: Tensor; indices: Tensor } {
  const indices = argExtreme(op === "max" ? "argmax" : "argmin", x, dim, keepdim);
  const values = reduce(op, detached(x), dim, keepdim);
  return { values: record("extreme", values, [x, indices], { dim: resolveDim(dim, x.ndim, op) }), indices };
}

/** The first index of the extreme, along `dim` or (without one) in row-major order over everything. */
export function argExtreme(op: "argmax" | "argmin", x: Tensor, dim?: number, keepdim = false): Tensor {
  return reduce(op, x, dim, keepdim);
}

/**
 * The running sums `y[i] = x[0] + … + x[i]` along `dim`, carried in float64; integers give int32.
 *
 * @throws {RangeError} If there is no such dimension, or a sum does not fit int32.
 */
export function cumsum(x: Tensor, dim: number): Tensor {
  requireTensor(x, "take cumsum() of");
  const d = resolveDim(dim, x.shape.length, "take the cumulative sum over");
  if (x.shape.length === 0) return view(cumsum(view(x, [1]), 0), []);
  const out = newEmpty(x.shape, isFloating(x.dtype) ? x.dtype : "int32");
  const exact = isFloating(out.dtype) ? out.data : new Float64Array(out.data.length);
  scan(elements(x), x.shape[d], sizeOf(x.shape.slice(d + 1)), exact);
  if (exact !== out.data) storeIntegers("cumulative sum", exact, out);
  return record("cumsum", out, [x], { dim: d });
}

/** Sums along runs of `length` elements that stand `step` apart. */
function scan(x: TypedArray, length: number, step: number, out: TypedArray): void {
  for (let block = 0; block < x.length; block += length * step) {
    for (let start = block; start < block + step; start++) {
      let sum = 0;
      for (let at = start; at < start + length * step; at += step) out[at] = sum += x[at];
    }
  }
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
