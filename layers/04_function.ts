/**
 * Stage 4, functions on the tape. What stage 3 cost us: `Model` walked the layers back, so only chains could be trained.
 * What moved: each call leaves a note of how its value was made; `loss.backward()` finds its own way over any graph.
 * What stays: the rules and the `.g` slots; a gradient now adds to what stands there, until it is set to null.
 */
import type { Tensor } from "../core/tensor.ts";
import { Context, Function } from "../backward/function.ts";
import { reluBackward, sigmoidBackward, tanhBackward } from "../backward/rules/elementwise.ts";
import { linBackward } from "../backward/rules/linalg.ts";
import { crossEntropyBackward, mseBackward } from "../backward/rules/loss.ts";
import { logSoftmaxBackward, softmaxBackward } from "../backward/rules/reduce.ts";
import { crossEntropy, lin, logSoftmax, mse, relu, sigmoid, softmax, tanh } from "./01_functional.ts";

export { Context, Function };

/** `inp @ w + b` with w [in, out] and b [out]. */
export class Lin extends Function {
  /** `inp @ w + b`. */
  static forward(ctx: Context, inp: Tensor, w: Tensor, b: Tensor): Tensor {
    ctx.saveForBackward(inp, w);
    return lin(inp, w, b);
  }

  /** `[dinp, dw, db]`. */
  static backward(ctx: Context, gradOutput: Tensor): (Tensor | null)[] {
    const [inp, w] = ctx.savedTensors;
    return linBackward(gradOutput, inp, ctx.needsInputGrad[0] ? w : null); // the first layer's input wants none
  }
}

/** `max(inp, 0)`. */
export class Relu extends Function {
  /** The value. */
  static forward(ctx: Context, inp: Tensor): Tensor {
    ctx.saveForBackward(inp);
    return relu(inp);
  }

  /** `[dinp]`. */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [inp] = ctx.savedTensors;
    return reluBackward(gradOutput, inp);
  }
}

/** `1 / (1 + e⁻ˣ)`. */
export class Sigmoid extends Function {
  /** The value. */
  static forward(ctx: Context, inp: Tensor): Tensor {
    const out = sigmoid(inp);
    ctx.saveForBackward(out);
    return out;
  }

  /** `[dinp]`. */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [out] = ctx.savedTensors;
    return sigmoidBackward(gradOutput, out);
  }
}

/** `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`. */
export class Tanh extends Function {
  /** The value. */
  static forward(ctx: Context, inp: Tensor): Tensor {
    const out = tanh(inp);
    ctx.saveForBackward(out);
    return out;
  }

  /** `[dinp]`. */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [out] = ctx.savedTensors;
    return tanhBackward(gradOutput, out);
  }
}

/** `eˣ / Σeˣ` along the last dimension: `[batch, classes]`. */
export class Softmax extends Function {
  /** The value. */
  static forward(ctx: Context, inp: Tensor): Tensor {
    const out = softmax(inp);
    ctx.saveForBackward(out);
    return out;
  }

  /** `[dinp]`. */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [out] = ctx.savedTensors;
    return softmaxBackward(gradOutput, out);
  }
}

/** `x − ln Σeˣ` along the last dimension: `[batch, classes]`. */
export class LogSoftmax extends Function {
  /** The value. */
  static forward(ctx: Context, inp: Tensor): Tensor {
    const out = logSoftmax(inp);
    ctx.saveForBackward(out);
    return out;
  }

  /** `[dinp]`. */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [out] = ctx.savedTensors;
    return logSoftmaxBackward(gradOutput, out);
  }
}

/** The mean squared error of predictions [n] or [n, 1] and targets [n]. */
export class Mse extends Function {
  /** `Σ(p − t)² / n`. */
  static forward(ctx: Context, inp: Tensor, targ: Tensor): Tensor {
    ctx.saveForBackward(inp, targ);
    return mse(inp, targ);
  }

  /** `[dinp]`; the target has no gradient. */
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

  /** `[dinp]`; the target has no gradient. */
  static backward(ctx: Context, gradOutput: Tensor): Tensor[] {
    const [inp, targ] = ctx.savedTensors;
    return crossEntropyBackward(gradOutput, inp, targ);
  }
}

/** What a model is made of: something that is called, and the tensors that training changes. */
export interface Layer {
  /** The output. */
  call(inp: Tensor): Tensor;
  /** The tensors that training changes. */
  readonly parameters: readonly Tensor[];
}

/** A layer over weights [in, out] and bias [out], which from now on want their gradients. */
export function linear(w: Tensor, b: Tensor): Layer {
  const parameters = [w.requiresGrad_(), b.requiresGrad_()];
  return { call: (inp) => Lin.apply(inp, w, b), parameters };
}

/** A layer that only applies a function. */
export function activation(f: { apply(inp: Tensor): Tensor }): Layer {
  return { call: (inp) => f.apply(inp), parameters: [] };
}

/** Layers one after the other, and a loss at their end. There is no `backward`: the loss has one. */
export class Model {
  /** A model of the given layers, called in order. */
  constructor(readonly layers: readonly Layer[], readonly loss: { apply(inp: Tensor, targ: Tensor): Tensor }) {}

  /** Every layer's parameters, in order. */
  get parameters(): Tensor[] {
    return this.layers.flatMap((layer) => layer.parameters);
  }

  /** What the layers make of a batch, without a loss. */
  predict(x: Tensor): Tensor {
    for (const layer of this.layers) x = layer.call(x);
    return x;
  }

  /** The loss of a batch and its targets. */
  call(x: Tensor, targ: Tensor): Tensor {
    return this.loss.apply(this.predict(x), targ);
  }
}
