/** Samples drawn by weights, for classes of which there are few. */
import { checkOptions, describe } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { elements } from "../../core/ops/movement.ts";
import { multinomial, type MultinomialOptions } from "../../core/random/distributions.ts";
import { Tensor } from "../../core/tensor.ts";
import type { Sampler } from "./data_loader.ts";

/**
 * Numbers of samples drawn by their weights, anew each time it is read: PyTorch's `WeightedRandomSampler`. Here too `replacement` is `true`
 * where nothing else is said.
 *
 * @example
 * ```ts
 * import { WeightedRandomSampler } from "@gradus/gradus/data";
 * import { manualSeed } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(42);
 * assertEquals([...new WeightedRandomSampler([0.1, 0.9, 0.4, 0.7], 4)], [1, 1, 1, 1]);
 * ```
 */
export class WeightedRandomSampler implements Sampler {
  readonly #weights: Tensor;
  readonly #options: MultinomialOptions;

  /**
   * `length` samples by the weight of each. Throws a RangeError as it is read if a weight is negative, infinite or NaN, all are 0, or there
   * are fewer than `length` and none can be drawn again.
   */
  constructor(weights: readonly number[] | Tensor, readonly length: number, options: MultinomialOptions = {}) {
    checkOptions("draw samples", options, ["replacement", "generator"], { replacement: "boolean" });
    if (!(weights instanceof Tensor || Array.isArray(weights))) {
      throw new TypeError(`Cannot draw samples by ${describe(weights)}: give weights in an array or a tensor([…])`);
    }
    if (!(Number.isInteger(length) && length >= 1)) {
      throw new RangeError(`Cannot draw ${length} samples: give a whole number from 1`);
    }
    const numbers = weights instanceof Tensor ? elements(weights.detach()) : weights;
    this.#weights = fromData(Float64Array.from(numbers), [numbers.length]);
    this.#options = { replacement: true, ...options };
  }

  /** The numbers of the samples, drawn anew. */
  *[Symbol.iterator](): Iterator<number> {
    yield* elements(multinomial(this.#weights, this.length, this.#options));
  }
}
