/** Derivatives of what works on windows of images and on channels: pooling, padding, resampling, batch normalisation. */
import { batchNormGradients } from "../../core/ops/windows/batch_norm.ts";
import { padConstant } from "../../core/ops/windows/pad.ts";
import { poolGradient } from "../../core/ops/windows/pool.ts";
import { resampleGradient } from "../../core/ops/windows/resample.ts";
import type { Rules } from "./rule.ts";

/** The operations of this file. */
type Pooled = "maxPool" | "avgPool" | "pad" | "resample" | "batchNorm";

/** The rules of these operations. */
export const poolingRules: Rules<Pooled> = {
  // y[o] = max of window o = x[at[o]]: dx[i] = Σ g[o] over the windows whose maximum stands at i
  maxPool: (g, { shape, b, settings }) => [poolGradient(settings, g, shape, b), null],
  // y[o] = Σ x[i] / k over the places i of window o: dx[i] = Σ g[o] / k over the windows that hold i
  avgPool: (g, { shape, settings }) => [poolGradient(settings, g, shape, null)],
  // y has x in its middle, so that dx is the middle of g: the padding is taken away, and what was taken away is 0
  pad: (g, { settings: { before, after } }) => [padConstant(g, before.map((n) => -n), after.map((n) => -n), 0)],
  // y[o] = (1 − t) · x[i] + t · x[j] along each dimension: x[i] gets (1 − t) · g[o], and x[j] gets t · g[o]
  resample: (g, { shape, settings }) => [resampleGradient(settings, g, shape)],
  // y = x̂ · w + b with x̂ = (x − μ) / σ over m elements: db = Σg, dw = Σ g·x̂, dx = w / σ · (g − db / m − x̂ · dw / m)
  batchNorm: (g, step) => {
    const { a, settings, needsInputGrad } = step;
    const y = settings.activation === "none" ? null : step.y;
    const gradients = batchNormGradients(settings, g, a, y, needsInputGrad[0]);
    return needsInputGrad.length === 1 ? gradients.slice(0, 1) : gradients;
  },
};
