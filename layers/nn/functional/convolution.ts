/** Convolutions as functions, whose weights are arguments, and their windows as columns. */
import { checkOptions, type OptionTypes } from "../../../core/arguments.ts";
import { convolution, transposedConvolution } from "../../../core/ops/windows/conv.ts";
import { fold as columnsToImages, unfold as imagesToColumns } from "../../../core/ops/windows/unfold.ts";
import type { NumberOrPair } from "../../../core/ops/windows/sizes.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { CONV, CONV_TRANSPOSE, UNFOLD } from "../known_options.ts";

export type { NumberOrPair };

/** The options of `conv1d`. */
export interface Conv1dOptions {
  /**
   * The step from one window to the next.
   *
   * @default {1}
   */
  stride?: number;
  /**
   * The zeros on both sides of x; with `"same"` the result is as long as x (one more at the end where they are odd), `"valid"` is 0.
   *
   * @default {0}
   */
  padding?: number | "same" | "valid";
  /**
   * The step from one place of the kernel to the next.
   *
   * @default {1}
   */
  dilation?: number;
  /**
   * In how many groups the channels are: those of one group of outputs see those of the same group of inputs.
   *
   * @default {1}
   */
  groups?: number;
}

/** The options of `conv2d`; each number is for rows and columns, or there is one for each. */
export interface Conv2dOptions {
  /**
   * The steps from one window to the next.
   *
   * @default {1}
   */
  stride?: NumberOrPair;
  /**
   * The zeros on each side of x; with `"same"` the result is as large as x (one more below and to the right where they are odd),
   * `"valid"` is 0.
   *
   * @default {0}
   */
  padding?: NumberOrPair | "same" | "valid";
  /**
   * The steps from one place of the kernel to the next.
   *
   * @default {1}
   */
  dilation?: NumberOrPair;
  /**
   * In how many groups the channels are: those of one group of outputs see those of the same group of inputs.
   *
   * @default {1}
   */
  groups?: number;
}

/** The options of `convTranspose1d`. */
export interface ConvTranspose1dOptions {
  /**
   * The step between what two neighbours in x are spread over.
   *
   * @default {1}
   */
  stride?: number;
  /**
   * How much is cut off on both sides of the result.
   *
   * @default {0}
   */
  padding?: number;
  /**
   * How much longer the result is at its end; below the stride or the dilation.
   *
   * @default {0}
   */
  outputPadding?: number;
  /**
   * The step from one place of the kernel to the next.
   *
   * @default {1}
   */
  dilation?: number;
  /**
   * In how many groups the channels are.
   *
   * @default {1}
   */
  groups?: number;
}

/** The options of `convTranspose2d`; each number is for rows and columns, or there is one for each. */
export interface ConvTranspose2dOptions {
  /**
   * The steps between what two neighbours in x are spread over.
   *
   * @default {1}
   */
  stride?: NumberOrPair;
  /**
   * How much is cut off on each side of the result.
   *
   * @default {0}
   */
  padding?: NumberOrPair;
  /**
   * How much larger the result is below and to the right; below the stride or the dilation.
   *
   * @default {0}
   */
  outputPadding?: NumberOrPair;
  /**
   * The steps from one place of the kernel to the next.
   *
   * @default {1}
   */
  dilation?: NumberOrPair;
  /**
   * In how many groups the channels are.
   *
   * @default {1}
   */
  groups?: number;
}

const KINDS: OptionTypes<Conv2dOptions> = { groups: "number" };
const TRANSPOSE_KINDS: OptionTypes<ConvTranspose2dOptions> = { groups: "number" };

/**
 * `y[n, o, i] = Σ_{c, r} x[n, c, i·stride + r·dilation − padding] · weight[o, c, r] + bias[o]`, 0 outside of x: x [n, channels, length] or
 * [channels, length], weight [outputs, channels / groups, kernel], bias [outputs]; y has `⌊(length + 2·padding − dilation·(kernel − 1) −
 * 1) / stride⌋ + 1` places.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const slope = tensor([[[-1, 1]]]);
 * assertEquals(nn.functional.conv1d(tensor([[1, 4, 9, 16]]), slope).toArray(), [[3, 5, 7]]);
 * ```
 * @throws {RangeError} If the sizes do not fit together, or the kernel is longer than x with its padding.
 * @throws {TypeError} If a tensor is of integers.
 */
export function conv1d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: Conv1dOptions = {}): Tensor {
  checkOptions("take conv1d()", options, CONV, KINDS);
  return convolution(1, x, weight, bias, options);
}

