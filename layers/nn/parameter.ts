/** The tensors of a module: parameters, which an optimiser changes, and buffers, which none does. */
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import { isFloating } from "../../core/dtype.ts";
import { Tensor } from "../../core/tensor.ts";

/** The options of a parameter. */
export interface ParameterOptions {
  /**
   * Whether `backward()` computes its gradient.
   *
   * @default {true}
   */
  requiresGrad?: boolean;
}

/**
 * A tensor that a {@linkcode Module} finds in its fields and counts among its parameters; it shares the memory it is made from.
 *
 * @example
 * ```ts
 * import { nn, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const w = new nn.Parameter(zeros([2]));
 * w.sum().backward();
 * assertEquals(w.g?.toArray(), [1, 1]);
 * ```
 */
export class Parameter extends Tensor {
  /**
   * A parameter over the memory of `x`, without its history.
   *
   * @throws {TypeError} If `x` is of an integer dtype, which has no gradient.
   */
  constructor(x: Tensor, options: ParameterOptions = {}) {
    requireTensor(x, "make a parameter of");
    checkOptions("make a parameter", options, ["requiresGrad"], { requiresGrad: "boolean" });
    const { requiresGrad = true } = options;
    super(x.data, x.shape, x.strides, x.offset, x.dtype, x.version);
    if (requiresGrad && !isFloating(x.dtype)) {
      throw new TypeError(`Cannot make a parameter of kind ${x.dtype}: it carries no gradient, cast it with float()`);
    }
    this.requiresGrad = requiresGrad;
  }

  /** The printed form, as PyTorch prints it. */
  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }

  /** How `console.log` shows a parameter. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

// Buffers: what a module keeps without training it, such as running means.

/** The options of a buffer. */
export interface BufferOptions {
  /**
   * Whether it is saved with the module.
   *
   * @default {true}
   */
  persistent?: boolean;
}

/**
 * A tensor that a {@linkcode Module} finds in its fields and saves with its state, but no optimiser sees; PyTorch's `nn.Buffer`.
 *
 * It shares the memory it is made from.
 */
export class Buffer extends Tensor {
  /** Whether it is part of the module's state. */
  readonly persistent: boolean;

  /** A buffer over the memory of `x`, without its history. */
  constructor(x: Tensor, options: BufferOptions = {}) {
    requireTensor(x, "make a buffer of");
    checkOptions("make a buffer", options, ["persistent"], { persistent: "boolean" });
    const { persistent = true } = options;
    super(x.data, x.shape, x.strides, x.offset, x.dtype, x.version);
    this.persistent = persistent;
  }
}
