/** Planes and the windows over them in plain loops. */
import type { TypedArray } from "../../dtype.ts";
import type { Activation, Backend, Conv } from "../backend.ts";
import { checkConv } from "../descriptor.ts";
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
import { UNARY } from "./formulas.ts";

/** One place of the kernel, and the windows in which it lies on x. */
interface Tap {
  /** Row and column of the kernel. */
  r: number;
  s: number;
  /** Row and column of x that it lies on in window 0, 0; outside of x where they are not in its sizes. */
  top: number;
  left: number;
  /** The rows and columns of y whose windows have it on x: from the first to before the last. */
  rows: readonly [first: number, last: number];
  columns: readonly [first: number, last: number];
}

/** `y = x ⋆ w + bias`, or the gradient of x or w: see {@linkcode Backend.conv}. */
export const conv: Backend["conv"] = (result, d, x, w, y, bias) => {
  checkConv(d, x, w, y, bias, d.groups * (result === "x" ? d.cIn : d.cOut));
  if (result === "y") convolve(d, x, w, y, bias);
  else if (result === "x") convolveBack(d, x, w, y, bias);
  else correlate(d, x, w, y, bias);
};

/** The taps of the kernel in row-major order. */
function tapsOf(d: Conv): Tap[] {
  const taps: Tap[] = [];
  for (let r = 0; r < d.kh; r++) {
    const top = r * d.dilationH - d.padTop;
    const rows = windowsOn(top, d.strideH, d.oh, d.h);
    for (let s = 0; s < d.kw; s++) {
      const left = s * d.dilationW - d.padLeft;
      taps.push({ r, s, top, left, rows, columns: windowsOn(left, d.strideW, d.ow, d.w) });
    }
  }
  return taps;
}

/** The windows i of `count` for which `0 ≤ from + i·stride < size`: the first, and one past the last. */
export function windowsOn(from: number, stride: number, count: number, size: number): [first: number, last: number] {
  const first = Math.max(0, Math.ceil(-from / stride));
  const last = Math.min(count, Math.ceil((size - from) / stride));
  return [first, Math.max(first, last)];
}

function convolve(d: Conv, x: TypedArray, w: TypedArray, y: TypedArray, bias: TypedArray | null): void {
  const [taps, sums] = [tapsOf(d), new Float64Array(d.oh * d.ow)];
  for (let n = 0; n < d.n; n++) {
    for (let o = 0; o < d.groups * d.cOut; o++) {
      const first = d.cIn * Math.floor(o / d.cOut);
      sums.fill(0);
      for (let c = 0; c < d.cIn; c++) {
        const [xAt, wAt] = [d.xOffset + n * d.xN + (first + c) * d.xC, d.wOffset + o * d.wO + c * d.wC];
        for (const tap of taps) addWindows(d, tap, x, xAt, w[wAt + tap.r * d.wH + tap.s * d.wW], sums);
      }
      const shift = bias === null ? 0 : bias[d.biasOffset + o * d.biasStride];
      store(sums, shift, d.activation, y, d.yOffset + n * d.yN + o * d.yC, d.ow, d.yH, d.yW);
    }
  }
}

/** `sums[i, j] += x[i·strideH + top, j·strideW + left] · factor`. */
function addWindows(d: Conv, tap: Tap, x: TypedArray, xAt: number, factor: number, sums: Float64Array): void {
  const step = d.strideW * d.xW;
  for (let i = tap.rows[0]; i < tap.rows[1]; i++) {
    const row = xAt + (tap.top + i * d.strideH) * d.xH + tap.left * d.xW;
    for (
      let j = tap.columns[0], to = i * d.ow + j, from = row + j * step;
      j < tap.columns[1];
      j++, to++, from += step
    ) {
      sums[to] += x[from] * factor;
    }
  }
}

