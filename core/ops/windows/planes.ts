/** Operations on the planes and channels of images: pooling, resampling, batch normalisation, each in one pass; and padding. */
import { backend } from "../../backend/choose.ts";
import type { BatchNorm, Pooling, Resampling, Taps, Windows } from "../../backend/planes.ts";
import { allocate, type TypedArray } from "../../dtype.ts";
import { newEmpty } from "../../memory/allocate.ts";
import { detached, elements, narrow } from "../movement.ts";
import { singleWindow } from "./sizes.ts";
import { record } from "../../record.ts";
import { show, sizeOf } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";

// Pooling.

/** The windows along each pooled dimension: of a sequence [length], or of an image [rows, columns]. */
export type WindowsOf = readonly [Windows] | readonly [Windows, Windows];

/** The maximum of each window, the first of equal ones; its place in its plane, where that is asked for or a gradient will need it. */
export function maxPool(
  x: Tensor,
  windows: WindowsOf,
  withIndices: boolean,
): { values: Tensor; indices: Tensor | null } {
  const d = pooling("max", x, windows, 0);
  const out = newEmpty(pooledShape(x, windows), x.dtype);
  const indices = withIndices || x.requiresGrad ? newEmpty(out.shape, "int32") : null;
  backend().pool(d, elements(x), out.data, indices === null ? null : indices.data as Int32Array);
  const values = record("maxPool", out, indices === null ? [x] : [x, indices], d);
  return { values, indices };
}

/** The sum of each window over its divisor: the number given, or for 0 what its windows count. */
export function avgPool(x: Tensor, windows: WindowsOf, divisor = 0): Tensor {
  return averages(x, pooling("avg", x, windows, divisor), pooledShape(x, windows));
}

/** The means of windows as one average pooling takes them, in the shape of its result. */
export function averages(x: Tensor, d: Pooling, shape: readonly number[]): Tensor {
  const out = newEmpty(shape, x.dtype);
  backend().pool(d, elements(x), out.data, null);
  return record("avgPool", out, [x], d);
}

/** The gradient of what was pooled, of this shape; `at` holds the places of maxima. */
export function poolGradient(d: Pooling, g: Tensor, shape: readonly number[], at: Tensor | null): Tensor {
  const dx = newEmpty(shape, g.dtype);
  backend().poolBackward(d, elements(g), at === null ? null : elements(detached(at)) as Int32Array, dx.data);
  return record("poolBackward", dx, at === null ? [g] : [g, at], d);
}

function pooling(op: Pooling["op"], x: Tensor, windows: WindowsOf, divisor: number): Pooling {
  const { shape } = x, rank = shape.length, isImage = windows.length === 2;
  let planes = 1;
  for (let d = 0; d < rank - windows.length; d++) planes *= shape[d];
  const [rows, cols] = isImage ? windows : [singleWindow(), windows[0]];
  return { op, planes, h: isImage ? shape[rank - 2] : 1, w: shape[rank - 1], rows, cols, divisor };
}

function pooledShape({ shape }: Tensor, windows: WindowsOf): number[] {
  const pooled = shape.slice();
  for (let i = 0; i < windows.length; i++) pooled[shape.length - windows.length + i] = windows[i].begin.length;
  return pooled;
}

// Resampling.

/** Where the places along each resampled dimension come from: of a sequence [length], or of an image [rows, columns]. */
export type TapsOf = readonly [Taps] | readonly [Taps, Taps];

/** Where the places of one dimension come from, if `from(i)` says it: a place, or a number between two of `size` places. */
export function tapsOf(count: number, size: number, from: (i: number) => number): Taps {
  const taps = { low: new Int32Array(count), high: new Int32Array(count), weight: new Float64Array(count) };
  for (let i = 0; i < count; i++) {
    const place = from(i);
    taps.low[i] = Math.floor(place);
    taps.high[i] = Math.min(taps.low[i] + 1, size - 1);
    taps.weight[i] = place - taps.low[i];
  }
  return taps;
}

/** The last one or two dimensions of x, resampled. */
export function resample(x: Tensor, taps: TapsOf): Tensor {
  const lead = x.shape.slice(0, -taps.length);
  const [rows, cols] = taps.length === 2 ? taps : [tapsOf(1, 1, () => 0), taps[0]];
  const h = taps.length === 2 ? x.shape.at(-2)! : 1;
  const d: Resampling = { planes: sizeOf(lead), h, w: x.shape.at(-1)!, rows, cols };
  return resampled(x, d, [...lead, ...taps.map(({ low }) => low.length)]);
}

