/** Pooling as functions: the maximum or the mean of each window of an image or a sequence. */
import { checkOptions, requireTensor, shown } from "../../../core/arguments.ts";
import { isFloating } from "../../../core/dtype.ts";
import {
  adaptiveWindows,
  asPair,
  type NumberOrPair,
  type RowsColumns,
  windowCount,
  windowFormula,
  windowsAlong,
  type WindowSettings,
} from "../../../core/ops/windows/sizes.ts";
import { avgPool, maxPool, type WindowsOf } from "../../../core/ops/windows/planes.ts";
import { show } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { ADAPTIVE_MAX_POOL, AVG_POOL, AVG_POOL_1D, MAX_POOL, POOL_1D_KINDS, POOL_KINDS } from "../known_options.ts";

/** Options that all windows have; `S` is a number for sequences, for images also a pair of rows and columns. */
export interface WindowOptions<S = NumberOrPair> {
  /**
   * From a window to the next.
   *
   * @default {kernelSize}
   */
  stride?: S;
  /**
   * How many places are added before the image and after it, at most half of the window.
   *
   * @default {0}
   */
  padding?: S;
  /**
   * Whether a last window that does not fit is kept, if it begins within the image or the padding before it.
   *
   * @default {false}
   */
  ceilMode?: boolean;
}

/** The options of max pooling; what is padded counts as −∞. */
export interface MaxPoolOptions<S = NumberOrPair> extends WindowOptions<S> {
  /**
   * From a place of a window to the next.
   *
   * @default {1}
   */
  dilation?: S;
  /**
   * Whether the result is `{ values, indices }`, with the index of each maximum within its plane.
   *
   * @default {false}
   */
  returnIndices?: boolean;
}

/** The options of average pooling over sequences; what is padded counts as 0. */
export interface AvgPoolOptions<S = NumberOrPair> extends WindowOptions<S> {
  /**
   * Whether padding counts in the divisor.
   *
   * @default {true}
   */
  countIncludePad?: boolean;
}

/** The options of `avgPool2d`. */
export interface AvgPool2dOptions extends AvgPoolOptions {
  /**
   * What each sum is divided by.
   *
   * @default {null} for the number of elements
   */
  divisorOverride?: number | null;
}

/** Maxima, and the index of each within its plane. */
export interface ValuesAndIndices {
  /** The maxima. */
  values: Tensor;
  /** int32, of the same shape; row · columns + column in an image. */
  indices: Tensor;
}

/**
 * The maximum of each window of x [batch, channels, length] or [channels, length]; the first of equal ones gets the gradient.
 *
 * The result's length is `⌊(length + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1`, rounded up with `ceilMode`.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const { maxPool1d } = nn.functional;
 * const x = tensor([[1, 3, 2, 0]]);
 * assertEquals(maxPool1d(x, 2).toArray(), [[3, 2]]);
 * assertEquals(maxPool1d(x, 2, { returnIndices: true }).indices.toArray(), [[1, 2]]);
 * ```
 * @throws {RangeError} If no window fits, or the padding is more than half of it.
 * @throws {TypeError} If x is of an integer dtype.
 */
export function maxPool1d(
  x: Tensor,
  kernelSize: number,
  options: MaxPoolOptions<number> & { returnIndices: true },
): ValuesAndIndices;
/** The same without indices. */
export function maxPool1d(x: Tensor, kernelSize: number, options?: MaxPoolOptions<number>): Tensor;
export function maxPool1d(
  x: Tensor,
  kernelSize: number,
  options: MaxPoolOptions<number> = {},
): Tensor | ValuesAndIndices {
  checkOptions("take maxPool1d()", options, MAX_POOL, POOL_1D_KINDS);
  requireSequence(x, "take maxPool1d()");
  return maximaOf(x, windowsOf("take maxPool1d()", x, kernelSize, options, 1), options);
}