function convolveBack(d: Conv, x: TypedArray, w: TypedArray, y: TypedArray, bias: TypedArray | null): void {
  const [taps, sums] = [tapsOf(d), new Float64Array(d.h * d.w)];
  for (let n = 0; n < d.n; n++) {
    for (let c = 0; c < d.groups * d.cIn; c++) {
      const [group, channel] = [Math.floor(c / d.cIn), c % d.cIn];
      sums.fill(0);
      for (let o = group * d.cOut; o < (group + 1) * d.cOut; o++) {
        const [yAt, wAt] = [d.yOffset + n * d.yN + o * d.yC, d.wOffset + o * d.wO + channel * d.wC];
        for (const tap of taps) spreadWindows(d, tap, y, yAt, w[wAt + tap.r * d.wH + tap.s * d.wW], sums);
      }
      const shift = bias === null ? 0 : bias[d.biasOffset + c * d.biasStride];
      store(sums, shift, d.activation, x, d.xOffset + n * d.xN + c * d.xC, d.w, d.xH, d.xW);
    }
  }
}

/** `sums[i·strideH + top, j·strideW + left] += y[i, j] · factor`. */
function spreadWindows(d: Conv, tap: Tap, y: TypedArray, yAt: number, factor: number, sums: Float64Array): void {
  for (let i = tap.rows[0]; i < tap.rows[1]; i++) {
    const row = (tap.top + i * d.strideH) * d.w + tap.left;
    for (let j = tap.columns[0], from = yAt + i * d.yH + j * d.yW; j < tap.columns[1]; j++, from += d.yW) {
      sums[row + j * d.strideW] += y[from] * factor;
    }
  }
}

function correlate(d: Conv, x: TypedArray, w: TypedArray, y: TypedArray, bias: TypedArray | null): void {
  const taps = tapsOf(d);
  for (let o = 0; o < d.groups * d.cOut; o++) {
    const first = d.cIn * Math.floor(o / d.cOut);
    const yAt = d.yOffset + o * d.yC;
    for (let c = 0; c < d.cIn; c++) {
      const [xAt, wAt] = [d.xOffset + (first + c) * d.xC, d.wOffset + o * d.wO + c * d.wC];
      for (const tap of taps) w[wAt + tap.r * d.wH + tap.s * d.wW] = sumOfProducts(d, tap, x, xAt, y, yAt);
    }
    if (bias !== null) bias[d.biasOffset + o * d.biasStride] = sumOfChannel(d, y, yAt);
  }
}

/** `Σ_{n, i, j} x[n, i·strideH + top, j·strideW + left] · y[n, i, j]`. */
function sumOfProducts(d: Conv, tap: Tap, x: TypedArray, xAt: number, y: TypedArray, yAt: number): number {
  const step = d.strideW * d.xW;
  let sum = 0;
  for (let n = 0; n < d.n; n++) {
    for (let i = tap.rows[0]; i < tap.rows[1]; i++) {
      let p = xAt + n * d.xN + (tap.top + i * d.strideH) * d.xH + tap.left * d.xW + tap.columns[0] * step;
      let q = yAt + n * d.yN + i * d.yH + tap.columns[0] * d.yW;
      for (let j = tap.columns[0]; j < tap.columns[1]; j++, p += step, q += d.yW) sum += x[p] * y[q];
    }
  }
  return sum;
}

/** `Σ_{n, i, j} y[n, i, j]`. */
function sumOfChannel(d: Conv, y: TypedArray, yAt: number): number {
  let sum = 0;
  for (let n = 0; n < d.n; n++) {
    for (let i = 0; i < d.oh; i++) {
      for (let j = 0, at = yAt + n * d.yN + i * d.yH; j < d.ow; j++, at += d.yW) sum += y[at];
    }
  }
  return sum;
}

/** Stores one channel's sums, `columns` in a row. */
function store(
  sums: Float64Array,
  shift: number,
  activation: Activation | undefined,
  out: TypedArray,
  at: number,
  columns: number,
  rowStep: number,
  step: number,
): void {
  const f = activation === undefined || activation === "none" ? null : UNARY[activation];
  for (let k = 0; k < sums.length; k++) {
    const place = at + Math.floor(k / columns) * rowStep + (k % columns) * step;
    out[place] = sums[k] + shift;
    if (f !== null) out[place] = f(out[place], 0, 0); // of the stored number, as `unary` would read it
  }
}

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
