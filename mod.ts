/**
 * Gradus: a neural-net library built step by step, from three loops to a compiled kernel.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([[1, 2], [3, 4]]);
 * assertEquals(x.matmul(x).toArray(), [[7, 10], [15, 22]]);
 * ```
 * @module
 */

// Tensors.
export { Tensor } from "./core/tensor.ts";
export { GradientSlot } from "./core/gradient_slot.ts";
export {
  arange,
  eye,
  fromData,
  full,
  linspace,
  ones,
  type Rows,
  tensor,
  type TensorOptions,
  zeros,
} from "./core/create.ts";
export { rand, randint, randn, type RandomOptions, randperm } from "./core/random/create.ts";
export { einsum } from "./core/ops/einsum.ts";
export { cat, stack } from "./core/ops/join.ts";
export { cumsum } from "./core/ops/scan.ts";
export { where } from "./core/ops/where.ts";
export * from "./core/ops/functions.ts";
export { allclose, near, testEq, testNearZero, type Tolerance } from "./core/compare.ts";
export { type PrintOptions, type PrintSettings, setPrintOptions } from "./core/format.ts";
export type { DType, Numbers } from "./core/dtype.ts";
export type { Index } from "./core/ops/index.ts";
export type { Nested, Storage } from "./core/ops/read.ts";
export type { Dims } from "./core/ops/reduce.ts";
export type { Operand } from "./core/ops/elementwise.ts";

// Random streams.
export { defaultGenerator, Generator, manualSeed } from "./core/random/generator.ts";
export { RandomState } from "./core/random/numpy_streams.ts";
export { WichmannHill } from "./core/random/wichmann_hill.ts";

// Back ends and the ladder.
export { backend, type BackendName, backendReason, useBackend } from "./core/backend/choose.ts";
export {
  type Activation,
  type Backend,
  type Fold,
  type Gemm,
  type MapOp,
  type ReduceOp,
  type Slope,
  type Strided,
  UPDATE_SETTINGS,
  type UpdateKind,
  type UpdateSetting,
  type UpdateSlot,
  type ZipOp,
} from "./core/backend/backend.ts";
export { setThreads, threads } from "./core/backend/threads.ts";
export { ladder, type Rung } from "./core/matmul/ladder.ts";

// Gradients.
/** The automatic API under one name, as in PyTorch: `autograd.Function`. */
export * as autograd from "./backward/autograd.ts";
export { type GradHook, registerHook, retainGrad } from "./backward/hooks.ts";
export { noGrad } from "./backward/tape.ts";
export { checkRule, gradcheck, type GradcheckOptions } from "./backward/gradcheck.ts";
export type { BackwardOptions, OpNode } from "./core/record.ts";

// Layers and training.
/** Layers, losses and initialisers, under PyTorch's names: `nn.Linear`, `nn.crossEntropy`, `nn.init`. */
export * as nn from "./layers/nn/nn.ts";
/** Optimisers and schedulers, under PyTorch's names: `optim.SGD`. */
export * as optim from "./layers/optim/optim.ts";

/** Training: the learner, its callbacks, metrics and checkpoints. */
export * from "./layers/train/train.ts";

// Data and files.
export {
  type ImageDataset,
  type LabelledImages,
  loadMnist,
  MNIST_MIRRORS,
  type MnistOptions,
} from "./datasets/named/mnist.ts";
export type { DownloadProgress } from "./datasets/download/receive.ts";
export { digits, type DigitsOptions, drawDigit, type DrawOptions } from "./datasets/digits/digits.ts";
export { parseIdx, readIdx } from "./datasets/formats/idx.ts";
export type { ReadOptions } from "./core/io/read_file.ts";
export { decodeNpy, encodeNpy, readNpy, writeNpy } from "./core/io/npy/npy.ts";
export { type Batch, collate, type Dataset, randomSplit, Subset, TensorDataset } from "./datasets/loader/dataset.ts";
export {
  DataLoader,
  type DataLoaderOptions,
  type DataLoaderPlace,
  type DataLoaderState,
  type Sampler,
} from "./datasets/loader/data_loader.ts";
export { type Normalization, Normalizer, normalizer } from "./datasets/loader/normalize.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensors,
  readSafetensors,
  type Safetensors,
  writeSafetensors,
} from "./core/io/safetensors/safetensors.ts";
