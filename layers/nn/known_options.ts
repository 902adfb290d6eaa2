/** Names of the options that a function and its module share, by which both refuse others. */

/** Of `gelu`. */
export const GELU = ["approximate"] as const;
/** How `gelu` may be approximated. */
export const GELU_APPROXIMATIONS = ["none", "tanh"] as const;
/** Of `softplus`. */
export const SOFTPLUS = ["beta", "threshold"] as const;
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
/** What those of losses are, where it is neither a tensor nor one of several words. */
export const LOSS_KINDS = {
  beta: "number",
  delta: "number",
  logTarget: "boolean",
  ignoreIndex: "number",
  labelSmoothing: "number",
} as const;
/** Of `conv1d` and `conv2d`. */
export const CONV = ["stride", "padding", "dilation", "groups"] as const;
/** Of `convTranspose1d` and `convTranspose2d`. */
export const CONV_TRANSPOSE = ["stride", "padding", "outputPadding", "dilation", "groups"] as const;
