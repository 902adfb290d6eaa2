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
export { BatchNorm1d, type BatchNorm1dOptions } from "./batch_norm.ts";
export { Buffer, type BufferOptions } from "./buffer.ts";
export { Dropout } from "./dropout.ts";
export { Embedding, type EmbeddingModuleOptions } from "./embedding.ts";
export { Flatten } from "./flatten.ts";
export { LayerNorm, type LayerNormModuleOptions } from "./layer_norm.ts";
export { Linear, type LinearOptions } from "./linear.ts";
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
export * from "./functional_loss.ts";
export type { GeluOptions, SoftplusOptions } from "./functional_activation.ts";
export { type AnyModule, Module } from "./module.ts";
export { Parameter, type ParameterOptions } from "./parameter.ts";
export { Sequential } from "./sequential.ts";
export type { LoadOptions, LoadReport, State } from "./state_dict.ts";
/** What layers compute, as functions without state. */
export * as functional from "./functional.ts";
/** Initialisers, which fill a tensor in place. */
export * as init from "./init.ts";
