/** The source of each operation over images, by the name that the tape gives it, and how its call is written. */
import { fromData } from "../../../core/create.ts";
import type { OpSettings } from "../../../core/record.ts";
import type { Shape } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";

/** The source of each function by its name. All take the values of one sample, row-major. */
export const WINDOW_SOURCES: Readonly<Record<string, string>> = {
  conv: `
function conv(x: number[], from: [number, number, number], to: [number, number, number], kernel: [number, number],
  stride: [number, number], dilation: [number, number], padding: [number, number], groups: number, k: Float32Array, b?: Float32Array): number[] {
  const [c, h, w] = from, [o, rows, columns] = to, each = c / groups;
  return Array.from({ length: o * rows * columns }, (_, at) => {
    const out = Math.floor(at / (rows * columns)), i = Math.floor(at / columns) % rows, j = at % columns;
    let sum = b === undefined ? 0 : b[out]!;
    for (let p = 0; p < each; p++) {
      const channel = Math.floor(out / (o / groups)) * each + p;
      for (let r = 0; r < kernel[0]; r++) {
        const row = i * stride[0] + r * dilation[0] - padding[0];
        for (let s = 0; s < kernel[1]; s++) {
          const column = j * stride[1] + s * dilation[1] - padding[1];
          if (row < 0 || row >= h || column < 0 || column >= w) continue;
          sum += x[(channel * h + row) * w + column]! * k[((out * each + p) * kernel[0] + r) * kernel[1] + s]!;
        }
      }
    }
    return sum;
  });
}`,
  convTranspose: `
function convTranspose(x: number[], from: [number, number, number], to: [number, number, number], kernel: [number, number],
  stride: [number, number], dilation: [number, number], padding: [number, number], groups: number, k: Float32Array, b?: Float32Array): number[] {
  const [c, h, w] = from, [o, rows, columns] = to, each = o / groups;
  const y = Array.from({ length: o * rows * columns }, (_, at) => (b === undefined ? 0 : b[Math.floor(at / (rows * columns))]!));
  x.forEach((v, at) => {
    const channel = Math.floor(at / (h * w)), i = Math.floor(at / w) % h, j = at % w;
    for (let p = 0; p < each; p++) {
      const out = Math.floor(channel / (c / groups)) * each + p;
      for (let r = 0; r < kernel[0]; r++) {
        const row = i * stride[0] + r * dilation[0] - padding[0];
        for (let s = 0; s < kernel[1]; s++) {
          const column = j * stride[1] + s * dilation[1] - padding[1];
          if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
          y[(out * rows + row) * columns + column]! += v * k[((channel * each + p) * kernel[0] + r) * kernel[1] + s]!;
        }
      }
    }
  });
  return y;
}`,
  pool: `
function pool(x: number[], planes: number, h: number, w: number, rows: [number, number, number][], columns: [number, number, number][],
  rowStep: number, columnStep: number, divisor: number): number[] {
  const y: number[] = [];
  for (let p = 0; p < planes; p++) {
    for (const [top, bottom, high] of rows) {
      for (const [left, right, wide] of columns) {
        let sum = 0, most = -Infinity;
        for (let i = top; i < bottom; i += rowStep) {
          for (let j = left; j < right; j += columnStep) {
            const v = x[(p * h + i) * w + j]!;
            sum += v;
            if (v > most || Number.isNaN(v)) most = v;
          }
        }
        y.push(divisor < 0 ? most : sum / (divisor || high * wide));
      }
    }
  }
  return y;
}`,
  resample: `
function resample(x: number[], planes: number, h: number, w: number, rows: [number, number, number][], columns: [number, number, number][]): number[] {
  const y: number[] = [];
  const between = (a: number, b: () => number, weight: number) => weight === 0 ? a : (1 - weight) * a + weight * b();
  for (let p = 0; p < planes; p++) {
    for (const [top, bottom, down] of rows) {
      for (const [left, right, along] of columns) {
        const at = (i: number) => between(x[(p * h + i) * w + left]!, () => x[(p * h + i) * w + right]!, along);
        y.push(between(at(top), () => at(bottom), down));
      }
    }
  }
  return y;
}`,
  pad: `
function pad(x: number[], from: number[], to: number[], before: number[]): number[] {
  return Array.from({ length: to.reduce((product, n) => product * n, 1) }, (_, at) => {
    let place = 0, step = 1, rest = at;
    for (let d = to.length - 1; d >= 0; d--) {
      const i = rest % to[d]! - before[d]!;
      if (i < 0 || i >= from[d]!) return 0;
      place += i * step;
      step *= from[d]!;
      rest = Math.floor(rest / to[d]!);
    }
    return x[place]!;
  });
}`,
  permute: `
function permute(x: number[], sizes: number[], steps: number[]): number[] {
  return x.map((_, at) => {
    let place = 0, rest = at;
    for (let d = sizes.length - 1; d >= 0; d--) {
      place += (rest % sizes[d]!) * steps[d]!;
      rest = Math.floor(rest / sizes[d]!);
    }
    return x[place]!;
  });
}`,
  channelNorm: `
function channelNorm(x: number[], channels: number, eps: number, w: Float32Array, b: Float32Array): number[] {
  const length = x.length / channels;
  return Array.from({ length: channels }, (_, c) => {
    const part = x.slice(c * length, (c + 1) * length);
    const mean = part.reduce((sum, v) => sum + v, 0) / length;
    const variance = part.reduce((sum, v) => sum + (v - mean) ** 2, 0) / length;
    return part.map((v) => ((v - mean) / Math.sqrt(variance + eps)) * w[c]! + b[c]!);
  }).flat();
}`,
  mul: `
function mul(x: number[], by: Float32Array, each: number): number[] {
  return x.map((v, i) => v * by[Math.floor(i / each)]!);
}`,
  add: `
function add(x: number[], by: Float32Array, each: number): number[] {
  return x.map((v, i) => v + by[Math.floor(i / each)]!);
}`,
};

