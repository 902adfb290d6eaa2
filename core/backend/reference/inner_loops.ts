/**
 * The inner loops of the reference that most time goes to: as plain as the others, but such that the engine makes numbers of numbers.
 * Each keeps the order of additions of the definition, and so its bits.
 */
import type { TypedArray } from "../../dtype.ts";
import type { ReduceOp } from "../backend.ts";
import type { BinaryOp, UnaryOp } from "./formulas.ts";

/** `out[o + i·outStep] = a[p + i·aStep] ∘ b[q + i·bStep]` for i of 0 … n − 1. */
type RowLoop = (
  n: number,
  a: TypedArray,
  p: number,
  aStep: number,
  b: TypedArray,
  q: number,
  bStep: number,
  out: TypedArray,
  o: number,
  outStep: number,
) => void;

/** Arithmetic on floats: a function that is called for every element would hand over each number in memory of its own. */
export const FLOAT_ROWS: Partial<Record<BinaryOp, RowLoop>> = {
  add: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] + b[q];
  },
  sub: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] - b[q];
  },
  mul: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] * b[q];
  },
  div: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] / b[q];
  },
};

/** What is the same for floats and integers. */
export const ROWS: Partial<Record<BinaryOp, RowLoop>> = {
  maximum: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = Math.max(a[p], b[q]);
  },
  minimum: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = Math.min(a[p], b[q]);
  },
  eq: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] === b[q] ? 1 : 0;
  },
  ne: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] !== b[q] ? 1 : 0;
  },
  lt: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] < b[q] ? 1 : 0;
  },
  le: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] <= b[q] ? 1 : 0;
  },
  gt: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] > b[q] ? 1 : 0;
  },
  ge: (n, a, p, aStep, b, q, bStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) out[o] = a[p] >= b[q] ? 1 : 0;
  },
};

/** `out[o + i·outStep] = f(x[p + i·xStep])` for i of 0 … n − 1. */
type UnaryRow = (
  n: number,
  x: TypedArray,
  p: number,
  xStep: number,
  out: TypedArray,
  o: number,
  outStep: number,
) => void;

/** Functions of floats that take less time than a call. */
export const FLOAT_UNARY_ROWS: Partial<Record<UnaryOp, UnaryRow>> = {
  copy: (n, x, p, xStep, out, o, outStep) => {
    if (xStep === 1 && outStep === 1 && x.constructor === out.constructor) return out.set(x.subarray(p, p + n), o);
    for (let i = 0; i < n; i++, p += xStep, o += outStep) out[o] = x[p];
  },
  neg: (n, x, p, xStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += xStep, o += outStep) out[o] = -x[p];
  },
  abs: (n, x, p, xStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += xStep, o += outStep) out[o] = Math.abs(x[p]);
  },
  square: (n, x, p, xStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += xStep, o += outStep) out[o] = x[p] * x[p];
  },
  sqrt: (n, x, p, xStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += xStep, o += outStep) out[o] = Math.sqrt(x[p]);
  },
  relu: (n, x, p, xStep, out, o, outStep) => {
    for (let i = 0; i < n; i++, p += xStep, o += outStep) out[o] = x[p] < 0 ? 0 : x[p];
  },
};

/** What a reduction has come to after `n` elements more. */
type ReduceRow = (n: number, x: TypedArray, at: number, step: number, result: number) => number;

/** A reduction's initial value, and how it takes a row. NaN passes through `max` and `min`. */
export const REDUCE_ROWS: Record<Exclude<ReduceOp, "argmax" | "argmin">, [start: number, row: ReduceRow]> = {
  sum: [0, (n, x, at, step, result) => {
    for (let i = 0; i < n; i++, at += step) result += x[at];
    return result;
  }],
  prod: [1, (n, x, at, step, result) => {
    for (let i = 0; i < n; i++, at += step) result *= x[at];
    return result;
  }],
  max: [-Infinity, (n, x, at, step, result) => {
    for (let i = 0; i < n; i++, at += step) result = Math.max(result, x[at]);
    return result;
  }],
  min: [Infinity, (n, x, at, step, result) => {
    for (let i = 0; i < n; i++, at += step) result = Math.min(result, x[at]);
    return result;
  }],
  any: [0, (n, x, at, step, result) => {
    for (let i = 0; i < n; i++, at += step) if (x[at] !== 0) result = 1;
    return result;
  }],
  all: [1, (n, x, at, step, result) => {
    for (let i = 0; i < n; i++, at += step) if (x[at] === 0) result = 0;
    return result;
  }],
};

/** So many dot products at once: one alone waits for each of its additions. */
export const COLUMNS = 4;

/** Sums over k of `a[p + k·aStep] · b[q + k·bStep + j·next]` for j of 0 … count − 1, into `sums`. */
type DotProducts = (
  count: number,
  k: number,
  a: TypedArray,
  p: number,
  aStep: number,
  b: TypedArray,
  q: number,
  bStep: number,
  next: number,
  sums: Float64Array,
) => void;

/** The dot products of floats. */
export const floatDots: DotProducts = (count, k, a, p, aStep, b, q, bStep, next, sums) => {
  if (count < COLUMNS) {
    for (let j = 0; j < count; j++) sums[j] = dot(k, a, p, aStep, b, q + j * next, bStep);
    return;
  }
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let i = 0; i < k; i++, p += aStep, q += bStep) {
    const x = a[p];
    s0 += x * b[q];
    s1 += x * b[q + next];
    s2 += x * b[q + 2 * next];
    s3 += x * b[q + 3 * next];
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
};

function dot(n: number, a: TypedArray, p: number, pStep: number, b: TypedArray, q: number, qStep: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++, p += pStep, q += qStep) sum += a[p] * b[q];
  return sum;
}

/** The dot products modulo 2³²; float64 would lose digits past 2⁵³. */
export const integerDots: DotProducts = (count, k, a, p, aStep, b, q, bStep, next, sums) => {
  for (let j = 0; j < count; j++) {
    let sum = 0;
    for (let i = 0; i < k; i++) sum = (sum + Math.imul(a[p + i * aStep], b[q + j * next + i * bStep])) | 0;
    sums[j] = sum;
  }
};
