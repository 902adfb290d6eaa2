/**
 * Derivatives of what is computed in windows over images, and on their planes and channels. An operand may be `null` where it is not
 * needed: it is then not read.
 */
import { activationBackward } from "../../core/ops/fused.ts";
import { convolutionWeightGradient, convolve, convolveTransposed } from "../../core/ops/windows/conv.ts";
import { batchNormGradients, padConstant, poolGradient, resampleGradient } from "../../core/ops/windows/planes.ts";
import { asStridedGradient } from "../../core/ops/windows/strided.ts";
import { columnsToImages, imagesToColumns } from "../../core/ops/windows/unfold.ts";
import { newZeros } from "../../core/memory/allocate.ts";
import type { ConvSettings, WindowSettings } from "../../core/record.ts";
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Rule, Rules } from "./rule.ts";

/**
 * `y[n, o, i, j] = Σ x[n, c, i·stride + r·dilation − padding, …] · w[o, c, r, s] + b[o]`: each `g[n, o, i, j] · w[o, c, r, s]` goes to the
 * place of x that was read, which is the transposed convolution; `dw[o, c, r, s] = Σ g[n, o, i, j] · x[n, c, …]` and `db[o] = Σ g`.
 */
function convBackward(
  g: Tensor,
  x: Tensor | null,
  w: Tensor | null,
  settings: ConvSettings,
  shape: Shape,
  withBias: boolean,
): (Tensor | null)[] {
  const dx = w === null ? null : convolveTransposed(g, w, null, settings, shape.slice(2));
  if (x === null) return [dx, null, withBias ? g.sum([0, 2, 3]) : null];
  return [dx, ...convolutionWeightGradient(x, g, settings, withBias)];
}

/** The roles of x and y exchanged: `dy` is the convolution of g, `dw` has g in the place of x, and `db = Σ g`. */
function convTransposeBackward(
  g: Tensor,
  y: Tensor | null,
  w: Tensor | null,
  settings: ConvSettings,
  shape: Shape,
  withBias: boolean,
): (Tensor | null)[] {
  const dy = w === null ? null : convolve(g, w, null, settings, shape.slice(2));
  const dw = y === null ? null : convolutionWeightGradient(g, y, settings, false)[0];
  return [dy, dw, withBias ? g.sum([0, 2, 3]) : null];
}

/** `columns[n, (c, r, s), (i, j)] = x[n, c, i·stride + r·dilation − padding, …]`, so each `g` is added to the place it came from. */
function im2colBackward(g: Tensor, settings: WindowSettings, shape: Shape): [dx: Tensor] {
  return [columnsToImages(g, settings, [shape[2], shape[3]])];
}

/** `y` is the sum of the columns at their places, so each gets what has arrived at its place. */
function col2imBackward(g: Tensor, settings: WindowSettings): [dx: Tensor] {
  return [imagesToColumns(g, settings)];
}

/** `y[…, i, …, k] = x[…, i·step + k, …]`, so each `g` is added to the place it came from. */
function unfoldBackward(g: Tensor, shape: Shape, dim: number, size: number, step: number): [dx: Tensor] {
  const dx = newZeros(shape, g.dtype);
  const reach = (g.shape[dim] - 1) * step + 1;
  for (let k = 0; k < size; k++) dx.narrow(dim, k, reach).slice(dim, 0, undefined, step).add_(g.select(-1, k));
  return [dx];
}

/** The operations on windows. */
type Windows = "conv" | "convTranspose" | "im2col" | "col2im" | "unfold" | "asStrided";

type ConvBackward = typeof convBackward;

/** The rule with the derivative of the activation before it. */
function throughActivation(back: ConvBackward): Rule<"conv" | "convTranspose"> {
  return (g, step) => {
    const { settings, shape, needsInputGrad } = step;
    const { activation } = settings;
    const gx = activation === "none" ? g : activationBackward(activation, g, step.y);
    const [x, w] = [needsInputGrad[1] ? step.a : null, needsInputGrad[0] ? step.b : null];
    return back(gx, x, w, { ...settings, activation: "none" }, shape, needsInputGrad[2] ?? false);
  };
}

/** The rules of windows over images. */
export const windowRules: Rules<Windows> = {
  conv: throughActivation(convBackward),
  convTranspose: throughActivation(convTransposeBackward),
  im2col: (g, { shape, settings }) => im2colBackward(g, settings, shape),
  col2im: (g, { settings }) => col2imBackward(g, settings),
  unfold: (g, { shape, settings: { dim, size, step } }) => unfoldBackward(g, shape, dim, size, step),
  asStrided: (g, { settings: { view, source } }) => [asStridedGradient(g, view, source)],
};

/** The operations on planes and channels. */
type Planes = "maxPool" | "avgPool" | "pad" | "resample" | "batchNorm";

/** The rules of planes and channels: pooling, padding, resampling, batch normalisation. */
export const planeRules: Rules<Planes> = {
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
