/**
 * The reference back end: plain loops in TypeScript. It defines what is correct, runs everywhere, and the others are tested against it.
 * Sums are carried in float64 and rounded once, when they are stored.
 */
import {
  type Activation,
  type Backend,
  type BinaryOp,
  type Gemm,
  type InputActivation,
  type ReduceOp,
  type Reduction,
  type Strided,
  type UnaryOp,
  UPDATE_SETTINGS,
  type UpdateKind,
  type UpdateSlot,
} from "../backend.ts";
import { checkActivationBackward, checkGather, checkLoss, checkTargets, checkUpdate } from "../checks.ts";
import { checkGemm, checkStrided } from "../descriptor.ts";
import { attention, attentionBackward, recurrentBy } from "./sequences.ts";
import { batchNorm, batchNormBackward, conv, pool, poolBackward, resample, resampleBackward } from "./planes.ts";
import {
  layerNorm,
  layerNormBackward,
  order,
  places,
  scan,
  scatterAdd,
  softmax,
  softmaxBackward,
  softmaxSum,
} from "./along.ts";
import { BINARY, INTEGER_BINARY, integerUnary, UNARY, UNARY_BACKWARD } from "./formulas.ts";
import { COLUMNS, FLOAT_ROWS, FLOAT_UNARY_ROWS, floatDots, integerDots, REDUCE_ROWS, ROWS } from "./inner_loops.ts";
import type { TypedArray } from "../../dtype.ts";

/** A loop nest over the elements of several strided operands, like NumPy's `nditer` and PyTorch's `TensorIterator`. */
export interface StridedLoop {
  /** Sizes, outermost first; never empty. */
  shape: number[];
  /** Strides of each operand along `shape`. */
  strides: number[][];
}

/**
 * The loop nest over `shape` with as few dimensions as possible: sizes of 1 are dropped, and neighbouring dimensions become one where
 * every operand's outer stride is its inner stride times the inner size. A dense tensor of any rank has one dimension left.
 */
export function coalesceDims(shape: readonly number[], operands: readonly (readonly number[])[]): StridedLoop {
  const loop: StridedLoop = { shape: [], strides: operands.map(() => []) };
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const last = loop.shape.length - 1;
    const even = last >= 0 && operands.every((s, i) => loop.strides[i][last] === s[d] * shape[d]);
    if (!even) {
      loop.shape.push(shape[d]);
      operands.forEach((s, i) => loop.strides[i].push(s[d]));
      continue;
    }
    loop.shape[last] *= shape[d];
    operands.forEach((s, i) => (loop.strides[i][last] = s[d]));
  }
  if (loop.shape.length === 0) {
    loop.shape.push(1);
    loop.strides.forEach((s) => s.push(0));
  }
  return loop;
}

/**
 * Calls `row` for each row along the innermost dimension, with the row's first place in each operand.
 * `starts` is advanced in place and must not be kept.
 */
export function forEachRow({ shape, strides }: StridedLoop, starts: number[], row: (starts: number[]) => void): void {
  const outer = shape.length - 1;
  if (shape.includes(0)) return;
  const count = new Array<number>(outer).fill(0);
  while (true) {
    row(starts);
    let d = outer - 1;
    for (; d >= 0; d--) {
      for (let i = 0; i < starts.length; i++) starts[i] += strides[i][d];
      if (++count[d] < shape[d]) break;
      count[d] = 0;
      for (let i = 0; i < starts.length; i++) starts[i] -= strides[i][d] * shape[d];
    }
    if (d < 0) return;
  }
}

/** Plain loops over float32, float64 and integers. */
export const reference: Backend = {
  name: "reference",
  gemm,
  conv,
  unary,
  binary,
  where,
  reduce,
  gather,
  activationBackward,
  crossEntropy,
  update,
  pool,
  poolBackward,
  resample,
  resampleBackward,
  batchNorm,
  batchNormBackward,
  ...recurrentBy(gemm),
  places,
  scatterAdd,
  scan,
  order,
  softmax,
  softmaxBackward,
  layerNorm,
  layerNormBackward,
  attention,
  attentionBackward,
};

