/**
 * Stage 2, classes. What stage 1 cost us: names for every intermediate value, and the backward calls in the right order.
 * What moved: each layer keeps its own `inp` and `out`, and `Model` calls `backward()` of the layers in reverse order.
 * What stays: the forward functions of stage 1, the rules, and the `.g` slots.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { Lin, Model, Mse } from "@gradus/gradus/classes";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new Lin(tensor([[3], [4]]), tensor([5]));
 * const model = new Model([layer], new Mse());
 * assertEquals(model.call(tensor([[1, 2]]), tensor([15])).item(), 1); // 1 · 3 + 2 · 4 + 5 = 16
 * model.backward();
 * assertEquals(layer.w.g?.toArray(), [[2], [4]]);
 * ```
 * @module
 */
import { checkOptions } from "../core/arguments.ts";
import type { Tensor } from "../core/tensor.ts";
import { requireSaved } from "../backward/manual_backward.ts";
import {
  crossEntropy,
  crossEntropyGrad,
  type InputGradOptions,
  lin,
  linGrad,
  linParameters,
  mse,
  mseGrad,
  relu,
  reluGrad,
  sigmoid,
  sigmoidGrad,
} from "./01_functional.ts";
export type * from "../core/types.ts";
export type { InputGradOptions };

/** A layer of a model: a function that keeps what its gradient needs. */
export interface Layer {
  /** Computes the output and keeps it. */
  call(inp: Tensor): Tensor;
  /**
   * Fills the gradient of the input, and of the layer's own parameters, from the gradient of the output. With `inputGrad: false` a
   * layer may leave out that of the input: data need none.
   */
  backward(options?: InputGradOptions): void;
  /** The tensors that training changes; none for an activation. */
  readonly parameters: readonly Tensor[];
}

/** A loss: it compares an output with its target. */
export interface Loss {
  /** Computes the loss and keeps what it compared. */
  call(inp: Tensor, targ: Tensor): Tensor;
  /** Fills the gradient of the output it compared. */
  backward(): void;
}

/** `x @ w + b` with w [in, out] and b [out]. */
export class Lin implements Layer {
  /** The last input. */
  inp?: Tensor;
  /** The output for it. */
  out?: Tensor;
  /** The layer's weights and bias. */
  readonly parameters: readonly Tensor[];

  /** A layer over the given weights [in, out] and bias [out], which it shares. */
  constructor(readonly w: Tensor, readonly b: Tensor) {
    this.parameters = linParameters(w, b);
  }

  /** `inp @ w + b`: [batch, in] becomes [batch, out]; `inp` and `out` are kept. */
  call(inp: Tensor): Tensor {
    this.inp = inp;
    this.out = lin(inp, this.w, this.b);
    return this.out;
  }

  /**
   * `inp.g = out.g @ wᵀ`, `w.g = inpᵀ @ out.g`, `b.g = Σ out.g` over the batch, by `linBackward` in backward/rules/linalg.ts.
   * With `inputGrad: false` the first product is left out.
   */
  backward(options: InputGradOptions = {}): void {
    linGrad(requireSaved(this.inp, "Lin"), requireSaved(this.out, "Lin"), this.w, this.b, options);
  }
}

/** `max(x, 0)`. */
export class Relu implements Layer {
  /** The last input. */
  inp?: Tensor;
  /** The output for it. */
  out?: Tensor;
  /** None. */
  readonly parameters: readonly Tensor[] = [];

  /** `max(inp, 0)`; `inp` and `out` are kept. */
  call(inp: Tensor): Tensor {
    this.inp = inp;
    this.out = relu(inp);
    return this.out;
  }

  /** `inp.g = out.g` where `inp > 0`, else 0, by `reluBackward` in backward/rules/elementwise.ts. */
  backward(): void {
    reluGrad(requireSaved(this.inp, "Relu"), requireSaved(this.out, "Relu"));
  }
}

/** `1 / (1 + e⁻ˣ)`. */
export class Sigmoid implements Layer {
  /** The last input. */
  inp?: Tensor;
  /** The output for it. */
  out?: Tensor;
  /** None. */
  readonly parameters: readonly Tensor[] = [];

