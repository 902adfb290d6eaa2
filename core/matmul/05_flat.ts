/**
 * Rung 5, flat typed arrays. Idea: below tensors there are only typed arrays and index arithmetic.
 * What changed: operands are dense Float32Arrays, and the loops run i, k, j, so that the innermost one walks rows of b and c.
 * What it should buy: contiguous access and no strides, which the engine's compiler turns into a tight loop.
 */
import { fromData } from "../create.ts";
import { elements } from "../ops/movement.ts";
import type { Tensor } from "../tensor.ts";
import { checkProduct } from "./check_product.ts";

/** `c[i·n + j] += a[i·k + l] · b[l·n + j]` over flat arrays. */
export function flat(a: Tensor, b: Tensor): Tensor {
  const { m, k, n } = checkProduct(a, b);
  const [left, right, c] = [elements(a), elements(b), new Float32Array(m * n)];
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const weight = left[i * k + l];
      const [cRow, bRow] = [i * n, l * n];
      for (let j = 0; j < n; j++) c[cRow + j] += weight * right[bRow + j];
    }
  }
  return fromData(c, [m, n]);
}
