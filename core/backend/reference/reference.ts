/**
 * The reference back end: plain loops in TypeScript. It defines what is correct, runs everywhere, and judges the others.
 *
 * Sums are carried in float64 and rounded once, when they are stored.
 */
import type { Numbers } from "../../dtype.ts";
import type { Backend, Fold, Gemm, MapOp, ReduceOp, Strided, ZipOp } from "../backend.ts";
import { checkGemm } from "../descriptor.ts";
import { checkGather } from "../gather_check.ts";
import { MAP, WHOLE_ZIP, wholeMap, ZIP } from "./formulas.ts";
import { eachRow, joinDims, type Walk } from "./loops.ts";
import { crossEntropy, gate, update } from "./training.ts";
import { checkStrided } from "../walk_descriptor.ts";

/** Plain loops over float32, float64 and integers. */
export const reference: Backend = {
  name: "reference",
  gemm,
  map,
  zip,
  where,
  reduce,
  gather,
  gate,
  crossEntropy,
  update,
};

function isWhole(data: Numbers): boolean {
  return !(data instanceof Float32Array || data instanceof Float64Array);
}

function gemm(d: Gemm, a: Numbers, b: Numbers, c: Numbers, bias: Numbers | null): void {
  const activation = d.activation === undefined || d.activation === "none" ? null : MAP[d.activation];
  const sumOf = isWhole(c) ? wholeDot : dot;
  checkGemm(d, a.length, b.length, c.length, bias === null ? null : bias.length);
  for (let i = 0; i < d.m; i++) {
    const aRow = d.aOffset + i * d.aRow;
    const cRow = d.cOffset + i * d.cRow;
    for (let j = 0; j < d.n; j++) {
      const at = cRow + j * d.cCol;
      let sum = sumOf(d.k, a, aRow, d.aCol, b, d.bOffset + j * d.bCol, d.bRow);
      if (bias !== null) sum += bias[d.biasOffset + j * d.biasStride];
      c[at] = d.beta === 0 ? sum : c[at] + sum;
      if (activation !== null) c[at] = activation(c[at], 0, 0); // of the stored number, as `map` would see it
    }
  }
}

function dot(n: number, a: Numbers, p: number, pStep: number, b: Numbers, q: number, qStep: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++, p += pStep, q += qStep) sum += a[p] * b[q];
  return sum;
}

/** The same modulo 2³², which float64 past 2⁵³ would lose. */
function wholeDot(n: number, a: Numbers, p: number, pStep: number, b: Numbers, q: number, qStep: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++, p += pStep, q += qStep) sum = (sum + Math.imul(a[p], b[q])) | 0;
  return sum;
}

function map(op: MapOp, shape: readonly number[], x: Strided, out: Strided, low: number, high: number): void {
  const f = isWhole(out.data) ? wholeMap(op, out.data) : MAP[op];
  checkStrided("map", "x", shape, x);
  checkStrided("map", "the result", shape, out);
  const walk = joinDims(shape, [x.strides, out.strides]);
  const n = walk.shape.at(-1)!;
  const [xStep, outStep] = walk.strides.map((s) => s.at(-1)!);
  const [from, to] = [x.data, out.data];
  eachRow(walk, [x.offset, out.offset], (starts) => {
    let [p, o] = [starts[0], starts[1]];
    for (let i = 0; i < n; i++, p += xStep, o += outStep) to[o] = f(from[p], low, high);
  });
}

function zip(op: ZipOp, shape: readonly number[], a: Strided, b: Strided, out: Strided): void {
  const f = (isWhole(out.data) ? WHOLE_ZIP[op] : undefined) ?? ZIP[op];
  checkStrided(op, "the left operand", shape, a);
  checkStrided(op, "the right operand", shape, b);
  checkStrided(op, "the result", shape, out);
  const walk = joinDims(shape, [a.strides, b.strides, out.strides]);
  const n = walk.shape.at(-1)!;
  const [aStep, bStep, outStep] = walk.strides.map((s) => s.at(-1)!);
  const [left, right, to] = [a.data, b.data, out.data];
  eachRow(walk, [a.offset, b.offset, out.offset], (starts) => {
    let [p, q, o] = [starts[0], starts[1], starts[2]];
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) to[o] = f(left[p], right[q]);
  });
}

