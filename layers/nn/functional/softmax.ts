/** Softmax and its logarithm: their values, and the steps that the tape records for them. */
import { type Context, Function } from "../../../backward/function.ts";
import { logSoftmaxBackward, softmaxBackward } from "../../../backward/rules/reduce.ts";
import { requireTensor } from "../../../core/arguments.ts";
import { isFloating } from "../../../core/dtype.ts";
import { softmaxOfRows } from "../../../core/ops/fused.ts";
import { isRecorded } from "../../../core/record.ts";
import { resolveDim } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";

/** `eˣ / Σeˣ` along `dim`, which is not recorded as a step of its own. */
export function softmaxValues(x: Tensor, dim = -1): Tensor {
  requireTensor(x, "take softmax() of");
  const d = resolveDim(dim, x.ndim, "take softmax() over");
  if (isOfRows(x, d)) return softmaxOfRows(x, false);
  const e = belowMax(x, dim).exp();
  return e.div(e.sum(dim, true));
}

/** `x − ln Σeˣ` along `dim`, which is not recorded as a step of its own. */
export function logSoftmaxValues(x: Tensor, dim = -1): Tensor {
  requireTensor(x, "take logSoftmax() of");
  const d = resolveDim(dim, x.ndim, "take logSoftmax() over");
  if (isOfRows(x, d)) return softmaxOfRows(x, true);
  const shifted = belowMax(x, dim);
  return shifted.sub(shifted.exp().sum(dim, true).log());
}

/** Whether one pass of the back end computes it: over the last dimension, and where no gradient goes back through its parts. */
function isOfRows(x: Tensor, d: number): boolean {
  return x.ndim > 0 && d === x.ndim - 1 && isFloating(x.dtype) && !isRecorded(x);
}

/** `x − max x` along `dim`, so that nothing overflows and large logits keep their digits; an empty tensor has no maximum. */
function belowMax(x: Tensor, dim: number): Tensor {
  return x.numel() === 0 ? x : x.sub(x.max(dim, true).values);
}

/** A context that also keeps the dimension. */
interface DimContext extends Context {
  dim: number;
}

/** Softmax as one step of the tape. */
export class SoftmaxFunction extends Function {
  /** The values; they are all that the derivative needs. */
  static forward(ctx: DimContext, x: Tensor, dim: number): Tensor {
    const y = softmaxValues(x, dim);
    ctx.saveForBackward(y);
    ctx.dim = dim;
    return y;
  }
  /** By `softmaxBackward` in backward/rules/reduce.ts. */
  static backward(ctx: DimContext, g: Tensor): [dx: Tensor] {
    const [y] = ctx.savedTensors;
    return softmaxBackward(g, y, ctx.dim);
  }
}

/** The logarithm of softmax as one step of the tape. */
export class LogSoftmaxFunction extends Function {
  /** The values; they are all that the derivative needs. */
  static forward(ctx: DimContext, x: Tensor, dim: number): Tensor {
    const y = logSoftmaxValues(x, dim);
    ctx.saveForBackward(y);
    ctx.dim = dim;
    return y;
  }
  /** By `logSoftmaxBackward` in backward/rules/reduce.ts. */
  static backward(ctx: DimContext, g: Tensor): [dx: Tensor] {
    const [y] = ctx.savedTensors;
    return logSoftmaxBackward(g, y, ctx.dim);
  }
}
