/** The engines of random numbers, and the streams of NumPy that are made of them. */

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