/**
 * `y[n, o, i, j] = Σ_{c, r, s} x[n, c, i·stride + r·dilation − padding, …] · weight[o, c, r, s] + bias[o]`, 0 outside of x:
 * x [n, channels, height, width] or [channels, height, width], weight [outputs, channels / groups, rows, columns], bias [outputs]; y has
 * `⌊(height + 2·padding − dilation·(rows − 1) − 1) / stride⌋ + 1` rows.
 *
 * @example
 * ```ts
 * import { nn, ones, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const image = tensor([[[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]]]); // one channel
 * const edges = nn.functional.conv2d(image, tensor([[[[-1, 1]]]]));
 * assertEquals(edges.toArray(), [[[0, 1, 0], [0, 1, 0], [0, 1, 0]]]);
 * const means = nn.functional.conv2d(image, ones([1, 1, 3, 3]).div(9), null, { padding: "same" });
 * assertEquals(means.shape, [1, 3, 4]);
 * ```
 * @throws {RangeError} If the sizes do not fit together, or the kernel is larger than x with its padding.
 * @throws {TypeError} If a tensor is of integers.
 */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: Conv2dOptions = {}): Tensor {
  checkOptions("take conv2d()", options, CONV, KINDS);
  return convolution(2, x, weight, bias, options);
}

/**
 * The transposed convolution of a sequence: each x[n, c, i] · weight[c, o, r] is added to place `i·stride + r·dilation − padding` of y, then
 * bias[o]. x [n, channels, length] or [channels, length], weight [channels, outputs / groups, kernel], bias [outputs]; y has `(length −
 * 1)·stride − 2·padding + dilation·(kernel − 1) + outputPadding + 1` places.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const twice = nn.functional.convTranspose1d(tensor([[1, 2]]), tensor([[[1, 1]]]), null, { stride: 2 });
 * assertEquals(twice.toArray(), [[1, 1, 2, 2]]);
 * ```
 * @throws {RangeError} If the sizes do not fit together, or nothing is left of the result.
 * @throws {TypeError} If a tensor is of integers.
 */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTranspose1dOptions = {},
): Tensor {
  checkOptions("take convTranspose1d()", options, CONV_TRANSPOSE, TRANSPOSE_KINDS);
  return transposedConvolution(1, x, weight, bias, options);
}

/**
 * The transposed convolution of an image: each x[n, c, i, j] · weight[c, o, r, s] is added to row `i·stride + r·dilation − padding` of y and
 * the column likewise, then bias[o]. x [n, channels, height, width] or without n, weight [channels, outputs / groups, rows, columns], bias
 * [outputs]; y has `(height − 1)·stride − 2·padding + dilation·(rows − 1) + outputPadding + 1` rows.
 *
 * @example
 * ```ts
 * import { nn, ones, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const larger = nn.functional.convTranspose2d(tensor([[[5, 7]]]), ones([1, 1, 2, 2]), null, { stride: 2 });
 * assertEquals(larger.toArray(), [[[5, 5, 7, 7], [5, 5, 7, 7]]]);
 * ```
 * @throws {RangeError} If the sizes do not fit together, or nothing is left of the result.
 * @throws {TypeError} If a tensor is of integers.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTranspose2dOptions = {},
): Tensor {
  checkOptions("take convTranspose2d()", options, CONV_TRANSPOSE, TRANSPOSE_KINDS);
  return transposedConvolution(2, x, weight, bias, options);
}

/** The options of `unfold` and `fold`; each number is for rows and columns, or there is one for each. */
export interface UnfoldOptions {
  /**
   * The steps from one window to the next.
   *
   * @default {1}
   */
  stride?: NumberOrPair;
  /**
   * The zeros on each side of the image.
   *
   * @default {0}
   */
  padding?: NumberOrPair;
  /**
   * The steps from one place of the kernel to the next.
   *
   * @default {1}
   */
  dilation?: NumberOrPair;
}

/**
 * The windows of images as columns (im2col): x [n, channels, height, width] becomes [n, channels · rows · columns of the kernel, windows],
 * the windows row by row; without n as well. A convolution is `weight.flatten(1) @ unfold(x)`.
 *
 * @example
 * ```ts
 * import { arange, nn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const columns = nn.functional.unfold(arange(9).view(1, 3, 3), 2);
 * assertEquals(columns.toArray(), [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]);
 * ```
 * @throws {RangeError} If the kernel is larger than x with its padding.
 * @throws {TypeError} If x is of integers.
 */
export function unfold(x: Tensor, kernelSize: NumberOrPair, options: UnfoldOptions = {}): Tensor {
  checkOptions("unfold", options, UNFOLD);
  return imagesToColumns(x, kernelSize, options);
}

/**
 * Columns as `unfold` makes them, added up to images of `outputSize` (col2im): x [n, channels · rows · columns of the kernel, windows]
 * becomes [n, channels, ...outputSize]; without n as well.
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const often = nn.functional.fold(ones([4, 4]), 3, 2); // in how many windows each place lies
 * assertEquals(often.toArray(), [[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]);
 * ```
 * @throws {RangeError} If there are not as many windows in such an image.
 * @throws {TypeError} If x is of integers.
 */
export function fold(
  x: Tensor,
  outputSize: NumberOrPair,
  kernelSize: NumberOrPair,
  options: UnfoldOptions = {},
): Tensor {
  checkOptions("fold", options, UNFOLD);
  return columnsToImages(x, outputSize, kernelSize, options);
}
