/** Names of the options that a function and its module share, by which both refuse others. */

/** Of `gelu`. */
export const GELU = ["approximate"] as const;
/** How `gelu` may be approximated. */
export const GELU_APPROXIMATIONS = ["none", "tanh"] as const;
/** Of `softplus`. */
export const SOFTPLUS = ["beta", "threshold"] as const;
/** Of `maxPool1d` and `maxPool2d`. */
export const MAX_POOL = ["stride", "padding", "dilation", "ceilMode", "returnIndices"] as const;
/** Of `MaxPool1d` and `MaxPool2d`, whose output is one tensor. */
export const MAX_POOL_MODULE = ["stride", "padding", "dilation", "ceilMode"] as const;
/** Of `avgPool1d`. */
export const AVG_POOL_1D = ["stride", "padding", "ceilMode", "countIncludePad"] as const;
/** Of `avgPool2d`. */
export const AVG_POOL = ["stride", "padding", "ceilMode", "countIncludePad", "divisorOverride"] as const;
/** Of `adaptiveMaxPool2d`. */
export const ADAPTIVE_MAX_POOL = ["returnIndices"] as const;
/** What those of windows are, where it is not sizes. */
export const POOL_KINDS = { ceilMode: "boolean", returnIndices: "boolean", countIncludePad: "boolean" } as const;
/** The same of sequences, whose sizes are numbers. */
export const POOL_1D_KINDS = { stride: "number", padding: "number", dilation: "number", ...POOL_KINDS } as const;
/** How `pad` may fill what it adds. */
export const PAD_MODES = ["constant", "reflect", "replicate", "circular"] as const;
/** Of `interpolate`. */
export const INTERPOLATE = ["size", "scaleFactor", "mode", "alignCorners"] as const;
/** How `interpolate` may compute an element. */
export const INTERPOLATE_MODES = ["nearest", "bilinear"] as const;
/** Of `mse` and `l1`. */
export const LOSS = ["reduction"] as const;
/** Of `smoothL1`. */
export const SMOOTH_L1 = ["reduction", "beta"] as const;
/** Of `huber`. */
export const HUBER = ["reduction", "delta"] as const;
/** Of `klDiv`. */
export const KL_DIV = ["reduction", "logTarget"] as const;
/** Of `bce`. */
export const BCE = ["reduction", "weight"] as const;
/** Of `bceWithLogits`. */
export const BCE_WITH_LOGITS = ["reduction", "weight", "posWeight"] as const;
/** Of `nll`. */
export const NLL = ["reduction", "weight", "ignoreIndex"] as const;
/** Of `crossEntropy`. */
export const CROSS_ENTROPY = ["reduction", "weight", "ignoreIndex", "labelSmoothing"] as const;
/** Of `cosineSimilarity`. */
export const COSINE_SIMILARITY = ["dim", "eps"] as const;
/** Of `normalize`. */
export const NORMALIZE = ["p", "dim", "eps"] as const;
/** Of losses with a margin. */
export const MARGIN = ["reduction", "margin"] as const;
/** Of `tripletMargin`. */
export const TRIPLET_MARGIN = ["reduction", "margin", "p", "eps", "swap"] as const;
/** Of `multiMargin`. */
export const MULTI_MARGIN = ["reduction", "margin", "p", "weight"] as const;
/** Of `poissonNll`. */
export const POISSON_NLL = ["reduction", "logInput", "full", "eps"] as const;
/** Of `gaussianNll`. */
export const GAUSSIAN_NLL = ["reduction", "full", "eps"] as const;
/** What those of losses are, where it is neither a tensor nor one of several words. */
export const LOSS_KINDS = {
  beta: "number",
  delta: "number",
  logTarget: "boolean",
  ignoreIndex: "number",
  labelSmoothing: "number",
  dim: "number",
  eps: "number",
  p: "number",
  margin: "number",
  swap: "boolean",
  logInput: "boolean",
  full: "boolean",
} as const;
/** Of `conv1d` and `conv2d`. */
export const CONV = ["stride", "padding", "dilation", "groups"] as const;
/** Of `convTranspose1d` and `convTranspose2d`. */
export const CONV_TRANSPOSE = ["stride", "padding", "outputPadding", "dilation", "groups"] as const;
/** Of `unfold` and `fold`. */
export const UNFOLD = ["stride", "padding", "dilation"] as const;
