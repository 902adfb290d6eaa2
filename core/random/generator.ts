/** A generator of random numbers that can be seeded, saved and resumed, as PyTorch's CPU generator. */
import { describe, requireBytes } from "../arguments.ts";
import { JUPYTER_DISPLAY, type MimeBundle, NOTHING_SHOWN } from "../displayer.ts";
import { Mt19937, STATE_WORDS } from "./engines.ts";

/** The default seed, PyTorch's `default_rng_seed`. */
const DEFAULT_SEED = 67280421310721n;

const LEAST_SEED = -(2n ** 63n);
const SEED_END = 2n ** 64n;
const LOW_31_BITS = 0x7fffffff;

/**
 * A generator of random numbers: for the same seed they are those of PyTorch's CPU generator.
 *
 * @example Two generators of one seed agree
 * ```ts
 * import { Generator } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Generator(42).nextFloat(), new Generator(42).nextFloat());
 * assertEquals(new Generator(42).nextFloat().toFixed(4), "0.8823");
 * ```
 */
export class Generator {
  #engine = new Mt19937(0);
  #seed = 0n;
  #nextNormal: number | undefined;

  /**
   * A generator seeded with `seed`, by default with PyTorch's default seed.
   *
   * @throws {RangeError} If `manualSeed` refuses the seed.
   */
  constructor(seed: number | bigint = DEFAULT_SEED) {
    this.manualSeed(seed);
  }

  /**
   * Seeds the generator, and drops a kept normal number; PyTorch's `manual_seed`.
   *
   * A seed is an integer of [−2⁶³, 2⁶⁴), of which negative ones count down from 2⁶⁴; its low 32 bits are used. Past ±(2⁵³ − 1) it must
   * be a bigint.
   *
   * @throws {RangeError} If `seed` is not such an integer.
   */
  manualSeed(seed: number | bigint): this {
    this.#seed = toSeed(seed);
    this.#engine.initGenrand(Number(BigInt.asUintN(32, this.#seed)));
    this.#nextNormal = undefined;
    return this;
  }

  /** How a notebook shows a generator: not at all, so that a cell can end with `manualSeed()`. */
  [JUPYTER_DISPLAY](): MimeBundle {
    return NOTHING_SHOWN;
  }

  /** The seed that was set last, an integer of [0, 2⁶⁴). */
  initialSeed(): bigint {
    return this.#seed;
  }

  /** The next integer of [0, 2³²), one word of the engine. */
  nextWord(): number {
    return this.#engine.nextWord();
  }

  /**
   * The next integer of [0, n), from one word: `word mod n`.
   *
   * @throws {RangeError} If `n` is not an integer of [1, 2³²).
   */
  nextBelow(n: number): number {
    if (n >>> 0 !== n || n === 0) throw new RangeError(`Cannot draw below ${n}: give an integer from 1 to 2**32 - 1`);
    // Both sides unsigned, or V8 divides in floating point, several times slower.
    return this.#engine.nextWord() % (n >>> 0);
  }

