/** The Wichmann–Hill generator, which fast.ai's course writes by hand. */

/**
 * The Wichmann–Hill generator: three small linear congruential generators whose sum is taken modulo 1.
 *
 * `x ← 171x mod 30269`, `y ← 172y mod 30307`, `z ← 170z mod 30323`; the number is `(x/30269 + y/30307 + z/30323) mod 1`.
 *
 * Source: Wichmann and Hill, Algorithm AS 183, Applied Statistics 31 (1982); the seeding of fast.ai's "From the foundations".
 *
 * @example The course's own numbers
 * ```ts
 * import { WichmannHill } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const source = new WichmannHill(457428938475);
 * assertEquals(source.state, [4976, 20238, 499]);
 * assertEquals(source.random(), 0.7645251082582081);
 * ```
 */
export class WichmannHill {
  #state: readonly [x: number, y: number, z: number];

  /**
   * A generator seeded with `seed`, which is divided by 30268, 30306 and 30322 in turn; the remainders, each plus 1, are the state.
   *
   * @throws {RangeError} If `seed` is not a whole number below 2⁵³.
   */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`Cannot seed with ${seed}: give a whole number below 2**53`);
    }
    const second = Math.floor(seed / 30268);
    const third = Math.floor(second / 30306);
    this.#state = [seed % 30268 + 1, second % 30306 + 1, third % 30322 + 1];
  }

  /** The three numbers of the state. */
  get state(): readonly [x: number, y: number, z: number] {
    return this.#state;
  }

  /** The next number of [0, 1). */
  random(): number {
    const [x, y, z] = this.#state;
    this.#state = [171 * x % 30269, 172 * y % 30307, 170 * z % 30323];
    return (this.#state[0] / 30269 + this.#state[1] / 30307 + this.#state[2] / 30323) % 1;
  }
}
