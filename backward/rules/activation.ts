/** The calculus of activations by their argument: one pass of the machine for each, by the formula that stands above it. */
import type { Slope } from "../../core/backend/backend.ts";
import { slope } from "../../core/ops/fused.ts";
import type { Rule, Rules } from "./rule.ts";

/** `dx = g · op′(x)`. */
function back<K extends Slope>(op: K): Rule<K> {
  return (g, { a, settings: { low, high } }) => [slope(op, g, a, low, high)];
}

/** The rules of activations, and of `clamp`. Where one chooses, 0 is chosen, not multiplied by. */
export const activationRules: Rules<Slope> = {
  // y = min(max(x, low), high): dx = g between the bounds and on them, else 0
  clamp: back("clamp"),
  // the same y: dx = g between the bounds, else 0, on them too
  hardtanh: back("hardtanh"),
  // y = x where x > 0, else s · x: dx = g, or s · g
  leakyRelu: back("leakyRelu"),
  // y = γx where x > 0, else γα(eˣ − 1): dx = γ · g, or γα · eˣ · g
  elu: back("elu"),
  // y = x · Φ(x): dx = g · (Φ(x) + x · e^(−x²/2) / √(2π))
  gelu: back("gelu"),
  // y = x · σ(u) with u = √(8/π)(x + κx³): dx = g · (σ(u) + x · σ(u)σ(−u) · √(8/π)(1 + 3κx²))
  geluTanh: back("geluTanh"),
  // y = x · σ(x): dx = g · σ(x)(1 + x · σ(−x))
  silu: back("silu"),
  // y = x · t with t = tanh(ln(1 + eˣ)): dx = g · (t + x · σ(x)(1 − t²))
  mish: back("mish"),
  // y = ln(1 + e^(βx)) / β: dx = g · σ(βx); where βx is past the threshold, y = x and dx = g
  softplus: back("softplus"),
};
