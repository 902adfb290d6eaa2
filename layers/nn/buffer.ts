/** What a module carries along without training it, such as running means. */
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import { Tensor } from "../../core/tensor.ts";

/** What a buffer may be told. */
export interface BufferOptions {
  /** Whether it is saved with the module; `true` unless told. */
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
    checkOptions("make a buffer", options, ["persistent"]);
    const { persistent = true } = options;
    super(x.data, x.shape, x.strides, x.offset, x.dtype, x.edits);
    this.persistent = persistent;
  }
}
