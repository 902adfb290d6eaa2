/** Scans: every element together with those before it. */
import { blank } from "../allocate.ts";
import { requireTensor } from "../arguments.ts";
import { isFloating, type Numbers } from "../dtype.ts";
import { record } from "../record.ts";
import { resolveDim, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { elements, view } from "./movement.ts";
import { storeWhole } from "./reduce.ts";

/**
 * The running sums `y[i] = x[0] + … + x[i]` along `dim`, carried in float64; integers give int32.
 *
 * @throws {RangeError} If there is no such dimension, or a sum does not fit int32.
 */
export function cumsum(x: Tensor, dim: number): Tensor {
  requireTensor(x, "take cumsum() of");
  const d = resolveDim(dim, x.shape.length, "take the cumulative sum over");
  if (x.shape.length === 0) return view(cumsum(view(x, [1]), 0), []);
  const out = blank(x.shape, isFloating(x.dtype) ? x.dtype : "int32");
  const exact = isFloating(out.dtype) ? out.data : new Float64Array(out.data.length);
  scan(elements(x), x.shape[d], sizeOf(x.shape.slice(d + 1)), exact);
  if (exact !== out.data) storeWhole("cumulative sum", exact, out);
  return record("cumsum", out, [x], { dim: d });
}

/** Sums along runs of `length` elements that stand `step` apart. */
function scan(x: Numbers, length: number, step: number, out: Numbers): void {
  for (let block = 0; block < x.length; block += length * step) {
    for (let start = block; start < block + step; start++) {
      let sum = 0;
      for (let at = start; at < start + length * step; at += step) out[at] = sum += x[at];
    }
  }
}
