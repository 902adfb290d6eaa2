/** Convolutions and transposed convolutions as modules, with PyTorch's layouts, initial weights and printed forms. */
import { checkOptions, type OptionTypes, requireChoice, requireSizes } from "../../core/arguments.ts";
import type { Activation } from "../../core/backend/backend.ts";
import { zeros } from "../../core/create.ts";
import type { DType } from "../../core/dtype.ts";
import { pythonic } from "../../core/format.ts";
import { convolution, transposedConvolution } from "../../core/ops/windows/conv.ts";
import { asPair } from "../../core/ops/windows/sizes.ts";
import type { Tensor } from "../../core/tensor.ts";
import type {
  Conv1dOptions,
  Conv2dOptions,
  ConvTranspose1dOptions,
  ConvTranspose2dOptions,
  NumberOrPair,
} from "./functional/convolution.ts";
import { pad } from "./functional/resize.ts";
import { fanIn, kaimingUniform_, uniform_ } from "./init.ts";
import { CONV, CONV_TRANSPOSE } from "./known_options.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

export type { ConvNd };

/** What stands beside an image: zeros, its mirror image, its last row again, or its other end. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** The options that all convolutions have. */
export interface ConvParameterOptions {
  /**
   * Whether there is a bias.
   *
   * @default {true}
   */
  bias?: boolean;
  /**
   * The dtype of the parameters.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/** The options of {@linkcode Conv1d}. */
export interface Conv1dModuleOptions extends Conv1dOptions, ConvParameterOptions {
  /**
   * What stands beside the sequence.
   *
   * @default {"zeros"}
   */
  paddingMode?: PaddingMode;
}

/** The options of {@linkcode Conv2d}. */
export interface Conv2dModuleOptions extends Conv2dOptions, ConvParameterOptions {
  /**
   * What stands beside the image.
   *
   * @default {"zeros"}
   */
  paddingMode?: PaddingMode;
}

/** The options of {@linkcode ConvTranspose1d}. */
export interface ConvTranspose1dModuleOptions extends ConvTranspose1dOptions, ConvParameterOptions {}

/** The options of {@linkcode ConvTranspose2d}. */
export interface ConvTranspose2dModuleOptions extends ConvTranspose2dOptions, ConvParameterOptions {}

/** All options of all of them, by whatever numbers. */
interface AnyOptions extends ConvParameterOptions {
  stride?: number | readonly number[];
  padding?: number | readonly number[] | "same" | "valid";
  outputPadding?: number | readonly number[];
  dilation?: number | readonly number[];
  groups?: number;
  paddingMode?: PaddingMode;
}

const KINDS: OptionTypes<AnyOptions> = { groups: "number", bias: "boolean" };
const MODES: readonly PaddingMode[] = ["zeros", "reflect", "replicate", "circular"];

/** What is special about one of the four. */
interface Kind {
  dims: 1 | 2;
  transposed: boolean;
  known: readonly (keyof AnyOptions)[];
}

/** What the convolutions of all dimensions have in common; it cannot be made itself. */
abstract class ConvNd extends Module {
  /** [outChannels, inChannels / groups, …kernelSize]; of a transposed one [inChannels, outChannels / groups, …kernelSize]. */
  weight: Parameter;
  /** [outChannels], or `null` without one. */
  bias: Parameter | null;
  /** How large the kernel is along each dimension. */
  readonly kernelSize: readonly number[];
  /** The steps from one window to the next. */
  readonly stride: readonly number[];
  /** The padding on each side, or `"same"` or `"valid"`. */
  readonly padding: readonly number[] | "same" | "valid";
  /** The steps from one place of the kernel to the next. */
  readonly dilation: readonly number[];
  /** How much larger a transposed convolution's result is at the end of each dimension. */
  readonly outputPadding: readonly number[];
  /** In how many groups the channels are. */
  readonly groups: number;
  /** What stands beside x. */
  readonly paddingMode: PaddingMode;
  /** Whether this is a transposed convolution. */
  readonly transposed: boolean;

