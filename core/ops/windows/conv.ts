/**
 * Convolutions and transposed convolutions of images and sequences: shapes checked and results allocated here, numbers computed by the
 * back end's `conv`. A sequence is an image of one row. x is read where it stands, through its strides.
 */
import { requireTensor } from "../../arguments.ts";
import type { Activation, Conv, ConvResult } from "../../backend/backend.ts";
import { backend } from "../../backend/choose.ts";
import { isFloating, promote } from "../../dtype.ts";
import { newEmpty } from "../../memory/allocate.ts";
import { type ConvSettings, isRecorded, noteFunction, record } from "../../record.ts";
import { show } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";
import { cast } from "../elementwise.ts";
import { squeeze, unsqueeze } from "../movement.ts";
import { asPair, bySize, type Placement, type RowsColumns, sizeSpreadOver, windowsThatFit } from "./sizes.ts";

/** The options of a convolution in any number of dimensions, whose names were checked. */
interface ConvOptions {
  stride?: number | readonly number[];
  padding?: number | readonly number[] | "same" | "valid";
  dilation?: number | readonly number[];
  groups?: number;
}

/** Those of a transposed convolution. */
interface ConvTransposeOptions extends ConvOptions {
  padding?: number | readonly number[];
  outputPadding?: number | readonly number[];
}

/**
 * `activation(x ⋆ weight + bias)` in `dims` dimensions: x is [n, channels, …sizes] or [channels, …sizes], the weight
 * [outputs, channels / groups, …kernel], the bias [outputs].
 *
 * @throws {RangeError} If the sizes do not fit together, or the kernel is larger than the padded image.
 * @throws {TypeError} If a tensor is of integers.
 */
export function convolution(
  dims: 1 | 2,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvOptions = {},
  activation: Activation = "none",
): Tensor {
  requireOperands(dims, "convolve", x, weight, bias);
  const { groups = 1 } = options;
  const [image, kernel] = [sizesOf(x, dims), sizesOf(weight, dims)];
  const place = placement(dims, kernel, options);
  const refuse = refusal("convolve", dims, x, kernel);
  if (!(Number.isInteger(groups) && groups >= 1)) {
    throw refuse(`there are ${groups} groups, give a whole number from 1`);
  }
  const [channels, outputs] = [x.shape[x.ndim - dims - 1], weight.shape[0]];
  if (channels !== groups * weight.shape[1]) {
    const cure = x.ndim === dims + 1
      ? `; without a batch it is one ${
        dims === 2 ? "image" : "sequence"
      }, unsqueeze(1) makes a batch of one channel each`
      : "";
    throw refuse(channelsOf(channels, weight.shape[1], groups) + cure);
  }
  if (outputs % groups !== 0) throw refuse(`its ${outputs} outputs do not divide into ${groups} groups`);
  if (bias !== null) requireBias(bias, outputs, refuse);
  const size = windowsThatFit(image, kernel, place, refuse);
  const settings = settingsOf(place, groups, kernel, activation);
  const y = inImages(dims, x, weight, bias, (x, w, b) => convolve(x, w, b, settings, size));
  return dims === 1 && x.ndim === 3 ? noteFunction("conv1d", y, [x, weight, bias], settings) : y;
}

/**
 * The transposed convolution, `activation(bias + the gradient of a convolution's input by its output x)`: the weight is
 * [channels, outputs / groups, …kernel].
 *
 * @throws {RangeError} If the sizes do not fit together, or nothing is left of the image.
 * @throws {TypeError} If a tensor is of integers.
 */
export function transposedConvolution(
  dims: 1 | 2,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvTransposeOptions = {},
  activation: Activation = "none",
): Tensor {
  const action = "convolve transposed";
  requireOperands(dims, action, x, weight, bias);
  const { groups = 1 } = options;
  const [image, kernel] = [sizesOf(x, dims), sizesOf(weight, dims)];
  const place = placement(dims, kernel, options, action);
  const added = asPair(action, "outputPadding", options.outputPadding ?? 0, dims, 0);
  const refuse = refusal(action, dims, x, kernel);
  if (!(Number.isInteger(groups) && groups >= 1)) {
    throw refuse(`there are ${groups} groups, give a whole number from 1`);
  }
  const channels = x.shape[x.ndim - dims - 1];
  if (channels !== weight.shape[0]) {
    throw refuse(`it has ${channels} channels and the weight is for ${weight.shape[0]}`);
  }
  if (channels % groups !== 0) throw refuse(`its ${channels} channels do not divide into ${groups} groups`);
  if (bias !== null) requireBias(bias, groups * weight.shape[1], refuse);
  const most = [0, 1].map((d) => Math.max(place.stride[d], place.dilation[d]));
  const past = added.findIndex((n, d) => n >= most[d]);
  if (past >= 0) throw refuse(`its outputPadding ${added[past]} must be below its stride or dilation, ${most[past]}`);
  const size = sizeSpreadOver(image, kernel, place, added, refuse);
  const settings = settingsOf(place, groups, kernel, activation);
  const y = inImages(dims, x, weight, bias, (x, w, b) => convolveTransposed(x, w, b, settings, size));
  return dims === 1 && x.ndim === 3 ? noteFunction("convTranspose1d", y, [x, weight, bias], settings) : y;
}

