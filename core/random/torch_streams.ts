/**
 * PyTorch's CPU distributions: each function fills an array with the numbers that PyTorch's in-place method of that name draws.
 *
 * They are those of a PyTorch built without MKL; with MKL, `bernoulli_` and dropout use another generator. Uniforms, integers and
 * Bernoulli draws are equal to the bit; normals agree to about 1e-6, since PyTorch's vectorised logarithm and cosine differ that much
 * between builds.
 */
import { dtypeOf, type TypedArray } from "../dtype.ts";
import { Generator } from "./generator.ts";

/** A typed array of floats. */
export type FloatArray = Float32Array | Float64Array;

/**
 * Fills `out` with the uniform distribution on [low, high): `u · (high − low) + low`; PyTorch's `uniform_`, and `rand` for [0, 1).
 *
 * A float32 is made of one word, a float64 of two. Rounding to float32 may give `high` itself, as in PyTorch.
 *
 * @throws {RangeError} If a bound or their difference is not finite, or `low` is above `high`.
 */
export function fillUniform(g: Generator, out: FloatArray, low = 0, high = 1): void {
  const round = out instanceof Float32Array ? Math.fround : Number;
  const from = round(low);
  const width = round(round(high) - from);
  if (!(width >= 0 && width < Infinity)) {
    throw new RangeError(`Cannot fill with the uniform distribution on [${low}, ${high}): give finite bounds in order`);
  }
  if (out instanceof Float32Array) {
    for (let i = 0; i < out.length; i++) out[i] = g.nextFloat() * width + from; // exact until it is stored
  } else {
    for (let i = 0; i < out.length; i++) out[i] = fma(g.nextDouble(), width, from);
  }
}

/**
 * Fills `out` with the normal distribution of the given mean and standard deviation; PyTorch's `normal_`, and `randn` for (0, 1).
 *
 * As in PyTorch, fewer than 16 elements are drawn one by one by `Generator.nextNormal`, and 16 or more in blocks made of 16 uniforms: the
 * first numbers of a long array are not those of a short one.
 *
 * @throws {RangeError} If `std` is negative or NaN.
 */
export function fillNormal(g: Generator, out: FloatArray, mean = 0, std = 1): void {
  if (!(std >= 0)) {
    throw new RangeError(
      `Cannot fill with a normal distribution of standard deviation ${std}: give one that is not negative`,
    );
  }
  if (out.length < BLOCK) return fillNormalSingly(g, out, mean, std);
  fillUniform(g, out);
  for (let start = 0; start + BLOCK <= out.length; start += BLOCK) normalBlock(out, start, mean, std);
  if (out.length % BLOCK === 0) return;
  const last = out.length - BLOCK;
  fillUniform(g, out.subarray(last));
  normalBlock(out, last, mean, std);
}

/** The same with each element drawn by `Generator.nextNormal`: what PyTorch does for a tensor that is not contiguous. */
export function fillNormalSingly(g: Generator, out: FloatArray, mean = 0, std = 1): void {
  for (let i = 0; i < out.length; i++) out[i] = fma(g.nextNormal(), std, mean);
}

/**
 * Fills `out` with the exponential distribution of rate λ: `−ln(1 − u) / λ`, u of two words; PyTorch's `exponential_`.
 *
 * @throws {RangeError} If λ is not above 0.
 */
export function fillExponential(g: Generator, out: FloatArray, lambda = 1): void {
  if (!(lambda > 0)) {
    throw new RangeError(`Cannot fill with an exponential distribution of rate ${lambda}: give one above 0`);
  }
  for (let i = 0; i < out.length; i++) out[i] = -Math.log1p(-g.nextDouble()) / lambda;
}

/**
 * Fills `out` with e to the power of numbers of a normal distribution; PyTorch's `log_normal_`.
 *
 * @throws {RangeError} If `std` is not above 0.
 */
export function fillLogNormal(g: Generator, out: FloatArray, mean = 1, std = 2): void {
  if (!(std > 0)) {
    throw new RangeError(`Cannot fill with a log-normal distribution of standard deviation ${std}: give one above 0`);
  }
  for (let i = 0; i < out.length; i++) out[i] = Math.exp(g.nextNormal() * std + mean);
}

/** Fused multiply-add `a · b + c`, rounded once, as PyTorch's compiled code computes it. Source: Dekker (1971), Knuth. */
function fma(a: number, b: number, c: number): number {
  const product = a * b;
  const [aHigh, bHigh] = [upperHalf(a), upperHalf(b)];
  const [aLow, bLow] = [a - aHigh, b - bHigh];
  const lost = aLow * bLow - (((product - aHigh * bHigh) - aLow * bHigh) - aHigh * bLow);
  const sum = product + c;
  const back = sum - product;
  return sum + (((product - (sum - back)) + (c - back)) + lost);
}

/** The upper 26 bits of a double, so that products of halves are exact. */
function upperHalf(x: number): number {
  const scaled = 134217729 * x; // 2²⁷ + 1
  return scaled - (scaled - x);
}

const BLOCK = 16;
const HALF = BLOCK / 2;

/** Transforms 16 uniforms into 16 normals: radii from the first eight, angles from the last eight (Box and Muller). */
function normalBlock(out: FloatArray, start: number, mean: number, std: number): void {
  for (let j = start; j < start + HALF; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - out[j]));
    const theta = 2 * Math.PI * out[j + HALF];
    out[j] = fma(radius * Math.cos(theta), std, mean);
    out[j + HALF] = fma(radius * Math.sin(theta), std, mean);
  }
}

