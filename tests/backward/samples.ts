/** Something to differentiate for every operation that has a derivative: an operation without samples does not compile. */
import { arange, cat, Generator, stack, type Tensor, tensor, where } from "@gradus/gradus";
import type { OpName } from "../../core/record.ts";
import { attention } from "../../core/ops/attention.ts";
import { crossEntropyMean } from "../../core/ops/fused.ts";
import { linear } from "../../core/ops/linalg.ts";
import { functional as F } from "@gradus/gradus/nn";
import { derivativeSamples } from "./derivative_samples.ts";
import { recurrentSamples } from "./recurrent_samples.ts";
import { float64, type Sample, type Samples, signed, values } from "./sample.ts";
import { windowSamples } from "./window_samples.ts";

/** Operations whose result is a choice or a place, so that nothing flows back. */
export const CHOICES = [
  "not",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "and",
  "or",
  "argmax",
  "argmin",
  "any",
  "all",
] as const satisfies readonly OpName[];

/** Operations that have a rule. */
export type DifferentiableOp = Exclude<OpName, typeof CHOICES[number]>;

const positive = values([2, 3], 1);
const small = float64([[0.3, -0.45, 0.1], [0.7, -0.8, 0.2]]);

function one(f: (x: Tensor) => Tensor, input = signed): Samples {
  return { "an ordinary input": { f, inputs: [input] } };
}

/** Every way in which two shapes broadcast. */
const PAIRS: Record<string, [a: number[], b: number[]]> = {
  "equal shapes": [[2, 3], [2, 3]],
  "a row beside a matrix": [[2, 3], [3]],
  "a matrix beside a column": [[2, 1], [2, 3]],
  "a column beside a row": [[2, 1], [1, 3]],
  "a number beside a matrix": [[], [2, 3]],
  "two numbers": [[], []],
  "dimensions that both lack": [[2, 1, 3], [4, 1]],
};

function two(f: (a: Tensor, b: Tensor) => Tensor): Samples {
  return Object.fromEntries(
    Object.entries(PAIRS).map(([name, [a, b]]) => {
      const empty = [a, b].map((shape) => shape.map((n, d) => (d === shape.length - 1 && n === 3 ? 0 : n)));
      return [name, { f, inputs: [values(a, 2), values(b, 5)], empty }];
    }),
  );
}

const extremes = (op: "max" | "min"): Samples => ({
  "over everything": { f: (x) => x[op](), inputs: [signed], empty: [] },
});

const rowsOf = (...rows: number[]) => tensor(rows, { dtype: "int32" });

