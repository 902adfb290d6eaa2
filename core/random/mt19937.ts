/** The Mersenne Twister MT19937, on which PyTorch's and NumPy's generators are built. */

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
