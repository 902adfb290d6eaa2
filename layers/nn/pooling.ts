/** Pooling as modules: each calls its function in `nn.functional`. */
import { checkOptions } from "../../core/arguments.ts";
import { asPair, type NumberOrPair } from "../../core/ops/windows/sizes.ts";
import type { Tensor } from "../../core/tensor.ts";
import * as F from "./functional/pooling.ts";
import { AVG_POOL, AVG_POOL_1D, MAX_POOL_MODULE, POOL_1D_KINDS, POOL_KINDS } from "./known_options.ts";
import { pythonic } from "../../core/format.ts";
import { Module } from "./module.ts";

/** The options of {@linkcode MaxPool1d} and {@linkcode MaxPool2d}. */
export type MaxPoolModuleOptions<S = NumberOrPair> = Omit<F.MaxPoolOptions<S>, "returnIndices">;

/** The largest element of each window of a sequence, as `functional.maxPool1d` computes it. */
export class MaxPool1d extends Module {
  /** A layer with windows of `kernelSize` places, side by side unless the options say otherwise. */
  constructor(
    /** How many places a window has. */
    readonly kernelSize: number,
    /** How the windows stand. */
    readonly options: MaxPoolModuleOptions<number> = {},
  ) {
    super();
    checkOptions("make MaxPool1d", options, MAX_POOL_MODULE, POOL_1D_KINDS);
    F.windowSizes("make MaxPool1d", kernelSize, options, 1);
  }
  /** [batch, channels, length] or [channels, length]: the length becomes the number of windows. */
  forward(x: Tensor): Tensor {
    return F.maxPool1d(x, this.kernelSize, this.options);
  }
  /** `kernel_size=3, stride=3, padding=0, dilation=1, ceil_mode=False`, for the printed form. */
  override extraRepr(): string {
    return maxPoolRepr(this.kernelSize, this.options);
  }
}

/**
 * The largest element of each window of an image, as `functional.maxPool2d` computes it.
 *
 * @example
 * ```ts
 * import { nn, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const pool = new nn.MaxPool2d(2);
 * assertEquals(pool.call(zeros([8, 3, 28, 28])).shape, [8, 3, 14, 14]);
 * assertEquals(`${pool}`, "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)");
 * ```
 */
export class MaxPool2d extends Module {
  /** A layer with windows of `kernelSize` rows and columns, side by side unless the options say otherwise. */
  constructor(
    /** How many rows and columns a window has. */
    readonly kernelSize: NumberOrPair,
    /** How the windows stand. */
    readonly options: MaxPoolModuleOptions = {},
  ) {
    super();
    checkOptions("make MaxPool2d", options, MAX_POOL_MODULE, POOL_KINDS);
    F.windowSizes("make MaxPool2d", kernelSize, options, 2);
  }
  /** [batch, channels, rows, columns] or [channels, rows, columns]: rows and columns become those of the windows. */
  forward(x: Tensor): Tensor {
    return F.maxPool2d(x, this.kernelSize, this.options);
  }
  /** `kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False`, for the printed form. */
  override extraRepr(): string {
    return maxPoolRepr(this.kernelSize, this.options);
  }
}

function maxPoolRepr(kernelSize: NumberOrPair, options: MaxPoolModuleOptions): string {
  const { stride = kernelSize, padding = 0, dilation = 1, ceilMode = false } = options;
  return `kernel_size=${pythonic(kernelSize)}, stride=${pythonic(stride)}, padding=${pythonic(padding)}, dilation=${
    pythonic(dilation)
  }, ceil_mode=${pythonic(ceilMode)}`;
}

// Means.

/** The mean of each window of a sequence, as `functional.avgPool1d` computes it. */
export class AvgPool1d extends Module {
  /** A layer with windows of `kernelSize` places, side by side unless the options say otherwise. */
  constructor(
    /** How many places a window has. */
    readonly kernelSize: number,
    /** How the windows stand. */
    readonly options: F.AvgPoolOptions<number> = {},
  ) {
    super();
    checkOptions("make AvgPool1d", options, AVG_POOL_1D, POOL_1D_KINDS);
    F.windowSizes("make AvgPool1d", kernelSize, options, 1);
  }
  /** [batch, channels, length] or [channels, length]: the length becomes the number of windows. */
  forward(x: Tensor): Tensor {
    return F.avgPool1d(x, this.kernelSize, this.options);
  }
  /** `kernel_size=(3,), stride=(3,), padding=(0,)`, for the printed form. */
  override extraRepr(): string {
    const { stride = this.kernelSize, padding = 0 } = this.options;
    return avgPoolRepr([this.kernelSize], [stride], [padding]);
  }
}

