/** Derivatives of what is computed in windows over images. An operand may be `null` where it is not needed: it is then not read. */
import { activationBackward } from "../../core/ops/fused.ts";
import { convolutionWeightGradient, convolve, convolveTransposed } from "../../core/ops/windows/conv.ts";
import type { ConvSettings } from "../../core/record.ts";
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

/** The operations of this file. */
type Windows = "conv" | "convTranspose";

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
};
