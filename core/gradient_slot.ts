/** The part of a tensor that gradients need: where they are left, and what the tape knows about the tensor. */
import { release } from "./memory/pool.ts";
import type { OpNode } from "./record.ts";
import type { Tensor } from "./tensor.ts";

/** Reads the gradient of `x` for code that keeps no reference to it: its memory may still be used again. */
export let peekGradient: (x: GradientSlot) => Tensor | null;

/** Sets a gradient whose memory no other code has seen: it is released if the gradient is replaced before anybody reads it. */
export let leaveGradient: (x: GradientSlot, g: Tensor) => void;

let replace: (x: GradientSlot, g: Tensor | null, isPrivate: boolean) => void;

/**
 * The base class of `Tensor`, with the fields that `backward/` fills.
 *
 * @internal Operations tell by it whether a value is a tensor: they cannot import `Tensor`, whose methods import them.
 */
export abstract class GradientSlot {
  #g: Tensor | null = null;
  #private = false; // whether no other code has seen the gradient's memory
  /** Whether operations on this tensor are recorded, so that it can get a gradient. */
  requiresGrad = false;
  /** The recorded operation that made it, PyTorch's `grad_fn`; `null` for a leaf. */
  node: OpNode | null = null;

  /** The gradient of a loss with respect to this tensor, of the tensor's shape; `null` before `backward()`. */
  get g(): Tensor | null {
    this.#private = false;
    return this.#g;
  }
  set g(g: Tensor | null) {
    replace(this, g, false);
  }

  /** The same as `g`, under PyTorch's name. */
  get grad(): Tensor | null {
    return this.g;
  }
  set grad(g: Tensor | null) {
    this.g = g;
  }

  static {
    peekGradient = (x) => x.#g;
    leaveGradient = (x, g) => replace(x, g, true);
    replace = (x, g, isPrivate) => {
      if (x.#private) release(x.#g!.data);
      x.#g = g;
      x.#private = isPrivate;
    };
  }
}
