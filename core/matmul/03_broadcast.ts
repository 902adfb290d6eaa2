/**
 * Rung 3, broadcasting. Idea: a row of the product is the rows of b, each weighted by one element of the row of a, added up.
 * What changed: the loop over columns went into `a[i].unsqueeze(-1) * b`, which repeats a column with stride 0.
 * What it should buy: n calls a row became one, and b is read along its rows, in the order it lies in.
 */
import { zeros } from "../create.ts";
import type { Tensor } from "../tensor.ts";
import { checkProduct } from "./check_product.ts";

/** `c[i] = (a[i].unsqueeze(-1) * b).sum(dim=0)`. */
export function broadcast(a: Tensor, b: Tensor): Tensor {
  const { m, n } = checkProduct(a, b);
  const c = zeros([m, n]);
  for (let i = 0; i < m; i++) c.at(i).copy_(a.at(i).unsqueeze(-1).mul(b).sum(0));
  return c;
}
