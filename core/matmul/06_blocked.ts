/**
 * Rung 6, blocks. Idea: load an element once and use it several times, while it is in a register or near in the cache.
 * What changed: two rows of a meet four rows of b at once, and k is cut at 64, so that the rows of b are still near when the
 * next two rows of a come.
 * What it should buy: eight multiply-adds for four loads of b and two updates of c, instead of one for one and one. Nothing is
 * copied first, which thin products would feel.
 */
import { fromData } from "../create.ts";
import { elements } from "../ops/movement.ts";
import type { TypedArray } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { checkProduct } from "./check_product.ts";

const DEPTH = 64; // rows of b in a block: 256 KiB of it for 1024 columns, which a second-level cache holds

/** The product by blocks of 2 × 4 elements of a. */
export function blocked(a: Tensor, b: Tensor): Tensor {
  const { m, k, n } = checkProduct(a, b);
  const [left, right] = [elements(a), elements(b)];
  const c = new Float32Array((m + m % 2) * n); // an odd last row is paired with one that is cut off in the end
  for (let from = 0; from < k; from += DEPTH) {
    const to = Math.min(from + DEPTH, k);
    for (let i = 0; i < m; i += 2) addPair(left, i * k, Math.min(i + 1, m - 1) * k, right, c, i * n, n, from, to);
  }
  return fromData(c.subarray(0, m * n), [m, n]);
}

/** Adds to two rows of c, at `at` and after it, what the rows of a at `p` and `q` make of rows `from` to `to` of b. */
function addPair(
  a: TypedArray,
  p: number,
  q: number,
  b: TypedArray,
  c: Float32Array,
  at: number,
  n: number,
  from: number,
  to: number,
): void {
  let l = from;
  for (; l + 3 < to; l += 4) {
    const p0 = a[p + l], p1 = a[p + l + 1], p2 = a[p + l + 2], p3 = a[p + l + 3];
    const q0 = a[q + l], q1 = a[q + l + 1], q2 = a[q + l + 2], q3 = a[q + l + 3];
    const r0 = l * n, r1 = r0 + n, r2 = r1 + n, r3 = r2 + n;
    for (let j = 0; j < n; j++) {
      const b0 = b[r0 + j], b1 = b[r1 + j], b2 = b[r2 + j], b3 = b[r3 + j];
      c[at + j] += p0 * b0 + p1 * b1 + p2 * b2 + p3 * b3;
      c[at + n + j] += q0 * b0 + q1 * b1 + q2 * b2 + q3 * b3;
    }
  }
  for (; l < to; l++) {
    for (let j = 0; j < n; j++) {
      c[at + j] += a[p + l] * b[l * n + j];
      c[at + n + j] += a[q + l] * b[l * n + j];
    }
  }
}
