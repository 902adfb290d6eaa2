/**
 * Who owns the memory of gradients: what a step back acquires is its own until it is shown to other code or left in a `.g`.
 *
 * Nothing is guessed. Rules see bare views of what was saved, so that no method put on somebody's tensor runs among them, and those of
 * `Tensor.prototype` and of back ends cannot be replaced; while code from outside runs, a hook or a `Function`, nothing is noted; and
 * what it was shown is its own from then on. Only to read a field must not compute: an accessor put on a tensor's `data`, or a Proxy,
 * that keeps results of operations is the one way left to hold what will be used again.
 */
import type { TypedArray } from "../core/dtype.ts";
import { leaveGradient } from "../core/gradient_slot.ts";
import { copyOf } from "../core/ops/elementwise.ts";
import { detached } from "../core/ops/movement.ts";
import { endPass, release, trackAcquired } from "../core/memory/pool.ts";
import type { Tensor } from "../core/tensor.ts";

/** The blocks that a way back has acquired and that nobody else has seen. */
export class Ownership {
  readonly #own: TypedArray[] = [];

  /** Runs code of the library, and owns what it acquires. */
  own<T>(body: () => T): T {
    return trackAcquired(this.#own, body);
  }

  /** Runs code from outside that is shown `g`: neither that nor what the code acquires may be used again. */
  show<T>(g: Tensor, body: () => T): T {
    this.#disown(g.data);
    return trackAcquired(null, body);
  }

  /** Leaves `g` in the `.g` of `x`, which owns it from now on; a copy, where others may hold its memory. */
  leave(x: Tensor, g: Tensor): void {
    if (!this.#disown(g.data)) this.#disown((g = copyOf(bare(g))).data);
    leaveGradient(x, g);
  }

  /** Releases what is still owned; `part` says how much of a whole way back this was. */
  end(part = 1): void {
    for (const block of this.#own) release(block);
    this.#own.length = 0;
    endPass(part);
  }

  /** Takes a block off the list; answers whether it stood there. It was mostly among the last to come. */
  #disown(block: TypedArray): boolean {
    const at = this.#own.lastIndexOf(block);
    if (at === -1) return false;
    const last = this.#own.pop()!;
    if (at < this.#own.length) this.#own[at] = last;
    return true;
  }
}

/** A plain tensor over the memory of `x`: its methods are the library's own, whatever was done to those of `x`. */
export function bare(x: Tensor): Tensor {
  return detached(x);
}