/** `activation(x ⋆ weight + bias)` of images in one float dtype, of which `size` windows fit: [n, outputs, ...size]. */
export function convolve(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  settings: ConvSettings,
  size: readonly number[],
): Tensor {
  const y = newEmpty([x.shape[0], weight.shape[0], ...size], x.dtype);
  run("y", x, weight, y, bias, settings);
  return record("conv", y, bias === null ? [x, weight] : [x, weight, bias], settings);
}

/** The transposed convolution of images y in one float dtype, to images of `size`: [n, outputs, ...size]. */
export function convolveTransposed(
  y: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  settings: ConvSettings,
  size: readonly number[],
): Tensor {
  const x = newEmpty([y.shape[0], settings.groups * weight.shape[1], ...size], y.dtype);
  run("x", x, weight, y, bias, settings);
  return record("convTranspose", x, bias === null ? [y, weight] : [y, weight, bias], settings);
}

/** The gradient of a convolution's weight by its input x and the gradient g of its output; with `withBias` also that of its bias. */
export function convolutionWeightGradient(
  x: Tensor,
  g: Tensor,
  settings: ConvSettings,
  withBias: boolean,
): [dw: Tensor, db: Tensor | null] {
  const { groups, kernel } = settings;
  const dw = newEmpty([g.shape[1], x.shape[1] / groups, ...kernel], x.dtype);
  const sums = withBias && isRecorded(g) ? g.sum([0, 2, 3]) : null;
  const db = withBias && sums === null ? newEmpty([g.shape[1]], x.dtype) : null;
  run("w", x, dw, g, db, settings);
  return [record("convWeightBackward", dw, [x, g], settings), sums ?? db];
}

function run(result: ConvResult, x: Tensor, w: Tensor, y: Tensor, bias: Tensor | null, settings: ConvSettings): void {
  backend().conv(result, layout(x, w, y, bias, settings), x.data, w.data, y.data, bias === null ? null : bias.data);
}

/** The sizes, offsets and strides of a convolution. */
function layout(x: Tensor, w: Tensor, y: Tensor, bias: Tensor | null, settings: ConvSettings): Conv {
  const { groups, stride, dilation, padding, activation } = settings;
  return {
    n: x.shape[0],
    groups,
    cIn: w.shape[1],
    cOut: w.shape[0] / groups,
    h: x.shape[2],
    w: x.shape[3],
    kh: w.shape[2],
    kw: w.shape[3],
    oh: y.shape[2],
    ow: y.shape[3],
    strideH: stride[0],
    strideW: stride[1],
    padTop: padding[0],
    padLeft: padding[1],
    dilationH: dilation[0],
    dilationW: dilation[1],
    xOffset: x.offset,
    xN: x.strides[0],
    xC: x.strides[1],
    xH: x.strides[2],
    xW: x.strides[3],
    wOffset: w.offset,
    wO: w.strides[0],
    wC: w.strides[1],
    wH: w.strides[2],
    wW: w.strides[3],
    yOffset: y.offset,
    yN: y.strides[0],
    yC: y.strides[1],
    yH: y.strides[2],
    yW: y.strides[3],
    biasOffset: bias === null ? 0 : bias.offset,
    biasStride: bias === null ? 0 : bias.strides[0],
    activation,
  };
}

/** Calls `apply` with all operands as images in the widest dtype, and gives its result the rank of x. */
function inImages(
  dims: 1 | 2,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  apply: (x: Tensor, weight: Tensor, bias: Tensor | null) => Tensor,
): Tensor {
  const both = promote(x.dtype, weight.dtype);
  const dtype = bias === null ? both : promote(both, bias.dtype);
  const alone = x.ndim === dims + 1;
  const batch = alone ? unsqueeze(x, 0) : x;
  const [image, kernel] = dims === 2 ? [batch, weight] : [unsqueeze(batch, 2), unsqueeze(weight, 2)];
  const y = apply(cast(image, dtype), cast(kernel, dtype), bias && cast(bias, dtype));
  const out = dims === 2 ? y : squeeze(y, 2);
  return alone ? squeeze(out, 0) : out;
}

