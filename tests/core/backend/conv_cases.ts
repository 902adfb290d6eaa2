/** Convolutions to judge back ends by, and what they must give: seven loops, written down from the formula. */
import type { Conv, ConvResult } from "../../../core/backend/backend.ts";
import { floats } from "./verb_cases.ts";

/** What differs from one image of 5 × 6 with 2 channels, a kernel of 3 × 3 and 3 channels of y. */
export type Sizes = Partial<Omit<Conv, "activation">>;

/** Sizes by what is special about them. */
export const SIZES: Readonly<Record<string, Sizes>> = {
  "3 × 3": {},
  "two images": { n: 2, cIn: 3, cOut: 5 },
  "1 × 1": { kh: 1, kw: 1, cIn: 5, cOut: 7 },
  "1 × 1 with a stride of 3": { kh: 1, kw: 1, strideH: 3, strideW: 3, h: 7, w: 8 },
  "padding": { padTop: 1, padLeft: 2 },
  "strides and padding": { strideH: 2, strideW: 3, padTop: 2, padLeft: 1, h: 9, w: 11 },
  "dilation": { dilationH: 2, dilationW: 3, h: 8, w: 9, padTop: 1 },
  "stride past the kernel": { kh: 2, kw: 2, strideH: 4, strideW: 5, padTop: 2, padLeft: 2, h: 9, w: 9 },
  "a kernel as large as the image": { kh: 5, kw: 6, n: 2 },
  "a kernel larger than the image": { kh: 7, kw: 9, padTop: 2, padLeft: 3 },
  "windows that lie wholly on padding": { padTop: 6, padLeft: 7, strideH: 2 },
  "groups": { n: 2, groups: 2, cIn: 2, cOut: 3 },
  "depthwise": { n: 2, groups: 5, cIn: 1, cOut: 1, padTop: 1, padLeft: 1 },
  "depthwise, of rows that are no whole vectors": {
    n: 2,
    groups: 18,
    cIn: 1,
    cOut: 1,
    h: 9,
    w: 31,
    padTop: 1,
    padLeft: 1,
  },
  "depthwise, moved by two": {
    ...{ n: 2, groups: 18, cIn: 1, cOut: 1, h: 9, w: 31, padTop: 1, padLeft: 1, strideH: 2, strideW: 2 },
  },
  "depthwise with two channels each": { groups: 4, cIn: 1, cOut: 2, strideH: 2, strideW: 2 },
  "one dimension": { h: 1, kh: 1, w: 30, kw: 5, cIn: 3, padLeft: 2 },
  "one row": { h: 1, w: 1, kh: 1, kw: 1 },
  "one channel": { cIn: 1, cOut: 1, h: 20, w: 37, n: 2 },
  "a first layer": { n: 2, cIn: 1, cOut: 8, h: 28, w: 28, kh: 5, kw: 5, padTop: 2, padLeft: 2 },
  "long rows": { cIn: 2, cOut: 3, h: 4, w: 150, padLeft: 1 },
  "many images of few pixels": { n: 33, cIn: 5, cOut: 9, h: 2, w: 2, padTop: 1, padLeft: 1 },
  "a kernel of thousands": { n: 1, cIn: 1, cOut: 2, h: 50, w: 50, kh: 46, kw: 47 },
  "many channels": { cIn: 70, cOut: 35, h: 9, w: 10, padTop: 1, padLeft: 1 },
  "1,000 channels": { cIn: 1000, cOut: 2, h: 3, w: 4, kh: 2, kw: 2 },
  "no images": { n: 0 },
  "no channels": { cIn: 0 },
  "no channels of y": { cOut: 0 },
  "an empty image": { h: 0, kh: 1, oh: 0 },
};

/** How the elements of the three arrays lie. */
export type Layout = "dense" | "channels last" | "backwards with gaps";

/** Every layout. */
export const LAYOUTS: readonly Layout[] = ["dense", "channels last", "backwards with gaps"];

/** Sizes and layout of one convolution, and how long its buffers are. */
export interface Case {
  d: Conv;
  lengths: { x: number; w: number; y: number };
}

/** A convolution of these sizes; its `oh` and `ow` are those that fit, with as much padding below and to the right. */
export function convCase(sizes: Sizes = {}, layout: Layout = "dense"): Case {
  const given = {
    ...{ n: 1, groups: 1, cIn: 2, cOut: 3, h: 5, w: 6, kh: 3, kw: 3, strideH: 1, strideW: 1, padTop: 0, padLeft: 0 },
    ...{ dilationH: 1, dilationW: 1, biasOffset: 0, biasStride: 1 },
    ...sizes,
  };
  const fits = (size: number, pad: number, kernel: number, dilation: number, stride: number) =>
    Math.floor((size + 2 * pad - dilation * (kernel - 1) - 1) / stride) + 1;
  const oh = sizes.oh ?? fits(given.h, given.padTop, given.kh, given.dilationH, given.strideH);
  const ow = sizes.ow ?? fits(given.w, given.padLeft, given.kw, given.dilationW, given.strideW);
  const x = layOut([given.n, given.groups * given.cIn, given.h, given.w], layout);
  const w = layOut([given.groups * given.cOut, given.cIn, given.kh, given.kw], layout);
  const y = layOut([given.n, given.groups * given.cOut, oh, ow], layout);
  const d = {
    ...given,
    ...{ oh, ow, xOffset: x.offset, wOffset: w.offset, yOffset: y.offset },
    ...{ xN: x.strides[0], xC: x.strides[1], xH: x.strides[2], xW: x.strides[3] },
    ...{ wO: w.strides[0], wC: w.strides[1], wH: w.strides[2], wW: w.strides[3] },
    ...{ yN: y.strides[0], yC: y.strides[1], yH: y.strides[2], yW: y.strides[3] },
  };
  return { d, lengths: { x: x.length, w: w.length, y: y.length } };
}

