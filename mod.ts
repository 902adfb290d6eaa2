/**
 * Gradus: a neural-net library built step by step, from three loops to a compiled kernel.
 *
 * Here stand tensors, gradients, layers and optimisers. Training, data and files have entry points of their own:
 * `@gradus/gradus/train`, `/data` and `/io`.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([[1, 2], [3, 4]]).requiresGrad_();
 * x.matmul(x).sum().backward();
 * assertEquals(x.g?.toArray(), [[7, 11], [9, 13]]);
 * ```
 * @module
 */

// Tensors.
export { Tensor } from "./core/tensor.ts";
export {
  arange,
  empty,
  emptyLike,
  eye,
  fromData,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  tensor,
  zeros,
  zerosLike,
} from "./core/create.ts";
export { rand, randint, randintLike, randLike, randn, randnLike, randperm } from "./core/random/create.ts";
export { bernoulli, multinomial, normal } from "./core/random/distributions.ts";
export { cat, stack } from "./core/ops/join.ts";
export { addmm, baddbmm, bmm, cdist, dot, kron, matmul, mm, mv, outer, tensordot } from "./core/ops/linalg.ts";
export { einsum } from "./core/ops/einsum.ts";
export {
  abs,
  acos,
  add,
  addcdiv,
  addcmul,
  all,
  any,
  argmax,
  argmin,
  asin,
  atan,
  atan2,
  ceil,
  cos,
  cosh,
  cumprod,
  cumsum,
  div,
  eq,
  erf,
  exp,
  exp2,
  expm1,
  floor,
  fmod,
  frac,
  ge,
  gt,
  hypot,
  le,
  lerp,
  log,
  log10,
  log1p,
  log2,
  logaddexp,
  logicalAnd,
  logicalNot,
  logicalOr,
  logsumexp,
  lt,
  maximum,
  mean,
  minimum,
  mul,
  ne,
  neg,
  norm,
  pow,
  prod,
  reciprocal,
  relu,
  remainder,
  round,
  rsqrt,
  sigmoid,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  std,
  sub,
  sum,
  tan,
  tanh,
  trunc,
} from "./core/ops/functions.ts";
export { flatten, narrow, permute, reshape, select, squeeze, t, transpose, unsqueeze } from "./core/ops/movement.ts";
export { amax, amin, diff, varMean } from "./core/ops/reduce.ts";
export {
  chunk,
  diag,
  diagonal,
  flip,
  hstack,
  meshgrid,
  type MeshgridOptions,
  movedim,
  repeat,
  repeatInterleave,
  roll,
  rot90,
  split,
  tile,
  trace,
  tril,
  triu,
  unbind,
  vstack,
} from "./core/ops/arrange.ts";
export { indexPut, type IndexPutOptions, maskedSelect } from "./core/ops/index.ts";
export {
  argsort,
  cummax,
  cummin,
  gather,
  indexAdd,
  indexSelect,
  kthvalue,
  scatter,
  scatterAdd,
  sort,
  topk,
} from "./core/ops/gather_sort.ts";
export { bincount, corrcoef, cov, histc, median, quantile, unique } from "./core/ops/statistics.ts";
export { clamp, maskedFill, nonzero, where } from "./core/ops/where.ts";
export { isfinite, isinf, isnan, nanToNum, type NanToNumOptions } from "./core/ops/where.ts";
export { allclose, near, testEq, testNearZero } from "./core/compare.ts";
export { setPrintOptions } from "./core/format.ts";
export type { Rows, TensorOptions } from "./core/create.ts";
export type { RandomOptions } from "./core/random/create.ts";
export type { Tolerance } from "./core/compare.ts";
export type { PrintOptions, PrintSettings } from "./core/format.ts";
export type {
  AddmmOptions,
  AlongOptions,
  BackwardOptions,
  BincountOptions,
  Bound,
  ClampOptions,
  CovOptions,
  Diagonal,
  DiagonalOptions,
  DiffOptions,
  Dim,
  Dims,
  DType,
  FlattenOptions,
  GeneratorOptions,
  Index,
  IndexAddOptions,
  MimeBundle,
  MultinomialOptions,
  Nested,
  NormOptions,
  Operand,
  OpNode,
  QuantileInterpolation,
  QuantileOptions,
  ReduceOptions,
  RollDims,
  SortOptions,
  Storage,
  TensorMethods,
  TopkOptions,
  TypedArray,
  UniqueOptions,
  UniqueResult,
  ValueOptions,
  ValuesIndices,
  VarianceOptions,
} from "./core/types.ts";

// Random streams.
export { defaultGenerator, Generator, manualSeed } from "./core/random/generator.ts";
export { RandomState } from "./core/random/engines.ts";
export { WichmannHill } from "./core/random/engines.ts";

// Back ends.
export type { BackendName } from "./core/backend/backend.ts";
export { backendName, backendReason, useBackend } from "./core/backend/choose.ts";
export { setThreads, threads } from "./core/backend/threads.ts";
export { cacheDir } from "./core/host/host.ts";

// Gradients, layers and optimisers, each also an entry point of its own.
/** Gradients on their own: `autograd.Function`, `autograd.gradcheck`. */
export * as autograd from "./backward/autograd.ts";
export { noGrad } from "./backward/tape.ts";
/** Layers, losses and initialisers: `nn.Linear`, `nn.functional.crossEntropy`, `nn.init`. */
export * as nn from "./layers/nn/nn.ts";
/** Optimisers and schedules: `optim.AdamW`, `optim.OneCycleLR`. */
export * as optim from "./layers/optim/optim.ts";
