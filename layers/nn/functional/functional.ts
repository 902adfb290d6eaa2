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
export * from "./activation.ts"; // each activation, under PyTorch's name
export {
  rotaryEmbedding,
  type RotaryOptions,
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
  type SinusoidalOptions,
  sinusoidalPositions,
} from "./attention.ts";
export { crossEntropy, type CrossEntropyOptions, nll, type NllOptions } from "./class_loss.ts";
export {
  conv1d,
  type Conv1dOptions,
  conv2d,
  type Conv2dOptions,
  convTranspose1d,
  type ConvTranspose1dOptions,
  convTranspose2d,
  type ConvTranspose2dOptions,
  fold,
  type NumberOrPair,
  unfold,
  type UnfoldOptions,
} from "./convolution.ts";
export {
  cosineEmbedding,
  cosineSimilarity,
  type CosineSimilarityOptions,
  gaussianNll,
  type GaussianNllOptions,
  hingeEmbedding,
  type MarginOptions,
  marginRanking,
  multiMargin,
  type MultiMarginOptions,
  normalize,
  type NormalizeOptions,
  oneHot,
  poissonNll,
  type PoissonNllOptions,
  tripletMargin,
  type TripletMarginOptions,
} from "./distance_loss.ts";
export { dropout, dropout2d, type DropoutOptions, embedding, type EmbeddingOptions, linear } from "./layer.ts";
export {
  batchNorm,
  type BatchNormOptions,
  groupNorm,
  instanceNorm,
  type InstanceNormOptions,
  layerNorm,
  type LayerNormOptions,
  rmsNorm,
  type RmsNormOptions,
} from "./norm.ts";
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  type AdaptiveMaxPoolOptions,
  avgPool1d,
  avgPool2d,
  type AvgPool2dOptions,
  type AvgPoolOptions,
  maxPool1d,
  maxPool2d,
  type MaxPoolOptions,
  type OutputSize,
  type ValuesAndIndices,
  type WindowOptions,
} from "./pooling.ts";
export { interpolate, type InterpolateOptions, pad, type PadOptions, pixelShuffle } from "./resize.ts";
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
} from "./loss.ts";