/** The samples, by operation. */
export const samples: { readonly [K in DifferentiableOp]: Samples } = {
  attention: {
    "of one text": {
      f: (q, k, v) => F.scaledDotProductAttention(q, k, v),
      inputs: [signed, values([4, 3], 1), values([4, 2], 2)],
      empty: [[0, 3], [4, 3], [4, 2]],
    },
    "causal, with heads": {
      f: (q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal: true }),
      inputs: [values([2, 2, 3, 2], 1), values([2, 2, 3, 2], 2), values([2, 2, 3, 2], 3)],
      empty: [[0, 2, 3, 2], [0, 2, 3, 2], [0, 2, 3, 2]],
    },
    "with keys for all heads, and a mask": {
      f: (q, k, v) =>
        F.scaledDotProductAttention(q, k, v, { mask: tensor([[true, false, true], [false, false, false]]) }),
      inputs: [values([2, 2, 2], 1), values([3, 2], 2), values([3, 4], 3)],
      empty: [[0, 2, 2], [3, 2], [3, 4]],
    },
    "of one tensor that has all": {
      f: (x) => attention([x.permute(2, 0, 3, 1, 4)], null, { scale: 0.7, causal: 0 }, null),
      inputs: [values([2, 3, 3, 2, 2], 1)],
    },
    "with dropout": {
      f: (q, k, v) => {
        const generator = new Generator(3);
        return F.scaledDotProductAttention(q, k, v, { dropout: 0.4, generator });
      },
      inputs: [values([2, 3, 2], 1), values([2, 4, 2], 2), values([2, 4, 3], 3)],
    },
  },
  copy: one((x) => x.clone()),
  neg: one((x) => x.neg()),
  abs: one((x) => x.abs()),
  sign: one((x) => x.sign()),
  exp: one((x) => x.exp()),
  expm1: one((x) => x.expm1()),
  log: one((x) => x.log(), positive),
  log1p: one((x) => x.log1p(), small),
  sqrt: one((x) => x.sqrt(), positive),
  rsqrt: one((x) => x.rsqrt(), positive),
  reciprocal: one((x) => x.reciprocal()),
  square: one((x) => x.square()),
  sin: one((x) => x.sin()),
  cos: one((x) => x.cos()),
  tan: one((x) => x.tan(), small),
  asin: one((x) => x.asin(), small),
  acos: one((x) => x.acos(), small),
  atan: one((x) => x.atan()),
  sinh: one((x) => x.sinh()),
  cosh: one((x) => x.cosh()),
  exp2: one((x) => x.exp2()),
  log2: one((x) => x.log2(), positive),
  log10: one((x) => x.log10(), positive),
  tanh: one((x) => x.tanh()),
  sigmoid: one((x) => x.sigmoid()),
  relu: one((x) => x.relu()),
  erf: one((x) => x.erf()),
  floor: one((x) => x.floor()),
  ceil: one((x) => x.ceil()),
  round: one((x) => x.round()),
  trunc: one((x) => x.trunc()),
  clamp: one((x) => x.clamp(-1, 0.7)),
  hardtanh: one((x) => F.hardtanh(x, -1, 0.7)),
  leakyRelu: { ...one((x) => F.leakyRelu(x)), "a slope of 0.3": { f: (x) => F.leakyRelu(x, 0.3), inputs: [signed] } },
  elu: {
    ...one((x) => F.elu(x)),
    "α = 2": { f: (x) => F.elu(x, 2), inputs: [signed] },
    "selu()": { f: F.selu, inputs: [signed] },
  },
  gelu: one((x) => F.gelu(x)),
  geluTanh: one((x) => F.gelu(x, { approximate: "tanh" })),
  silu: one(F.silu),
  mish: one(F.mish),
  softplus: {
    ...one((x) => F.softplus(x)),
    "β = 3": { f: (x) => F.softplus(x, { beta: 3 }), inputs: [signed] },
    "a threshold between the inputs": { f: (x) => F.softplus(x, { beta: 2, threshold: 1 }), inputs: [signed] },
    "logSigmoid()": { f: F.logSigmoid, inputs: [signed] },
  },
  add: two((a, b) => a.add(b)),
  sub: two((a, b) => a.sub(b)),
  mul: two((a, b) => a.mul(b)),
  div: two((a, b) => a.div(b)),
  pow: { ...two((a, b) => a.pow(b)), "a negative base and a whole power": { f: (x) => x.pow(3), inputs: [signed] } },
  maximum: two((a, b) => a.maximum(b)),
  minimum: two((a, b) => a.minimum(b)),
  remainder: {
    ...two((a, b) => a.mul(3).remainder(b)),
    "operands of either sign": { f: (a, b) => a.remainder(b), inputs: [signed.mul(3), signed.mul(-0.7).add(0.11)] },
  },
  fmod: {
    ...two((a, b) => a.mul(3).fmod(b)),
    "operands of either sign": { f: (a, b) => a.fmod(b), inputs: [signed.mul(3), signed.mul(-0.7).add(0.11)] },
  },
  atan2: {
    ...two((a, b) => a.atan2(b)),
    "points all around": { f: (a, b) => a.atan2(b), inputs: [signed, signed.mul(-0.7).add(0.11)] },
  },
  hypot: two((a, b) => a.hypot(b)),
  sum: {
    "over everything": { f: (x) => x.sum(), inputs: [signed] },
    "over columns": { f: (x) => x.sum(0), inputs: [signed] },
    "over rows, kept": { f: (x) => x.sum(1, true), inputs: [signed] },
    "over the outer two of three": { f: (x) => x.sum([2, 0]), inputs: [values([2, 3, 2], 3)] },
  },
  prod: {
    "over everything": { f: (x) => x.prod(), inputs: [signed] },
    "over rows": { f: (x) => x.prod(1), inputs: [signed] },
    "over columns, kept": { f: (x) => x.prod(0, true), inputs: [signed] },
    "with one factor 0": { f: (x) => x.prod(1), inputs: [float64([[0, 2, 3], [4, 0.5, 1.5]])] },
    "with two factors 0": { f: (x) => x.prod(1), inputs: [float64([[0, 2, 0], [4, 0.5, 1.5]])] },
  },
  max: extremes("max"),
  min: extremes("min"),
  cast: { "numbers that float32 holds": { f: (x) => x.float(), inputs: [arange(-3, 3).double()], step: 2 ** -10 } },
  reshape: {
    "a column": { f: (x) => x.reshape(-1, 1), inputs: [signed], empty: [] },
    "reshape() of a transposed view, which copies": { f: (x) => x.t().reshape(3, 2), inputs: [signed], empty: [] },
    "unsqueeze() and squeeze()": { f: (x) => x.unsqueeze(1).squeeze(1), inputs: [signed] },
    "flatten()": { f: (x) => x.flatten(), inputs: [signed] },
  },
  permute: {
    "t()": { f: (x) => x.t(), inputs: [signed] },
    "three dimensions permuted": { f: (x) => x.permute(2, 0, 1), inputs: [values([2, 3, 2], 3)] },
  },
  expand: {
    "a new dimension": { f: (x) => x.expand(2, -1, -1), inputs: [signed] },
    "a column": { f: (x) => x.expand(2, 3), inputs: [values([2, 1], 4)], empty: [] },
    "to nothing": { f: (x) => x.expand(0, 3), inputs: [values([1, 3], 4)], empty: [] },
  },
  window: {
    "narrow()": { f: (x) => x.narrow(1, 1, 2), inputs: [signed] },
    "select()": { f: (x) => x.select(1, -1), inputs: [signed] },
    "slice() with a step": { f: (x) => x.slice(1, 0, undefined, 2), inputs: [signed] },
    "diagonal()": { f: (x) => x.diagonal(1), inputs: [signed] },
    "slice() backwards": { f: (x) => x.slice(1, undefined, undefined, -1), inputs: [signed] },
    "at() with a range, a pick and a new dimension": { f: (x) => x.at(0, null, "1:"), inputs: [signed], empty: [] },
  },
  extreme: {
    "max(1)": { f: (x) => x.max(1).values, inputs: [signed] },
    "max(0), kept": { f: (x) => x.max(0, true).values, inputs: [signed], empty: [] },
    "min(-1)": { f: (x) => x.min(-1).values, inputs: [signed] },
  },
  gather: {
    "rows, one of them twice": { f: (x) => x.index(rowsOf(1, 0, 1)), inputs: [signed], empty: [] },
    "no rows": { f: (x) => x.index(rowsOf().int()), inputs: [signed] },
    "rows in the shape of a matrix": {
      f: (x) => x.index(tensor([[1, 0]], { dtype: "int32" })),
      inputs: [signed],
      empty: [],
    },
    "a mask": { f: (x) => x.index(x.gt(0)), inputs: [signed] },
    "columns": { f: (x) => x.index(":", rowsOf(2, 0, 2)), inputs: [signed], empty: [] },
    "several tensors": {
      f: (x) => x.index(rowsOf(1, 0, 1).view(3, 1), "1:2", rowsOf(1, 1)),
      inputs: [values([2, 3, 2], 3)],
      empty: [],
    },
  },
  put: {
    "scatter()": {
      f: (x, v) => x.scatter(1, tensor([[2, 0], [1, 0]], { dtype: "int32" }), v),
      inputs: [signed, values([2, 2], 2)],
      empty: [],
    },
    "by two tensors": {
      f: (x, v) => x.indexPut([rowsOf(1, 0, 1), rowsOf(0, 2, 1)], v),
      inputs: [signed, values([3], 2)],
      empty: [],
    },
    "into columns": { f: (x, v) => x.indexPut([":", rowsOf(2, 0)], v), inputs: [signed, values([2], 2)], empty: [] },
  },
  cumsum: {
    "down columns": { f: (x) => x.cumsum(0), inputs: [signed] },
    "along rows": { f: (x) => x.cumsum(-1), inputs: [signed] },
    "along the middle of three": { f: (x) => x.cumsum(1), inputs: [values([2, 3, 2], 3)] },
    "a number": { f: (x) => x.cumsum(0), inputs: [values([], 3)], empty: [] },
  },
  cumprod: {
    "down columns": { f: (x) => x.cumprod(0), inputs: [signed] },
    "along the middle of three": { f: (x) => x.cumprod(1), inputs: [values([2, 3, 2], 3)] },
    "with zeros": { f: (x) => x.cumprod(1), inputs: [float64([[0, 2, 3], [4, 0, 0], [1, 2, 3]])] },
    "a number": { f: (x) => x.cumprod(0), inputs: [values([], 3)], empty: [] },
  },
  where: {
    ...two((a, b) => where(a.gt(1), a, b)),
    "a mask that repeats both": {
      f: (a, b) => where(tensor([[true], [false]]), a, b),
      inputs: [values([3], 2), values([1], 5)],
      empty: [],
    },
    "a number beside a tensor": { f: (x) => where(x.gt(0), x, 1), inputs: [signed] },
  },
  cat: {
    "rows": { f: (a, b) => cat([a, b]), inputs: [signed, values([1, 3], 2)] },
    "columns of three": { f: (a, b, c) => cat([a, b, c], -1), inputs: [signed, values([2, 1], 2), small] },
    "one tensor twice": { f: (x) => cat([x, x.mul(2)], 1), inputs: [signed] },
    "stack() in between": { f: (a, b) => stack([a, b], 1), inputs: [signed, small] },
  },
  matmul: {
    "matrices": { f: (a, b) => a.matmul(b), inputs: [signed, values([3, 2], 2)], empty: [[0, 3], [3, 2]] },
    "an inner size of 0": { f: (a, b) => a.matmul(b), inputs: [values([2, 0], 1), values([0, 2], 1)], empty: [] },
    "vectors": { f: (a, b) => a.matmul(b), inputs: [values([3], 1), values([3], 2)] },
    "a vector and a matrix": {
      f: (a, b) => a.matmul(b),
      inputs: [values([3], 1), values([3, 2], 2)],
      empty: [[3], [3, 0]],
    },
    "a matrix and a vector": { f: (a, b) => a.matmul(b), inputs: [signed, values([3], 2)], empty: [[0, 3], [3]] },
    "batches": { f: (a, b) => a.matmul(b), inputs: [values([2, 2, 3], 1), values([2, 3, 2], 2)] },
    "a batch and a matrix": { f: (a, b) => a.matmul(b), inputs: [values([2, 2, 3], 1), values([3, 2], 2)], empty: [] },
    "a matrix and a batch": { f: (a, b) => a.matmul(b), inputs: [signed, values([2, 3, 2], 2)], empty: [] },
    "batches that broadcast both ways": {
      f: (a, b) => a.matmul(b),
      inputs: [values([2, 1, 2, 3], 1), values([3, 3, 2], 2)],
      empty: [[2, 1, 2, 0], [3, 0, 2]],
    },
  },
  linear: {
    "a batch": {
      f: (x, w, b) => linear(x, w, b),
      inputs: [signed, values([3, 2], 2), values([2], 3)],
      empty: [[0, 3], [3, 2], [2]],
    },
    "no outputs": { f: (x, w, b) => linear(x, w, b), inputs: [signed, values([3, 0], 2), values([0], 3)], empty: [] },
    "no bias": { f: (x, w) => linear(x, w, null), inputs: [signed, values([3, 2], 2)], empty: [[0, 3], [3, 2]] },
    "weights in PyTorch's layout": {
      f: (x, w, b) => linear(x, w, b, { transposed: true }),
      inputs: [signed, values([2, 3], 2), values([2], 3)],
      empty: [[0, 3], [2, 3], [2]],
    },
    ...Object.fromEntries((["relu", "sigmoid", "tanh"] as const).map((activation): [string, Sample] => [
      `followed by ${activation}`,
      {
        f: (x, w, b) => linear(x, w, b, { activation }),
        inputs: [signed, values([3, 2], 2), values([2], 3)],
        empty: [[0, 3], [3, 2], [2]],
      },
    ])),
  },
  crossEntropy: {
    "three classes": { f: (z) => crossEntropyMean(z, tensor([2, 0], { dtype: "int32" })), inputs: [signed], empty: [] },
    "a loss that is used further": {
      f: (z) => crossEntropyMean(z, tensor([1, 1], { dtype: "int32" })).mul(3),
      inputs: [signed],
      empty: [],
    },
  },
  ...windowSamples,
  ...recurrentSamples,
  ...derivativeSamples,
};
