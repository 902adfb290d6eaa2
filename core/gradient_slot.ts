/** The one place where every stage leaves its gradients, and what the tape must know about it. */
import { release } from "./memory/pool.ts";
import type { OpNode } from "./record.ts";
import type { Tensor } from "./tensor.ts";

/** Reads the gradient of `x` for an update that does not let it go further: it stays the tape's to use again. */
export let peekGradient: (x: GradientSlot) => Tensor | null;

/** Leaves a gradient in memory that nobody else has seen: it is used again once the gradient is replaced unread. */
export let leaveGradient: (x: GradientSlot, g: Tensor) => void;

let replace: (x: GradientSlot, g: Tensor | null, isPrivate: boolean) => void;

/**
 * Three plain slots that only `backward/` fills.
 *
 * @internal The part of every `Tensor` that operations know without importing its class.
 */
export abstract class GradientSlot {
  #g: Tensor | null = null;
  #private = false; // whether nobody has seen the gradient's memory
  /** Whether operations on this tensor are recorded, so that a gradient can find its way back here. */
  requiresGrad = false;
  /** How it was made, where that is recorded. */
  node: OpNode | null = null;

  /** The gradient of a loss with respect to this tensor, once some stage has left it here; same shape as the tensor. */
  get g(): Tensor | null {
    this.#private = false;
    return this.#g;
  }
  set g(g: Tensor | null) {
    replace(this, g, false);
  }

  /** The same slot as `g`, under PyTorch's name. */
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
