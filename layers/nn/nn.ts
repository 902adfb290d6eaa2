/**
 * Layers, losses and initialisers, as in PyTorch: `nn.Linear`, `nn.functional.crossEntropy`, `nn.init.kaimingUniform_`.
 *
 * @example
 * ```ts
 * import { ones } from "@gradus/gradus";
 * import * as nn from "@gradus/gradus/nn"; // or { nn } from "@gradus/gradus"
 * import { assertEquals } from "@std/assert";
 *
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2));
 * assertEquals(model.call(ones([3, 4])).shape, [3, 2]);
 * ```
 * @module
 */

// Modules, and what they are made of.
export { type AnyModule, type LoadOptions, type LoadReport, Module, type State } from "./module.ts";
export type { ForwardHook, ForwardPreHook, FullBackwardHook, HookHandle } from "./module_hooks.ts";
export { Sequential } from "./sequential.ts";
export { ModuleDict, ModuleList, ParameterList } from "./containers.ts";
export { Buffer, type BufferOptions, Parameter, type ParameterOptions } from "./parameter.ts";

// Layers.
export {
  Conv1d,
  type Conv1dModuleOptions,
  Conv2d,
  type Conv2dModuleOptions,
  type ConvNd,
  type ConvParameterOptions,
  ConvTranspose1d,
  type ConvTranspose1dModuleOptions,
  ConvTranspose2d,
  type ConvTranspose2dModuleOptions,
  type PaddingMode,
} from "./convolution.ts";
export {
  Dropout,
  Dropout2d,
  Embedding,
  type EmbeddingModuleOptions,
  Flatten,
  Identity,
  Linear,
  type LinearOptions,
  Unflatten,
} from "./layers.ts";
export {
  BatchNorm1d,
  type BatchNorm1dOptions,
  BatchNorm2d,
  type BatchNorm2dOptions,
  ChannelNorm,
  type ChannelNormOptions,
  InstanceNorm2d,
  type InstanceNorm2dOptions,
} from "./channel_norm.ts";
export { type TabularFeatures, TabularModel, type TabularModelOptions } from "./tabular_model.ts";
export {
  GroupNorm,
  type GroupNormOptions,
  LayerNorm,
  type LayerNormModuleOptions,
  RMSNorm,
  type RMSNormModuleOptions,
} from "./normalization.ts";
export { type AttentionCallOptions, MultiheadAttention, type MultiheadAttentionOptions } from "./attention.ts";
export { KeyValueCache } from "./key_value_cache.ts";
export {
  TransformerEncoder,
  type TransformerEncoderCallOptions,
  TransformerEncoderLayer,
  type TransformerEncoderOptions,
  type TransformerLayerOptions,
} from "./transformer.ts";
export { type TransformerDecoderCallOptions, TransformerDecoderLayer } from "./transformer_decoder.ts";
export { LearnedPositions, type LearnedPositionsOptions, SinusoidalPositions } from "./positions.ts";
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveMaxPool2d,
  AvgPool1d,
  AvgPool2d,
  MaxPool1d,
  MaxPool2d,
  type MaxPoolModuleOptions,
} from "./pooling.ts";
export { GRU, LSTM, type LstmState, type Nonlinearity, RNN, type RnnOptions } from "./recurrent/recurrent.ts";
export { Recurrent, type RecurrentOptions, type Sequences } from "./recurrent/recurrent_base.ts";
export {
  GRUCell,
  LSTMCell,
  RecurrentCell,
  type RecurrentCellOptions,
  RNNCell,
  type RnnCellOptions,
} from "./recurrent/cells.ts";
export {
  PackedSequence,
  packPaddedSequence,
  type PackPaddedSequenceOptions,
  padPackedSequence,
  type PadPackedSequenceOptions,
  padSequence,
  type PadSequenceOptions,
} from "./recurrent/packed_sequence.ts";
export { PixelShuffle, Upsample, ZeroPad2d } from "./resizing.ts";

export { fuseConvBatchNorm } from "./fuse_conv_batch_norm.ts";

// Activations: ReLU, GELU, Softmax and their kin, each function of `functional` as a module.
export * from "./activation.ts";

// Losses.
export {
  BCELoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  CrossEntropyLoss,
  GaussianNLLLoss,
  HingeEmbeddingLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MarginRankingLoss,
  MSELoss,
  MultiMarginLoss,
  NLLLoss,
  type Pair,
  PoissonNLLLoss,
  SmoothL1Loss,
  TripletMarginLoss,
} from "./loss.ts";

// Functions and initialisers.
/** What layers compute, as functions without state. */
export * as functional from "./functional/functional.ts";
/** Initialisers, which fill a tensor in place. */
export * as init from "./init.ts";

// Options and types that these speak of.
export type {
  AvgPool2dOptions,
  AvgPoolOptions,
  BceOptions,
  BceWithLogitsOptions,
  Conv1dOptions,
  Conv2dOptions,
  ConvTranspose1dOptions,
  ConvTranspose2dOptions,
  CrossEntropyOptions,
  GaussianNllOptions,
  GeluOptions,
  HuberOptions,
  InterpolateOptions,
  KlDivOptions,
  LossOptions,
  MarginOptions,
  MaxPoolOptions,
  MultiMarginOptions,
  NllOptions,
  NumberOrPair,
  OutputSize,
  PoissonNllOptions,
  Reduction,
  RmsNormOptions,
  RotaryOptions,
  ScaledDotProductAttentionOptions,
  SinusoidalOptions,
  SmoothL1Options,
  SoftplusOptions,
  TripletMarginOptions,
  UnfoldOptions,
  WindowOptions,
} from "./functional/functional.ts";
export type { CellKind, CellWeights } from "../../core/ops/recurrent.ts";
export type * from "../../core/types.ts";
