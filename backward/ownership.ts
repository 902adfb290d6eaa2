/**
 * Which memory a backward pass may use again: what it has acquired itself, and neither shown to the user's code nor left in a `.g`.
 *
 * Nothing is guessed. Rules get plain views of saved tensors, so that no method that the user put on a tensor runs in them, and methods of
 * `Tensor.prototype` and verbs of back ends cannot be replaced. While the user's code runs (a hook, a `Function`), nothing is tracked, and
 * the memory that it was shown is not used again. One case is left: an accessor that the user puts on a tensor's `data`, or a Proxy, could
 * compute when it is read and keep the result.
 */
import type { TypedArray } from "../core/dtype.ts";
import { leaveGradient } from "../core/gradient_slot.ts";
import { copyOf } from "../core/ops/elementwise.ts";
import { detached } from "../core/ops/movement.ts";
import { endPass, release, trackAcquired } from "../core/memory/pool.ts";
import type { Tensor } from "../core/tensor.ts";

/** The blocks that a backward pass has acquired and that no other code has seen. */
export class Ownership {
  readonly #own: TypedArray[] = [];

  /** Runs code of the library, and tracks the blocks that it acquires. */
  track<T>(body: () => T): T {
    return trackAcquired(this.#own, body);
  }

  /** Runs the user's code, which sees `g`: neither `g` nor what the code acquires will be used again. */
  runUserCode<T>(g: Tensor, body: () => T): T {
    this.#disown(g.data);
    return trackAcquired(null, body);
  }

  /** Runs code whose results are recorded, and so read again: nothing that it acquires is tracked. */
  untracked<T>(body: () => T): T {
    return trackAcquired(null, body);
  }

  /** `g` for the user: no longer tracked, or a copy if its memory is not tracked here, since others may hold it. */
  keep(g: Tensor): Tensor {
    if (!this.#disown(g.data)) this.#disown((g = copyOf(bare(g))).data);
    return g;
  }

  /** Leaves `g` in the `.g` of `x`, or a copy if its memory is not tracked here, since others may hold it. */
  leave(x: Tensor, g: Tensor): void {
    leaveGradient(x, this.keep(g));
  }

  /** Releases all blocks that are still tracked; `part` says how much of a whole backward pass this was. */
  releaseAll(part = 1): void {
    for (const block of this.#own) release(block);
    this.#own.length = 0;
    endPass(part);
  }

  /** Stops tracking a block; returns whether it was tracked. Searched from the end, where it mostly stands. */
  #disown(block: TypedArray): boolean {
    const at = this.#own.lastIndexOf(block);
    if (at === -1) return false;
    const last = this.#own.pop()!;
    if (at < this.#own.length) this.#own[at] = last;
    return true;
  }
}

/** A plain view of `x`, without methods that the user may have put on `x`. */
export function bare(x: Tensor): Tensor {
  return detached(x);
}