/**
 * The maximum of each window of images x [batch, channels, rows, columns] or [channels, rows, columns]; the first of equal ones gets
 * the gradient.
 *
 * The result's sizes are `⌊(size + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1`, rounded up with `ceilMode`.
 *
 * @example
 * ```ts
 * import { arange, nn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = arange(16).float().view(1, 1, 4, 4);
 * assertEquals(nn.functional.maxPool2d(x, 2).toArray(), [[[[5, 7], [13, 15]]]]);
 * assertEquals(nn.functional.maxPool2d(x, 3, { stride: 2, padding: 1 }).shape, [1, 1, 2, 2]);
 * ```
 * @throws {RangeError} If no window fits, or the padding is more than half of it.
 * @throws {TypeError} If x is of an integer dtype.
 */
export function maxPool2d(
  x: Tensor,
  kernelSize: NumberOrPair,
  options: MaxPoolOptions & { returnIndices: true },
): ValuesAndIndices;
/** The same without indices. */
export function maxPool2d(x: Tensor, kernelSize: NumberOrPair, options?: MaxPoolOptions): Tensor;
export function maxPool2d(
  x: Tensor,
  kernelSize: NumberOrPair,
  options: MaxPoolOptions = {},
): Tensor | ValuesAndIndices {
  checkOptions("take maxPool2d()", options, MAX_POOL, POOL_KINDS);
  requireImage(x, "take maxPool2d()");
  return maximaOf(x, windowsOf("take maxPool2d()", x, kernelSize, options, 2), options);
}

/**
 * The mean of each window of x [batch, channels, length] or [channels, length]; sizes as by `maxPool1d`.
 *
 * @throws {RangeError} If no window fits, or the padding is more than half of it.
 * @throws {TypeError} If x is of an integer dtype.
 */
export function avgPool1d(x: Tensor, kernelSize: number, options: AvgPoolOptions<number> = {}): Tensor {
  checkOptions("take avgPool1d()", options, AVG_POOL_1D, POOL_1D_KINDS);
  requireSequence(x, "take avgPool1d()");
  return avgPool(x, windowsOf("take avgPool1d()", x, kernelSize, options, 1));
}

/**
 * The mean of each window of images x [batch, channels, rows, columns] or [channels, rows, columns]; sizes as by `maxPool2d`.
 *
 * @example
 * ```ts
 * import { arange, nn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = arange(16).float().view(1, 1, 4, 4);
 * assertEquals(nn.functional.avgPool2d(x, 2).toArray(), [[[[2.5, 4.5], [10.5, 12.5]]]]);
 * ```
 * @throws {RangeError} If no window fits, the padding is more than half of it, or the divisor is 0.
 * @throws {TypeError} If x is of an integer dtype.
 */
export function avgPool2d(x: Tensor, kernelSize: NumberOrPair, options: AvgPool2dOptions = {}): Tensor {
  checkOptions("take avgPool2d()", options, AVG_POOL, POOL_KINDS);
  requireImage(x, "take avgPool2d()");
  const divisor = divisorFrom("take avgPool2d()", options);
  return avgPool(x, windowsOf("take avgPool2d()", x, kernelSize, options, 2), divisor);
}

/** The divisor that the options name, 0 where they name none. Throws a RangeError if it is not a whole number but 0. */
export function divisorFrom(action: string, { divisorOverride = null }: AvgPool2dOptions): number {
  if (divisorOverride === null) return 0;
  if (Number.isInteger(divisorOverride) && divisorOverride !== 0) return divisorOverride;
  const Kind = typeof divisorOverride === "number" ? RangeError : TypeError;
  throw new Kind(`Cannot ${action} with divisorOverride ${shown(divisorOverride)}: give a whole number but 0`);
}

function maximaOf(x: Tensor, windows: WindowsOf, { returnIndices = false }: AdaptiveMaxPoolOptions) {
  const { values, indices } = maxPool(x, windows, returnIndices);
  return returnIndices ? { values, indices: indices! } : values;
}

