/** Pooling, resampling and batch normalisation as plain loops: what every back end must agree with. Sums are carried in float64. */
import type { Backend } from "../backend.ts";
import {
  type BatchNorm,
  checkBatchNorm,
  checkPlaces,
  checkPool,
  checkResample,
  type Pooling,
  type Resampling,
  type Taps,
} from "../planes.ts";
import type { TypedArray } from "../../dtype.ts";

/** The maximum or the mean of each window. */
export function pool(d: Pooling, x: TypedArray, out: TypedArray, at: Int32Array | null): void {
  checkPool(d, x, out, at);
  const poolWindow = d.op === "max" ? maximum : average;
  const [oh, ow] = [d.rows.begin.length, d.cols.begin.length];
  for (let plane = 0, o = 0; plane < d.planes; plane++) {
    for (let i = 0; i < oh; i++) {
      for (let j = 0; j < ow; j++, o++) poolWindow(d, x, plane * d.h * d.w, i, j, out, at, o);
    }
  }
}

/** Pools window `i, j` of the plane that begins at `start`, into `out[o]`. */
type PoolWindow = (
  d: Pooling,
  x: TypedArray,
  start: number,
  i: number,
  j: number,
  out: TypedArray,
  at: Int32Array | null,
  o: number,
) => void;

const maximum: PoolWindow = ({ w, rows, cols }, x, start, i, j, out, at, o) => {
  let [best, place] = [-Infinity, -1];
  for (let r = rows.begin[i]; r < rows.end[i]; r += rows.step) {
    for (let s = cols.begin[j]; s < cols.end[j]; s += cols.step) {
      const value = x[start + r * w + s];
      if (place < 0 || value > best || Number.isNaN(value)) [best, place] = [value, r * w + s];
    }
  }
  out[o] = best;
  if (at !== null) at[o] = place;
};

const average: PoolWindow = (d, x, start, i, j, out, _, o) => {
  const { w, rows, cols } = d;
  if (rows.begin[i] >= rows.end[i] || cols.begin[j] >= cols.end[j]) return void (out[o] = 0);
  let sum = 0;
  for (let r = rows.begin[i]; r < rows.end[i]; r += rows.step) {
    for (let s = cols.begin[j]; s < cols.end[j]; s += cols.step) sum += x[start + r * w + s];
  }
  out[o] = sum / divisorOf(d, i, j);
};

function divisorOf({ rows, cols, divisor }: Pooling, i: number, j: number): number {
  return divisor === 0 ? rows.count[i] * cols.count[j] : divisor;
}

/** The gradient of what was pooled: to the places of the maxima, or to each place of a window alike. */
export function poolBackward(d: Pooling, g: TypedArray, at: Int32Array | null, dx: TypedArray): void {
  checkPool(d, dx, g, at);
  const [size, windows] = [d.h * d.w, d.rows.begin.length * d.cols.begin.length];
  const sums = new Float64Array(size);
  const places = d.op === "max" ? checkPlaces(d, at) : null;
  for (let plane = 0; plane < d.planes; plane++) {
    sums.fill(0);
    if (places !== null) maximumBackward(g, places, plane * windows, windows, sums);
    else averageBackward(d, g, plane * windows, sums);
    dx.set(sums, plane * size);
  }
}

function maximumBackward(g: TypedArray, at: Int32Array, first: number, windows: number, sums: Float64Array): void {
  for (let o = first; o < first + windows; o++) if (at[o] >= 0) sums[at[o]] += g[o];
}

function averageBackward(d: Pooling, g: TypedArray, first: number, sums: Float64Array): void {
  const { w, rows, cols } = d;
  for (let i = 0, o = first; i < rows.begin.length; i++) {
    for (let j = 0; j < cols.begin.length; j++, o++) {
      const share = g[o] / divisorOf(d, i, j);
      for (let r = rows.begin[i]; r < rows.end[i]; r += rows.step) {
        for (let s = cols.begin[j]; s < cols.end[j]; s += cols.step) sums[r * w + s] += share;
      }
    }
  }
}

// Resampling: each result from up to two rows and two columns.

/** Visits the places and weights that one result is made from, those of weight 0 left out. */
function forEachTap(d: Resampling, i: number, j: number, visit: (place: number, weight: number) => void): void {
  forBoth(d.rows, i, (row, rowWeight) => {
    forBoth(d.cols, j, (col, colWeight) => visit(row * d.w + col, rowWeight * colWeight));
  });
}