function isInteger(data: TypedArray): boolean {
  return !(data instanceof Float32Array || data instanceof Float64Array);
}

function gemm(d: Gemm, a: TypedArray, b: TypedArray, c: TypedArray, bias: TypedArray | null): void {
  const activation = d.activation === undefined || d.activation === "none" ? null : UNARY[d.activation];
  const sumsOf = isInteger(c) ? integerDots : floatDots;
  checkGemm(d, a.length, b.length, c.length, bias === null ? null : bias.length);
  const sums = new Float64Array(COLUMNS);
  for (let i = 0; i < d.m; i++) {
    const [aRow, cRow] = [d.aOffset + i * d.aRow, d.cOffset + i * d.cRow];
    for (let first = 0; first < d.n; first += COLUMNS) {
      const count = Math.min(COLUMNS, d.n - first);
      sumsOf(count, d.k, a, aRow, d.aCol, b, d.bOffset + first * d.bCol, d.bRow, d.bCol, sums);
      for (let j = first; j < first + count; j++) {
        const at = cRow + j * d.cCol;
        let sum = sums[j - first];
        if (bias !== null) sum += bias[d.biasOffset + j * d.biasStride];
        c[at] = d.beta === 0 ? sum : c[at] + sum;
        if (activation !== null) c[at] = activation(c[at], 0, 0); // of the stored number, as `unary` would read it
      }
    }
  }
}

function unary(op: UnaryOp, shape: readonly number[], x: Strided, out: Strided, low: number, high: number): void {
  const f = isInteger(out.data) ? integerUnary(op, out.data) : UNARY[op];
  const rowLoop = isInteger(out.data) ? undefined : FLOAT_UNARY_ROWS[op];
  checkStrided(`take ${op}`, "x", shape, x);
  checkStrided(`take ${op}`, "the result", shape, out);
  const loop = coalesceDims(shape, [x.strides, out.strides]);
  const n = loop.shape.at(-1)!;
  const [xStep, outStep] = loop.strides.map((s) => s.at(-1)!);
  const [from, to] = [x.data, out.data];
  forEachRow(loop, [x.offset, out.offset], (starts) => {
    let [p, o] = [starts[0], starts[1]];
    if (rowLoop) return rowLoop(n, from, p, xStep, to, o, outStep);
    for (let i = 0; i < n; i++, p += xStep, o += outStep) to[o] = f(from[p], low, high);
  });
}

function binary(op: BinaryOp, shape: readonly number[], a: Strided, b: Strided, out: Strided): void {
  const f = (isInteger(out.data) ? INTEGER_BINARY[op] : undefined) ?? BINARY[op];
  const rowLoop = ROWS[op] ?? (isInteger(out.data) ? undefined : FLOAT_ROWS[op]);
  checkStrided(op, "the left operand", shape, a);
  checkStrided(op, "the right operand", shape, b);
  checkStrided(op, "the result", shape, out);
  const loop = coalesceDims(shape, [a.strides, b.strides, out.strides]);
  const n = loop.shape.at(-1)!;
  const [aStep, bStep, outStep] = loop.strides.map((s) => s.at(-1)!);
  const [left, right, to] = [a.data, b.data, out.data];
  forEachRow(loop, [a.offset, b.offset, out.offset], (starts) => {
    let [p, q, o] = [starts[0], starts[1], starts[2]];
    if (rowLoop) return rowLoop(n, left, p, aStep, right, q, bStep, to, o, outStep);
    for (let i = 0; i < n; i++, p += aStep, q += bStep, o += outStep) to[o] = f(left[p], right[q]);
  });
}

function where(shape: readonly number[], mask: Strided, a: Strided, b: Strided, out: Strided): void {
  for (const x of [mask, a, b, out]) checkStrided("choose between", "an operand", shape, x);
  const loop = coalesceDims(shape, [mask.strides, a.strides, b.strides, out.strides]);
  const n = loop.shape.at(-1)!;
  const [maskStep, aStep, bStep, outStep] = loop.strides.map((s) => s.at(-1)!);
  const [chosen, yes, no, to] = [mask.data, a.data, b.data, out.data];
  forEachRow(loop, [mask.offset, a.offset, b.offset, out.offset], (starts) => {
    let [m, p, q, o] = [starts[0], starts[1], starts[2], starts[3]];
    for (let i = 0; i < n; i++, m += maskStep, p += aStep, q += bStep, o += outStep) {
      to[o] = chosen[m] !== 0 ? yes[p] : no[q];
    }
  });
}

