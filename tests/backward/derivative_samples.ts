/** Something to differentiate for every derivative that is an operation of its own. */
import { type Tensor, tensor } from "@gradus/gradus";
import { grad } from "@gradus/gradus/autograd";
import { functional as F } from "@gradus/gradus/nn";
import { activationBackward, crossEntropyGradient } from "../../core/ops/fused.ts";
import { gatherGradient } from "../../core/ops/index.ts";
import { windowGradient } from "../../core/ops/movement.ts";
import { productsOfOthers } from "../../core/ops/reduce.ts";
import { convolutionWeightGradient } from "../../core/ops/windows/conv.ts";
import { slidingWindowsGradient } from "../../core/ops/windows/strided.ts";
import type { DerivedActivation, OpName } from "../../core/record.ts";
import { float64, type Samples, signed, values } from "./sample.ts";

/** The activations with the two numbers that belong to each. */
const ACTIVATIONS: Readonly<Record<DerivedActivation, readonly [low: number, high: number]>> = {
  relu: [0, 0],
  sigmoid: [0, 0],
  tanh: [0, 0],
  clamp: [-1, 0.7],
  hardtanh: [-1, 0.7],
  leakyRelu: [0.3, 0],
  elu: [2, 1.5],
  gelu: [0, 0],
  geluTanh: [0, 0],
  silu: [0, 0],
  mish: [0, 0],
  softplus: [2, 1],
};
/** Those of straight lines. */
const STRAIGHT = ["relu", "clamp", "hardtanh", "leakyRelu"];

const ofActivations: Samples = Object.fromEntries(
  Object.entries(ACTIVATIONS).map(([op, [low, high]]) => [op, {
    f: (g, y) => activationBackward(op as DerivedActivation, g, y, low, high),
    inputs: [values([2, 3], 2), signed],
    ...(STRAIGHT.includes(op) ? { empty: [] } : {}), // y gets no gradient at all
  }]),
);

/** The gradient that `f` sends back to x, as a function of what arrives. */
const sentBack = (f: (x: Tensor) => Tensor, x: Tensor) => (g: Tensor): Tensor => {
  const leaf = x.clone().requiresGrad_();
  return grad(f(leaf), leaf, { gradOutputs: g, createGraph: true })[0];
};

const image = values([1, 2, 4, 5], 1);
const conv = {
  stride: [2, 1],
  dilation: [1, 2],
  padding: [1, 0],
  groups: 2,
  kernel: [2, 2],
  activation: "none",
} as const;

/** The samples, by operation. */
export const derivativeSamples = {
  activationBackward: ofActivations,
  productsOfOthers: {
    "over rows": { f: (x) => productsOfOthers(x, [1]), inputs: [signed] },
    "over everything": { f: (x) => productsOfOthers(x, [0, 1]), inputs: [signed] },
    "over the outer two of three": { f: (x) => productsOfOthers(x, [2, 0]), inputs: [values([2, 3, 2], 3)] },
    "with two factors 0": { f: (x) => productsOfOthers(x, [1]), inputs: [float64([[0, 2, 0], [4, 0.5, 1.5]])] },
  },
  windowBackward: {
    "narrow()": { f: (g) => windowGradient(g, [2, 4], (x) => x.narrow(1, 1, 3)), inputs: [signed], empty: [] },
    "select()": { f: (g) => windowGradient(g, [2, 2, 3], (x) => x.select(1, -1)), inputs: [signed], empty: [] },
  },
  gatherBackward: {
    "rows, one of them twice": {
      f: (g) => gatherGradient(g, [4, 3], Int32Array.of(2, 2)),
      inputs: [signed],
      empty: [],
    },
    "elements": { f: (g) => gatherGradient(g, [3], Int32Array.of(2, 0, 2)), inputs: [values([3], 1)], empty: [] },
  },
  unfoldBackward: {
    "windows that overlap": {
      f: (g) => slidingWindowsGradient(g, [3, 2], 0, 2, 1),
      inputs: [values([2, 2, 2], 1)],
      empty: [],
    },
    "windows with gaps": { f: (g) => slidingWindowsGradient(g, [8], 0, 2, 3), inputs: [values([3, 2], 1)], empty: [] },
  },
  crossEntropyBackward: {
    "three classes": {
      f: (z) => crossEntropyGradient(z, tensor([2, 0], { dtype: "int32" })),
      inputs: [signed],
      empty: [],
    },
  },
  convWeightBackward: {
    "groups, strides, padding and dilation": {
      f: (x, g) => convolutionWeightGradient(x, g, conv, false)[0],
      inputs: [values([2, 4, 4, 4], 1), values([2, 2, 3, 2], 2)],
      empty: [[0, 4, 4, 4], [0, 2, 3, 2]],
    },
  },
  poolBackward: {
    "maxima of windows that overlap, over padding": {
      f: sentBack((x) => F.maxPool2d(x, 3, { stride: 1, padding: 1 }), image),
      inputs: [values([1, 2, 4, 5], 2)],
      empty: [],
    },
    "means": { f: sentBack((x) => F.avgPool2d(x, 2), image), inputs: [values([1, 2, 2, 2], 2)], empty: [] },
    "adaptive means of sequences": {
      f: sentBack((x) => F.adaptiveAvgPool1d(x, 2), values([2, 3], 1)),
      inputs: [values([2, 2], 2)],
      empty: [],
    },
  },
  resampleBackward: {
    "between four": {
      f: sentBack((x) => F.interpolate(x, { size: [3, 5], mode: "bilinear" }), values([2, 1, 2, 3], 1)),
      inputs: [values([2, 1, 3, 5], 2)],
      empty: [],
    },
    "reflected": {
      f: sentBack((x) => F.pad(x, [2, 1, 1, 0], { mode: "reflect" }), values([2, 2, 3], 1)),
      inputs: [values([2, 3, 6], 2)],
      empty: [],
    },
  },
} satisfies { readonly [K in OpName]?: Samples };
