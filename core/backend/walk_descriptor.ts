/** Strided walks as C reads them: joined, checked, and written into a descriptor without an allocation. */
import { memoryGone, type Numbers } from "../dtype.ts";
import type { Strided } from "./backend.ts";

/** Most dimensions of a walk that C takes, after joining. */
export const WALK_RANK = 8;

const LIMIT = 2 ** 31;
const NO_STRIDES: readonly number[] = [];

/** What `kernels.h` calls the elements of an array; −1 for a kind that the kernels do not know. */
export function kindOf(data: Numbers): number {
  if (data instanceof Float32Array) return 0;
  if (data instanceof Int32Array) return 1;
  return data instanceof Uint8Array ? 2 : -1;
}

/**
 * Writes sizes and strides from `d[at]` on: WALK_RANK sizes, then as many strides of each operand.
 *
 * Sizes of 1 are dropped, and neighbouring dimensions are joined where every operand steps evenly over both. Gives the number of
 * dimensions left (at least 1), 0 for an empty shape, −1 where they are more than WALK_RANK.
 */
export function describeWalk(
  d: Int32Array,
  at: number,
  shape: readonly number[],
  a: readonly number[],
  b: readonly number[],
  c: readonly number[] | null,
): number {
  const third = c ?? NO_STRIDES;
  const [atA, atB, atC] = [at + WALK_RANK, at + 2 * WALK_RANK, at + 3 * WALK_RANK];
  let last = -1;
  for (let i = 0; i < shape.length; i++) {
    const size = shape[i];
    if (size === 0) return 0;
    if (size === 1) continue;
    const even = last >= 0 && d[atA + last] === a[i] * size && d[atB + last] === b[i] * size &&
      (c === null || d[atC + last] === third[i] * size) && d[at + last] * size < LIMIT;
    if (!even && ++last === WALK_RANK) return -1;
    d[at + last] = even ? d[at + last] * size : size;
    d[atA + last] = a[i], d[atB + last] = b[i];
    if (c !== null) d[atC + last] = third[i];
  }
  if (last >= 0) return last + 1;
  d[at] = 1, d[atA] = 0, d[atB] = 0;
  if (c !== null) d[atC] = 0;
  return 1;
}

/**
 * Checks that a walk stays in its buffer.
 *
 * @throws {RangeError} If it does not, or a number does not fit in 32 bits.
 */
export function checkStrided(action: string, name: string, shape: readonly number[], x: Strided): void {
  let low = x.offset;
  let high = x.offset;
  let sane = (low | 0) === low && x.data.length < LIMIT;
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 0) return;
    const step = x.strides[i];
    // NaN and fractions fail here as well.
    sane &&= (shape[i] | 0) === shape[i] && (step | 0) === step;
    if (step < 0) low += (shape[i] - 1) * step;
    else high += (shape[i] - 1) * step;
  }
  if (sane && low >= 0 && high < x.data.length) return;
  if (x.data.length === 0) throw memoryGone();
  throw new RangeError(
    `Cannot ${action}: ${name} of [${shape}] at offset ${x.offset} with strides [${x.strides}] ` +
      (sane ? `reaches from ${low} to ${high} in a buffer of ${x.data.length}` : `must be integers below ${LIMIT}`),
  );
}
