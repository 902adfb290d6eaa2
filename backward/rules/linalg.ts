/** Derivatives of matrix products. An operand may be `null` where the other one needs no gradient: it is then not read. */
import { activationBiasBackward } from "../../core/ops/fused.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Rules } from "./rule.ts";

/** `y = a @ b` with a [m, k] and b [k, n], so `da = g @ bᵀ` and `db = aᵀ @ g`; leading dimensions are batches. */
export function matmulBackward(
  g: Tensor,
  a: Tensor | null,
  b: Tensor | null,
): [da: Tensor | null, db: Tensor | null] {
  return [
    b === null ? null : g.matmul(b.transpose(-1, -2)),
    a === null ? null : a.transpose(-1, -2).matmul(g),
  ];
}

/** `y = x @ w + b` with x [batch, in], w [in, out], b [out], so the rule of the product, and `db = Σ g` over the batch. */
export function linBackward(
  g: Tensor,
  x: Tensor | null,
  w: Tensor | null,
): [dx: Tensor | null, dw: Tensor | null, db: Tensor] {
  return [...matmulBackward(g, x, w), g.sum(0)];
}

/** `y = x @ wᵀ` with w [out, in], so `dx = g @ w` and `dw = gᵀ @ x`, row-major as w is. */
function transposedMatmulBackward(
  g: Tensor,
  x: Tensor | null,
  w: Tensor | null,
): [dx: Tensor | null, dw: Tensor | null] {
  const [dw] = matmulBackward(g.t(), null, x === null ? null : x.t());
  const [dx] = matmulBackward(g, null, w === null ? null : w.t());
  return [dx, dw];
}

/** The rules of products. */
export const linalgRules: Rules<"matmul" | "linear"> = {
  matmul: (g, step) =>
    matmulBackward(g, step.needsInputGrad[1] ? step.a : null, step.needsInputGrad[0] ? step.b : null),
  linear: (g, step) => {
    const { settings: { activation, transposed }, needsInputGrad } = step;
    const [gx, db] = activationBiasBackward(
      activation,
      g,
      activation === "none" ? g : step.y,
      needsInputGrad[2] ?? false,
    );
    const back = transposed ? transposedMatmulBackward : matmulBackward;
    return [...back(gx, needsInputGrad[1] ? step.a : null, needsInputGrad[0] ? step.b : null), db];
  },
};
