/** The derivative of attention. */
import { attentionGradients, attentionWeights, keptWeights, type Packed, unpacked } from "../../core/ops/attention.ts";
import { stack } from "../../core/ops/join.ts";
import type { AttentionSettings } from "../../core/record.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { BackwardStep, Rules } from "./rule.ts";

/** The same as operations, with a matrix of all weights. */
function attentionBackward(g: Tensor, inputs: Packed, mask: Tensor | null, settings: AttentionSettings): Tensor[] {
  const [q, k, v] = unpacked(inputs);
  const p = attentionWeights(q, k, mask, settings); // [..., L, S]
  const keep = settings.dropout === null ? null : keptWeights(p.shape, p.dtype, settings.dropout);
  const dp = g.matmul(v.transpose(-2, -1)), kept = keep === null ? dp : dp.mul(keep);
  const ds = p.mul(kept.sub(kept.mul(p).sum(-1, true))).mul(settings.scale);
  const dv = (keep === null ? p : p.mul(keep)).transpose(-2, -1).matmul(g);
  const gradients = [ds.matmul(k), ds.transpose(-2, -1).matmul(q), dv];
  return settings.packed ? [stack(gradients, 0)] : gradients;
}

/** The inputs of the step, and its mask. */
function inputsOf(step: BackwardStep<AttentionSettings>): { inputs: Packed; mask: Tensor | null } {
  const count = step.settings.packed ? 1 : 3, hasMask = step.needsInputGrad.length > count;
  const inputs = Array.from({ length: count }, (_, i) => step.input(i)) as unknown as Packed;
  return { inputs, mask: hasMask ? step.input(count) : null };
}

/** The rule of attention. */
export const attentionRules: Rules<"attention"> = {
  // y = p v with p = softmax(s), s = scale · q kᵀ + mask: dv = pᵀ g, dp = g vᵀ, ds = p ⊙ (dp − Σ dp ⊙ p), dq = scale · ds k, dk = scale · dsᵀ q
  attention: (g, step) => {
    const { inputs, mask } = inputsOf(step), { settings, isRecorded } = step;
    const gradients = isRecorded
      ? attentionBackward(g, inputs, mask, settings)
      : attentionGradients(inputs, mask, settings, step.y, g);
    return mask === null ? gradients : [...gradients, null];
  },
};