/** Windows as their options say, each size for rows and columns. */
export interface WindowSizes {
  readonly kernels: RowsColumns;
  readonly strides: RowsColumns;
  readonly paddings: RowsColumns;
  readonly dilations: RowsColumns;
}

/**
 * The sizes that options name, in full; of sequences for a single row.
 *
 * @throws {TypeError} If one is neither a number nor, of images, a pair.
 * @throws {RangeError} If one is not a whole number of its kind, or the padding is more than half of the window.
 */
export function windowSizes(
  action: string,
  kernelSize: NumberOrPair,
  options: MaxPoolOptions,
  dims: 1 | 2,
): WindowSizes {
  const { stride = kernelSize, padding = 0, dilation = 1 } = options;
  const kernels = asPair(action, "kernelSize", kernelSize, dims, 1);
  const strides = asPair(action, "stride", stride, dims, 1);
  const paddings = asPair(action, "padding", padding, dims, 0);
  const wide = paddings.findIndex((n, d) => n > kernels[d] / 2);
  if (wide >= 0) {
    throw new RangeError(
      `Cannot ${action} with a padding of ${paddings[wide]} for windows of ${
        kernels[wide]
      }: it is more than half of them, ` +
        `give ${Math.floor(kernels[wide] / 2)} or less`,
    );
  }
  return { kernels, strides, paddings, dilations: asPair(action, "dilation", dilation, dims, 1) };
}

/** The windows over the last `dims` dimensions of x. */
function windowsOf(
  action: string,
  x: Tensor,
  kernelSize: NumberOrPair,
  options: MaxPoolOptions & AvgPoolOptions,
  dims: 1 | 2,
): WindowsOf {
  const { ceilMode = false, countIncludePad = true } = options;
  const { kernels, strides, paddings, dilations } = windowSizes(action, kernelSize, options, dims);
  const along = (d: 0 | 1) => {
    const sizes = { kernel: kernels[d], stride: strides[d], padding: paddings[d], dilation: dilations[d] };
    const settings = { ...sizes, ceilMode, countPadding: countIncludePad };
    requireWindow(action, x, x.ndim - 2 + d, settings);
    return windowsAlong(x.shape[x.ndim - 2 + d], settings);
  };
  return dims === 1 ? [along(1)] : [along(0), along(1)];
}

function requireWindow(action: string, x: Tensor, dim: number, settings: WindowSettings): void {
  const size = x.shape[dim];
  if (windowCount(size, settings) >= 1 && size >= 1) return;
  throw new RangeError(
    `Cannot ${action} of ${show(x.shape)} by windows of ${settings.kernel}: dimension ${dim} would have ` +
      `${windowFormula(size, settings)} of them, give a smaller window or a larger image`,
  );
}

// Adaptive pooling: as many windows as are wanted.

/**
 * Means of `outputSize` windows of nearly equal length, which cover x [batch, channels, length] or [channels, length]; `null` keeps it.
 *
 * Window i reaches from `⌊i·length / outputSize⌋` to below `⌈(i + 1)·length / outputSize⌉`.
 *
 * @throws {RangeError} If the length is 0.
 * @throws {TypeError} If x is of an integer dtype.
 */
export function adaptiveAvgPool1d(x: Tensor, outputSize: number | null): Tensor {
  requireSequence(x, "take adaptiveAvgPool1d()");
  return avgPool(x, adaptive("take adaptiveAvgPool1d()", x, outputSize, 1));
}

/** The sizes that adaptive pooling is to give: one for rows and columns, or one of each; `null` keeps the size of the image. */
export type OutputSize = number | null | readonly [rows: number | null, columns: number | null];

