/** Convolutions, pooling, resampling and normalisation as nodes. */
import type { Pooling, Resampling, Taps, Windows } from "../../core/backend/planes.ts";
import { windowSettings } from "../../core/ops/windows/sizes.ts";
import type { ConvSettings } from "../../core/record.ts";
import { sizeOf } from "../../core/shape.ts";
import type { Attributes, GraphBuilder, Value } from "./graph_builder.ts";
import { activated } from "./write_movement.ts";
import { type Call, Unwritable, type Writer, type Writers } from "./writer.ts";

// Convolutions.

/** A convolution of images or, with `dims` 1, of sequences, whose settings of rows say nothing. */
function convolution(dims: 1 | 2): Writer<ConvSettings> {
  return (graph, { inputs: [x, w, bias], shape, settings: s }) => {
    const used = <T>(pair: readonly [T, T]) => pair.slice(2 - dims);
    const before = used(s.padding), [kernel, stride, dilation] = [used(s.kernel), used(s.stride), used(s.dilation)];
    const after = before.map((padding, d) => {
      const [size, count] = [x!.shape[2 + d], shape[2 + d]], span = dilation[d] * (kernel[d] - 1) + 1;
      const needed = (count - 1) * stride[d] + span - size - padding;
      const fits = Math.floor((size + 2 * padding - span) / stride[d]) + 1 === count;
      return fits ? padding : Math.max(needed, 0);
    });
    const settings = { kernel_shape: kernel, strides: stride, dilations: dilation, pads: [...before, ...after] };
    const y = graph.node("Conv", names(x, w, bias), { ...settings, group: s.groups });
    return activated(graph, y, s.activation);
  };
}

function transposedConvolution(dims: 1 | 2): Writer<ConvSettings> {
  return (graph, { inputs: [x, w, bias], shape, settings: s }) => {
    const used = <T>(pair: readonly [T, T]) => pair.slice(2 - dims);
    const padding = used(s.padding), [kernel, stride, dilation] = [used(s.kernel), used(s.stride), used(s.dilation)];
    const added = padding.map((p, d) =>
      shape[2 + d] - ((x!.shape[2 + d] - 1) * stride[d] - 2 * p + dilation[d] * (kernel[d] - 1) + 1)
    );
    const settings = { kernel_shape: kernel, strides: stride, dilations: dilation, pads: [...padding, ...padding] };
    const y = graph.node("ConvTranspose", names(x, w, bias), { ...settings, output_padding: added, group: s.groups });
    return activated(graph, y, s.activation);
  };
}

const names = (...values: (Value | null | undefined)[]) => values.map((value) => value?.name ?? null);

// Pooling.