/** The mean of each window of an image, as `functional.avgPool2d` computes it. */
export class AvgPool2d extends Module {
  /** A layer with windows of `kernelSize` rows and columns, side by side unless the options say otherwise. */
  constructor(
    /** How many rows and columns a window has. */
    readonly kernelSize: NumberOrPair,
    /** How the windows stand. */
    readonly options: F.AvgPool2dOptions = {},
  ) {
    super();
    checkOptions("make AvgPool2d", options, AVG_POOL, POOL_KINDS);
    F.windowSizes("make AvgPool2d", kernelSize, options, 2);
    F.divisorFrom("make AvgPool2d", options);
  }
  /** [batch, channels, rows, columns] or [channels, rows, columns]: rows and columns become those of the windows. */
  forward(x: Tensor): Tensor {
    return F.avgPool2d(x, this.kernelSize, this.options);
  }
  /** `kernel_size=2, stride=2, padding=0`, for the printed form. */
  override extraRepr(): string {
    const { stride = this.kernelSize, padding = 0 } = this.options;
    return avgPoolRepr(this.kernelSize, stride, padding);
  }
}

type Printed = number | readonly number[];

function avgPoolRepr(kernelSize: Printed, stride: Printed, padding: Printed): string {
  return `kernel_size=${pythonic(kernelSize)}, stride=${pythonic(stride)}, padding=${pythonic(padding)}`;
}

// As many windows as are wanted.

/** Means of as many windows of a sequence as are wanted, as `functional.adaptiveAvgPool1d` computes them. */
export class AdaptiveAvgPool1d extends Module {
  /** A layer that gives sequences of this length. */
  constructor(
    /** The length of the result; `null` keeps that of the sequence. */
    readonly outputSize: number | null,
  ) {
    super();
    if (outputSize !== null) asPair("make AdaptiveAvgPool1d", "outputSize", outputSize, 1, 0);
  }
  /** [batch, channels, length] or [channels, length]: the length becomes `outputSize`. */
  forward(x: Tensor): Tensor {
    return F.adaptiveAvgPool1d(x, this.outputSize);
  }
  /** `output_size=3`, for the printed form. */
  override extraRepr(): string {
    return `output_size=${pythonic(this.outputSize)}`;
  }
}

/** Means of as many windows of an image as are wanted, as `functional.adaptiveAvgPool2d` computes them. */
export class AdaptiveAvgPool2d extends Module {
  /** A layer that gives images of this size. */
  constructor(
    /** Rows and columns of the result; `null` keeps those of the image. */
    readonly outputSize: F.OutputSize,
  ) {
    super();
    F.requireOutputSize("make AdaptiveAvgPool2d", outputSize);
  }
  /** [batch, channels, rows, columns] or [channels, rows, columns]: rows and columns become `outputSize`. */
  forward(x: Tensor): Tensor {
    return F.adaptiveAvgPool2d(x, this.outputSize);
  }
  /** `output_size=(3, 2)`, for the printed form. */
  override extraRepr(): string {
    return outputSizeRepr(this.outputSize);
  }
}

/** Maxima of as many windows of an image as are wanted, as `functional.adaptiveMaxPool2d` computes them. */
export class AdaptiveMaxPool2d extends Module {
  /** A layer that gives images of this size. */
  constructor(
    /** Rows and columns of the result; `null` keeps those of the image. */
    readonly outputSize: F.OutputSize,
  ) {
    super();
    F.requireOutputSize("make AdaptiveMaxPool2d", outputSize);
  }
  /** [batch, channels, rows, columns] or [channels, rows, columns]: rows and columns become `outputSize`. */
  forward(x: Tensor): Tensor {
    return F.adaptiveMaxPool2d(x, this.outputSize);
  }
  /** `output_size=(3, 2)`, for the printed form. */
  override extraRepr(): string {
    return outputSizeRepr(this.outputSize);
  }
}

function outputSizeRepr(size: F.OutputSize): string {
  if (size === null || typeof size === "number") return `output_size=${pythonic(size)}`;
  return `output_size=(${size.map((n) => pythonic(n)).join(", ")})`;
}
