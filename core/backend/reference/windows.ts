/** Windows over images in plain loops: what `conv` must be on every back end. Sums are carried in float64 and rounded once. */
import type { Activation, Backend, Conv } from "../backend.ts";
import { checkConv } from "../descriptor.ts";
import { UNARY } from "./formulas.ts";
import type { TypedArray } from "../../dtype.ts";

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