function reduce(op: ReduceOp, reduction: Reduction, x: TypedArray, offset: number, out: TypedArray): void {
  const strides = [...reduction.keptStrides, ...reduction.reducedStrides];
  checkStrided(`take the ${op}`, "x", [...reduction.kept, ...reduction.reduced], { data: x, offset, strides });
  const inner = coalesceDims(reduction.reduced, [reduction.reducedStrides]);
  const resultAt = op === "argmax" || op === "argmin"
    ? (start: number) => firstExtreme(op, inner, x, start)
    : (start: number) => reduceFrom(op, inner, x, start);
  const outer = coalesceDims(reduction.kept, [reduction.keptStrides]);
  const [rows, step] = [outer.shape.at(-1)!, outer.strides[0].at(-1)!];
  let result = 0;
  forEachRow(outer, [offset], (starts) => {
    for (let i = 0, at = starts[0]; i < rows; i++, at += step) out[result++] = resultAt(at);
  });
}

function reduceFrom(op: keyof typeof REDUCE_ROWS, loop: StridedLoop, x: TypedArray, start: number): number {
  const [first, row] = REDUCE_ROWS[op];
  const [n, step] = [loop.shape.at(-1)!, loop.strides[0].at(-1)!];
  let result = first;
  forEachRow(loop, [start], (starts) => {
    result = row(n, x, starts[0], step, result);
  });
  return result;
}

/** The first index that holds the extreme; NaN counts as more extreme than any number, as in PyTorch. */
function firstExtreme(op: "argmax" | "argmin", loop: StridedLoop, x: TypedArray, start: number): number {
  const sign = op === "argmax" ? 1 : -1;
  const [n, step] = [loop.shape.at(-1)!, loop.strides[0].at(-1)!];
  let [best, index, seen] = [0, -1, 0];
  forEachRow(loop, [start], (starts) => {
    for (let i = 0, at = starts[0]; i < n; i++, at += step, seen++) {
      const value = sign * x[at];
      if (index < 0 || value > best || (Number.isNaN(value) && !Number.isNaN(best))) [best, index] = [value, seen];
    }
  });
  return index;
}

function gather(
  x: TypedArray,
  offset: number,
  stride: number,
  width: number,
  index: Int32Array,
  out: TypedArray,
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

// The verbs for training: derivatives of activations, cross-entropy, and the optimisers' steps.

/** The derivatives of activations by their output. */
const DERIVATIVE_BY_OUTPUT: Record<Exclude<Activation, "none" | "relu">, (y: number) => number> = {
  sigmoid: (y) => y * (1 - y),
  tanh: (y) => 1 - y * y,
};

/** `out = g ⊙ op′` and its sums over the rows. */
function activationBackward(
  op: Activation | InputActivation,
  rows: number,
  cols: number,
  g: TypedArray,
  y: TypedArray,
  out: TypedArray | null,
  db: TypedArray | null,
  low = 0,
  high = 0,
): void {
  checkActivationBackward(op, rows, cols, g, y, out, db);
  if (out !== null) backwardInto(op, rows * cols, g, y, out, low, high);
  if (db !== null) sumRows(rows, cols, out ?? g, db);
}

function backwardInto(
  op: Activation | InputActivation,
  size: number,
  g: TypedArray,
  y: TypedArray,
  out: TypedArray,
  low: number,
  high: number,
): void {
  if (op === "none") return out.set(size === g.length ? g : g.subarray(0, size));
  if (op === "relu") {
    // Chosen, not multiplied: 0 · NaN would be NaN where y is 0. Where y itself is NaN, g passes.
    for (let i = 0; i < size; i++) out[i] = y[i] <= 0 ? 0 : g[i];
  } else if (op === "sigmoid" || op === "tanh") {
    const derivative = DERIVATIVE_BY_OUTPUT[op];
    for (let i = 0; i < size; i++) out[i] = g[i] * derivative(y[i]);
  } else {
    const backward = UNARY_BACKWARD[op];
    for (let i = 0; i < size; i++) out[i] = backward(g[i], y[i], low, high);
  }
}

/** The sums of the columns: row after row, as they lie in memory. */
function sumRows(rows: number, cols: number, x: TypedArray, db: TypedArray): void {
  const sums = new Float64Array(cols);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++, at++) sums[j] += x[at];
  }
  db.set(sums);
}

