/**
 * Stage 1, functions. Last stage: none, this is where the path begins.
 * What moved: nothing yet; every function has one beside it for its gradient, and the programmer calls these in reverse order.
 * What stays: the formulas are in `backward/rules/`, the gradients are left in `.g`.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { lin, linGrad, mse, mseGrad } from "@gradus/gradus/functional";
 * import { assertEquals } from "@std/assert";
 *
 * const [x, w, b, target] = [tensor([[1, 2]]), tensor([[3], [4]]), tensor([5]), tensor([15])];
 * const out = lin(x, w, b); // 1 · 3 + 2 · 4 + 5 = 16
 * assertEquals(mse(out, target).item(), 1);
 * mseGrad(out, target);
 * linGrad(x, out, w, b);
 * assertEquals(w.g?.toArray(), [[2], [4]]);
 * ```
 * @module
 */
import { checkOptions, describe, requireTensor } from "../core/arguments.ts";
import { tensor } from "../core/create.ts";
import { crossEntropyMean } from "../core/ops/fused.ts";
import { linear } from "../core/ops/linalg.ts";
import { sameShape, show } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { reluBackward, sigmoidBackward } from "../backward/rules/elementwise.ts";
import { linBackward } from "../backward/rules/linalg.ts";
import { crossEntropyBackward, mseBackward } from "../backward/rules/loss.ts";
import { leaveGradients, outputGrad } from "../backward/manual_backward.ts";
export type * from "../core/types.ts";

/** A linear layer `x @ w + b`: x [batch, in], w [in, out], b [out]. */
export function lin(x: Tensor, w: Tensor, b: Tensor): Tensor {
  return linear(x, w, b);
}

/** The options of a backward pass by hand. */
export interface InputGradOptions {
  /**
   * Whether the gradient of the input is computed too; data need none, and leaving it out saves a product.
   *
   * @default {true}
   */
  inputGrad?: boolean;
}

/** Fills `inp.g`, `w.g` and `b.g` from `out.g`, where `out = lin(inp, w, b)`; with `inputGrad: false`, `inp.g` is left as it is. */
export function linGrad(inp: Tensor, out: Tensor, w: Tensor, b: Tensor, options: InputGradOptions = {}): void {
  checkOptions("take linGrad()", options, ["inputGrad"], { inputGrad: "boolean" });
  const { inputGrad = true } = options;
  leaveGradients([inp, w, b], linBackward, outputGrad(out), inp, inputGrad ? w : null);
}

/**
 * The parameters `[w, b]` of a linear layer: w [in, out], b [out].
 *
 * @throws {TypeError} If one of them is not a tensor.
 * @throws {RangeError} If they do not fit together.
 */
export function linParameters(w: Tensor, b: Tensor): readonly [w: Tensor, b: Tensor] {
  requireTensor(w, "make a linear layer with the weights");
  if (!(b instanceof Tensor)) {
    throw new TypeError(
      `Cannot make a linear layer with the bias ${describe(b)}: w is ${show(w.shape)}, give zeros([${w.shape.at(-1)}])`,
    );
  }
  if (w.ndim === 2 && b.ndim === 1 && w.shape[1] === b.shape[0]) return [w, b];
  throw new RangeError(
    `Cannot make a linear layer of weights ${show(w.shape)} and bias ${show(b.shape)}: expected [in, out] and [out]`,
  );
}

/** `max(x, 0)`. */
export function relu(x: Tensor): Tensor {
  requireTensor(x, "take relu() of");
  return x.clampMin(0);
}

/** Fills `inp.g` from `out.g`, where `out = relu(inp)`. */
export function reluGrad(inp: Tensor, out: Tensor): void {
  leaveGradients([inp], reluBackward, outputGrad(out), inp);
}

/** `1 / (1 + e⁻ˣ)`. */
export function sigmoid(x: Tensor): Tensor {
  requireTensor(x, "take sigmoid() of");
  return x.sigmoid();
}