function layOut(shape: readonly number[], layout: Layout): { offset: number; strides: number[]; length: number } {
  const order = layout === "channels last" ? [0, 2, 3, 1] : [0, 1, 2, 3];
  const strides = [0, 0, 0, 0];
  let length = layout === "backwards with gaps" ? 2 : 1;
  for (const dim of order.toReversed()) {
    strides[dim] = length;
    length *= shape[dim];
  }
  if (layout !== "backwards with gaps") return { offset: 0, strides, length };
  const last = strides.reduce((sum, step, dim) => sum + step * Math.max(0, shape[dim] - 1), 0);
  return { offset: last + 1, strides: strides.map((step) => -step), length: length + 1 };
}

/** Arrays for a case, of numbers in [−1, 1); the bias has one for each channel of y, or of x where that is the result. */
export function convArrays(
  { d, lengths }: Case,
  result: ConvResult,
): [x: Float32Array, w: Float32Array, y: Float32Array, bias: Float32Array] {
  const channels = d.groups * (result === "x" ? d.cIn : d.cOut);
  return [floats(lengths.x, 1, 1), floats(lengths.w, 1, 2), floats(lengths.y, 1, 3), floats(channels, 1, 4)];
}

/** The result by seven loops, in a buffer as long as the result's. */
export interface Exact {
  /** The numbers, and NaN where none is written. */
  values: Float64Array;
  /** The sums of the products' sizes. */
  sizes: Float64Array;
  /** For the weight's gradient, the sums of y. */
  bias: Float64Array;
}

/** The result by seven loops over everything, in float64. Outside of x there is nothing to add. */
export function exactConv(
  result: ConvResult,
  d: Conv,
  [x, w, y, bias]: readonly [Float32Array, Float32Array, Float32Array, Float32Array | null],
): Exact {
  const length = { x, w, y }[result].length;
  const [values, sizes] = [new Float64Array(length).fill(NaN), new Float64Array(length)];
  const sums = new Float64Array(d.groups * d.cOut);
  const shift = (channel: number) => bias === null ? 0 : bias[d.biasOffset + channel * d.biasStride];
  const start = (at: number, value: number) => void ([values[at], sizes[at]] = [value, Math.abs(value)]);
  const add = (at: number, value: number) => void (values[at] += value, sizes[at] += Math.abs(value));
  const xAt = (n: number, c: number, i: number, j: number) => d.xOffset + n * d.xN + c * d.xC + i * d.xH + j * d.xW;
  const wAt = (o: number, c: number, r: number, s: number) => d.wOffset + o * d.wO + c * d.wC + r * d.wH + s * d.wW;
  const yAt = (n: number, o: number, i: number, j: number) => d.yOffset + n * d.yN + o * d.yC + i * d.yH + j * d.yW;
  const outputs = d.groups * d.cOut;
  if (result === "y") each(d.n, outputs, d.oh, d.ow, (n, o, i, j) => start(yAt(n, o, i, j), shift(o)));
  if (result === "x") each(d.n, d.groups * d.cIn, d.h, d.w, (n, c, i, j) => start(xAt(n, c, i, j), shift(c)));
  if (result === "w") each(outputs, d.cIn, d.kh, d.kw, (o, c, r, s) => start(wAt(o, c, r, s), 0));
  each(d.n, outputs, d.oh, d.ow, (n, o, i, j) => {
    const [atY, group] = [yAt(n, o, i, j), Math.floor(o / d.cOut)];
    sums[o] += y[atY];
    each(1, d.cIn, d.kh, d.kw, (_, c, r, s) => {
      const row = i * d.strideH + r * d.dilationH - d.padTop;
      const column = j * d.strideW + s * d.dilationW - d.padLeft;
      if (row < 0 || row >= d.h || column < 0 || column >= d.w) return;
      const [atX, atW] = [xAt(n, group * d.cIn + c, row, column), wAt(o, c, r, s)];
      if (result === "y") add(atY, x[atX] * w[atW]);
      else if (result === "x") add(atX, y[atY] * w[atW]);
      else add(atW, x[atX] * y[atY]);
    });
  });
  return { values, sizes, bias: sums };
}

type Visit = (a: number, b: number, c: number, d: number) => void;

/** Visits every index of a shape of four sizes, in row-major order. */
function each(a: number, b: number, c: number, d: number, visit: Visit): void {
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) for (let k = 0; k < c; k++) for (let l = 0; l < d; l++) visit(i, j, k, l);
  }
}
