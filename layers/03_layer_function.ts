/**
 * Stage 3, a base class. What stage 2 cost us: every class said again how to remember its inputs and output.
 * What moved: `call` and `backward` went into `LayerFunction`, which keeps the arguments; a layer shrinks to two methods.
 * What stays: the rules, the `.g` slots, and `Model`, which still walks the layers back by hand.
 */
import type { Tensor } from "../core/tensor.ts";
import { remembered } from "../backward/upstream.ts";
import {
  crossEntropy,
  crossEntropyGrad,
  lin,
  linGrad,
  logSoftmax,
  logSoftmaxGrad,
  mse,
  mseGrad,
  relu,
  reluGrad,
  sigmoid,
  sigmoidGrad,
  softmax,
  softmaxGrad,
  tanh,
  tanhGrad,
} from "./01_functional.ts";

/**
 * A function that remembers its arguments: derive from it, write `forward` and `bwd`.
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
export abstract class LayerFunction<Args extends Tensor[]> {
  /** What it was last called with. */
  args?: Args;
  /** What it then answered. */
  out?: Tensor;
  /** The tensors that training changes; none unless a layer says so. */
  readonly parameters: readonly Tensor[] = [];

  /** Computes the output, and remembers it and the arguments. */
  call(...args: Args): Tensor {
    this.args = args;
    this.out = this.forward(...args);
    return this.out;
  }

  /** Fills the gradients of the arguments, and of the layer's own parameters, from the gradient of the output. */
  backward(): void {
    this.bwd(remembered(this.out, this.constructor.name), ...remembered(this.args, this.constructor.name));
  }

  /** The output. */
  abstract forward(...args: Args): Tensor;

  /** The gradients, from `out.g` into the `.g` of what `out` was made from. */
  abstract bwd(out: Tensor, ...args: Args): void;
}

/** Document 001's name for it: the class that deals with calling and remembering. */
export { LayerFunction as Module };

/** `inp @ w + b` with w [in, out] and b [out]. */
export class Lin extends LayerFunction<[inp: Tensor]> {
  /** w and b. */
  override readonly parameters: readonly Tensor[];

  /** A layer over the given weights and bias, which it shares. */
  constructor(readonly w: Tensor, readonly b: Tensor) {
    super();
    this.parameters = [w, b];
  }

  /** The value. */
  forward(inp: Tensor): Tensor {
    return lin(inp, this.w, this.b);
  }

  /** Fills the gradients. */
  bwd(out: Tensor, inp: Tensor): void {
    linGrad(inp, out, this.w, this.b);
  }
}

/** `max(x, 0)`. */
export class Relu extends LayerFunction<[inp: Tensor]> {
  /** The value. */
  forward(inp: Tensor): Tensor {
    return relu(inp);
  }

  /** Fills the gradients. */
  bwd(out: Tensor, inp: Tensor): void {
    reluGrad(inp, out);
  }
}

/** `1 / (1 + e⁻ˣ)`. */
export class Sigmoid extends LayerFunction<[inp: Tensor]> {
  /** The value. */
  forward(inp: Tensor): Tensor {
    return sigmoid(inp);
  }

  /** Fills the gradients. */
  bwd(out: Tensor, inp: Tensor): void {
    sigmoidGrad(inp, out);
  }
}

/** `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`. */
export class Tanh extends LayerFunction<[inp: Tensor]> {
  /** The value. */
  forward(inp: Tensor): Tensor {
    return tanh(inp);
  }

  /** Fills the gradients. */
  bwd(out: Tensor, inp: Tensor): void {
    tanhGrad(inp, out);
  }
}

/** `eˣ / Σeˣ` along the last dimension. */
export class Softmax extends LayerFunction<[inp: Tensor]> {
  /** The value. */
  forward(inp: Tensor): Tensor {
    return softmax(inp);
  }

  /** Fills the gradients. */
  bwd(out: Tensor, inp: Tensor): void {
    softmaxGrad(inp, out);
  }
}

/** `x − ln Σeˣ` along the last dimension. */
export class LogSoftmax extends LayerFunction<[inp: Tensor]> {
  /** The value. */
  forward(inp: Tensor): Tensor {
    return logSoftmax(inp);
  }

  /** Fills the gradients. */
  bwd(out: Tensor, inp: Tensor): void {
    logSoftmaxGrad(inp, out);
  }
}

/** The mean squared error of predictions [n] or [n, 1] and targets [n]. */
export class Mse extends LayerFunction<[inp: Tensor, targ: Tensor]> {
  /** The value. */
  forward(inp: Tensor, targ: Tensor): Tensor {
    return mse(inp, targ);
  }

  /** Fills the gradients. */
  bwd(_out: Tensor, inp: Tensor, targ: Tensor): void {
    mseGrad(inp, targ);
  }
}

/** The mean cross-entropy of logits [n, classes] and integer targets [n]. */
export class CrossEntropy extends LayerFunction<[inp: Tensor, targ: Tensor]> {
  /** The value. */
  forward(inp: Tensor, targ: Tensor): Tensor {
    return crossEntropy(inp, targ);
  }

  /** Fills the gradients. */
  bwd(_out: Tensor, inp: Tensor, targ: Tensor): void {
    crossEntropyGrad(inp, targ);
  }
}

/** Layers one after the other, and a loss at their end. */
export class Model {
  /** A model of the given layers, called in order. */
  constructor(
    readonly layers: readonly LayerFunction<[inp: Tensor]>[],
    readonly loss: LayerFunction<[inp: Tensor, targ: Tensor]>,
  ) {}

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
    return this.loss.call(this.predict(x), targ);
  }

  /** Fills every `.g`, from the loss back to the input. */
  backward(): void {
    this.loss.backward();
    for (const layer of this.layers.toReversed()) layer.backward();
  }
}