  /** Checks the options, and draws the parameters. */
  protected constructor(
    /** How many channels go in. */
    readonly inChannels: number,
    /** How many come out. */
    readonly outChannels: number,
    kernelSize: number | readonly number[],
    options: AnyOptions,
    kind: Kind,
  ) {
    super();
    const { dims, transposed } = kind;
    const action = `make ${new.target.name}`;
    checkOptions(action, options, [...kind.known, "bias", "dtype"], KINDS);
    requireSizes(action, { inChannels, outChannels });
    const { padding = 0, groups = 1, paddingMode = "zeros", bias = true, dtype = "float32" } = options;
    requireChoice(action, "paddingMode", paddingMode, MODES);
    const all = (name: string, value: number | readonly number[], least: number) =>
      asPair(action, name, value, dims, least).slice(2 - dims);
    this.kernelSize = all("kernelSize", kernelSize, 1);
    this.stride = all("stride", options.stride ?? 1, 1);
    this.padding = typeof padding !== "string" || transposed
      ? all("padding", padding as number, 0)
      : checkedPadding(action, padding, this.stride);
    this.dilation = all("dilation", options.dilation ?? 1, 1);
    this.outputPadding = all("outputPadding", options.outputPadding ?? 0, 0);
    this.groups = checkedGroups(action, groups, inChannels, outChannels);
    this.paddingMode = paddingMode;
    this.transposed = transposed;
    const [rows, columns] = transposed ? [inChannels, outChannels] : [outChannels, inChannels];
    this.weight = new Parameter(zeros([rows, columns / groups, ...this.kernelSize], { dtype }));
    this.bias = bias ? new Parameter(zeros([outChannels], { dtype })) : null;
    this.resetParameters();
  }

  /** Draws weights and biases again, from U(−b, b) with `b = 1/√fanIn`. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) }); // Kaiming's bound with this slope is b
    const fan = fanIn(this.weight);
    if (this.bias !== null && fan > 0) uniform_(this.bias, -1 / Math.sqrt(fan), 1 / Math.sqrt(fan));
  }

  /** The convolution of x. Throws a RangeError if its sizes do not fit. */
  forward(x: Tensor): Tensor {
    return activatedConvolution(this, x, "none");
  }

  /** Each output is a sum over the channels and places of its kernel, also over the padding; transposed, each input is spread over them. */
  override multiplyAdds(output: Tensor, x: Tensor): number {
    const [places, channels] = this.transposed ? [x.numel(), this.inChannels] : [output.numel(), this.outChannels];
    return channels === 0 ? 0 : places * (this.weight.numel() / channels);
  }

  /** `3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1)`, for the printed form: what is not a default. */
  override extraRepr(): string {
    const { padding, paddingMode, dilation, outputPadding, groups, bias } = this;
    const unless = (name: string, value: readonly number[], usual: number) =>
      value.every((n) => n === usual) ? "" : `, ${name}=${pythonic(value)}`;
    return [
      `${this.inChannels}, ${this.outChannels}, kernel_size=${pythonic(this.kernelSize)}, stride=${
        pythonic(this.stride)
      }`,
      typeof padding === "string" ? `, padding=${padding}` : unless("padding", padding, 0),
      unless("dilation", dilation, 1),
      unless("output_padding", outputPadding, 0),
      groups === 1 ? "" : `, groups=${groups}`,
      bias === null ? ", bias=False" : "",
      paddingMode === "zeros" ? "" : `, padding_mode=${paddingMode}`,
    ].join("");
  }
}

/** The convolution of x by a layer, and then an activation, in one pass. */
export function activatedConvolution(layer: ConvNd, x: Tensor, activation: Activation): Tensor {
  const { weight, bias, padding, paddingMode } = layer;
  const dims = layer.kernelSize.length as 1 | 2;
  if (layer.transposed) {
    return transposedConvolution(dims, x, weight, bias, layer as { padding: readonly number[] }, activation);
  }
  if (paddingMode === "zeros" || padding === "valid") return convolution(dims, x, weight, bias, layer, activation);
  return convolution(dims, padded(x, layer), weight, bias, { ...layer, padding: 0 }, activation);
}

/** x with what stands beside it. */
function padded(x: Tensor, { kernelSize, dilation, padding, paddingMode }: ConvNd): Tensor {
  const sides = kernelSize.map((kernel, d) => {
    if (typeof padding !== "string") return [padding[d], padding[d]];
    const total = dilation[d] * (kernel - 1);
    return [total >> 1, total - (total >> 1)];
  });
  return pad(x, sides.reverse().flat(), { mode: paddingMode as Exclude<PaddingMode, "zeros"> });
}

function checkedPadding(
  action: string,
  padding: string,
  stride: readonly number[],
): "same" | "valid" {
  requireChoice(action, "padding", padding, ["same", "valid"]);
  if (padding === "same" && stride.some((n) => n !== 1)) {
    throw new RangeError(
      `Cannot ${action} with padding "same" and stride ${
        pythonic(stride)
      }: the result would be smaller than x, give the padding as a ` +
        "number",
    );
  }
  return padding as "same" | "valid";
}

function checkedGroups(action: string, groups: number, inChannels: number, outChannels: number): number {
  if (!(Number.isInteger(groups) && groups >= 1)) {
    throw new RangeError(`Cannot ${action} with groups ${groups}: give a whole number from 1`);
  }
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new RangeError(
      `Cannot ${action} from ${inChannels} to ${outChannels} channels: both must divide by its ${groups} groups`,
    );
  }
  return groups;
}