/** The mean of `−ln softmax(z)[target]`, and its gradient into `dz`. */
function crossEntropy(
  rows: number,
  cols: number,
  z: TypedArray,
  targets: Int32Array,
  dz: TypedArray | null,
): number {
  checkLoss(rows, cols, z, targets, dz);
  checkTargets(rows, cols, targets);
  let loss = 0;
  for (let i = 0, at = 0; i < rows; i++, at += cols) {
    const { max, sum } = softmaxSum(z, at, cols);
    const target = at + targets[i];
    loss += Math.log(sum) - (z[target] - max);
    if (dz === null) continue;
    for (let j = at; j < at + cols; j++) dz[j] = (Math.exp(z[j] - max) / sum - (j === target ? 1 : 0)) / rows;
  }
  return loss / rows;
}

/** One step of an optimiser over all its parameters. */
function update(kind: UpdateKind, settings: Float64Array, slots: readonly UpdateSlot[]): void {
  checkUpdate(kind, settings, slots);
  const at = UPDATE_SETTINGS;
  const sign = settings[at.maximize] !== 0 ? -1 : 1;
  const decay = kind === "adam" && settings[at.decoupled] !== 0 ? 0 : settings[at.weightDecay];
  const step = kind === "adam" ? adam : settings[at.momentum] !== 0 ? sgdWithMomentum : sgd;
  for (const slot of slots) step(settings, slot, sign, decay);
}

/** The gradient of element i as the optimiser takes it: of the other sign to maximise, and with the decay of the weight. */
function gradientAt({ g, p }: UpdateSlot, i: number, sign: number, decay: number): number {
  return sign * g[i] + (decay === 0 ? 0 : decay * p[i]);
}

function sgd(settings: Float64Array, slot: UpdateSlot, sign: number, decay: number): void {
  const [{ p }, lr] = [slot, settings[UPDATE_SETTINGS.lr]];
  for (let i = 0; i < p.length; i++) p[i] -= lr * gradientAt(slot, i, sign, decay);
}

function sgdWithMomentum(settings: Float64Array, slot: UpdateSlot, sign: number, decay: number): void {
  const [{ p, m }, at] = [slot, UPDATE_SETTINGS];
  const [lr, momentum, undamped] = [settings[at.lr], settings[at.momentum], 1 - settings[at.dampening]];
  const [first, nesterov] = [settings[at.step] === 1, settings[at.nesterov] !== 0];
  for (let i = 0; i < p.length; i++) {
    const g = gradientAt(slot, i, sign, decay);
    m![i] = first ? g : momentum * m![i] + undamped * g;
    p[i] -= lr * (nesterov ? g + momentum * m![i] : m![i]);
  }
}

function adam(settings: Float64Array, slot: UpdateSlot, sign: number, decay: number): void {
  const [{ p, m, v }, at] = [slot, UPDATE_SETTINGS];
  const [lr, beta1, beta2, eps, t] = [at.lr, at.beta1, at.beta2, at.eps, at.step].map((place) => settings[place]);
  const shrink = settings[at.decoupled] !== 0 ? 1 - lr * settings[at.weightDecay] : 1;
  const [stepSize, root] = [lr / (1 - beta1 ** t), Math.sqrt(1 - beta2 ** t)];
  for (let i = 0; i < p.length; i++) {
    const g = gradientAt(slot, i, sign, decay);
    m![i] = beta1 * m![i] + (1 - beta1) * g;
    v![i] = beta2 * v![i] + (1 - beta2) * g * g; // stored, and read as stored below: float32 may overflow
    p[i] = shrink * p[i] - (stepSize * m![i]) / (Math.sqrt(v![i]) / root + eps);
  }
}
