/** Activations as functions. Each is one operation, with one pass forward and one backward; softmax and its logarithm are several. */
import { checkOptions, requireChoice, requireTensor } from "../../../core/arguments.ts";
import { unary } from "../../../core/ops/elementwise.ts";
import { noteFunction } from "../../../core/record.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { GELU, GELU_APPROXIMATIONS, SOFTPLUS } from "../known_options.ts";
import { LogSoftmaxFunction, SoftmaxFunction } from "./softmax.ts";

/** `max(x, 0)`; its derivative at 0 is 0. */
export function relu(x: Tensor): Tensor {
  requireTensor(x, "take relu() of");
  return x.relu();
}

/** `x` where it is positive, else `slope · x`. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  requireTensor(x, "take leakyRelu() of");
  return unary("leakyRelu", x, slope);
}

/** `1 / (1 + e⁻ˣ)`. */
export function sigmoid(x: Tensor): Tensor {
  requireTensor(x, "take sigmoid() of");
  return x.sigmoid();
}

/** `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`. */
export function tanh(x: Tensor): Tensor {
  requireTensor(x, "take tanh() of");
  return x.tanh();
}

/** `x` where it is positive, else `α(eˣ − 1)`. Source: Clevert et al., "Exponential Linear Units" (2015). */
export function elu(x: Tensor, alpha = 1): Tensor {
  requireTensor(x, "take elu() of");
  return unary("elu", x, alpha, 1);
}

/** `1.0507 · elu(x, 1.6733)`, which keeps mean 0 and variance 1. Source: Klambauer et al., "Self-Normalizing Networks" (2017). */
export function selu(x: Tensor): Tensor {
  requireTensor(x, "take selu() of");
  return unary("elu", x, 1.6732632423543772, 1.0507009873554805);
}

/** The options of `gelu`. */
export interface GeluOptions {
  /**
   * `"tanh"` computes `½x(1 + tanh(√(2/π)(x + 0.044715x³)))` instead of the error function.
   *
   * @default {"none"}
   */
  approximate?: "none" | "tanh";
}

/** `x · Φ(x)` with the normal distribution `Φ(x) = ½(1 + erf(x/√2))`. Source: Hendrycks and Gimpel (2016). */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  requireTensor(x, "take gelu() of");
  checkOptions("take gelu()", options, GELU);
  const { approximate = "none" } = options;
  requireChoice("take gelu()", "approximation", approximate, GELU_APPROXIMATIONS);
  return unary(approximate === "tanh" ? "geluTanh" : "gelu", x);
}

/** `x · σ(x)`, also called swish. */
export function silu(x: Tensor): Tensor {
  requireTensor(x, "take silu() of");
  return unary("silu", x);
}

/** `x · tanh(softplus(x))`. Source: Misra, "Mish" (2019). */
export function mish(x: Tensor): Tensor {
  requireTensor(x, "take mish() of");
  return unary("mish", x);
}

/** The options of `softplus`. */
export interface SoftplusOptions {
  /**
   * The β of the formula: the larger, the nearer to ReLU.
   *
   * @default {1}
   */
  beta?: number;
  /**
   * Where `βx` is larger than this, the result is `x` itself.
   *
   * @default {20}
   */
  threshold?: number;
}

/** `ln(1 + e^(βx)) / β`, a smooth relu. */
export function softplus(x: Tensor, options: SoftplusOptions = {}): Tensor {
  requireTensor(x, "take softplus() of");
  checkOptions("take softplus()", options, SOFTPLUS);
  const { beta = 1, threshold = 20 } = options;
  return unary("softplus", x, beta, threshold);
}

/** `ln σ(x)`, without overflow. */
export function logSigmoid(x: Tensor): Tensor {
  requireTensor(x, "take logSigmoid() of");
  return unary("softplus", x, -1, Infinity); // −ln(1 + e⁻ˣ)
}

/** `min(max(x, low), high)`; its derivative on the bounds is 0, that of `clamp` is 1. */
export function hardtanh(x: Tensor, low = -1, high = 1): Tensor {
  requireTensor(x, "take hardtanh() of");
  return unary("hardtanh", x, low, high);
}

/** `eˣ / Σeˣ` along `dim`: positive numbers that add up to 1. */
export function softmax(x: Tensor, dim = -1): Tensor {
  return noteFunction("softmax", SoftmaxFunction.apply(x, dim), [x], { dim });
}

/** `x − ln Σeˣ` along `dim`: the logarithm of softmax, without its rounding. */
export function logSoftmax(x: Tensor, dim = -1): Tensor {
  return noteFunction("logSoftmax", LogSoftmaxFunction.apply(x, dim), [x], { dim });
}