/** What a pooling has along one dimension, as a node says it; `null` where no node can. */
interface Regular {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

function regular(windows: Windows, size: number): Regular | null {
  const made = windowSettings(windows), count = windows.begin.length;
  if (made === undefined) { // adaptive
    if (count === 0 || size % count !== 0) return null;
    return { kernel: size / count, stride: size / count, dilation: 1, before: 0, after: 0 };
  }
  const { kernel, stride, dilation, padding: before } = made;
  const after = Math.max(0, (count - 1) * stride + dilation * (kernel - 1) + 1 - size - before);
  if (after >= kernel) return null; // as a last window has that is kept though it does not fit: ONNX Runtime refuses it
  return { kernel, stride, dilation, before, after };
}

/** Rows and columns of a pooling; of a sequence only the columns. */
function sidesOf({ shape }: Value, { h, w, rows, cols }: Pooling): [windows: Windows, size: number][] {
  const isSequence = shape.length === 2 || (h === 1 && shape.at(-2) !== 1);
  return isSequence ? [[cols, w]] : [[rows, h], [cols, w]];
}

function attributesOf(sides: readonly Regular[]): Attributes {
  const dilations = sides.map(({ dilation }) => dilation);
  return {
    kernel_shape: sides.map(({ kernel }) => kernel),
    strides: sides.map(({ stride }) => stride),
    pads: [...sides.map(({ before }) => before), ...sides.map(({ after }) => after)],
    dilations: dilations.every((n) => n === 1) ? undefined : dilations,
  };
}

/** A node over [batch, channels, …]; a sample without a batch gets one for as long. */
function overBatch(graph: GraphBuilder, call: Call<unknown>, spatial: number, write: (x: string) => string): string {
  if (call.x.shape.length === spatial + 2) return write(call.x.name);
  return graph.reshape(write(graph.reshape(call.x.name, [1, ...call.x.dims])), call.dims);
}

const maxPool: Writer<Pooling> = (graph, call) => {
  const sides = sidesOf(call.x, call.settings);
  if (sides.some(([{ begin, end }]) => begin.some((first, i) => first >= end[i]))) {
    throw new Unwritable(
      "one of its windows lies on padding alone, whose maximum is −∞ here and another number elsewhere",
    );
  }
  const found = sides.map(([windows, size]) => regular(windows, size));
  if (found.every((side) => side !== null)) {
    return overBatch(graph, call, sides.length, (x) => {
      const whole = found.every(({ kernel, stride }, i) => kernel === sides[i][1] && stride === kernel);
      return whole ? graph.node("GlobalMaxPool", [x]) : graph.node("MaxPool", [apart(graph, x)], attributesOf(found));
    });
  }
  // The maximum of a rectangle is that of its rows' maxima.
  return sides.reduce((x, [windows], i) => maxima(graph, x, windows, i - sides.length), call.x.name);
};

/**
 * `x`, kept apart from a Pad before it. ONNX Runtime 1.30 joins the two: to a MaxPool, for which padding is −∞ and not the Pad's 0, and to
 * an AveragePool with more padding than it then takes.
 */
function apart(graph: GraphBuilder, x: string): string {
  return graph.madeBy(x) === "Pad" ? graph.node("Clip", [x]) : x;
}

/** The maxima of windows of different sizes along one dimension, each by itself. */
function maxima(graph: GraphBuilder, x: string, { begin, end, step }: Windows, axis: number): string {
  const parts = Array.from(begin, (first, i) => {
    const part = graph.node("Slice", [x, ...[[first], [end[i]], [axis], [step]].map((list) => graph.ints(list))]);
    return graph.node("ReduceMax", [part], { axes: [axis], keepdims: 1 });
  });
  return graph.node("Concat", parts, { axis });
}

const avgPool: Writer<Pooling> = (graph, call) => {
  const { settings, dtype } = call, sides = sidesOf(call.x, settings);
  const found = sides.map(([windows, size]) => regular(windows, size));
  const padded = countPadding(sides.map(([windows]) => windows), found, settings.divisor);
  if (padded === null || !found.every((side) => side !== null)) return averages(graph, call, sides);
  return overBatch(graph, call, sides.length, (x) => {
    const whole = found.every(({ kernel, stride }, i) => kernel === sides[i][1] && stride === kernel);
    const y = whole
      ? graph.node("GlobalAveragePool", [x])
      : graph.node("AveragePool", [apart(graph, x)], { ...attributesOf(found), count_include_pad: Number(padded) });
    const elements = found.reduce((product, { kernel }) => product * kernel, 1);
    const { divisor } = settings;
    return divisor === 0 ? y : graph.node("Mul", [y, graph.number(elements / divisor, dtype)]);
  });
};

/** Whether padding counts in the divisors; `null` where they are neither the kernel's size nor what it covers. */
function countPadding(
  windows: readonly Windows[],
  found: readonly (Regular | null)[],
  divisor: number,
): boolean | null {
  const counts = windows.map(({ begin, end, count }, d) => ({
    covered: Array.from(begin, (first, i) => Math.max(0, end[i] - first)),
    full: Array.from(begin, () => found[d]?.kernel ?? 0),
    count: Array.from(count),
  }));
  const same = (a: readonly number[], b: readonly number[]) => a.every((n, i) => n === b[i]);
  const isFull = counts.every(({ count, full }) => same(count, full));
  const insideBySum = counts.every(({ covered, full }) => same(covered, full));
  if (divisor !== 0) return insideBySum ? false : null;
  if (counts.every(({ count, covered }) => same(count, covered))) return false;
  return isFull ? true : null;
}

/** Means as products with matrices, one for rows and one for columns, whose rows say what a window adds up. */
function averages(graph: GraphBuilder, { x, dtype, settings }: Call<Pooling>, sides: [Windows, number][]): string {
  const summed = sides.map(([windows, size]) => {
    const rows = Array.from(windows.begin, (first, i) =>
      Array.from({ length: size }, (_, at) => {
        const inside = at >= first && at < windows.end[i] && (at - first) % windows.step === 0;
        return inside ? 1 / (settings.divisor === 0 ? windows.count[i] : 1) : 0;
      }));
    return [rows, size] as const;
  });
  const product = sidedProducts(graph, x.name, summed.map(([rows, size]) => ({ rows, size })), dtype);
  return settings.divisor === 0 ? product : graph.node("Div", [product, graph.number(settings.divisor, dtype)]);
}

/** `R · x · Cᵀ` over the last two dimensions, or `x · Cᵀ` over the last one. */
function sidedProducts(
  graph: GraphBuilder,
  x: string,
  sides: readonly { rows: readonly (readonly number[])[]; size: number }[],
  dtype: Value["dtype"],
): string {
  const { rows, size } = sides.at(-1)!;
  const transposed = Array.from({ length: size }, (_, at) => rows.map((row) => row[at])).flat();
  const right = graph.node("MatMul", [x, graph.constant(transposed, [size, rows.length], dtype)]);
  if (sides.length === 1) return right;
  const [left] = sides;
  return graph.node("MatMul", [graph.constant(left.rows.flat(), [left.rows.length, left.size], dtype), right]);
}

// Resampling.

const resample: Writer<Resampling> = (graph, call) => {
  const { x, dtype, settings: { h, w, rows, cols } } = call;
  const isSequence = x.shape.length < 3 || (h === 1 && x.shape.at(-2) !== 1);
  const sides = isSequence ? [[cols, w] as const] : [[rows, h] as const, [cols, w] as const];
  const modes = x.shape.length === 4 ? sides.map(([taps, size]) => modeOf(taps, size)) : [];
  const mode = MODES.find((_, i) => modes.length > 0 && modes.every((fitting) => fitting.includes(i)));
  if (mode !== undefined) {
    const [scales, sizes] = [null, graph.shape(call.dims)];
    return graph.node("Resize", [x.name, null, scales, sizes], mode);
  }
  if (sides.every(([{ weight }]) => weight.every((part) => part === 0))) { // each place comes from one other
    return sides.reduce((y, [{ low }, size], i) => {
      if (low.length === size && low.every((from, at) => from === at)) return y;
      return graph.node("Gather", [y, graph.constant([...low], [low.length], "int32")], { axis: i - sides.length });
    }, x.name);
  }
  const weights = sides.map(([{ low, high, weight }, size]) => ({
    size,
    rows: Array.from(low, (from, i) =>
      Array.from(
        { length: size },
        (_, at) => (at === from ? 1 - weight[i] : 0) + (at === high[i] ? weight[i] : 0),
      )),
  }));
  return sidedProducts(graph, x.name, weights, dtype);
};

/** How Resize can interpolate, in the order in which it is tried; the nearest only by whole numbers, for others round otherwise. */
const MODES = [
  { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
  { mode: "linear", coordinate_transformation_mode: "half_pixel" },
  { mode: "linear", coordinate_transformation_mode: "align_corners" },
] as const;

/** Which of the modes put the places where these taps are. */
function modeOf({ low, weight }: Taps, size: number): number[] {
  const count = low.length, last = (place: number) => Math.min(Math.max(place, 0), size - 1);
  const places = [
    (i: number) => count % size === 0 ? Math.floor(i * size / count) : NaN,
    (i: number) => last((i + 0.5) * size / count - 0.5),
    (i: number) => last(count > 1 ? i * (size - 1) / (count - 1) : 0),
  ];
  return places.flatMap((place, mode) =>
    low.every((from, i) => Math.abs(from + weight[i] - place(i)) < 1e-6) ? [mode] : []
  );
}

// Normalisation.

/** The named weights, or constants in their place. */
function affine(graph: GraphBuilder, parts: readonly (Value | null)[], size: number, dtype: Value["dtype"]): string[] {
  return parts.map((part, i) => part?.name ?? graph.constant(Array(size).fill(1 - i), [size], dtype));
}

const instanceNorm = (graph: GraphBuilder, x: string, scale: string, bias: string, eps: number) =>
  graph.node("InstanceNormalization", [x, scale, bias], { epsilon: { f: eps } });

/** Convolutions, pooling, resampling and normalisation. */
export const WINDOW_WRITERS: Writers<
  | ("conv" | "conv1d" | "convTranspose" | "convTranspose1d" | "maxPool" | "avgPool" | "resample")
  | ("channelNorm" | "batchNorm" | "instanceNorm" | "groupNorm" | "layerNorm" | "softmax" | "logSoftmax")
> = {
  conv: convolution(2),
  conv1d: convolution(1),
  convTranspose: transposedConvolution(2),
  convTranspose1d: transposedConvolution(1),
  maxPool,
  avgPool,
  resample,
  channelNorm: (graph, { inputs: [x, mean, variance, weight, bias], shape, dtype, settings }) => {
    const weights = affine(graph, [weight!, bias!], shape[1], dtype);
    const given = [x!.name, ...weights, mean!.name, variance!.name];
    const y = graph.node("BatchNormalization", given, { epsilon: { f: settings.eps } });
    return activated(graph, y, settings.activation);
  },
  batchNorm: (graph, { inputs: [x, weight = null, bias = null], shape, dtype, settings }) => {
    if (!settings.training) throw new Unwritable("its statistics are no tensors of the model");
    const axes = shape.flatMap((_, d) => d === 1 ? [] : [d]);
    const mean = (of: string) => graph.node("ReduceMean", [of], { axes, keepdims: 1 });
    const apart = graph.node("Sub", [x!.name, mean(x!.name)]);
    const variance = graph.node("Add", [
      mean(graph.node("Mul", [apart, apart])),
      graph.number(settings.eps, dtype),
    ]);
    const y = graph.node("Div", [apart, graph.node("Sqrt", [variance])]);
    return activated(graph, scaled(graph, y, weight, bias, shape.length), settings.activation);
  },
  instanceNorm: (graph, { inputs: [x, weight, bias], shape, dtype, settings: { eps } }) => {
    const [scale, shift] = affine(graph, [weight!, bias!], shape[1], dtype);
    return instanceNorm(graph, x!.name, scale, shift, eps);
  },
  groupNorm: (graph, { inputs: [x, weight, bias], shape, dims, dtype, settings: { eps, groups } }) => {
    const grouped = graph.node("Reshape", [x!.name, graph.ints([0, groups, -1])]);
    const [scale, shift] = affine(graph, [null, null], groups, dtype);
    const y = graph.reshape(instanceNorm(graph, grouped, scale, shift, eps), dims);
    return scaled(graph, y, weight!, bias!, shape.length);
  },
  layerNorm: (graph, { inputs: [x, weight, bias], shape, dtype, settings: { eps, dims } }) => {
    const over = shape.slice(-dims);
    const scale = weight?.name ?? graph.constant(Array(sizeOf(over)).fill(1), over, dtype);
    return graph.node("LayerNormalization", [x!.name, scale, bias?.name ?? null], { axis: -dims, epsilon: { f: eps } });
  },
  softmax: (graph, { x, settings: { dim } }) => graph.node("Softmax", [x.name], { axis: dim }),
  logSoftmax: (graph, { x, settings: { dim } }) => graph.node("LogSoftmax", [x.name], { axis: dim }),
};

/** `y · weight + bias` along the channels. */
function scaled(graph: GraphBuilder, y: string, weight: Value | null, bias: Value | null, rank: number): string {
  const along = (part: Value) => graph.reshape(part.name, [part.shape[0], ...Array(rank - 2).fill(1)]);
  const times = weight === null ? y : graph.node("Mul", [y, along(weight)]);
  return bias === null ? times : graph.node("Add", [times, along(bias)]);
}
