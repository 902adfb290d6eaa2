/** What attention keeps of earlier tokens. */
import { isGradEnabled } from "../../backward/tape.ts";
import { newEmpty } from "../../core/memory/allocate.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** Keys and values of one layer, with room for more. */
interface Kept {
  k: Tensor;
  v: Tensor;
  length: number;
}

/**
 * Keys and values of the tokens so far, for all attention layers of a model: one that is called with the next tokens alone attends to
 * those before as well, and computes nothing of them anew. Made for one text, or a batch of texts, and passed to each call of each layer.
 *
 * @example
 * ```ts
 * import { nn, noGrad, randn } from "@gradus/gradus";
 * import { assert } from "@std/assert";
 *
 * const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }).eval();
 * const x = randn([1, 5, 8]);
 * noGrad(() => {
 *   const whole = layer.call(x, { isCausal: true });
 *   const cache = new nn.KeyValueCache();
 *   layer.call(x.narrow(1, 0, 4), { isCausal: true, cache });
 *   const last = layer.call(x.narrow(1, 4, 1), { isCausal: true, cache }); // the work of one row
 *   assert(last.sub(whole.narrow(1, 4, 1)).abs().max().item() < 1e-5);
 * });
 * ```
 */
export class KeyValueCache {
  readonly #kept = new Map<object, Kept>();

  /** How many tokens there were before: in a layer that is being called those of this call are among them. */
  get length(): number {
    for (const { length } of this.#kept.values()) return length;
    return 0;
  }

  /** Forgets all tokens, and keeps the memory. */
  reset(): void {
    for (const kept of this.#kept.values()) kept.length = 0;
  }

  /** How many tokens this layer has kept. */
  lengthOf(layer: object): number {
    return this.#kept.get(layer)?.length ?? 0;
  }

  /**
   * Adds keys and values [batch, heads, tokens, width] of a layer, and returns all that it has kept.
   *
   * @throws {RangeError} If the batch is another one than before.
   * @throws {Error} If a gradient is to go through them: they are written in place.
   */
  append(layer: object, k: Tensor, v: Tensor): [keys: Tensor, values: Tensor] {
    if (isGradEnabled() && (k.requiresGrad || v.requiresGrad)) {
      throw new Error("Cannot keep keys and values that have a gradient: call the model within noGrad()");
    }
    const before = this.#kept.get(layer);
    const kept = before ?? { k: withRoom(k, 0, k), v: withRoom(v, 0, v), length: 0 };
    if (kept.k.shape[0] !== k.shape[0]) {
      throw new RangeError(
        `Cannot keep keys ${show(k.shape)} beside those of a batch of ${kept.k.shape[0]}: make a cache for each batch`,
      );
    }
    const length = kept.length + k.shape[2];
    if (length > kept.k.shape[2]) {
      kept.k = withRoom(kept.k, kept.length, k);
      kept.v = withRoom(kept.v, kept.length, v);
    }
    kept.k.narrow(2, kept.length, k.shape[2]).copy_(k);
    kept.v.narrow(2, kept.length, v.shape[2]).copy_(v);
    kept.length = length;
    this.#kept.set(layer, kept);
    return [kept.k.narrow(2, 0, length), kept.v.narrow(2, 0, length)];
  }
}

const ROOM = 64;

/** A copy of the first `length` tokens with room for those that come, and at least as many again, so that copying is rare. */
function withRoom(x: Tensor, length: number, more: Tensor): Tensor {
  const room = Math.max(2 * length, length + more.shape[2], ROOM);
  const out = newEmpty([more.shape[0], more.shape[1], room, more.shape[3]], more.dtype);
  if (length > 0) out.narrow(2, 0, length).copy_(x.narrow(2, 0, length));
  return out;
}