/** One recorded operation: what it was made from and what came out. */
export interface Step<S> {
  x: Tensor;
  y: Tensor;
  /** The inputs beside x. */
  others: readonly Tensor[];
  settings: S;
}

/** A number, or lists of them, or what is inserted as it is. */
type Argument = number | boolean | readonly Argument[] | { source: string };

/** The function that is called, and its arguments after x; `null` where the values stay as they are. */
type Call = readonly [name: string, ...args: Argument[]] | null;

/** How the call of an operation is written; `take` stores weights. */
type Writer<S> = (step: Step<S>, take: (weights: Tensor) => { source: string }) => Call;

type Traced = "conv" | "convTranspose" | "maxPool" | "avgPool" | "resample" | "pad" | "permute" | "batchNorm";

/** The writers by the name of the operation. */
export const WRITERS: { readonly [K in Traced]: Writer<OpSettings[K]> } & Readonly<Record<string, Writer<never>>> = {
  conv: convolved("conv"),
  convTranspose: convolved("convTranspose"),
  maxPool: (step) => pooled(step, -1),
  avgPool: (step) => pooled(step, step.settings.divisor),
  resample: ({ settings: { planes, h, w, rows, cols } }) => {
    const taps = ({ low, high, weight }: typeof rows) => Array.from(low, (at, i) => [at, high[i], weight[i]]);
    return ["resample", planes, h, w, taps(rows), taps(cols)];
  },
  pad: ({ x, y, settings: { before } }) => ["pad", x.shape, y.shape, before],
  permute: ({ x, y, settings: { order } }) => {
    const steps = x.shape.map((_, d) => x.shape.slice(d + 1).reduce((product, n) => product * n, 1));
    return ["permute", y.shape, order.map((d) => steps[d])];
  },
  batchNorm: ({ settings: { c, eps, training, stats } }, take) => {
    const [mean, variance, weight, bias] = [0, 1, 2, 3].map((row) => stats.slice(row * c, (row + 1) * c));
    const taken = (values: ArrayLike<number>) => take(fromData(Float64Array.from(values), [c]));
    if (training) return ["channelNorm", c, eps, taken(weight), taken(bias)];
    written(eps);
    const scale = Float64Array.from(weight, (w, i) => w / Math.sqrt(variance[i] + eps));
    return ["affine", taken(mean), taken(scale), taken(bias)];
  },
  mul: ({ y, others }, take) => ["mul", ...channelwise(y, others[0], take)],
  add: ({ y, others }, take) => ["add", ...channelwise(y, others[0], take)],
  reshape: () => null,
  copy: () => null,
  cast: () => null,
};

function convolved(name: "conv" | "convTranspose"): Writer<OpSettings["conv"]> {
  return ({ x, y, others, settings: { kernel, stride, dilation, padding, groups } }, take) => [
    ...[name, x.shape.slice(1), y.shape.slice(1), kernel, stride, dilation, padding, groups] as const,
    ...others.map(take),
  ];
}

function pooled({ settings: { planes, h, w, rows, cols } }: Step<OpSettings["avgPool"]>, divisor: number): Call {
  const windows = ({ begin, end, count }: typeof rows) => Array.from(begin, (first, i) => [first, end[i], count[i]]);
  return ["pool", planes, h, w, windows(rows), windows(cols), rows.step, cols.step, divisor];
}

/** One number for each place along one dimension, and how many neighbours share it. */
function channelwise(
  y: Tensor,
  by: Tensor,
  take: (weights: Tensor) => { source: string },
): [{ source: string }, number] {
  const shape: Shape = [...Array<number>(y.ndim - by.ndim).fill(1), ...by.shape];
  const dim = shape.findIndex((n) => n !== 1);
  return [take(by.reshape(-1)), y.shape.slice(Math.max(dim, 0) + 1).reduce((product, n) => product * n, 1)];
}

/** An argument as source. Throws a TypeError for what is no number: nothing else is written into the source. */
export function written(value: Argument): string {
  if (typeof value === "boolean") return `${value === true}`;
  if (typeof value === "number" && !Number.isNaN(value)) return Object.is(value, -0) ? "-0" : `${value}`;
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (typeof value === "object" && value !== null && "source" in value) return value.source;
  throw new TypeError(`its setting ${JSON.stringify(value)} is no number`);
}
