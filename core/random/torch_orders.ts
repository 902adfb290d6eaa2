/** Random orders, as PyTorch's CPU generator gives them: permutations, a data loader's epochs, splits of a dataset. */
import { Generator } from "./generator.ts";

/**
 * The integers 0 … n − 1 in random order; PyTorch's `randperm`.
 *
 * For `i < n − 1` the element at `i` changes places with the one at `i + word mod (n − i)`: Fisher and Yates from the front.
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
 * The order of one epoch over `n` samples; what PyTorch's `DataLoader(shuffle=True)` draws from the default generator.
 *
 * The loader draws a seed for its workers and its sampler another; the permutation comes from a new generator with the second. A
 * loader that does not shuffle still draws the first, with `Generator.nextSeed`.
 *
 * @throws {RangeError} If `n` is not an integer of [0, 2³¹).
 */
export function shuffledOrder(g: Generator, n: number): Int32Array {
  g.nextSeed();
  return randperm(new Generator(g.nextSeed()), n);
}

/**
 * The integers 0 … Σ lengths − 1 in random order, dealt out in parts of the given lengths; the indices of PyTorch's `random_split`.
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
