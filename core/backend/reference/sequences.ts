/** Attention and recurrent layers in plain loops. */
import type { TypedArray } from "../../dtype.ts";
import type { Backend, Strided } from "../backend.ts";
import {
  type Attention,
  type AttentionGradients,
  type AttentionOperands,
  CELL_GATES,
  type CellKind,
  checkAttention,
  checkRecurrent,
  partsOf,
  type Recurrent,
  rowsOf,
} from "../sequences.ts";

/** Where row i of a head begins. */
function rowAt({ offset, strides }: Strided, b: number, h: number, i: number): number {
  return offset + b * strides[0] + h * strides[1] + i * strides[2];
}

/** How many keys query i sees. */
function seenBy({ causal, cols }: Attention, i: number): number {
  return causal === null ? cols : Math.min(Math.max(i + causal + 1, 0), cols);
}

/** The products of query i with the keys that it sees, scaled, with the mask. */
function scoresOf(
  d: Attention,
  { q, k, mask }: AttentionOperands,
  b: number,
  h: number,
  i: number,
  into: Float64Array,
): void {
  const from = rowAt(q, b, h, i), seen = seenBy(d, i);
  const added = mask === null ? 0 : rowAt(mask, b, h, i);
  for (let j = 0; j < seen; j++) {
    const to = rowAt(k, b, h, j);
    let sum = 0;
    for (let e = 0; e < d.width; e++) sum += q.data[from + e * q.strides[3]] * k.data[to + e * k.strides[3]];
    into[j] = sum * d.scale + (mask === null ? 0 : mask.data[added + j * mask.strides[3]]);
  }
}

function forEachQuery(d: Attention, visit: (b: number, h: number, i: number, row: number) => void): void {
  let row = 0;
  for (let b = 0; b < d.batch; b++) {
    for (let h = 0; h < d.heads; h++) {
      for (let i = 0; i < d.rows; i++) visit(b, h, i, row++);
    }
  }
}

/** The factor of weight j of a query, by its number among all. */
function keptBy(d: Attention, { aux, hasKeep }: AttentionOperands, row: number): (j: number) => number {
  const at = d.batch * d.heads * d.rows + row * d.cols;
  return hasKeep ? (j) => aux[at + j] : () => 1;
}

/** `y = softmax(scale · q kᵀ + mask) v`, and the logarithms of the sums. */
export function attention(d: Attention, read: AttentionOperands): void {
  checkAttention(d, read, null);
  const { v, y, aux } = read, p = new Float64Array(d.cols);
  forEachQuery(d, (b, h, i, row) => {
    const seen = seenBy(d, i), to = rowAt(y, b, h, i), keep = keptBy(d, read, row);
    scoresOf(d, read, b, h, i, p);
    let top = -Infinity, sum = 0;
    for (let j = 0; j < seen; j++) if (p[j] > top) top = p[j];
    const base = top === -Infinity ? 0 : top;
    for (let j = 0; j < seen; j++) sum += p[j] = Math.exp(p[j] - base);
    aux[row] = sum === 0 ? Infinity : base + Math.log(sum);
    for (let c = 0; c < d.values; c++) {
      let value = 0;
      for (let j = 0; j < seen; j++) value += p[j] * keep(j) * v.data[rowAt(v, b, h, j) + c * v.strides[3]];
      y.data[to + c * y.strides[3]] = sum === 0 ? 0 : value / sum;
    }
  });
}

/** The gradients of q, k and v: with weights p, `dv = pᵀ g`, and with `ds = p ⊙ (g vᵀ − Σ g y)`, `dq = scale · ds k`, `dk = scale · dsᵀ q`. */
export function attentionBackward(d: Attention, read: AttentionOperands, back: AttentionGradients): void {
  checkAttention(d, read, back);
  const { q, k, v, y, aux } = read, { g, dq, dk, dv } = back, p = new Float64Array(d.cols);
  clear(dq, d, d.rows, d.width);
  if (!back.add) clear(dk, d, d.cols, d.width), clear(dv, d, d.cols, d.values);
  forEachQuery(d, (b, h, i, row) => {
    const seen = seenBy(d, i), keep = keptBy(d, read, row);
    const [fromQ, toQ, fromG, fromY] = [q, dq, g, y].map((x) => rowAt(x, b, h, i));
    scoresOf(d, read, b, h, i, p);
    let delta = 0;
    for (let c = 0; c < d.values; c++) delta += g.data[fromG + c * g.strides[3]] * y.data[fromY + c * y.strides[3]];
    for (let j = 0; j < seen; j++) {
      const [fromK, toK, fromV, toV] = [k, dk, v, dv].map((x) => rowAt(x, b, h, j));
      const weight = Math.exp(p[j] - aux[row]), kept = weight * keep(j);
      let dp = 0;
      for (let c = 0; c < d.values; c++) {
        const slope = g.data[fromG + c * g.strides[3]];
        dp += slope * v.data[fromV + c * v.strides[3]];
        dv.data[toV + c * dv.strides[3]] += kept * slope;
      }
      const ds = weight * (dp * keep(j) - delta) * d.scale;
      for (let e = 0; e < d.width; e++) {
        dq.data[toQ + e * dq.strides[3]] += ds * k.data[fromK + e * k.strides[3]];
        dk.data[toK + e * dk.strides[3]] += ds * q.data[fromQ + e * q.strides[3]];
      }
    }
  });
}

