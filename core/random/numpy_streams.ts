/** NumPy's legacy generator `RandomState`: the numbers of `numpy.random.seed(…)` and the functions beside it. */
import { Mt19937 } from "./engines.ts";

/**
 * A generator of random numbers in float64: for the same seed they are those of NumPy's `RandomState`.
 *
 * @example The numbers that `numpy.random.seed(42)` is known by
 * ```ts
 * import { RandomState } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const [first] = new RandomState(42).randn(1);
 * assertEquals(first.toFixed(6), "0.496714");
 * ```
 */
export class RandomState {
  #engine = new Mt19937(0);
  #nextNormal: number | undefined;

  /**
   * A generator seeded with `seed`.
   *
   * @throws {RangeError} If `seed` is not an integer of [0, 2³²).
   */
  constructor(seed: number) {
    this.seed(seed);
  }

  /**
   * Seeds the generator, and drops a kept normal number.
   *
   * @throws {RangeError} If `seed` is not an integer of [0, 2³²).
   */
  seed(seed: number): void {
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
      throw new RangeError(`Cannot seed with ${seed}: NumPy's seeds are the integers from 0 to 2**32 - 1`);
    }
    this.#engine.initGenrand(seed);
    this.#nextNormal = undefined;
  }

  /**
   * `n` numbers of [0, 1), each of two words: `((first >> 5) · 2²⁶ + (second >> 6)) / 2⁵³`.
   *
   * @throws {RangeError} If `n` is not a valid length of an array.
   */
  randomSample(n: number): Float64Array {
    return new Float64Array(n).map(() => this.#double());
  }

  /**
   * `n` numbers of the standard normal distribution, two at a time by Marsaglia's polar method.
   *
   * @throws {RangeError} If `n` is not a valid length of an array.
   */
  randn(n: number): Float64Array {
    return new Float64Array(n).map(() => this.#normal());
  }

  /**
   * The integers 0 … n − 1 in random order: a Fisher–Yates shuffle from the last element to the first, with indices drawn by rejection.
   *
   * @throws {RangeError} If `n` is not an integer of [0, 2³¹).
   */
  permutation(n: number): Int32Array {
    if (!Number.isInteger(n) || n < 0 || n >= 2 ** 31) {
      throw new RangeError(`Cannot permute ${n} elements: give a whole number below 2**31`);
    }
    const order = new Int32Array(n).map((_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.#upTo(i);
      const moved = order[i];
      order[i] = order[j];
      order[j] = moved;
    }
    return order;
  }

  #double(): number {
    const high = this.#engine.nextWord() >>> 5;
    return (high * 2 ** 26 + (this.#engine.nextWord() >>> 6)) / 2 ** 53;
  }

  #normal(): number {
    const kept = this.#nextNormal;
    if (kept !== undefined) {
      this.#nextNormal = undefined;
      return kept;
    }
    let x1: number, x2: number, s: number;
    do {
      x1 = 2 * this.#double() - 1;
      x2 = 2 * this.#double() - 1;
      s = x1 * x1 + x2 * x2;
    } while (s >= 1 || s === 0);
    const f = Math.sqrt(-2 * Math.log(s) / s);
    this.#nextNormal = f * x1;
    return f * x2;
  }

  /** An integer of [0, max]: words are masked to the bits of `max` and drawn until one is not above it. */
  #upTo(max: number): number {
    const mask = 0xffffffff >>> Math.clz32(max);
    let word: number;
    do word = this.#engine.nextWord() & mask; while (word > max);
    return word;
  }
}
