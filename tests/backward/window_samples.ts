/** Something to differentiate for every operation over windows of images and sequences. */
import { tensor } from "@gradus/gradus";
import { functional as F } from "@gradus/gradus/nn";
import { convolution, transposedConvolution } from "../../core/ops/windows/conv.ts";
import type { OpName } from "../../core/record.ts";
import { batchNormThen } from "../../layers/nn/functional/norm.ts";
import { type Sample, type Samples, signed, values } from "./sample.ts";

/** The samples, by operation. */
export const windowSamples = {
  conv: {
    "images": {
      f: (x, w, b) => F.conv2d(x, w, b),
      inputs: [values([2, 2, 4, 3], 1), values([3, 2, 2, 2], 2), values([3], 3)],
      empty: [[0, 2, 4, 3], [3, 2, 2, 2], [3]],
    },
    "one image, with strides, padding and dilation": {
      f: (x, w) => F.conv2d(x, w, null, { stride: [2, 1], padding: [1, 2], dilation: [1, 2] }),
      inputs: [values([2, 4, 3], 1), values([2, 2, 3, 2], 2)],
      empty: [],
    },
    "groups, with the same size": {
      f: (x, w, b) => F.conv2d(x, w, b, { groups: 2, padding: "same" }),
      inputs: [values([1, 4, 3, 3], 1), values([2, 2, 2, 3], 2), values([2], 3)],
      empty: [[0, 4, 3, 3], [2, 2, 2, 3], [2]],
    },
    "sequences": {
      f: (x, w, b) => F.conv1d(x, w, b, { stride: 2, padding: 1 }),
      inputs: [values([2, 2, 5], 1), values([3, 2, 3], 2), values([3], 3)],
      empty: [[0, 2, 5], [3, 2, 3], [3]],
    },
    ...Object.fromEntries((["relu", "sigmoid", "tanh"] as const).map((activation): [string, Sample] => [
      `images followed by ${activation}`,
      {
        f: (x, w, b) => convolution(2, x.sub(1), w.sub(1.3), b.sub(1.1), { padding: 1 }, activation),
        inputs: [values([1, 2, 3, 3], 1), values([2, 2, 2, 2], 2), values([2], 3)],
        empty: [[0, 2, 3, 3], [2, 2, 2, 2], [2]],
      },
    ])),
  },
  convTranspose: {
    "images": {
      f: (x, w, b) => F.convTranspose2d(x, w, b, { stride: 2, padding: 1, outputPadding: [1, 0] }),
      inputs: [values([2, 3, 2, 2], 1), values([3, 2, 3, 2], 2), values([2], 3)],
      empty: [[0, 3, 2, 2], [3, 2, 3, 2], [2]],
    },
    "one image in groups, with dilation": {
      f: (x, w) => F.convTranspose2d(x, w, null, { groups: 2, dilation: [2, 1] }),
      inputs: [values([4, 2, 2], 1), values([4, 1, 2, 2], 2)],
      empty: [],
    },
    "sequences": {
      f: (x, w, b) => F.convTranspose1d(x, w, b, { stride: 3, padding: 1 }),
      inputs: [values([2, 3, 3], 1), values([3, 2, 4], 2), values([2], 3)],
      empty: [[0, 3, 3], [3, 2, 4], [2]],
    },
    "images followed by relu": {
      f: (x, w, b) => transposedConvolution(2, x.sub(1), w.sub(1.3), b.sub(1.1), {}, "relu"),
      inputs: [values([1, 2, 2, 2], 1), values([2, 2, 2, 2], 2), values([2], 3)],
      empty: [[0, 2, 2, 2], [2, 2, 2, 2], [2]],
    },
  },
  im2col: {
    "images": {
      f: (x) => F.unfold(x, [2, 3], { padding: 1, stride: 2 }),
      inputs: [values([2, 2, 4, 5], 1)],
    },
    "one image, with dilation": {
      f: (x) => F.unfold(x, 2, { dilation: [1, 2] }),
      inputs: [values([2, 3, 4], 1)],
      empty: [],
    },
  },
  col2im: {
    "columns": {
      f: (x) => F.fold(x, [4, 5], [2, 3], { padding: 1, stride: 2 }),
      inputs: [values([2, 12, 9], 1)],
    },
    "columns of one image": { f: (x) => F.fold(x, 3, 2), inputs: [values([4, 4], 1)], empty: [] },
  },
  unfold: {
    "windows that overlap": { f: (x) => x.unfold(1, 2, 1), inputs: [signed] },
    "windows with gaps": { f: (x) => x.unfold(-1, 2, 3), inputs: [values([2, 3, 8], 2)] },
    "windows of windows": { f: (x) => x.unfold(0, 2, 1).unfold(1, 2, 1), inputs: [values([3, 3], 2)], empty: [] },
  },
  asStrided: {
    "windows that overlap": { f: (x) => x.clone().asStrided([2, 2, 2], [3, 1, 1], 0), inputs: [signed], empty: [] },
    "a view of a view, with an offset": {
      f: (x) => x.clone().narrow(1, 1, 2).asStrided([2, 2], [3, -1], 2),
      inputs: [signed],
      empty: [],
    },
    "a view of what is expanded": {
      f: (x) => x.clone().unsqueeze(0).expand(2, 2, 3).asStrided([4], [1], 1),
      inputs: [signed],
      empty: [],
    },
    "no elements": { f: (x) => x.clone().asStrided([0, 2], [1, 1], 0), inputs: [signed] },
  },
  maxPool: {
    "windows side by side": { f: (x) => F.maxPool2d(x, 2), inputs: [values([2, 2, 4, 5], 1)] },
    "windows that overlap, over padding": {
      f: (x) => F.maxPool2d(x, 3, { stride: 1, padding: 1 }),
      inputs: [values([2, 1, 4, 3], 1)],
    },
    "sequences, dilated": { f: (x) => F.maxPool1d(x, 2, { stride: 1, dilation: 2 }), inputs: [values([2, 2, 5], 1)] },
    "adaptive windows": { f: (x) => F.adaptiveMaxPool2d(x, [3, 2]), inputs: [values([1, 2, 4, 5], 1)] },
  },
  avgPool: {
    "windows side by side": { f: (x) => F.avgPool2d(x, 2), inputs: [values([2, 2, 4, 5], 1)] },
    "windows that overlap, padding uncounted": {
      f: (x) => F.avgPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
      inputs: [values([2, 1, 4, 5], 1)],
    },
    "a divisor": { f: (x) => F.avgPool2d(x, [2, 1], { divisorOverride: 3 }), inputs: [values([1, 2, 4, 3], 1)] },
    "sequences": { f: (x) => F.avgPool1d(x, 3, { stride: 1, padding: 1 }), inputs: [values([2, 2, 4], 1)] },
    "adaptive windows": { f: (x) => F.adaptiveAvgPool2d(x, [3, 2]), inputs: [values([1, 2, 4, 5], 1)] },
  },
  pad: {
    "a constant": { f: (x) => F.pad(x, [1, 2, 0, 1], { value: 3 }), inputs: [signed] },
    "less than nothing": { f: (x) => F.pad(x, [1, -1]), inputs: [signed] },
    "rows taken away": { f: (x) => F.pad(x, [0, 0, -1, 0]), inputs: [signed], empty: [[2, 0]] },
  },
  resample: {
    "the nearest": { f: (x) => F.interpolate(x, { size: [3, 5] }), inputs: [values([2, 1, 2, 3], 1)] },
    "between four": {
      f: (x) => F.interpolate(x, { size: [3, 5], mode: "bilinear" }),
      inputs: [values([2, 1, 2, 3], 1)],
    },
    "corners aligned": {
      f: (x) => F.interpolate(x, { size: [5, 2], mode: "bilinear", alignCorners: true }),
      inputs: [values([2, 1, 2, 3], 1)],
    },
    "reflected": { f: (x) => F.pad(x, [2, 1, 1, 0], { mode: "reflect" }), inputs: [values([2, 2, 3], 1)] },
    "the edge": { f: (x) => F.pad(x, [2, 1], { mode: "replicate" }), inputs: [values([2, 2, 3], 1)] },
    "in a circle": { f: (x) => F.pad(x, [2, 1, -1, 1], { mode: "circular" }), inputs: [values([2, 2, 3], 1)] },
  },
  batchNorm: {
    "a batch of vectors": {
      f: (x, weight, bias) => F.batchNorm(x, null, null, { weight, bias, training: true }),
      inputs: [signed.t(), values([2], 2), values([2], 3)],
      empty: [[3, 0], [0], [0]],
    },
    "images without parameters": {
      f: (x) => F.batchNorm(x, null, null, { training: true }),
      inputs: [values([2, 3, 2, 2], 1)],
      empty: [[2, 0, 2, 2]],
    },
    "running statistics": {
      f: (x, weight, bias) => F.batchNorm(x, tensor([0.3, -1]), tensor([2, 0.5]), { weight, bias }),
      inputs: [values([2, 2, 3], 1), values([2], 2), values([2], 3)],
      empty: [[0, 2, 3], [2], [2]],
    },
    "images followed by relu": {
      f: (x, weight, bias) => batchNormThen("relu", x, null, null, { weight, bias, training: true }),
      inputs: [values([2, 3, 2, 2], 1), values([3], 2), values([3], 3).sub(1.234)],
      empty: [[2, 0, 2, 2], [0], [0]],
    },
    "groups of channels": { f: (x) => F.groupNorm(x, 2), inputs: [values([2, 4, 3], 1)] },
    "instances": {
      f: (x, weight) => F.instanceNorm(x, { weight }),
      inputs: [values([2, 2, 3], 1), values([2], 2)],
      empty: [[0, 2, 3], [2]],
    },
  },
} satisfies { readonly [K in OpName]?: Samples };