function clear(x: Strided, d: Attention, rows: number, width: number): void {
  forEachQuery({ ...d, rows }, (b, h, i) => {
    const at = rowAt(x, b, h, i);
    for (let e = 0; e < width; e++) x.data[at + e * x.strides[3]] = 0;
  });
}

/** Sequences [from, end) at one step, whose states before it begin at row `before`. */
interface Run {
  readonly before: number;
  readonly from: number;
  readonly end: number;
}

/** A step: its first row, how many sequences reach it, and those that went on and those that begin, with their first state. */
interface Step {
  readonly row: number;
  readonly n: number;
  readonly runs: readonly [Run, Run];
}

/** The steps in the order in which they are taken. */
function stepsOf({ sequences, batchSizes, reverse }: Recurrent): Step[] {
  const rows = rowsOf({ batchSizes }), after = reverse ? 0 : sequences, first = reverse ? rows : 0;
  let [row, last, had] = [first, 0, 0];
  return batchSizes.map((_, i) => {
    const n = batchSizes[reverse ? batchSizes.length - 1 - i : i], middle = Math.min(had, n);
    if (reverse) row -= n;
    const runs = [{ before: last + after, from: 0, end: middle }, { before: first, from: middle, end: n }] as const;
    const step: Step = { row, n, runs };
    [last, had] = [row, n];
    if (!reverse) row += n;
    return step;
  });
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** A step of one value: from its gates, `hidden` apart, and its state and memory, its activated gates, next state and next memory. */
type Forward = (gates: TypedArray, at: number, hidden: number, h: number, c: number) => [h: number, c: number];

const FORWARD: Readonly<Record<CellKind, Forward>> = {
  tanh: (gates, at) => [gates[at] = Math.tanh(gates[at]), 0],
  relu: (gates, at) => [gates[at] = gates[at] <= 0 ? 0 : gates[at], 0], // keeps NaN
  lstm: (gates, at, hidden, _, c) => {
    const [f, g, o] = [at + hidden, at + 2 * hidden, at + 3 * hidden];
    gates[at] = sigmoid(gates[at]), gates[f] = sigmoid(gates[f]);
    gates[g] = Math.tanh(gates[g]), gates[o] = sigmoid(gates[o]);
    const next = gates[f] * c + gates[at] * gates[g];
    return [gates[o] * Math.tanh(next), next];
  },
  gru: (gates, at, hidden, h) => {
    const [r, z, product] = [at + hidden, at + 2 * hidden, at + 3 * hidden];
    gates[r] = sigmoid(gates[r]), gates[z] = sigmoid(gates[z]);
    gates[at] = Math.tanh(gates[at] + gates[r] * gates[product]);
    return [gates[at] + gates[z] * (h - gates[at]), 0];
  },
};

type Steps = Pick<Backend, "recurrent" | "recurrentBackward">;

/** The verbs, with the products of a back end. */
export function recurrentBy(gemm: Backend["gemm"]): Steps {
  return {
    recurrent: (d, gates, weight, bias, states) => {
      checkRecurrent(d, weight, bias, { gates }, { states });
      for (const step of stepsOf(d)) takeStep(gemm, d, step, gates, weight, bias, states);
    },
    recurrentBackward: (d, g, gates, weight, states, dgates, dfirst) => {
      checkRecurrent(d, weight, null, { gates, dgates }, { g, states }, { dfirst });
      const { hidden, sequences, reverse } = d, rows = rowsOf(d), part = sequences * hidden;
      dfirst.fill(0, 0, partsOf(d) * part); // meanwhile what has arrived at the state of each sequence
      for (const step of stepsOf(d).reverse()) stepBack(gemm, d, step, [g, gates, weight, states], dgates, dfirst);
      for (let i = 0; i < partsOf(d) * part; i++) {
        const p = i < part ? 0 : 1;
        dfirst[i] += g[(p * (rows + sequences) + (reverse ? rows : 0)) * hidden + i - p * part];
      }
    },
  };
}

/** From h to c, among all states; 0 where there is no c. */
function memoryOf(d: Recurrent): number {
  return partsOf(d) === 2 ? (rowsOf(d) + d.sequences) * d.hidden : 0;
}

const NO_BIAS = { biasOffset: 0, biasStride: 0 };

function takeStep(
  gemm: Backend["gemm"],
  d: Recurrent,
  { row, runs }: Step,
  gates: TypedArray,
  weight: TypedArray,
  bias: TypedArray | null,
  states: TypedArray,
): void {
  const { cell, hidden, sequences, reverse } = d, { made, kept } = CELL_GATES[cell];
  const width = kept * hidden, shift = (kept - made) * hidden, memory = memoryOf(d); // the product begins at `shift`
  for (const { before, from, end } of runs) {
    if (from >= end) continue;
    for (let at = (row + from) * width; shift > 0 && at < (row + end) * width; at += width) {
      for (let j = 0; j < hidden; j++) gates[at + 3 * hidden + j] = bias === null ? 0 : bias[j];
    }
    const sizes = { m: end - from, k: hidden, n: made * hidden, beta: 1, ...NO_BIAS } as const;
    const a = { aOffset: (before + from) * hidden, aRow: hidden, aCol: 1 };
    const b = { bOffset: 0, bRow: made * hidden, bCol: 1 };
    gemm(
      { ...sizes, ...a, ...b, cOffset: (row + from) * width + shift, cRow: width, cCol: 1 },
      states,
      weight,
      gates,
      null,
    );
    for (let s = from; s < end; s++) {
      const [h, next] = [(before + s) * hidden, (row + s + (reverse ? 0 : sequences)) * hidden];
      for (let j = 0; j < hidden; j++) {
        const at = (row + s) * width + j;
        const [y, c] = FORWARD[cell](gates, at, hidden, states[h + j], states[memory + h + j]);
        if (memory > 0) states[memory + next + j] = c;
        states[next + j] = y;
      }
    }
  }
}

/**
 * Back through a step of one value: dh and dc are the gradients of its next state and next memory; the gradients of its gates go into
 * `out`; the answer is what goes to the memory before it, and past the product to the state.
 */
type Back = (
  out: TypedArray,
  gates: TypedArray,
  at: number,
  hidden: number,
  dh: number,
  dc: number,
  h: number,
  c: number,
  cNext: number,
) => [dh: number, dc: number];

const BACK: Readonly<Record<CellKind, Back>> = {
  tanh: (out, gates, at, _, dh) => [(out[at] = dh * (1 - gates[at] * gates[at]), 0), 0],
  relu: (out, gates, at, _, dh) => [(out[at] = gates[at] <= 0 ? 0 : dh, 0), 0],
  lstm: (out, gates, at, hidden, dh, dc, _, c, cNext) => {
    const [f, g, o] = [at + hidden, at + 2 * hidden, at + 3 * hidden];
    const t = Math.tanh(cNext), d = dc + dh * gates[o] * (1 - t * t);
    out[at] = d * gates[g] * gates[at] * (1 - gates[at]);
    out[f] = d * c * gates[f] * (1 - gates[f]);
    out[g] = d * gates[at] * (1 - gates[g] * gates[g]);
    out[o] = dh * t * gates[o] * (1 - gates[o]);
    return [0, d * gates[f]];
  },
  gru: (out, gates, at, hidden, dh, _, h) => {
    const [r, z, product] = [at + hidden, at + 2 * hidden, at + 3 * hidden];
    const n = gates[at], dn = dh * (1 - gates[z]) * (1 - n * n);
    out[at] = dn;
    out[r] = dn * gates[product] * gates[r] * (1 - gates[r]);
    out[z] = dh * (h - n) * gates[z] * (1 - gates[z]);
    out[product] = dn * gates[r];
    return [dh * gates[z], 0];
  },
};

function stepBack(
  gemm: Backend["gemm"],
  d: Recurrent,
  { row, n, runs }: Step,
  [g, gates, weight, states]: readonly TypedArray[],
  dgates: TypedArray,
  carried: TypedArray,
): void {
  const { cell, hidden, sequences, reverse } = d, { made, kept } = CELL_GATES[cell];
  const width = kept * hidden, memory = memoryOf(d), part = sequences * hidden;
  for (const { before, from, end } of runs) {
    for (let s = from; s < end; s++) {
      const [h, next] = [(before + s) * hidden, (row + s + (reverse ? 0 : sequences)) * hidden];
      for (let j = 0; j < hidden; j++) {
        const at = s * hidden + j, [hHere, cHere] = [states[h + j], states[memory + h + j]];
        const dh = carried[at] + g[next + j];
        const dc = memory === 0 ? 0 : carried[part + at] + g[memory + next + j];
        const cNext = states[memory + next + j];
        const [left, dcBefore] = BACK[cell](dgates, gates, (row + s) * width + j, hidden, dh, dc, hHere, cHere, cNext);
        carried[at] = left;
        if (memory > 0) carried[part + at] = dcBefore;
      }
    }
  }
  const sizes = { m: n, k: made * hidden, n: hidden, beta: 1, ...NO_BIAS } as const;
  const a = { aOffset: row * width + (kept - made) * hidden, aRow: width, aCol: 1 };
  const b = { bOffset: 0, bRow: hidden, bCol: 1 };
  gemm({ ...sizes, ...a, ...b, cOffset: 0, cRow: hidden, cCol: 1 }, dgates, weight, carried, null);
}