/** The planes of x as one resampling takes them, in the shape of its result. */
export function resampled(x: Tensor, d: Resampling, shape: readonly number[]): Tensor {
  const out = newEmpty(shape, x.dtype);
  backend().resample(d, elements(x), out.data);
  return record("resample", out, [x], d);
}

/** The gradient of what was resampled, of this shape. */
export function resampleGradient(d: Resampling, g: Tensor, shape: readonly number[]): Tensor {
  const dx = newEmpty(shape, g.dtype);
  backend().resampleBackward(d, elements(g), dx.data);
  return record("resampleBackward", dx, [g], d);
}

// Batch normalisation.

/** What x [n, c, …] is normalised with; all tensors are [c], in the dtype of x. */
interface BatchNormInputs {
  /** Mean and variance to be used; `null` for those of x. */
  readonly running: readonly [mean: Tensor, variance: Tensor] | null;
  /** Weight and bias; `null` for 1 and 0. */
  readonly affine: readonly [weight: Tensor, bias: Tensor] | null;
  readonly eps: number;
  readonly activation: BatchNorm["activation"];
}

/** `activation((x − mean) / √(variance + ε) · weight + bias)` for x [n, c, …]; and mean and biased variance, one of each channel. */
export function normaliseChannels(
  x: Tensor,
  { running, affine, eps, activation }: BatchNormInputs,
): { y: Tensor; mean: TypedArray; variance: TypedArray } {
  const [n, c, l] = [x.shape[0], x.shape[1], sizeOf(x.shape.slice(2))];
  const stats = allocate(x.dtype, 4 * c);
  if (running !== null) running.forEach((v, row) => stats.set(elements(v), row * c));
  if (affine === null) stats.fill(1, 2 * c, 3 * c);
  else affine.forEach((v, row) => stats.set(elements(v), (2 + row) * c));
  const d = { n, c, l, training: running === null, eps, activation, stats };
  const out = newEmpty(x.shape, x.dtype);
  backend().batchNorm(d, elements(x), stats, out.data);
  const y = record("batchNorm", out, affine === null ? [x] : [x, ...affine], d);
  return { y, mean: stats.subarray(0, c), variance: stats.subarray(c, 2 * c) };
}

/** The gradients of x, weight and bias by g, that of y, which is read where there is an activation. */
export function batchNormGradients(
  d: BatchNorm & { readonly stats: TypedArray },
  g: Tensor,
  x: Tensor,
  y: Tensor | null,
  withInput: boolean,
): [dx: Tensor | null, dw: Tensor, db: Tensor] {
  const dx = withInput ? newEmpty(x.shape, x.dtype) : null;
  const [dw, db] = [newEmpty([d.c], x.dtype), newEmpty([d.c], x.dtype)];
  const after = y === null ? null : elements(y);
  backend().batchNormBackward(d, elements(g), elements(x), after, d.stats, dx?.data ?? null, dw.data, db.data);
  return [dx, dw, db];
}

/**
 * x with `before[d]` and `after[d]` elements of `value` around dimension d; negative numbers take elements away.
 *
 * @throws {RangeError} If more is taken away than there is.
 */
export function padConstant(x: Tensor, before: readonly number[], after: readonly number[], value: number): Tensor {
  const shape = x.shape.map((size, d) => before[d] + size + after[d]);
  if (shape.some((size) => size < 0)) {
    throw new RangeError(`Cannot pad ${show(x.shape)} to ${show(shape)}: more is taken away than there is`);
  }
  const out = newEmpty(shape, x.dtype);
  if (before.some((n) => n > 0) || after.some((n) => n > 0)) out.fill_(value);
  copyCommon(detached(x), out, before);
  return record("pad", out, [x], { before, after, value });
}

/** Copies the elements of x that have a place in `out`, where x begins at `before`. */
function copyCommon(x: Tensor, out: Tensor, before: readonly number[]): void {
  let to = out;
  for (let d = 0; d < before.length; d++) {
    const [from, start] = [Math.max(-before[d], 0), Math.max(before[d], 0)];
    const length = Math.max(0, Math.min(x.shape[d] - from, out.shape[d] - start));
    if (length === 0) return;
    x = narrow(x, d, from, length);
    to = narrow(to, d, start, length);
  }
  backend().unary("copy", x.shape, x, to, 0, 0);
}