function placement(dims: 1 | 2, kernel: RowsColumns, options: ConvOptions, action = "convolve"): Placement {
  const { padding = 0 } = options;
  const stride = asPair(action, "stride", options.stride ?? 1, dims, 1);
  const dilation = asPair(action, "dilation", options.dilation ?? 1, dims, 1);
  if (padding === "same" && action === "convolve") {
    return { stride, dilation, ...samePadding(stride, dilation, kernel) };
  }
  const given = padding === "valid" && action === "convolve" ? 0 : padding;
  if (typeof given === "string") {
    const texts = action === "convolve" ? ', "same" or "valid"' : "";
    throw new TypeError(`Cannot ${action} with padding "${given}": give a number, a pair${texts}`);
  }
  const before = asPair(action, "padding", given, dims, 0);
  return { stride, dilation, before, after: before };
}

/** The padding with which y is as large as x: where it is odd there is one more below and to the right, as in PyTorch. */
function samePadding(
  stride: RowsColumns,
  dilation: RowsColumns,
  kernel: RowsColumns,
): Pick<Placement, "before" | "after"> {
  if (stride[0] !== 1 || stride[1] !== 1) {
    throw new RangeError(
      `Cannot convolve with padding "same" and a stride of ${
        Math.max(...stride)
      }: the result would be smaller than the image, ` +
        "give the padding as a number",
    );
  }
  const total = [0, 1].map((d) => dilation[d] * (kernel[d] - 1));
  const before: RowsColumns = [total[0] >> 1, total[1] >> 1];
  return { before, after: [total[0] - before[0], total[1] - before[1]] };
}

function settingsOf(place: Placement, groups: number, kernel: RowsColumns, activation: Activation): ConvSettings {
  return { stride: place.stride, dilation: place.dilation, padding: place.before, groups, kernel, activation };
}

/** The last `dims` sizes; a sequence has one row. */
function sizesOf({ shape, ndim }: Tensor, dims: 1 | 2): RowsColumns {
  return [dims === 2 ? shape[ndim - 2] : 1, shape[ndim - 1]];
}

function requireOperands(dims: 1 | 2, action: string, x: Tensor, weight: Tensor, bias: Tensor | null): void {
  requireTensor(x, action);
  requireTensor(weight, `${action} by`);
  if (bias !== null) requireTensor(bias, `${action} with the bias`);
  requireFloats(action, x, "x");
  requireFloats(action, weight, "a weight");
  if (bias !== null) requireFloats(action, bias, "a bias");
  const sizes = dims === 2 ? "height, width" : "length";
  if (x.ndim !== dims + 1 && x.ndim !== dims + 2) {
    throw new RangeError(
      `Cannot ${action} ${show(x.shape)} in ${dims} dimension${dims === 2 ? "s" : ""}: ` +
        `expected [n, channels, ${sizes}] or [channels, ${sizes}]`,
    );
  }
  if (weight.ndim === dims + 2) return;
  const channels = action === "convolve" ? "outputs, channels / groups" : "channels, outputs / groups";
  throw new RangeError(`Cannot ${action} by a weight of ${show(weight.shape)}: expected [${channels}, ${sizes}]`);
}

function requireFloats(action: string, { dtype }: Tensor, name: string): void {
  if (isFloating(dtype)) return;
  throw new TypeError(`Cannot ${action} with ${name} of ${dtype}: only floats can be, cast it with float()`);
}

type Refuse = (why: string) => RangeError;

function refusal(action: string, dims: 1 | 2, x: Tensor, kernel: RowsColumns): Refuse {
  return (why) => new RangeError(`Cannot ${action} ${show(x.shape)} with a kernel of ${bySize(kernel, dims)}: ${why}`);
}

function requireBias(bias: Tensor, outputs: number, refuse: Refuse): void {
  if (bias.ndim === 1 && bias.shape[0] === outputs) return;
  throw refuse(`its bias is ${show(bias.shape)} and must be [${outputs}], one for each output`);
}

function channelsOf(channels: number, each: number, groups: number): string {
  if (groups === 1) return `it has ${channels} channels and the weight is for ${each}`;
  return `it has ${channels} channels and the weight is for ${groups} groups of ${each}, ${groups * each}`;
}
