/** Attention in plain loops, a query at a time. */
import type { Attention, AttentionGradients, AttentionOperands } from "../attention.ts";
import { checkAttention } from "../attention.ts";
import type { Strided } from "../backend.ts";

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