  /** `1 / (1 + e⁻ⁱⁿᵖ)`; `inp` and `out` are kept. */
  call(inp: Tensor): Tensor {
    this.inp = inp;
    this.out = sigmoid(inp);
    return this.out;
  }

  /** `inp.g = out.g · out · (1 − out)`, by `sigmoidBackward` in backward/rules/elementwise.ts. */
  backward(): void {
    sigmoidGrad(requireSaved(this.inp, "Sigmoid"), requireSaved(this.out, "Sigmoid"));
  }
}

/** The mean squared error `Σ(p − t)² / n` of predictions [n] or [n, 1] and targets [n]. */
export class Mse implements Loss {
  /** The last predictions. */
  inp?: Tensor;
  /** The last targets. */
  targ?: Tensor;
  /** The loss of these. */
  out?: Tensor;

  /** `Σ(inp − targ)² / n`, a single number. */
  call(inp: Tensor, targ: Tensor): Tensor {
    this.inp = inp;
    this.targ = targ;
    this.out = mse(inp, targ);
    return this.out;
  }

  /**
   * `inp.g = 2(inp − targ) / n`, by `mseBackward` in backward/rules/loss.ts.
   *
   * The chain begins here, with the gradient of the loss by itself, 1.
   */
  backward(): void {
    mseGrad(requireSaved(this.inp, "Mse"), requireSaved(this.targ, "Mse"));
  }
}

/** The mean cross-entropy of logits [n, classes] and integer targets [n]. */
export class CrossEntropy implements Loss {
  /** The last predictions. */
  inp?: Tensor;
  /** The last targets. */
  targ?: Tensor;
  /** The loss of these. */
  out?: Tensor;

  /** `−Σ ln softmax(inp)[i, targ_i] / n`, a single number. */
  call(inp: Tensor, targ: Tensor): Tensor {
    this.inp = inp;
    this.targ = targ;
    this.out = crossEntropy(inp, targ);
    return this.out;
  }

  /**
   * `inp.g = (softmax(inp) − onehot(targ)) / n`, by `crossEntropyBackward` in backward/rules/loss.ts.
   *
   * The chain begins here, with the gradient of the loss by itself, 1.
   */
  backward(): void {
    crossEntropyGrad(requireSaved(this.inp, "CrossEntropy"), requireSaved(this.targ, "CrossEntropy"));
  }
}

/**
 * Layers one after the other, and a loss at their end.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { Lin, Model, Mse, Relu } from "@gradus/gradus/classes";
 * import { assertEquals } from "@std/assert";
 *
 * const lin = new Lin(tensor([[1], [1]]), tensor([0]));
 * const model = new Model([lin, new Relu()], new Mse());
 * assertEquals(model.call(tensor([[1, 2]]), tensor([5])).item(), 4); // (3 − 5)²
 * model.backward();
 * assertEquals(lin.w.g?.toArray(), [[-4], [-8]]); // 2·(3 − 5)·x
 * ```
 */
export class Model {
  /**
   * A model of the given layers, called in order.
   *
   * @throws {TypeError} If it is given weights, as the documents write it, or anything else that is not a layer.
   */
  constructor(readonly layers: readonly Layer[], readonly loss: Loss) {
    if (Array.isArray(layers) && [...layers, loss].every((part) => typeof part?.backward === "function")) return;
    throw new TypeError(
      "Cannot make a Model: it takes layers and a loss, " +
        "new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new Mse())",
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
    return this.loss.call(this.predict(x), targ);
  }

  /** Fills every `.g`, from the loss back to the input; with `inputGrad: false` that of the input, data, is left out. */
  backward(options: InputGradOptions = {}): void {
    checkOptions("go backward", options, ["inputGrad"], { inputGrad: "boolean" });
    const { inputGrad = true } = options;
    this.loss.backward();
    for (const layer of this.layers.toReversed()) layer.backward({ inputGrad: inputGrad || layer !== this.layers[0] });
  }
}