const PADDED = [...CONV, "paddingMode"] as const;
const CONV_1D: Kind = { dims: 1, transposed: false, known: PADDED };
const CONV_2D: Kind = { dims: 2, transposed: false, known: PADDED };
const TRANSPOSE_1D: Kind = { dims: 1, transposed: true, known: CONV_TRANSPOSE };
const TRANSPOSE_2D: Kind = { dims: 2, transposed: true, known: CONV_TRANSPOSE };

/**
 * The convolution of sequences x [n, inChannels, length] or [inChannels, length] by `weight`, plus `bias`: see `functional.conv1d`.
 *
 * Weights, then biases are drawn from U(−b, b) with `b = 1/√(inChannels / groups · kernelSize)`, as in PyTorch: the same seed gives the
 * same layer.
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new nn.Conv1d(2, 4, 3, { padding: "same" });
 * assertEquals(layer.call(ones([5, 2, 10])).shape, [5, 4, 10]);
 * ```
 */
export class Conv1d extends ConvNd {
  /**
   * A layer from `inChannels` to `outChannels` channels with kernels of `kernelSize`.
   *
   * @throws {RangeError} If a size or setting cannot be.
   * @throws {TypeError} If options do not go by name, or one is unknown.
   */
  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv1dModuleOptions = {}) {
    super(inChannels, outChannels, kernelSize, options, CONV_1D);
  }
}

/**
 * The convolution of images x [n, inChannels, height, width] or [inChannels, height, width] by `weight`, plus `bias`: see
 * `functional.conv2d`.
 *
 * Weights, then biases are drawn from U(−b, b) with `b = 1/√(inChannels / groups · kernelSize²)`, as in PyTorch: the same seed gives the
 * same layer.
 *
 * @example
 * ```ts
 * import { manualSeed, nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(0);
 * const layer = new nn.Conv2d(1, 6, 5, { padding: 2 });
 * assertEquals(layer.weight.shape, [6, 1, 5, 5]);
 * assertEquals(layer.call(ones([3, 1, 28, 28])).shape, [3, 6, 28, 28]);
 * assertEquals(`${layer}`, "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))");
 * ```
 */
export class Conv2d extends ConvNd {
  /**
   * A layer from `inChannels` to `outChannels` channels with kernels of `kernelSize`, a number or [rows, columns].
   *
   * @throws {RangeError} If a size or setting cannot be.
   * @throws {TypeError} If options do not go by name, or one is unknown.
   */
  constructor(inChannels: number, outChannels: number, kernelSize: NumberOrPair, options: Conv2dModuleOptions = {}) {
    super(inChannels, outChannels, kernelSize, options, CONV_2D);
  }
}

/**
 * The transposed convolution of sequences x [n, inChannels, length] or [inChannels, length]: see `functional.convTranspose1d`.
 *
 * Weights, then biases are drawn from U(−b, b) with `b = 1/√(outChannels / groups · kernelSize)`, as in PyTorch.
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new nn.ConvTranspose1d(4, 2, 2, { stride: 2 });
 * assertEquals(layer.call(ones([5, 4, 10])).shape, [5, 2, 20]);
 * ```
 */
export class ConvTranspose1d extends ConvNd {
  /**
   * A layer from `inChannels` to `outChannels` channels with kernels of `kernelSize`.
   *
   * @throws {RangeError} If a size or setting cannot be.
   * @throws {TypeError} If options do not go by name, or one is unknown.
   */
  constructor(inChannels: number, outChannels: number, kernelSize: number, options: ConvTranspose1dModuleOptions = {}) {
    super(inChannels, outChannels, kernelSize, options, TRANSPOSE_1D);
  }
}

/**
 * The transposed convolution of images x [n, inChannels, height, width] or [inChannels, height, width]: see
 * `functional.convTranspose2d`.
 *
 * Weights, then biases are drawn from U(−b, b) with `b = 1/√(outChannels / groups · kernelSize²)`, as in PyTorch.
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new nn.ConvTranspose2d(4, 3, 4, { stride: 2, padding: 1 });
 * assertEquals(layer.call(ones([1, 4, 7, 7])).shape, [1, 3, 14, 14]);
 * ```
 */
export class ConvTranspose2d extends ConvNd {
  /**
   * A layer from `inChannels` to `outChannels` channels with kernels of `kernelSize`, a number or [rows, columns].
   *
   * @throws {RangeError} If a size or setting cannot be.
   * @throws {TypeError} If options do not go by name, or one is unknown.
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrPair,
    options: ConvTranspose2dModuleOptions = {},
  ) {
    super(inChannels, outChannels, kernelSize, options, TRANSPOSE_2D);
  }
}
