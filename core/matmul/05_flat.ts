/**
 * Rung 5, flat typed arrays. Idea: below tensors there are only typed arrays and index arithmetic.
 * What changed: operands are dense arrays without strides, and the loops run i, k, j, so that the innermost goes along a row of b.
 * What it should buy: contiguous access, and sums that do not wait for each other as those of one dot product do. They are carried
 * in float64, which all arithmetic here is: rounding each one to float32 on its way would cost a tenth of the time.
 */
import { fromData } from "../create.ts";
import { elements } from "../ops/movement.ts";
import type { Tensor } from "../tensor.ts";
import { checkProduct } from "./check_product.ts";

/** `c[i·n + j] += a[i·k + l] · b[l·n + j]` over flat arrays. */
export function flat(a: Tensor, b: Tensor): Tensor {
  const { m, k, n } = checkProduct(a, b);
  const [left, right, c] = [elements(a), elements(b), new Float32Array(m * n)];
  const sums = new Float64Array(n); // a row of c
  for (let i = 0; i < m; i++) {
    sums.fill(0);
    for (let l = 0; l < k; l++) {
      const weight = left[i * k + l];
      for (let j = 0, at = l * n; j < n; j++, at++) sums[j] += weight * right[at];
    }
    c.set(sums, i * n);
  }
  return fromData(c, [m, n]);
}