/** Fills `inp.g` from `out.g`, where `out = sigmoid(inp)`. */
export function sigmoidGrad(inp: Tensor, out: Tensor): void {
  leaveGradients([inp], sigmoidBackward, outputGrad(out), out);
}

/**
 * The mean squared error `Σ(p − t)² / n`; a prediction [n, 1] loses its last dimension, as in the documents.
 *
 * @throws {RangeError} If the shapes still differ: broadcasting [n, 1] with [n] to [n, n] is the classic silent bug.
 */
export function mse(output: Tensor, targ: Tensor): Tensor {
  return predictions(output, targ).sub(targ).pow(2).mean();
}

/** Fills `inp.g` with the gradient of `mse(inp, targ)`. */
export function mseGrad(inp: Tensor, targ: Tensor): void {
  const rule = (g: Tensor, p: Tensor, t: Tensor) => [mseBackward(g, p, t)[0].view(...inp.shape)];
  leaveGradients([inp], rule, tensor(1), predictions(inp, targ), targ);
}

function predictions(output: Tensor, targ: Tensor): Tensor {
  requireTensor(output, "compare");
  requireTensor(targ, "compare with");
  const p = output.ndim === targ.ndim + 1 ? output.squeeze(-1) : output;
  if (sameShape(p.shape, targ.shape)) return p;
  throw new RangeError(
    `Cannot compare predictions ${show(output.shape)} with targets ${
      show(targ.shape)
    }: the shapes differ, and broadcasting them would pair every prediction with every target; use view() or at(":", 0)`,
  );
}

/**
 * The mean cross-entropy `−Σ ln softmax(z)[i, y_i] / n` of logits z [n, classes] and integer targets y [n].
 *
 * @throws {RangeError} If a target is not a class, or there is not one for each row.
 */
export function crossEntropy(logits: Tensor, targ: Tensor): Tensor {
  return crossEntropyMean(logits, targ);
}

/** Fills `inp.g` with the gradient of `crossEntropy(inp, targ)`. */
export function crossEntropyGrad(inp: Tensor, targ: Tensor): void {
  leaveGradients([inp], crossEntropyBackward, tensor(1), inp, targ);
}

/** Weights and biases of the documents' network: w1 [in, hidden], b1 [hidden], w2 [hidden, out], b2 [out]. */
export interface TwoLayers {
  /** First weights. */
  w1: Tensor;
  /** First bias. */
  b1: Tensor;
  /** Second weights. */
  w2: Tensor;
  /** Second bias. */
  b2: Tensor;
}

/**
 * The whole of it by hand: lin, relu, lin, mse forward, then each one's gradient in reverse order, left in the `.g` of the
 * four parameters and of the input. Returns the loss.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { forwardAndBackward } from "@gradus/gradus/functional";
 * import { assertEquals } from "@std/assert";
 *
 * const [w1, b1, w2, b2] = [tensor([[1]]), tensor([0]), tensor([[2]]), tensor([0])];
 * const loss = forwardAndBackward(tensor([[3]]), tensor([5]), { w1, b1, w2, b2 }); // (2·3 − 5)²
 * assertEquals(loss.item(), 1);
 * assertEquals(w2.g?.toArray(), [[6]]); // 2·(6 − 5)·3
 * assertEquals(w1.g?.toArray(), [[12]]); // 2·(6 − 5)·2·3
 * ```
 */
export function forwardAndBackward(inp: Tensor, targ: Tensor, parameters: TwoLayers): Tensor {
  checkOptions("go forward and backward", parameters, ["w1", "b1", "w2", "b2"]);
  const { w1, b1, w2, b2 } = parameters;
  const l1 = lin(inp, w1, b1);
  const l2 = relu(l1);
  const out = lin(l2, w2, b2);
  const loss = mse(out, targ);

  mseGrad(out, targ);
  linGrad(l2, out, w2, b2);
  reluGrad(l1, l2);
  linGrad(inp, l1, w1, b1);
  return loss;
}