/**
 * Means of as many rows and columns of windows as `outputSize` says, which cover images x [batch, channels, rows, columns] or
 * [channels, rows, columns]: with 1 the mean of each channel.
 *
 * @example
 * ```ts
 * import { arange, nn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = arange(16).float().view(1, 1, 4, 4);
 * assertEquals(nn.functional.adaptiveAvgPool2d(x, 1).toArray(), [[[[7.5]]]]);
 * assertEquals(nn.functional.adaptiveAvgPool2d(x, [3, null]).shape, [1, 1, 3, 4]);
 * ```
 * @throws {RangeError} If the image has no elements.
 * @throws {TypeError} If x is of an integer dtype.
 */
export function adaptiveAvgPool2d(x: Tensor, outputSize: OutputSize): Tensor {
  requireImage(x, "take adaptiveAvgPool2d()");
  return avgPool(x, adaptive("take adaptiveAvgPool2d()", x, outputSize, 2));
}

/** The options of `adaptiveMaxPool2d`. */
export interface AdaptiveMaxPoolOptions {
  /**
   * Whether the result is `{ values, indices }`, with the index of each maximum within its plane.
   *
   * @default {false}
   */
  returnIndices?: boolean;
}

/**
 * Maxima of the windows that `adaptiveAvgPool2d` takes means of.
 *
 * @throws {RangeError} If the image has no elements.
 * @throws {TypeError} If x is of an integer dtype.
 */
export function adaptiveMaxPool2d(
  x: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions & { returnIndices: true },
): ValuesAndIndices;
/** The same without indices. */
export function adaptiveMaxPool2d(x: Tensor, outputSize: OutputSize, options?: AdaptiveMaxPoolOptions): Tensor;
export function adaptiveMaxPool2d(
  x: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions = {},
): Tensor | ValuesAndIndices {
  checkOptions("take adaptiveMaxPool2d()", options, ADAPTIVE_MAX_POOL, { returnIndices: "boolean" });
  requireImage(x, "take adaptiveMaxPool2d()");
  return maximaOf(x, adaptive("take adaptiveMaxPool2d()", x, outputSize, 2), options);
}

/** Checks sizes for adaptive pooling: whole numbers from 0, or `null`. Throws an error that names one that is not. */
export function requireOutputSize(action: string, outputSize: OutputSize): void {
  outputSizes(action, outputSize, [0, 0]);
}

/** The sizes wanted, where `null` stands for those of the image. */
function outputSizes(action: string, outputSize: OutputSize, image: readonly number[]): RowsColumns {
  const wanted = typeof outputSize === "number" || outputSize === null ? [outputSize, outputSize] : outputSize;
  const sizes = Array.isArray(wanted) ? wanted.map((n, d) => n === null ? image.at(d - 2) : n) : wanted;
  return asPair(action, "outputSize", sizes as unknown as NumberOrPair, 2, 0);
}

function adaptive(action: string, x: Tensor, outputSize: OutputSize, dims: 1 | 2): WindowsOf {
  const counts = outputSizes(action, outputSize, x.shape);
  const along = (d: 0 | 1) => {
    const size = x.shape[x.ndim - 2 + d];
    if (size > 0) return adaptiveWindows(size, counts[d]);
    throw new RangeError(`Cannot ${action} of ${show(x.shape)}: windows need an element at least, give a larger image`);
  };
  return dims === 1 ? [along(1)] : [along(0), along(1)];
}

function requireImage(x: Tensor, action: string): void {
  requirePoolable(x, action, 3, "[batch, channels, rows, columns] or [channels, rows, columns]");
}

function requireSequence(x: Tensor, action: string): void {
  requirePoolable(x, action, 2, "[batch, channels, length] or [channels, length]");
}

function requirePoolable(x: Tensor, action: string, least: number, expected: string): void {
  requireTensor(x, `${action} of`);
  if (x.ndim !== least && x.ndim !== least + 1) {
    throw new RangeError(`Cannot ${action} of ${show(x.shape)}: expected ${expected}`);
  }
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot ${action} of a ${x.dtype} tensor: cast it with float()`);
}
