/**
 * What layers compute, as functions without state: PyTorch's `nn.functional`.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const { relu, mse } = nn.functional;
 * assertEquals(relu(tensor([-1, 2])).toArray(), [0, 2]);
 * assertEquals(mse(tensor([1, 2]), tensor([1, 4])).item(), 2);
 * ```
 * @module
 */
export * from "./functional_activation.ts"; // each activation, under PyTorch's name
export { crossEntropy, type CrossEntropyOptions, nll, type NllOptions } from "./functional_class_loss.ts";
export {
  conv1d,
  type Conv1dOptions,
  conv2d,
  type Conv2dOptions,
  convTranspose1d,
  type ConvTranspose1dOptions,
  convTranspose2d,
  type ConvTranspose2dOptions,
  type NumberOrPair,
} from "./functional_convolution.ts";
export {
  batchNorm,
  type BatchNormOptions,
  dropout,
  type DropoutOptions,
  embedding,
  type EmbeddingOptions,
  layerNorm,
  type LayerNormOptions,
  linear,
} from "./functional_layer.ts";
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
