/** The calculus of activations that have a kink or a shortcut; those made of smooth operations need no rule of their own. */
import type { Tensor } from "../../core/tensor.ts";

/** `y = ln(1 + e^(βx)) / β`, so `dx = g · σ(βx)`; where `βx` is past the threshold, `y = x` and `dx = g`. */
export function softplusBackward(g: Tensor, x: Tensor, beta: number, threshold: number): [dx: Tensor] {
  const z = x.mul(beta);
  return [g.mul(z.sigmoid().maximum(z.gt(threshold).to(x.dtype)))];
}

/** `y = min(max(x, low), high)` as hardtanh has it: `dx = g` between the bounds, and 0 on them, where `clamp` has `g`. */
export function hardtanhBackward(g: Tensor, x: Tensor, low: number, high: number): [dx: Tensor] {
  return [g.mul(x.gt(low)).mul(x.lt(high))];
}
