/** Convolutions, pooling, resizing and normalisation of ONNX. */
import { ones } from "../../core/create.ts";
import { convolution, transposedConvolution } from "../../core/ops/windows/conv.ts";
import { resample, tapsOf } from "../../core/ops/windows/planes.ts";
import type { Taps } from "../../core/backend/planes.ts";
import { sameShape, show, sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { isFloating } from "../../core/dtype.ts";
import * as F from "../nn/functional/functional.ts";
import { batchNormThen } from "../nn/functional/norm.ts";
import { numbersOf, type OnnxNode, type Operator } from "./onnx_node.ts";

/** The windows of a node: sizes of the kernel and steps, one or two each. */
interface WindowsOf {
  readonly dims: 1 | 2;
  readonly kernel: readonly number[] | null;
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Padding past this is no padding of a picture. */
const MOST_PADDING = 1 << 14;

function windowsOf(node: OnnxNode, rank: number | null): WindowsOf {
  const kernel = node.ints("kernel_shape"), dims = kernel?.length ?? (rank ?? 4) - 2;
  if (dims !== 1 && dims !== 2) throw node.refuse(`has windows of ${dims} dimensions, and only 1 and 2 are known here`);
  const list = (name: string, otherwise: number, count: number) => {
    const found = node.ints(name) ?? Array<number>(count).fill(otherwise);
    if (found.length === count && found.every((n) => n >= otherwise && n <= MOST_PADDING)) return found;
    throw node.refuse(`has ${name} [${found}]`);
  };
  if (kernel?.some((n) => !(n >= 1))) throw node.refuse(`has a kernel of [${kernel}]`);
  const pads = list("pads", 0, 2 * dims), auto = node.text("auto_pad", "NOTSET");
  if (auto !== "NOTSET" && auto !== "VALID") throw node.refuse(`has auto_pad ${auto}: give pads in its place`);
  return {
    ...{ dims, kernel, stride: list("strides", 1, dims), dilation: list("dilations", 1, dims) },
    ...{ before: pads.slice(0, dims), after: pads.slice(dims) },
  };
}

/** Padding that is the same on both sides, and what must stand around x before. */
function evenly(
  { before, after }: WindowsOf,
  within: readonly number[],
): { padding: readonly number[]; more: number[] } {
  if (sameShape(before, after) && before.every((n, d) => n <= within[d])) return { padding: before, more: [] };
  return { padding: before.map(() => 0), more: before.flatMap((n, d) => [n, after[d]]) };
}

/** x with these elements around it; the last dimension's come last. */
function surrounded(x: Tensor, more: readonly number[], value: number): Tensor {
  if (more.length === 0) return x;
  const lastFirst = more.length === 4 ? [more[2], more[3], more[0], more[1]] : more;
  return F.pad(x, lastFirst, { value });
}

const ANY = [Infinity, Infinity];

const conv: Operator = (node) => {
  const windows = windowsOf(node, node.constant(1)?.ndim ?? null), groups = node.int("group", 1);
  const { dims, stride, dilation } = windows, { padding, more } = evenly(windows, ANY);
  const { activation } = node;
  return (x, weight, bias) =>
    convolution(
      dims,
      surrounded(x!, more, 0),
      weight!,
      bias ?? null,
      pairs(dims, { stride, dilation, padding }, groups),
      activation,
    );
};

/** Options for one or two dimensions. */
function pairs(
  dims: 1 | 2,
  { stride, dilation, padding }: Record<"stride" | "dilation" | "padding", readonly number[]>,
  groups: number,
) {
  if (dims === 1) return { stride: stride[0], dilation: dilation[0], padding: padding[0], groups };
  return { stride, dilation, padding, groups };
}

const convTranspose: Operator = (node) => {
  const windows = windowsOf(node, node.constant(1)?.ndim ?? null), groups = node.int("group", 1);
  const { dims, stride, dilation } = windows, { padding, more } = evenly(windows, ANY);
  if (more.length > 0) {
    throw node.refuse(
      `has pads [${windows.before}] before and [${windows.after}] after: only equal ones are known here`,
    );
  }
  if (node.ints("output_shape") !== null) throw node.refuse("has output_shape: give output_padding in its place");
  const added = node.ints("output_padding") ?? Array<number>(dims).fill(0);
  if (added.length !== dims) throw node.refuse(`has output_padding [${added}]`);
  const options = {
    ...pairs(dims, { stride, dilation, padding }, groups),
    outputPadding: dims === 1 ? added[0] : added,
  };
  return (x, weight, bias) => transposedConvolution(dims, x!, weight!, bias ?? null, options);
};

type Pool = (x: Tensor, kernel: never, options: never) => Tensor;

/** Pooling by F's functions; `more` of them count in a mean where it says so. */
function pooled(max: boolean): Operator {
  return (node) => {
    const windows = windowsOf(node, null), { dims, kernel, stride, dilation } = windows;
    if (kernel === null) throw node.refuse("has no kernel_shape");
    const ceilMode = node.int("ceil_mode", 0) === 1;
    const { padding, more } = evenly(windows, kernel.map((n) => n >> 1));
    const one = <T>(values: readonly T[]) => dims === 1 ? values[0] : values;
    const common = { stride: one(stride), padding: one(padding), ceilMode };
    const calls = (pool: Pool, options: object, filling: number) => (x: Tensor) =>
      pool(surrounded(x, more, filling), one(kernel) as never, options as never);
    if (max) {
      node.usual("storage_order", 0);
      const pool = calls(
        (dims === 1 ? F.maxPool1d : F.maxPool2d) as Pool,
        { ...common, dilation: one(dilation) },
        -Infinity,
      );
      return (x) => pool(x!);
    }
    if (dilation.some((n) => n !== 1)) throw node.refuse(`has dilations [${dilation}]`);
    const countIncludePad = node.int("count_include_pad", 0) === 1;
    const mean = calls((dims === 1 ? F.avgPool1d : F.avgPool2d) as Pool, { ...common, countIncludePad }, 0);
    if (more.length === 0 || countIncludePad) return (x) => mean(x!);
    // Of zeros that were put there by hand nobody knows any more that they do not count: the means of ones tell.
    return (x) => mean(x!).div(mean(ones([1, 1, ...x!.shape.slice(2)])));
  };
}

const overAll = (x: Tensor) => x.shape.flatMap((_, d) => d < 2 ? [] : [d]);

// Resizing.

/** Where place `i` of a dimension comes from; `step` is from one of them to the next. */
const COORDINATES: Readonly<Record<string, (i: number, step: Fraction, size: number, count: number) => number>> = {
  half_pixel: (i, [over, under]) => (i + 0.5) * over / under - 0.5,
  pytorch_half_pixel: (i, [over, under], _, count) => count > 1 ? (i + 0.5) * over / under - 0.5 : 0,
  align_corners: (i, _, size, count) => count > 1 ? i * (size - 1) / (count - 1) : 0,
  asymmetric: (i, [over, under]) => i * over / under,
};

/** A quotient that is not taken yet: where it is a whole number in the end, it must come out as one. */
type Fraction = readonly [over: number, under: number];

const NEAREST: Readonly<Record<string, (place: number) => number>> = {
  round_prefer_floor: (place) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place) => Math.floor(place + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

const resize: Operator = (node) => {
  const isOld = node.op === "Upsample" || node.opset < 11;
  const mode = node.text("mode", "nearest");
  const coordinates = node.text("coordinate_transformation_mode", isOld ? "asymmetric" : "half_pixel");
  const rounding = node.text("nearest_mode", isOld ? "floor" : "round_prefer_floor");
  const [place, round] = [COORDINATES[coordinates], mode === "nearest" ? NEAREST[rounding] : (at: number) => at];
  node.float("cubic_coeff_a", -0.75); // and this: of other modes
  node.float("extrapolation_value", 0);
  node.usual("exclude_outside", 0);
  node.usual("antialias", 0);
  if (!["nearest", "linear"].includes(mode) || place === undefined || round === undefined) {
    throw node.refuse(`resizes by ${mode}, ${coordinates}, ${rounding}: not known here`);
  }
  const taps = (size: number, count: number, step: Fraction): Taps =>
    tapsOf(count, size, (i) => Math.min(Math.max(round(place(i, step, size, count)), 0), size - 1));
  return (x, ...others) => {
    const [scales, sizes] = isOld ? [others[0], null] : [others[1], others[2]];
    return resized(
      node,
      x!,
      scales && scales.numel() > 0 ? numbersOf(scales) : null,
      sizes ? numbersOf(sizes) : null,
      taps,
    );
  };
};

function resized(
  node: OnnxNode,
  x: Tensor,
  scales: readonly number[] | null,
  sizes: readonly number[] | null,
  taps: (size: number, count: number, step: Fraction) => Taps,
): Tensor {
  const to = sizes ?? x.shape.map((n, d) => Math.floor(n * (scales?.[d] ?? NaN)));
  const spatial = x.ndim - 2, kept = x.shape.slice(0, 2);
  if (
    (spatial !== 1 && spatial !== 2) || !sameShape(kept, to.slice(0, 2)) || !to.every((n) => n >= 1) ||
    to.length !== x.ndim
  ) {
    throw new RangeError(`it resizes ${show(x.shape)} to ${show(to)}: only the last one or two sizes can change`);
  }
  if (!isFloating(x.dtype)) throw new TypeError(`it resizes ${x.dtype}: cast it first`);
  node.room(sizeOf(to));
  const along = (d: number) => taps(x.shape[d], to[d], scales === null ? [x.shape[d], to[d]] : [1, scales[d]]);
  return resample(x, spatial === 1 ? [along(2)] : [along(2), along(3)]);
}

// Normalisation.

const batchNorm: Operator = (node) => {
  const eps = node.float("epsilon", 1e-5), { activation } = node;
  node.float("momentum", 0.9);
  node.usual("training_mode", 0);
  node.usual("spatial", 1);
  return (x, weight, bias, mean, variance) =>
    batchNormThen(activation === "relu" ? "relu" : "none", x!, mean!, variance!, { weight: weight!, bias: bias!, eps });
};

const instanceNorm: Operator = (node) => {
  const eps = node.float("epsilon", 1e-5);
  return (x, weight, bias) => {
    if (sizeOf(x!.shape.slice(2)) !== 1) return F.instanceNorm(x!, { weight: weight!, bias: bias!, eps });
    return bias!.view(...x!.shape.slice(1)).expand(...x!.shape); // a single value is its own mean
  };
};

const layerNorm: Operator = (node) => {
  const [axis, eps] = [node.int("axis", -1), node.float("epsilon", 1e-5)];
  node.usual("stash_type", 1);
  return (x, weight, bias) => F.layerNorm(x!, x!.shape.slice(axis), { weight: weight!, bias: bias ?? null, eps });
};

const groupNorm: Operator = (node) => {
  if (node.opset < 21) throw node.refuse(`is of opset ${node.opset}, and known here from 21 on`);
  const [groups, eps] = [node.int("num_groups", 1), node.float("epsilon", 1e-5)];
  node.usual("stash_type", 1);
  return (x, weight, bias) => F.groupNorm(x!, groups, { weight: weight!, bias: bias!, eps });
};

/** Before opset 13 it is over all dimensions from the axis on, together. */
function softmax(function_: (x: Tensor, dim: number) => Tensor): Operator {
  return (node) => {
    const axis = node.int("axis", node.opset < 13 ? 1 : -1);
    if (node.opset >= 13) return (x) => function_(x!, axis);
    return (x) => {
      const from = axis < 0 ? axis + x!.ndim : axis;
      const rows = x!.reshape(sizeOf(x!.shape.slice(0, from)), sizeOf(x!.shape.slice(from)));
      return function_(rows, 1).reshape(...x!.shape);
    };
  };
}

/** Convolutions, pooling, resizing and normalisation by their names in files. */
export const WINDOWS: Readonly<Record<string, Operator>> = {
  AveragePool: pooled(false),
  BatchNormalization: batchNorm,
  Conv: conv,
  ConvTranspose: convTranspose,
  GlobalAveragePool: () => (x) => x!.mean(overAll(x!), true),
  GlobalMaxPool: () => (x) => overAll(x!).reduce((y, d) => y.max(d, true).values, x!),
  GroupNormalization: groupNorm,
  InstanceNormalization: instanceNorm,
  LayerNormalization: layerNorm,
  LogSoftmax: softmax(F.logSoftmax),
  MaxPool: pooled(true),
  Resize: resize,
  Softmax: softmax(F.softmax),
  Upsample: resize,
};