  /** The next number of [0, 1) in steps of 2⁻²⁴, from one word: `(word mod 2²⁴) · 2⁻²⁴`. */
  nextFloat(): number {
    return (this.#engine.nextWord() & 0xffffff) * 2 ** -24;
  }

  /** The next number of [0, 1) in steps of 2⁻⁵³, from two words: `((first · 2³² + second) mod 2⁵³) · 2⁻⁵³`. */
  nextDouble(): number {
    const high = this.#engine.nextWord() & 0x1fffff;
    return (high * 2 ** 32 + this.#engine.nextWord()) * 2 ** -53;
  }

  /** The next integer of [0, 2⁶³), from two words; PyTorch's `empty((), dtype=int64).random_()`, the seed a data loader draws. */
  nextSeed(): bigint {
    const high = BigInt(this.#engine.nextWord() & LOW_31_BITS);
    return (high << 32n) | BigInt(this.#engine.nextWord());
  }

  /**
   * The next number of the standard normal distribution; two at a time, the second kept for the next call.
   *
   * `r = √(−2 ln(1 − u₂))`, `θ = 2π u₁`: `r cos θ`, then `r sin θ`. Source: Box and Muller (1958).
   */
  nextNormal(): number {
    const kept = this.#nextNormal;
    if (kept !== undefined) {
      this.#nextNormal = undefined;
      return kept;
    }
    const theta = 2 * Math.PI * this.nextDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-this.nextDouble()));
    this.#nextNormal = radius * Math.sin(theta);
    return radius * Math.cos(theta);
  }

  /**
   * The state as 5056 bytes, a kept normal number included: PyTorch's `get_state`, byte for byte.
   *
   * @example Numbers repeat from a saved state
   * ```ts
   * import { Generator } from "@gradus/gradus";
   * import { assertEquals } from "@std/assert";
   *
   * const g = new Generator(42);
   * const state = g.getState();
   * const first = g.nextNormal();
   * assertEquals(g.setState(state).nextNormal(), first);
   * ```
   */
  getState(): Uint8Array {
    const { words, left, next } = this.#engine;
    return encodeState({ seed: this.#seed, words, left, next, nextNormal: this.#nextNormal });
  }

  /**
   * Sets a state that `getState`, or PyTorch's `get_state`, returned.
   *
   * @throws {RangeError} If the bytes are not such a state; this generator is then unchanged.
   */
  setState(bytes: Uint8Array): this {
    requireBytes(bytes, "a generator's state");
    const state = decodeState(bytes);
    this.#seed = state.seed;
    this.#nextNormal = state.nextNormal;
    this.#engine.words.set(state.words);
    this.#engine.left = state.left;
    this.#engine.next = state.next;
    return this;
  }
}

/** The generator that is used where none is given. */
export const defaultGenerator: Generator = new Generator();

/**
 * Seeds the default generator, and returns it; PyTorch's `torch.manual_seed`.
 *
 * @throws {RangeError} If `seed` is not an integer of [−2⁶³, 2⁶⁴), or is a number past ±(2⁵³ − 1).
 * @throws {TypeError} If it is neither a number nor a bigint.
 */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}

function toSeed(seed: number | bigint): bigint {
  if (typeof seed !== "number" && typeof seed !== "bigint") {
    throw new TypeError(`Cannot seed with ${describe(seed)}: take an integer, a number or a bigint`);
  }
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    throw new RangeError(`Cannot seed with ${seed}: take an integer, as a bigint past 2**53 - 1`);
  }
  const whole = BigInt(seed);
  if (whole < LEAST_SEED || whole >= SEED_END) {
    throw new RangeError(`Cannot seed with ${seed}: a seed lies from -(2**63) to 2**64 - 1`);
  }
  return BigInt.asUintN(64, whole);
}

// The layout of a generator's state in bytes: PyTorch's own, so that each library can set the other's states.

/** Bytes of a state: PyTorch's `CPUGeneratorImplState`, what `torch.get_rng_state()` returns. */
const STATE_BYTES = 5056;

const SEED = 0;
const LEFT = 8;
const SEEDED = 12;
const NEXT = 16;
const WORDS = 24;
const NORMAL = WORDS + 8 * STATE_WORDS + 8;
const NORMAL_VALID = NORMAL + 16;

/** A generator's state: all that decides which numbers come next. */
export interface GeneratorState {
  /** The seed, of [0, 2⁶⁴). */
  seed: bigint;
  /** The engine's 624 words. */
  words: Uint32Array;
  /** The engine's `left`, 1 to 624. */
  left: number;
  /** The engine's `next`, 0 to 624. */
  next: number;
  /** The second of the last pair of normal numbers, if it was not drawn yet. */
  nextNormal: number | undefined;
}

/** The 5056 bytes of `state`. */
export function encodeState(state: GeneratorState): Uint8Array {
  const bytes = new Uint8Array(STATE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(SEED, state.seed, true);
  view.setInt32(LEFT, state.left, true);
  view.setInt32(SEEDED, 1, true);
  view.setUint32(NEXT, state.next, true);
  // PyTorch gives each 32-bit word eight bytes.
  state.words.forEach((word, i) => view.setUint32(WORDS + 8 * i, word, true));
  if (state.nextNormal !== undefined) {
    view.setFloat64(NORMAL, state.nextNormal, true);
    view.setInt32(NORMAL_VALID, 1, true);
  }
  return bytes;
}

/**
 * The state that `bytes` hold.
 *
 * @throws {RangeError} If they are not 5056 bytes, or hold a state that no generator reaches.
 */
export function decodeState(bytes: Uint8Array): GeneratorState {
  if (bytes.length !== STATE_BYTES) {
    throw new RangeError(`Cannot read a generator's state of ${bytes.length} bytes: it has ${STATE_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, STATE_BYTES);
  const left = view.getInt32(LEFT, true);
  const next = view.getUint32(NEXT, true);
  checkPosition(view.getInt32(SEEDED, true), left, next);
  const words = Uint32Array.from({ length: STATE_WORDS }, (_, i) => readWord(view, i));
  return { seed: view.getBigUint64(SEED, true), words, left, next, nextNormal: readNormal(view) };
}

function checkPosition(seeded: number, left: number, next: number): void {
  const untouched = left === 1 && next === 0;
  const running = left >= 1 && next >= 1 && left + next === STATE_WORDS + 1;
  if (seeded === 1 && (untouched || running)) return;
  throw new RangeError(
    `Cannot read a generator's state: seeded ${seeded}, left ${left} and next ${next} (bytes 8 to 23) do not fit together`,
  );
}

function readWord(view: DataView, i: number): number {
  const at = WORDS + 8 * i;
  if (view.getUint32(at + 4, true) !== 0) {
    throw new RangeError(`Cannot read a generator's state: word ${i} at byte ${at} is past 32 bits`);
  }
  return view.getUint32(at, true);
}

function readNormal(view: DataView): number | undefined {
  if (view.getInt32(NORMAL_VALID, true) === 0) return undefined;
  const normal = view.getFloat64(NORMAL, true);
  if (Number.isFinite(normal)) return normal;
  throw new RangeError(`Cannot read a generator's state: the kept normal at byte ${NORMAL} is ${normal}`);
}
