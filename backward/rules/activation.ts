/** The calculus of activations that have a kink or a shortcut; those made of smooth operations need no rule of their own. */
import { logicalOr } from "../../core/ops/functions.ts";
import { where } from "../../core/ops/where.ts";
import type { Tensor } from "../../core/tensor.ts";

/** `y = ln(1 + e^(βx)) / β`, so `dx = g · σ(βx)`; where `βx` is past the threshold, `y = x` and `dx = g`. */
export function softplusBackward(g: Tensor, x: Tensor, beta: number, threshold: number): [dx: Tensor] {
  const z = x.mul(beta);
  return [where(z.gt(threshold), g, g.mul(z.sigmoid()))];
}

/** `y = min(max(x, low), high)` as hardtanh has it: `dx = 0` on the bounds and past them, else `g`, also where x is NaN. */
export function hardtanhBackward(g: Tensor, x: Tensor, low: number, high: number): [dx: Tensor] {
  return [where(logicalOr(x.le(low), x.ge(high)), 0, g)];
}