function where(shape: readonly number[], mask: Strided, a: Strided, b: Strided, out: Strided): void {
  for (const x of [mask, a, b]) checkStrided("choose between", "an operand", shape, x);
  const walk = joinDims(shape, [mask.strides, a.strides, b.strides, out.strides]);
  const n = walk.shape.at(-1)!;
  const [maskStep, aStep, bStep, outStep] = walk.strides.map((s) => s.at(-1)!);
  const [chosen, yes, no, to] = [mask.data, a.data, b.data, out.data];
  eachRow(walk, [mask.offset, a.offset, b.offset, out.offset], (starts) => {
    let [m, p, q, o] = [starts[0], starts[1], starts[2], starts[3]];
    for (let i = 0; i < n; i++, m += maskStep, p += aStep, q += bStep, o += outStep) {
      to[o] = chosen[m] !== 0 ? yes[p] : no[q];
    }
  });
}

/** Where a fold begins and how one more element changes it. NaN passes through `max` and `min`. */
const FOLDS: Record<Exclude<ReduceOp, "argmax" | "argmin">, [start: number, next: (acc: number, x: number) => number]> =
  {
    sum: [0, (acc, x) => acc + x],
    prod: [1, (acc, x) => acc * x],
    max: [-Infinity, Math.max],
    min: [Infinity, Math.min],
    any: [0, (acc, x) => (x !== 0 ? 1 : acc)],
    all: [1, (acc, x) => (x === 0 ? 0 : acc)],
  };

function reduce(op: ReduceOp, fold: Fold, x: Numbers, offset: number, out: Numbers): void {
  const strides = [...fold.keptStrides, ...fold.foldedStrides];
  checkStrided(`take the ${op}`, "x", [...fold.kept, ...fold.folded], { data: x, offset, strides });
  const inner = joinDims(fold.folded, [fold.foldedStrides]);
  const one = op === "argmax" || op === "argmin"
    ? (start: number) => firstExtreme(op, inner, x, start)
    : (start: number) => foldFrom(op, inner, x, start);
  const outer = joinDims(fold.kept, [fold.keptStrides]);
  const [rows, step] = [outer.shape.at(-1)!, outer.strides[0].at(-1)!];
  let result = 0;
  eachRow(outer, [offset], (starts) => {
    for (let i = 0, at = starts[0]; i < rows; i++, at += step) out[result++] = one(at);
  });
}

function foldFrom(op: keyof typeof FOLDS, walk: Walk, x: Numbers, start: number): number {
  const [first, next] = FOLDS[op];
  const [n, step] = [walk.shape.at(-1)!, walk.strides[0].at(-1)!];
  let acc = first;
  eachRow(walk, [start], (starts) => {
    for (let i = 0, at = starts[0]; i < n; i++, at += step) acc = next(acc, x[at]);
  });
  return acc;
}

/** The first index that holds the extreme; NaN counts as more extreme than any number, as in PyTorch. */
function firstExtreme(op: "argmax" | "argmin", walk: Walk, x: Numbers, start: number): number {
  const sign = op === "argmax" ? 1 : -1;
  const [n, step] = [walk.shape.at(-1)!, walk.strides[0].at(-1)!];
  let [best, index, seen] = [0, -1, 0];
  eachRow(walk, [start], (starts) => {
    for (let i = 0, at = starts[0]; i < n; i++, at += step, seen++) {
      const value = sign * x[at];
      if (index < 0 || value > best || (Number.isNaN(value) && !Number.isNaN(best))) [best, index] = [value, seen];
    }
  });
  return index;
}

function gather(
  x: Numbers,
  offset: number,
  stride: number,
  width: number,
  index: Int32Array,
  out: Numbers,
  table: Float32Array | null = null,
): void {
  checkGather(x, offset, stride, width, index, out, table);
  const copies = x.constructor === out.constructor;
  for (let i = 0, to = 0; i < index.length; i++, to += width) {
    const from = offset + index[i] * stride;
    if (copies) out.set(x.subarray(from, from + width), to);
    else if (table === null) { for (let j = 0; j < width; j++) out[to + j] = x[from + j]; }
    else for (let j = 0; j < width; j++) out[to + j] = table[x[from + j]];
  }
}