/**
 * Fills `out` with 1 with probability `p` and 0 otherwise: `u < p`, u of two words; PyTorch's `bernoulli_`.
 *
 * @throws {RangeError} If `p` lies outside [0, 1].
 */
export function fillBernoulli(g: Generator, out: TypedArray, p: number): void {
  checkProbability(p);
  for (let i = 0; i < out.length; i++) out[i] = g.nextDouble() < p ? 1 : 0;
}

/**
 * Fills `out` with dropout's factors: 0 with probability `p`, otherwise `1 / (1 − p)`; PyTorch's `dropout` of ones, in training.
 *
 * With `p` 0 or 1 nothing is drawn, as in PyTorch.
 *
 * @throws {RangeError} If `p` lies outside [0, 1].
 */
export function fillDropout(g: Generator, out: FloatArray, p: number): void {
  checkProbability(p);
  if (p === 0 || p === 1) {
    out.fill(1 - p);
    return;
  }
  const keep = 1 - p;
  const scale = 1 / (out instanceof Float32Array ? Math.fround(keep) : keep);
  for (let i = 0; i < out.length; i++) out[i] = g.nextDouble() < keep ? scale : 0;
}

function checkProbability(p: number): void {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`Cannot draw with probability ${p}: it must lie from 0 to 1`);
}

/**
 * Fills `out` with integers of [low, high): `word mod (high − low) + low`; PyTorch's `randint` of that dtype.
 *
 * One word each, or two for floats and a range of 2³² or more. As in PyTorch, a range that does not divide 2³² makes its first numbers
 * more likely, by at most one part in `2³² / (high − low)`.
 *
 * @throws {RangeError} If a bound is not a safe integer, the range is empty, or `out` cannot hold every integer of it.
 */
export function fillRandint(g: Generator, out: TypedArray, low: number, high: number): void {
  checkRange(out, low, high);
  const range = high - low;
  if (range < 2 ** 32) {
    for (let i = 0; i < out.length; i++) out[i] = g.nextBelow(range) + low;
  } else if (out instanceof Int32Array) {
    for (let i = 0; i < out.length; i++) out[i] = g.nextWord() + low;
  } else {
    const wide = BigInt(high) - BigInt(low);
    for (let i = 0; i < out.length; i++) out[i] = Number(nextWide(g) % wide + BigInt(low));
  }
}

function nextWide(g: Generator): bigint {
  const high = BigInt(g.nextWord());
  return (high << 32n) | BigInt(g.nextWord());
}

// The integers that each dtype holds exactly: the least, and one past the greatest.
const INTEGERS: Record<ReturnType<typeof dtypeOf>, readonly [number, number]> = {
  float32: [-(2 ** 24), 2 ** 24 + 1],
  float64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  int32: [-(2 ** 31), 2 ** 31],
  uint8: [0, 256],
  bool: [0, 2],
};

function checkRange(out: TypedArray, low: number, high: number): void {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low >= high) {
    throw new RangeError(`Cannot draw integers of [${low}, ${high}): give two integers, the lower first`);
  }
  const dtype = dtypeOf(out);
  const [least, end] = INTEGERS[dtype];
  if (low < least || high > end) {
    throw new RangeError(`Cannot draw integers of [${low}, ${high}) as ${dtype}: it holds those of [${least}, ${end})`);
  }
}

// Permutations.

/**
 * The integers 0 … n − 1 in random order; PyTorch's `randperm`.
 *
 * A Fisher–Yates shuffle from the first element on: the one at `i < n − 1` is swapped with the one at `i + word mod (n − i)`.
 *
 * @throws {RangeError} If `n` is not an integer of [0, 2³¹).
 */
export function randperm(g: Generator, n: number): Int32Array {
  if (!Number.isInteger(n) || n < 0 || n >= 2 ** 31) {
    throw new RangeError(`Cannot permute ${n} elements: give a whole number below 2**31`);
  }
  const order = new Int32Array(n).map((_, i) => i);
  for (let i = 0; i < n - 1; i++) {
    const j = i + g.nextBelow(n - i);
    const moved = order[i];
    order[i] = order[j];
    order[j] = moved;
  }
  return order;
}

/**
 * The order of one epoch over `n` samples, as PyTorch's `DataLoader(shuffle=True)` draws it from the default generator.
 *
 * The loader draws one seed for its workers and one for its sampler; the permutation comes from a new generator with the second. A
 * loader that does not shuffle still draws the first, with `Generator.nextSeed`.
 *
 * @throws {RangeError} If `n` is not an integer of [0, 2³¹).
 */
export function shuffledOrder(g: Generator, n: number): Int32Array {
  g.nextSeed();
  return randperm(new Generator(g.nextSeed()), n);
}

/**
 * The integers 0 … Σ lengths − 1 in random order, split into parts of the given lengths; the indices of PyTorch's `random_split`.
 *
 * @throws {RangeError} If a length is not a whole number, or they sum to 2³¹ or more.
 */
export function randomSplit(g: Generator, lengths: readonly number[]): Int32Array[] {
  const wrong = lengths.find((length) => !Number.isInteger(length) || length < 0);
  if (wrong !== undefined) {
    throw new RangeError(`Cannot split into a part of ${wrong} elements: give whole numbers`);
  }
  const order = randperm(g, lengths.reduce((sum, length) => sum + length, 0));
  let end = 0;
  return lengths.map((length) => order.slice(end, end += length));
}
