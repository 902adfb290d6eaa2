/** Products to judge a back end by: layouts, exact results, and netlib's measure of error. */
import type { TypedArray } from "@gradus/gradus";
import type { Gemm } from "../../../core/backend/backend.ts";

/** A strided matrix inside a buffer that has guard elements before, between and after its own. */
export interface Laid {
  data: Float32Array;
  offset: number;
  row: number;
  col: number;
}

/** How a matrix can lie in its buffer. */
export type Layout = "rows" | "columns" | "gaps" | "backward" | "repeated row" | "repeated column";

/** Layouts that every operand may have; a result cannot be repeated. */
export const LAYOUTS: readonly Layout[] = ["rows", "columns", "gaps", "backward"];

const GUARD = 3;

/** Numbers in [-1, 1) from a fixed linear congruence: the same on every machine. */
export function numbers(seed: number): () => number {
  let state = seed * 2654435761 >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** A [rows, cols] matrix of `next()` values laid out as asked, guards included. */
export function lay(layout: Layout, rows: number, cols: number, next: () => number): Laid {
  const [row, col] = stridesOf(layout, rows, cols);
  const [down, right] = [Math.max(0, rows - 1) * row, Math.max(0, cols - 1) * col];
  const offset = GUARD - Math.min(0, down) - Math.min(0, right);
  const data = new Float32Array(2 * GUARD + 1 + Math.abs(down) + Math.abs(right)).map(next);
  return { data, offset, row, col };
}

function stridesOf(layout: Layout, rows: number, cols: number): [row: number, col: number] {
  switch (layout) {
    case "rows":
      return [cols, 1];
    case "columns":
      return [1, rows];
    case "gaps":
      return [2 * cols + 3, 2];
    case "backward":
      return [-cols, -1];
    case "repeated row":
      return [0, 1];
    case "repeated column":
      return [1, 0];
  }
}

/** One product with its operands. */
export interface Case {
  d: Gemm;
  a: Laid;
  b: Laid;
  c: Laid;
  bias: Float32Array | null;
}

/** The product [m, k] · [k, n] with the given layouts. */
export function makeCase(
  [m, k, n]: readonly [number, number, number],
  layouts: readonly [Layout, Layout, Layout] = ["rows", "rows", "rows"],
  { beta = 0, bias = false, next = numbers(m * 10007 + k * 101 + n) }: {
    beta?: 0 | 1;
    bias?: boolean;
    next?: () => number;
  } = {},
): Case {
  const [a, b, c] = [lay(layouts[0], m, k, next), lay(layouts[1], k, n, next), lay(layouts[2], m, n, next)];
  const d: Gemm = {
    ...{ m, k, n, beta, biasOffset: 1, biasStride: 1 + n % 2 },
    ...{ aOffset: a.offset, aRow: a.row, aCol: a.col },
    ...{ bOffset: b.offset, bRow: b.row, bCol: b.col },
    ...{ cOffset: c.offset, cRow: c.row, cCol: c.col },
  };
  return { d, a, b, c, bias: bias ? new Float32Array(2 * n + 1).map(next) : null };
}

/** Where element i, j of a matrix stands. */
export function at(x: Laid, i: number, j: number): number {
  return x.offset + i * x.row + j * x.col;
}

/**
 * The largest |got − exact| / (ε · (Σ|a||b| + |bias| + |c|)), as netlib's BLAS tests measure it, with ε = 2^-23 and the exact
 * value from float64 loops; infinite where an element outside of C changed. They accept less than 16.
 */
export function errorRatio(
  gemm: (d: Gemm, a: TypedArray, b: TypedArray, c: TypedArray, bias: TypedArray | null) => void,
  { d, a, b, c, bias }: Case,
): number {
  const old = c.data.slice();
  const touched = new Uint8Array(old.length);
  let worst = 0;
  if (d.beta === 0) forEach(d, (i, j) => c.data[at(c, i, j)] = NaN);
  gemm(d, a.data, b.data, c.data, bias);
  forEach(d, (i, j) => {
    const here = at(c, i, j);
    touched[here] = 1;
    let [exact, size] = [0, 0];
    const add = (term: number) => (exact += term, size += Math.abs(term));
    for (let p = 0; p < d.k; p++) add(a.data[at(a, i, p)] * b.data[at(b, p, j)]);
    if (bias !== null) add(bias[d.biasOffset + j * d.biasStride]);
    if (d.beta === 1) add(old[here]);
    const error = Math.abs(c.data[here] - exact);
    worst = Math.max(worst, error === 0 ? 0 : error / (2 ** -23 * size));
  });
  return old.every((x, index) => touched[index] === 1 || Object.is(x, c.data[index])) ? worst : Infinity;
}

function forEach({ m, n }: Gemm, visit: (i: number, j: number) => void): void {
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) visit(i, j);
}
