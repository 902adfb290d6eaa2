/** Numbers to judge verbs by, and how far float32 may be from the judge. */
import { numbers } from "./gemm_cases.ts";

/** `length` float32 numbers in [−size, size), the same on every machine. */
export function floats(length: number, size = 1, seed = length): Float32Array {
  const next = numbers(seed + 1);
  return new Float32Array(length).map(() => size * next());
}

/** Numbers where formulas break: NaN, infinities, both zeros, the ends of the range, denormals. */
export const AWKWARD = Float32Array.of(
  ...[
    NaN,
    Infinity,
    -Infinity,
    0,
    -0,
    1,
    -1,
    0.5,
    -0.5,
    1e-45,
    -1e-45,
    1.1754944e-38,
    -1e-39,
    3.4028235e38,
    -3.4028235e38,
  ],
  ...[
    1e-7,
    -1e-7,
    88.7,
    88.8,
    -87.3,
    -88,
    -103,
    -104,
    17,
    -17,
    8388608,
    8388607.5,
    -8388609,
    2.5,
    -2.5,
    1.5,
    0.65,
    -0.65,
  ],
);

/** Float32 numbers of every size and sign, evenly spread over their bit patterns. */
export function everySize(count: number): Float32Array {
  const bits = new Uint32Array(count).map((_, i) => Math.round(i * (2 ** 32 / count)) >>> 0);
  return new Float32Array(bits.buffer);
}

/** One unit in the last place of a float32 of this size. */
export function ulp(x: number): number {
  return 2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), 2 ** -126))) - 23);
}

/**
 * The largest distance between two arrays, in units of the last place of `exact` plus `floor` (one, or one each); infinite where one is NaN,
 * where they are different infinities, or where a zero has lost its sign.
 */
export function distance(
  got: ArrayLike<number>,
  exact: ArrayLike<number>,
  floor: number | ArrayLike<number> = 0,
): number {
  let worst = got.length === exact.length ? 0 : Infinity;
  for (let i = 0; i < got.length; i++) {
    const [x, y] = [got[i], Math.abs(exact[i]) > 3.4028235677973366e38 ? Math.sign(exact[i]) * Infinity : exact[i]];
    if (Object.is(x, y) || Object.is(x, Math.fround(y))) continue;
    const apart = Math.abs(x - y) / (ulp(y) + (typeof floor === "number" ? floor : floor[i]));
    worst = Math.max(worst, Number.isFinite(apart) && x !== y ? apart : Infinity);
  }
  return worst;
}
