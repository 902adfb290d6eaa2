/**
 * The library of layers under one name, as in PyTorch: `nn.Linear`, `nn.functional.crossEntropy`, `nn.init.kaimingUniform_`.
 *
 * The losses stand here too, for short: `nn.mse` is `nn.functional.mse`.
 */
export {
  ELU,
  GELU,
  Hardtanh,
  LeakyReLU,
  LogSigmoid,
  LogSoftmax,
  Mish,
  ReLU,
  SELU,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Tanh,
} from "./activation.ts";
export { BatchNorm1d, type BatchNorm1dOptions, LayerNorm, type LayerNormModuleOptions } from "./normalization.ts";
export { Buffer, type BufferOptions, Parameter, type ParameterOptions } from "./parameter.ts";
export { Dropout, Embedding, type EmbeddingModuleOptions, Flatten, Linear, type LinearOptions } from "./linear.ts";
export {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MSELoss,
  NLLLoss,
  type Pair,
  SmoothL1Loss,
} from "./loss.ts";
export { crossEntropy, type CrossEntropyOptions, nll, type NllOptions } from "./functional_class_loss.ts";
export {
  bce,
  type BceOptions,
  bceWithLogits,
  type BceWithLogitsOptions,
  huber,
  type HuberOptions,
  klDiv,
  type KlDivOptions,
  l1,
  type LossOptions,
  mse,
  type Reduction,
  smoothL1,
  type SmoothL1Options,
} from "./functional_loss.ts";
export type { GeluOptions, SoftplusOptions } from "./functional_activation.ts";
export { type AnyModule, type LoadOptions, type LoadReport, Module, type State } from "./module.ts";
export { Sequential } from "./sequential.ts";
/** What layers compute, as functions without state. */
export * as functional from "./functional.ts";
/** Initialisers, which fill a tensor in place. */
export * as init from "./init.ts";
