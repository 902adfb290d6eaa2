/** The generators themselves: the Mersenne Twister, on which those of PyTorch and NumPy are built, and the one of fast.ai's course. */

/** Words of state. */
export const STATE_WORDS = 624;

const SHIFT = 397;
const UPPER = 0x80000000;
const LOWER = 0x7fffffff;
const TWIST = 0x9908b0df;

/**
 * The 32-bit Mersenne Twister, seeded by `init_genrand`: the engine of PyTorch's CPU generator and of NumPy's `RandomState`.
 *
 * Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998), with the initialisation of 2002.
 */
export class Mt19937 {
  /** The state, 624 words. */
  readonly words: Uint32Array = new Uint32Array(STATE_WORDS);
  /** How many words can be drawn before the state is renewed, plus one; PyTorch's `left`. */
  left = 1;
  /** The index of the next word; PyTorch's `next`. */
  next = 0;

  /** An engine seeded with the low 32 bits of `seed`. */
  constructor(seed: number) {
    this.initGenrand(seed);
  }

  /** Sets the state from the low 32 bits of `seed`. */
  initGenrand(seed: number): void {
    const { words } = this;
    words[0] = seed;
    for (let i = 1; i < STATE_WORDS; i++) {
      const last = words[i - 1];
      words[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
    }
    this.left = 1;
    this.next = 0;
  }

  /** The next word, an integer of [0, 2³²). */
  nextWord(): number {
    if (--this.left === 0) this.#renew();
    let y = this.words[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #renew(): void {
    const { words } = this;
    let i = 0;
    for (; i < STATE_WORDS - SHIFT; i++) words[i] = words[i + SHIFT] ^ twist(words[i], words[i + 1]);
    for (; i < STATE_WORDS - 1; i++) words[i] = words[i + SHIFT - STATE_WORDS] ^ twist(words[i], words[i + 1]);
    words[i] = words[SHIFT - 1] ^ twist(words[i], words[0]);
    this.left = STATE_WORDS;
    this.next = 0;
  }
}

function twist(high: number, low: number): number {
  return (((high & UPPER) | (low & LOWER)) >>> 1) ^ (low & 1 ? TWIST : 0);
}

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
