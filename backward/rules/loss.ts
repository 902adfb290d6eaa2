/** Derivatives of losses: each formula in the reduction that its loss uses. */
import { crossEntropyGradient } from "../../core/ops/fused.ts";
import { where } from "../../core/ops/where.ts";
import type { Tensor } from "../../core/tensor.ts";
import { softmaxBackward } from "./reduce.ts";
import type { Rules } from "./rule.ts";

/** `L = Σ(p − t)² / n` over all n elements, so `dp = g · 2(p − t) / n`. */
export function mseBackward(g: Tensor, p: Tensor, t: Tensor): [dp: Tensor] {
  return [p.sub(t).mul(g.mul(2 / p.numel()))];
}

/**
 * `L = −Σ ln softmax(z)[i, y_i] / n` for logits z [n, classes] and targets y [n], so `dz = g · (softmax(z) − onehot(y)) / n`, of which
 * the back end computes `(softmax(z) − onehot(y)) / n` in one pass. This is the mean over all rows; for class weights, ignored rows and
 * other reductions there is {@linkcode weightedCrossEntropyBackward}.
 */
export function crossEntropyBackward(g: Tensor, z: Tensor, y: Tensor): [dz: Tensor] {
  const dz = crossEntropyGradient(z, y);
  return [!g.requiresGrad && g.item() === 1 ? dz : dz.mul(g)];
}

/** `dz = (p − onehot(y)) / n` with `p = softmax(z)`, so that the gradient h of dz goes through the derivative of softmax, over n. */
function crossEntropyTwice(h: Tensor, z: Tensor): [dz: Tensor] {
  const powers = z.sub(z.detach().max(1, true).values).exp();
  return [softmaxBackward(h, powers.div(powers.sum(1, true)), 1)[0].div(z.shape[0])];
}

/** The rules of the one loss that is a primitive operation, and of its derivative. */
export const lossRules: Rules<"crossEntropy" | "crossEntropyBackward"> = {
  crossEntropy: (g, { a, b }) => [...crossEntropyBackward(g, a, b), null],
  crossEntropyBackward: (h, { a }) => [...crossEntropyTwice(h, a), null],
};

/**
 * `L_i = −Σ_c q_ic · ln softmax(z)_ic` for each row, so `dz = g_i · (p · Σ_c q_ic − q)` with `p = softmax(z)`; q [n, classes] is the
 * target's weight at its class and 0 elsewhere, g [n] or a single number. A row without a weight gets 0, even if it holds NaN.
 */
export function weightedCrossEntropyBackward(g: Tensor, p: Tensor, q: Tensor): [dz: Tensor] {
  const counts = q.abs().sum(1, true).ne(0);
  return [where(counts, p.mul(q.sum(1, true)).sub(q).mul(g.unsqueeze(-1)), 0)];
}

/** `L_i = −Σ_c q_ic · l_ic` for log-probabilities l, so `dl = −g_i · q`, and 0 where q is; g [n], q [n, classes] as above. */
export function nllBackward(g: Tensor, q: Tensor): [dl: Tensor] {
  return [where(q.eq(0), 0, q.mul(g.unsqueeze(-1)).neg())];
}

/** `L = d²/2` where `|d| ≤ δ`, else `δ(|d| − δ/2)`, so `dd = g · clamp(d, −δ, δ)`. */
export function huberBackward(g: Tensor, d: Tensor, delta: number): [dd: Tensor] {
  return [g.mul(d.clamp(-delta, delta))];
}

/** `L = d²/(2β)` where `|d| < β`, else `|d| − β/2`, so `dd = g · clamp(d/β, −1, 1)`. */
export function smoothL1Backward(g: Tensor, d: Tensor, beta: number): [dd: Tensor] {
  return [g.mul(d.div(beta).clamp(-1, 1))];
}

/**
 * `L = −t ln p − (1 − t) ln(1 − p)`, so `dp = g · (p − t) / (p(1 − p))` and `dt = g · (ln(1 − p) − ln p)`; the denominator is clamped
 * to 1e-12 from below and the logarithms to −100, as in PyTorch, so that p of 0 and 1 have finite gradients.
 */
export function bceBackward(g: Tensor, p: Tensor, t: Tensor): [dp: Tensor, dt: Tensor] {
  const spread = p.neg().add(1).mul(p).clampMin(1e-12); // p − p² would lose the digits of 1 − p
  const logs = p.neg().log1p().clampMin(-100).sub(p.log().clampMin(-100));
  return [g.mul(p.sub(t)).div(spread), g.mul(logs)];
}
