/** The calculus of losses: how the mean over a batch depends on each prediction. `g` is a single number, 1 for the last loss. */
import { oneHot } from "../../core/ops/index.ts";
import type { Tensor } from "../../core/tensor.ts";

/** `L = Σ(p − t)² / n` over all n elements, so `dp = g · 2(p − t) / n`. */
export function mseBackward(g: Tensor, p: Tensor, t: Tensor): [dp: Tensor] {
  return [p.sub(t).mul(g.mul(2 / p.numel()))];
}

/**
 * `L = −Σ ln softmax(z)[i, y_i] / n` for logits z [n, classes] and targets y [n], so `dz = g · (p − onehot(y)) / n`
 * with `p = softmax(z)`.
 */
export function crossEntropyBackward(g: Tensor, p: Tensor, y: Tensor): [dz: Tensor] {
  const [n, classes] = p.shape;
  return [p.sub(oneHot(y, classes)).mul(g.div(n))];
}
