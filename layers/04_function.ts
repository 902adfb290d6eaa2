/**
 * Stage 4, functions on the tape. What stage 3 cost us: `Model` called the layers in reverse order, so only chains could be trained.
 * What moved: each call records how its value was computed; `loss.backward()` follows these records through any graph.
 * What stays: the rules and the `.g` slots; a gradient is now added to the one in the slot, until that is set to null.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { Lin, Mse } from "@gradus/gradus/function";
 * import { assertEquals } from "@std/assert";
 *
 * const [w, b] = [tensor([[3], [4]]).requiresGrad_(), tensor([5]).requiresGrad_()];
 * const loss = Mse.apply(Lin.apply(tensor([[1, 2]]), w, b), tensor([15])); // 1 · 3 + 2 · 4 + 5 = 16
 * loss.backward();
 * assertEquals(w.g?.toArray(), [[2], [4]]);
 * ```
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { Context, Function } from "../backward/function.ts";
import { reluBackward, sigmoidBackward } from "../backward/rules/elementwise.ts";
import { linBackward } from "../backward/rules/linalg.ts";
import { crossEntropyBackward, mseBackward } from "../backward/rules/loss.ts";
import { crossEntropy, lin, linParameters, mse, relu, sigmoid } from "./01_functional.ts";
export type * from "../core/types.ts";

export { Context, Function };

/** `inp @ w + b` with w [in, out] and b [out]. */
export class Lin extends Function {
  /** `inp @ w + b`. */
  static forward(ctx: Context, inp: Tensor, w: Tensor, b: Tensor): Tensor {
    ctx.saveForBackward(inp, w);
    return lin(inp, w, b);
  }

  /** `[g @ wᵀ, inpᵀ @ g, Σ g over the batch]`, by `linBackward` in backward/rules/linalg.ts. */
  static backward(ctx: Context, gradOutput: Tensor): (Tensor | null)[] {
    const [inp, w] = ctx.savedTensors;
    return linBackward(gradOutput, inp, ctx.needsInputGrad[0] ? w : null); // null where the input needs none
  }
}

/** `max(inp, 0)`. */
export class Relu extends Function {
  /** `max(inp, 0)`. */
  static forward(ctx: Context, inp: Tensor): Tensor {
    ctx.saveForBackward(inp);
    return relu(inp);
  }

  /** `[g where inp > 0, else 0]`, by `reluBackward` in backward/rules/elementwise.ts. */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [inp] = ctx.savedTensors;
    return reluBackward(gradOutput, inp);
  }
}

/** `1 / (1 + e⁻ˣ)`. */
export class Sigmoid extends Function {
  /** `1 / (1 + e⁻ⁱⁿᵖ)`. */
  static forward(ctx: Context, inp: Tensor): Tensor {
    const out = sigmoid(inp);
    ctx.saveForBackward(out);
    return out;
  }

  /** `[g · out · (1 − out)]`, by `sigmoidBackward` in backward/rules/elementwise.ts. */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [out] = ctx.savedTensors;
    return sigmoidBackward(gradOutput, out);
  }
}

/** The mean squared error of predictions [n] or [n, 1] and targets [n]. */
export class Mse extends Function {
  /** `Σ(p − t)² / n`. */
  static forward(ctx: Context, inp: Tensor, targ: Tensor): Tensor {
    ctx.saveForBackward(inp, targ);
    return mse(inp, targ);
  }

  /** `[g · 2(inp − targ) / n]`, by `mseBackward` in backward/rules/loss.ts; the target has no gradient. */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [inp, targ] = ctx.savedTensors;
    const [dinp] = mseBackward(gradOutput, inp.view(...targ.shape), targ);
    return [dinp.view(...inp.shape)];
  }
}

/** The mean cross-entropy of logits [n, classes] and integer targets [n]. */
export class CrossEntropy extends Function {
  /** `−Σ ln softmax(inp)[i, targ_i] / n`. */
  static forward(ctx: Context, inp: Tensor, targ: Tensor): Tensor {
    ctx.saveForBackward(inp, targ);
    return crossEntropy(inp, targ);
  }

  /**
   * `[g · (softmax(inp) − onehot(targ)) / n]`, by `crossEntropyBackward` in backward/rules/loss.ts; the target has none.
   */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [inp, targ] = ctx.savedTensors;
    return crossEntropyBackward(gradOutput, inp, targ);
  }
}

/** A layer of a model: something to call, and the tensors that training changes. */
export interface Layer {
  /** The output. */
  call(inp: Tensor): Tensor;
  /** The tensors that training changes. */
  readonly parameters: readonly Tensor[];
}

/** A layer over weights [in, out] and bias [out], whose `requiresGrad` it sets. */
export function linear(w: Tensor, b: Tensor): Layer {
  const parameters = linParameters(w, b).map((p) => p.requiresGrad_());
  return { call: (inp) => Lin.apply(inp, w, b), parameters };
}

/** A layer that only applies a function. */
export function activation(f: { apply(inp: Tensor): Tensor }): Layer {
  return { call: (inp) => f.apply(inp), parameters: [] };
}

/** Layers one after the other, and a loss at their end. There is no `backward`: the loss has one. */
export class Model {
  /**
   * A model of the given layers, called in order.
   *
   * @throws {TypeError} If it is given weights, as the documents write it, or anything else that is not a layer.
   */
  constructor(readonly layers: readonly Layer[], readonly loss: { apply(inp: Tensor, targ: Tensor): Tensor }) {
    if (Array.isArray(layers) && layers.every((layer) => typeof layer?.call === "function") && loss) return;
    throw new TypeError(
      "Cannot make a Model: it takes layers and a loss, " +
        "new Model([linear(w1, b1), activation(Relu), linear(w2, b2)], Mse)",
    );
  }

  /** Every layer's parameters, in order. */
  get parameters(): Tensor[] {
    return this.layers.flatMap((layer) => layer.parameters);
  }

  /** The output of the last layer for a batch, without a loss. */
  predict(x: Tensor): Tensor {
    for (const layer of this.layers) x = layer.call(x);
    return x;
  }

  /** The loss of a batch and its targets. */
  call(x: Tensor, targ: Tensor): Tensor {
    return this.loss.apply(this.predict(x), targ);
  }
}
