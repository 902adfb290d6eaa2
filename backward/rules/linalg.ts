/** The calculus of matrix products. */
import type { Tensor } from "../../core/tensor.ts";
import type { Rules } from "./rule.ts";

const BOTH = [true, true];

/** `y = a @ b` with a [m, k] and b [k, n], so `da = g @ bᵀ` and `db = aᵀ @ g`; leading dimensions are batches. */
export function matmulBackward(
  g: Tensor,
  a: Tensor,
  b: Tensor,
  wants: readonly boolean[] = BOTH,
): [da: Tensor | null, db: Tensor | null] {
  return [
    wants[0] ? g.matmul(b.transpose(-1, -2)) : null,
    wants[1] ? a.transpose(-1, -2).matmul(g) : null,
  ];
}

/** `y = x @ w + b` with x [batch, in], w [in, out], b [out]: the product's rule, and `db` sums `g` over the batch. */
export function linBackward(
  g: Tensor,
  x: Tensor,
  w: Tensor,
  wants: readonly boolean[] = BOTH,
): [dx: Tensor | null, dw: Tensor | null, db: Tensor] {
  return [...matmulBackward(g, x, w, wants), g.sum(0)];
}

/** The rules of products. */
export const linalgRules: Rules<"matmul" | "linear"> = {
  matmul: (g, { a, b, wants }) => matmulBackward(g, a, b, wants),
  linear: (g, { a, b, wants }) => linBackward(g, a, b, wants),
};
