/**
 * Rung 2, row dot. Idea: an element of the product is a row times a column, element by element, summed.
 * What changed: the innermost loop became two tensor operations on views of a whole row and column.
 * What it should buy: k element accesses became one call, so about k / 10 of the time on long rows.
 */
import { zeros } from "../create.ts";
import type { Tensor } from "../tensor.ts";
import { checkProduct } from "./check_product.ts";

/** `c[i,j] = (a[i] * b[:,j]).sum()`. */
export function rowDot(a: Tensor, b: Tensor): Tensor {
  const { m, n } = checkProduct(a, b);
  const c = zeros([m, n]);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) c.at(i, j).copy_(a.at(i).mul(b.at(":", j)).sum());
  }
  return c;
}
