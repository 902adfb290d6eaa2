/** What a Sequential may do with the values between its layers, which nobody else can reach. */
import type { Activation } from "../../core/backend/backend.ts";
import { linear } from "../../core/ops/linalg.ts";
import { give } from "../../core/pool.ts";
import type { Tensor } from "../../core/tensor.ts";
import {
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
import { BatchNorm1d } from "./batch_norm.ts";
import { Dropout } from "./dropout.ts";
import { LayerNorm } from "./layer_norm.ts";
import { Linear } from "./linear.ts";
import type { Module } from "./module.ts";

/** Layers that keep nothing of what passes through them: exactly these classes, since one derived from them might. */
const DISCREET: ReadonlySet<unknown> = new Set([
  ...[Linear, BatchNorm1d, LayerNorm, Dropout],
  ...[ELU, GELU, Hardtanh, LeakyReLU, LogSigmoid, LogSoftmax, Mish, ReLU, SELU, Sigmoid, SiLU, Softmax, Softplus, Tanh],
]);

/** Whether the layer keeps nothing of its input and output. */
export function isDiscreet(module: Module): boolean {
  return DISCREET.has(module.constructor);
}

/** The activation that the machine can apply while a linear layer's sums are still at hand. */
export function fusibleActivation(module: Module | undefined): Activation {
  switch (module?.constructor) {
    case ReLU:
      return "relu";
    case Sigmoid:
      return "sigmoid";
    case Tanh:
      return "tanh";
    default:
      return "none";
  }
}

/** A linear layer and the activation after it, in one pass. */
export function activatedLinear({ weight, bias }: Linear, activation: Activation, x: Tensor): Tensor {
  return linear(x, weight, bias, { activation, turned: true });
}

/** `y` was made from `x` within a Sequential: from now on only the tape needs it, or nobody. */
export function keepInner(y: Tensor, x: Tensor): void {
  y.isInner = y.data !== x.data;
}

/** `x` was used up within a Sequential; unless the tape still needs it, its memory is free. */
export function letGo(x: Tensor, y: Tensor): void {
  if (x.isInner && !x.requiresGrad && x.data !== y.data) give(x.data);
}
