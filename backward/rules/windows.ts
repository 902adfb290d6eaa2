/**
 * Derivatives of what is computed in windows over images, and on their planes and channels. An operand may be `null` where it is not
 * needed: it is then not read.
 */
import { activationBackward } from "../../core/ops/fused.ts";
import { convolutionWeightGradient, convolve, convolveTransposed } from "../../core/ops/windows/conv.ts";
import {
  averages,
  batchNormGradients,
  padConstant,
  poolGradient,
  resampled,
  resampleGradient,
} from "../../core/ops/windows/planes.ts";
import { asStridedGradient, slidingWindows, slidingWindowsGradient } from "../../core/ops/windows/strided.ts";
import { columnsToImages, imagesToColumns } from "../../core/ops/windows/unfold.ts";
import { gather } from "../../core/ops/index.ts";
import { elements } from "../../core/ops/movement.ts";
import { where } from "../../core/ops/where.ts";
import type { Pooling } from "../../core/backend/planes.ts";
import { fromData } from "../../core/create.ts";
import type { ConvSettings, OpSettings, WindowSettings } from "../../core/record.ts";
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

/** The operations on windows. */
type Windows = "conv" | "convTranspose" | "im2col" | "col2im" | "unfold" | "asStrided";
/** Derivatives of them that are operations. */
type WindowReturns = "convWeightBackward" | "unfoldBackward";

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
export const windowRules: Rules<Windows | WindowReturns> = {
  conv: throughActivation(convBackward),
  convTranspose: throughActivation(convTransposeBackward),
  im2col: (g, { shape, settings }) => im2colBackward(g, settings, shape),
  col2im: (g, { settings }) => col2imBackward(g, settings),
  // dw[o, c, r, s] = Σ g[n, o, i, j] · x[n, c, …]: linear in both, as the convolution itself, of which h takes the weight's place
  convWeightBackward: (h, step) => {
    const { settings, shape, needsInputGrad } = step;
    return [
      needsInputGrad[0] ? convolveTransposed(step.b, h, null, settings, shape.slice(2)) : null,
      needsInputGrad[1] ? convolve(step.a, h, null, settings, step.b.shape.slice(2)) : null,
    ];
  },
  // y[…, i, …, k] = x[…, i·step + k, …]: each g is added to the place it came from
  unfold: (g, { shape, settings: { dim, size, step } }) => [slidingWindowsGradient(g, shape, dim, size, step)],
  unfoldBackward: (g, { settings: { dim, size, step } }) => [slidingWindows(g, dim, size, step)],
  asStrided: (g, { settings: { view, source } }) => [asStridedGradient(g, view, source)],
};

/** The operations on planes and channels. */
type Planes = "maxPool" | "avgPool" | "pad" | "resample" | "batchNorm";
/** Derivatives of them that are operations. */
type PlaneReturns = "poolBackward" | "resampleBackward";

/** The elements of h, which has the shape of images, that stood in each window at its maximum; 0 for a window without one. */
function atMaxima(h: Tensor, { h: rows, w: columns, rows: down, cols: across }: Pooling, at: Tensor): Tensor {
  const [size, windows] = [rows * columns, down.begin.length * across.begin.length];
  const places = Int32Array.from(elements(at), (place, i) => Math.floor(i / windows) * size + Math.max(place, 0));
  return where(at.ge(0), gather(h.reshape(-1), places, at.shape), 0);
}

/** The derivative of `batchNorm` as operations: by the statistics of x where they are its own, else by those given. */
function batchNormBackward(
  g: Tensor,
  x: Tensor,
  weight: Tensor | null,
  { training, eps, stats }: OpSettings["batchNorm"],
): [dx: Tensor, dw: Tensor, db: Tensor] {
  const c = x.shape[1];
  const over = x.shape.flatMap((_, d) => (d === 1 ? [] : [d]));
  const along = (v: Tensor) => v.view(...x.shape.map((_, d) => (d === 1 ? c : 1)));
  const given = (row: number) => along(fromData(stats.slice(row * c, (row + 1) * c), [c]));
  const apart = x.sub(training ? x.mean(over, true) : given(0));
  const inverse = (training ? apart.square().mean(over, true) : given(1)).add(eps).rsqrt();
  const normal = apart.mul(inverse);
  const [dw, db] = [g.mul(normal).sum(over), g.sum(over)];
  const m = x.numel() / c;
  const slope = training ? g.sub(along(db).div(m)).sub(normal.mul(along(dw).div(m))) : g;
  const scale = weight === null ? inverse : inverse.mul(along(weight));
  return [slope.mul(scale), dw, db];
}

/** The rules of planes and channels: pooling, padding, resampling, batch normalisation. */
export const planeRules: Rules<Planes | PlaneReturns> = {
  // y[o] = max of window o = x[at[o]]: dx[i] = Σ g[o] over the windows whose maximum stands at i
  maxPool: (g, { shape, b, settings }) => [poolGradient(settings, g, shape, b), null],
  // y[o] = Σ x[i] / k over the places i of window o: dx[i] = Σ g[o] / k over the windows that hold i
  avgPool: (g, { shape, settings }) => [poolGradient(settings, g, shape, null)],
  // dx[i] = Σ g[o] over the windows o that i counts in: each g[o] gets back what h has there
  poolBackward: (h, step) => {
    const { settings, shape } = step;
    return settings.op === "max" ? [atMaxima(h, settings, step.b), null] : [averages(h, settings, shape)];
  },
  // y has x in its middle, so that dx is the middle of g: the padding is taken away, and what was taken away is 0
  pad: (g, { settings: { before, after } }) => [padConstant(g, before.map((n) => -n), after.map((n) => -n), 0)],
  // y[o] = (1 − t) · x[i] + t · x[j] along each dimension: x[i] gets (1 − t) · g[o], and x[j] gets t · g[o]
  resample: (g, { shape, settings }) => [resampleGradient(settings, g, shape)],
  resampleBackward: (h, { shape, settings }) => [resampled(h, settings, shape)],
  // y = x̂ · w + b with x̂ = (x − μ) / σ over m elements: db = Σg, dw = Σ g·x̂, dx = w / σ · (g − db / m − x̂ · dw / m)
  batchNorm: (g, step) => {
    const { a, settings, needsInputGrad } = step;
    const y = settings.activation === "none" ? null : step.y;
    const affine = needsInputGrad.length > 1;
    const gradients = step.isRecorded
      ? batchNormBackward(y === null ? g : activationBackward("relu", g, y), a, affine ? step.b : null, settings)
      : batchNormGradients(settings, g, a, y, needsInputGrad[0]);
    return affine ? gradients : gradients.slice(0, 1);
  },
};
