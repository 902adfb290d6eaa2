/** The reference verbs of rows: softmax and layer normalisation, whose sums are carried in float64. */
import type { TypedArray } from "../../dtype.ts";
import { checkLayerNorm, checkSoftmax, type LayerNorm, type Softmax } from "../rows.ts";

/** The maximum of a row, and `Σ e^(x − max)`, which cannot overflow. */
export function softmaxSum(x: TypedArray, at: number, cols: number): { max: number; sum: number } {
  let max = -Infinity;
  for (let j = at; j < at + cols; j++) max = Math.max(max, x[j]);
  let sum = 0;
  for (let j = at; j < at + cols; j++) sum += Math.exp(x[j] - max);
  return { max, sum };
}

/** `y = eˣ / Σeˣ`, or `x − ln Σeˣ`, of each row. */
export function softmax(d: Softmax, x: TypedArray, y: TypedArray): void {
  checkSoftmax(d, { x, y });
  for (let i = 0, at = 0; i < d.rows; i++, at += d.cols) {
    const { max, sum } = softmaxSum(x, at, d.cols);
    const log = Math.log(sum);
    for (let j = at; j < at + d.cols; j++) y[j] = d.log ? x[j] - max - log : Math.exp(x[j] - max) / sum;
  }
}

/** `dx = y · (g − Σ g·y)` of each row, or of the logarithm `dx = g − eʸ · Σg`. */
export function softmaxBackward(d: Softmax, g: TypedArray, y: TypedArray, dx: TypedArray): void {
  checkSoftmax(d, { g, y, dx });
  for (let i = 0, at = 0; i < d.rows; i++, at += d.cols) {
    let sum = 0;
    for (let j = at; j < at + d.cols; j++) sum += d.log ? g[j] : g[j] * y[j];
    for (let j = at; j < at + d.cols; j++) dx[j] = d.log ? g[j] - Math.exp(y[j]) * sum : y[j] * (g[j] - sum);
  }
}

/** `y = (x − mean) / √(variance + ε) · weight + bias` of each row. */
export function layerNorm(
  d: LayerNorm,
  x: TypedArray,
  weight: TypedArray | null,
  bias: TypedArray | null,
  stats: TypedArray,
  y: TypedArray,
): void {
  checkLayerNorm(d, stats, { x, y }, { weight, bias });
  for (let i = 0, at = 0; i < d.rows; i++, at += d.cols) {
    let [sum, squares] = [0, 0];
    for (let j = at; j < at + d.cols; j++) sum += x[j];
    const mean = sum / d.cols;
    for (let j = at; j < at + d.cols; j++) squares += (x[j] - mean) ** 2;
    const inverse = 1 / Math.sqrt(squares / d.cols + d.eps);
    stats[i] = mean, stats[d.rows + i] = inverse;
    for (let j = 0; j < d.cols; j++) {
      const normal = (x[at + j] - mean) * inverse;
      y[at + j] = weight === null ? normal : normal * weight[j] + bias![j];
    }
  }
}

/**
 * With `ĝ = g · weight` and `x̂ = (x − mean) · inverse`, over the n elements of each row, `dx = inverse · (ĝ − Σĝ / n − x̂ · Σĝ·x̂ / n)`;
 * over the rows `dw = Σ g·x̂` and `db = Σ g`.
 */
export function layerNormBackward(
  d: LayerNorm,
  g: TypedArray,
  x: TypedArray,
  weight: TypedArray | null,
  stats: TypedArray,
  dx: TypedArray | null,
  dw: TypedArray | null,
  db: TypedArray | null,
): void {
  checkLayerNorm(d, stats, { g, x, dx }, { weight, dw, db });
  const [slopes, shifts] = [new Float64Array(d.cols), new Float64Array(d.cols)];
  for (let i = 0, at = 0; i < d.rows; i++, at += d.cols) {
    const [mean, inverse] = [stats[i], stats[d.rows + i]];
    let [sum, products] = [0, 0];
    for (let j = 0; j < d.cols; j++) {
      const normal = (x[at + j] - mean) * inverse, scaled = weight === null ? g[at + j] : g[at + j] * weight[j];
      sum += scaled, products += scaled * normal;
      slopes[j] += g[at + j] * normal, shifts[j] += g[at + j];
    }
    if (dx === null) continue;
    const [shift, slope] = [sum / d.cols, products / d.cols];
    for (let j = 0; j < d.cols; j++) {
      const normal = (x[at + j] - mean) * inverse, scaled = weight === null ? g[at + j] : g[at + j] * weight[j];
      dx[at + j] = inverse * (scaled - shift - normal * slope);
    }
  }
  dw?.set(slopes);
  db?.set(shifts);
}
