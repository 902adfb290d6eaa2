/**
 * Rung 1, three loops. Idea: the definition, element by element, as the documents write it.
 * What changed: nothing yet. Every access makes a tensor of rank 0, as `c[i, j]` does in Python.
 * What it should buy: trust; all the rungs above are checked against it.
 */
import { zeros } from "../create.ts";
import type { Tensor } from "../tensor.ts";
import { checkProduct } from "./check_product.ts";

/** `a @ b` for a [m, k] and b [k, n]: `c[i,j] = Σ a[i,k]·b[k,j]`. */
export function loops(a: Tensor, b: Tensor): Tensor {
  const { m, k, n } = checkProduct(a, b);
  const c = zeros([m, n]);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let l = 0; l < k; l++) c.at(i, j).add_(a.at(i, l).mul(b.at(l, j)));
    }
  }
  return c;
}