function forBoth({ low, high, weight }: Taps, i: number, visit: (place: number, weight: number) => void): void {
  if (weight[i] !== 1) visit(low[i], 1 - weight[i]);
  if (weight[i] !== 0) visit(high[i], weight[i]);
}

/** Each element of `out` from the elements of x that its taps name. */
export function resample(d: Resampling, x: TypedArray, out: TypedArray): void {
  checkResample(d, x, out);
  for (let plane = 0, o = 0; plane < d.planes; plane++) {
    for (let i = 0; i < d.rows.low.length; i++) {
      for (let j = 0; j < d.cols.low.length; j++, o++) {
        let sum = 0;
        forEachTap(d, i, j, (place, weight) => sum += weight * x[plane * d.h * d.w + place]);
        out[o] = sum;
      }
    }
  }
}

/** The gradient of x: each element's share of every result that it went into. */
export function resampleBackward(d: Resampling, g: TypedArray, dx: TypedArray): void {
  checkResample(d, dx, g);
  const sums = new Float64Array(d.h * d.w);
  for (let plane = 0, o = 0; plane < d.planes; plane++) {
    sums.fill(0);
    for (let i = 0; i < d.rows.low.length; i++) {
      for (let j = 0; j < d.cols.low.length; j++, o++) {
        forEachTap(d, i, j, (place, weight) => sums[place] += weight * g[o]);
      }
    }
    dx.set(sums, plane * sums.length);
  }
}

/** Calls `visit` with the place of each element of one channel. */
function forEachPlace({ n, c, l }: BatchNorm, channel: number, visit: (place: number) => void): void {
  for (let i = 0; i < n; i++) {
    const first = (i * c + channel) * l;
    for (let at = first; at < first + l; at++) visit(at);
  }
}

/** Normalises each channel; in training by the mean and variance that it has, which go into `stats`. */
export function batchNorm(d: BatchNorm, x: TypedArray, stats: TypedArray, y: TypedArray): void {
  checkBatchNorm(d, stats, { x, y });
  for (let channel = 0; channel < d.c; channel++) {
    if (d.training) measure(d, x, channel, stats);
    const [mean, variance, weight, bias] = [0, 1, 2, 3].map((row) => stats[row * d.c + channel]);
    const scale = weight / Math.sqrt(variance + d.eps);
    forEachPlace(d, channel, (at) => {
      y[at] = (x[at] - mean) * scale + bias;
      if (d.activation === "relu" && y[at] < 0) y[at] = 0;
    });
  }
}

function measure(d: BatchNorm, x: TypedArray, channel: number, stats: TypedArray): void {
  const count = d.n * d.l;
  let [sum, squares] = [0, 0];
  forEachPlace(d, channel, (at) => sum += x[at]);
  const mean = sum / count;
  forEachPlace(d, channel, (at) => squares += (x[at] - mean) ** 2);
  stats[channel] = mean;
  stats[d.c + channel] = squares / count;
}

/** The gradients of x, weight and bias. */
export const batchNormBackward: Backend["batchNormBackward"] = (d, g, x, y, stats, dx, dw, db) => {
  checkBatchNorm(d, stats, { g, x, y, dx }, { dw, db });
  // Chosen, not multiplied: 0 · NaN would be NaN where y is 0. Where y itself is NaN, g passes.
  const passed = d.activation === "relu" ? (at: number) => (y![at] <= 0 ? 0 : g[at]) : (at: number) => g[at];
  for (let channel = 0; channel < d.c; channel++) {
    const [mean, variance, weight] = [0, 1, 2].map((row) => stats[row * d.c + channel]);
    const inverse = 1 / Math.sqrt(variance + d.eps);
    const count = d.n * d.l;
    let [sum, dot] = [0, 0];
    forEachPlace(d, channel, (at) => {
      sum += passed(at);
      dot += passed(at) * (x[at] - mean) * inverse;
    });
    [db[channel], dw[channel]] = [sum, dot];
    if (dx === null) continue;
    const slope = (at: number) => d.training ? passed(at) - (sum + (x[at] - mean) * inverse * dot) / count : passed(at);
    forEachPlace(d, channel, (at) => dx[at] = weight * inverse * slope(at));
  }
};
