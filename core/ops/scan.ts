/** Scans: running sums, and products of all other elements. */
import { newEmpty, wrap } from "../memory/allocate.ts";
import { requireTensor } from "../arguments.ts";
import { allocate, isFloating, type TypedArray } from "../dtype.ts";
import { record } from "../record.ts";
import { resolveDim, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { elements, permute, view } from "./movement.ts";
import { storeIntegers } from "./reduce.ts";

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
  const permuted = permute(x, order); // [kept…, dims…]
  const from = elements(permuted);
  const out = new Float64Array(from.length);
  const length = Math.max(1, sizeOf(dims.map((d) => x.shape[d])));
  for (let start = 0; start < from.length; start += length) {
    for (let i = 0, before = 1; i < length; before *= from[start + i++]) out[start + i] = before;
    for (let i = length - 1, after = 1; i >= 0; after *= from[start + i--]) out[start + i] *= after;
  }
  const kept = allocate(x.dtype, out.length);
  kept.set(out);
  return permute(wrap(kept, permuted.shape, x.dtype), order.map((_, d) => order.indexOf(d)));
}
