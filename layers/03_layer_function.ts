/**
 * Stage 3, a base class. What stage 2 cost us: every class repeated how to keep its inputs and output.
 * What moved: `call` and `backward` went into a base class, which keeps the arguments; a layer shrinks to two methods.
 * What stays: the rules, the `.g` slots, and `Model`, which still calls the layers in reverse order.
 *
 * @example
 * ```ts
 * import { type Tensor, tensor } from "@gradus/gradus";
 * import { LayerFunction } from "@gradus/gradus/layer_function";
 * import { assertEquals } from "@std/assert";
 *
 * class Square extends LayerFunction<[inp: Tensor]> {
 *   forward(inp: Tensor): Tensor {
 *     return inp.mul(inp);
 *   }
 *   bwd(out: Tensor, inp: Tensor): void {
 *     inp.g = inp.mul(2).mul(out.g!);
 *   }
 * }
 *
 * const [square, x] = [new Square(), tensor([3])];
 * square.call(x).g = tensor([1]);
 * square.backward();
 * assertEquals(x.g?.toArray(), [6]);
 * ```
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { requireSaved } from "../backward/manual_backward.ts";
import {
  crossEntropy,
  crossEntropyGrad,
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

export { type InputGradOptions, type Layer, type Loss, Model } from "./02_classes.ts";

/**
 * Document 001's base class: it calls and keeps; its `forward` and `bwd` only throw an error that names the missing method.
 *
 * @example
 * ```ts
 * import { Module } from "@gradus/gradus/layer_function";
 * import { assertThrows } from "@std/assert";
 *
 * class Todo extends Module {}
 * assertThrows(() => new Todo().call(), Error, "Cannot run Todo: its forward() is not implemented");
 * ```
 */
export class Module<Args extends Tensor[] = Tensor[]> {
  /** The last arguments. */
  args?: Args;
  /** The output for them. */
  out?: Tensor;
  /** The tensors that training changes; none, if the layer does not list them. */
  readonly parameters: readonly Tensor[] = [];

  /** Computes the output, and keeps it and the arguments. */
  call(...args: Args): Tensor {
    this.args = args;
    this.out = this.forward(...args);
    return this.out;
  }

  /** Fills the gradients of the arguments, and of the layer's own parameters, from the gradient of the output. */
  backward(): void {
    this.bwd(requireSaved(this.out, this.constructor.name), ...requireSaved(this.args, this.constructor.name));
  }

  /** Computes the output: every class has its own. Throws an Error if it has none. */
  forward(..._args: Args): Tensor {
    throw notImplemented(this, "forward");
  }

  /** Computes the gradients from `out.g` into the `.g` of the arguments: every class has its own. Throws an Error if it has none. */
  bwd(_out: Tensor, ..._args: Args): void {
    throw notImplemented(this, "bwd");
  }
}

function notImplemented({ constructor }: object, method: string): Error {
  return new Error(`Cannot run ${constructor.name}: its ${method}() is not implemented, write it in the class`);
}

/**
 * The same for TypeScript, which refuses a class without its `forward` and `bwd` before it runs; document 004's name.
 *
 * @example
 * ```ts
 * import { LayerFunction } from "@gradus/gradus/layer_function";
 * import { tensor, type Tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * class Double extends LayerFunction<[inp: Tensor]> {
 *   forward(inp: Tensor) {
 *     return inp.mul(2);
 *   }
 *   bwd(out: Tensor, inp: Tensor) {
 *     inp.g = out.g!.mul(2);
 *   }
 * }
 *
 * const [layer, x] = [new Double(), tensor([1, 2])];
 * layer.call(x).g = tensor([1, 10]);
 * layer.backward();
 * assertEquals(x.g?.toArray(), [2, 20]);
 * ```
 */
export abstract class LayerFunction<Args extends Tensor[]> extends Module<Args> {
  /** Computes the output. */
  abstract override forward(...args: Args): Tensor;

  /** Computes the gradients from `out.g` into the `.g` of the arguments. */
  abstract override bwd(out: Tensor, ...args: Args): void;
}

/** `inp @ w + b` with w [in, out] and b [out]. */
export class Lin extends LayerFunction<[inp: Tensor]> {
  /** w and b. */
  override readonly parameters: readonly Tensor[];

  /** A layer over the given weights and bias, which it shares. */
  constructor(readonly w: Tensor, readonly b: Tensor) {
    super();
    this.parameters = linParameters(w, b);
  }

  /** `inp @ w + b`: [batch, in] becomes [batch, out]. */
  forward(inp: Tensor): Tensor {
    return lin(inp, this.w, this.b);
  }

  /**
   * `inp.g = out.g @ wᵀ`, `w.g = inpᵀ @ out.g`, `b.g = Σ out.g` over the batch, by `linBackward` in backward/rules/linalg.ts.
   */
  bwd(out: Tensor, inp: Tensor): void {
    linGrad(inp, out, this.w, this.b);
  }
}

/** `max(x, 0)`. */
export class Relu extends LayerFunction<[inp: Tensor]> {
  /** `max(inp, 0)`. */
  forward(inp: Tensor): Tensor {
    return relu(inp);
  }

  /** `inp.g = out.g` where `inp > 0`, else 0, by `reluBackward` in backward/rules/elementwise.ts. */
  bwd(out: Tensor, inp: Tensor): void {
    reluGrad(inp, out);
  }
}

/** `1 / (1 + e⁻ˣ)`. */
export class Sigmoid extends LayerFunction<[inp: Tensor]> {
  /** `1 / (1 + e⁻ⁱⁿᵖ)`. */
  forward(inp: Tensor): Tensor {
    return sigmoid(inp);
  }

  /** `inp.g = out.g · out · (1 − out)`, by `sigmoidBackward` in backward/rules/elementwise.ts. */
  bwd(out: Tensor, inp: Tensor): void {
    sigmoidGrad(inp, out);
  }
}

/** The mean squared error of predictions [n] or [n, 1] and targets [n]. */
export class Mse extends LayerFunction<[inp: Tensor, targ: Tensor]> {
  /** `Σ(inp − targ)² / n`, a single number. */
  forward(inp: Tensor, targ: Tensor): Tensor {
    return mse(inp, targ);
  }

  /** `inp.g = 2(inp − targ) / n`, by `mseBackward` in backward/rules/loss.ts. */
  bwd(_out: Tensor, inp: Tensor, targ: Tensor): void {
    mseGrad(inp, targ);
  }
}

/** The mean cross-entropy of logits [n, classes] and integer targets [n]. */
export class CrossEntropy extends LayerFunction<[inp: Tensor, targ: Tensor]> {
  /** `−Σ ln softmax(inp)[i, targ_i] / n`, a single number. */
  forward(inp: Tensor, targ: Tensor): Tensor {
    return crossEntropy(inp, targ);
  }

  /** `inp.g = (softmax(inp) − onehot(targ)) / n`, by `crossEntropyBackward` in backward/rules/loss.ts. */
  bwd(_out: Tensor, inp: Tensor, targ: Tensor): void {
    crossEntropyGrad(inp, targ);
  }
}
