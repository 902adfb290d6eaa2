/** Losses that compare a prediction with a target of the same shape, element by element. */
import { type Context, Function } from "../../../backward/function.ts";
import { bceBackward, huberBackward, smoothL1Backward } from "../../../backward/rules/loss.ts";
import { checkOptions, requireTensor } from "../../../core/arguments.ts";
import { isFloating } from "../../../core/dtype.ts";
import { where } from "../../../core/ops/where.ts";
import { sameShape, show } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { logSigmoid, softplus } from "./activation.ts";
import { BCE, BCE_WITH_LOGITS, HUBER, KL_DIV, LOSS, LOSS_KINDS, SMOOTH_L1 } from "../known_options.ts";

/**
 * The squared error `(p − t)²`.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const p = tensor([1, 2, 3]);
 * assertEquals(nn.functional.mse(p, tensor([1, 2, 6])).item(), 3); // 9 / 3
 * assertThrows(() => nn.functional.mse(p.unsqueeze(1), p), RangeError, "[3, 1]");
 * ```
 * @throws {RangeError} If the shapes differ: (n, 1) against (n) is never broadcast to (n, n).
 */
export function mse(p: Tensor, t: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("take mse()", options, LOSS);
  checkPair("mse", p, t);
  return reduced(p.sub(t).square(), options.reduction);
}

/**
 * The absolute error `|p − t|`.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function l1(p: Tensor, t: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("take l1()", options, LOSS);
  checkPair("l1", p, t);
  return reduced(p.sub(t).abs(), options.reduction);
}

/** The options of `smoothL1`. */
export interface SmoothL1Options extends LossOptions {
  /**
   * The `d` at which the parabola meets the line.
   *
   * @default {1}
   */
  beta?: number;
}

/**
 * With `d = |p − t|`: `d² / (2β)` where `d < β`, else `d − β/2`; β = 0 is `l1`.
 *
 * @throws {RangeError} If the shapes differ, or β is negative.
 */
export function smoothL1(p: Tensor, t: Tensor, options: SmoothL1Options = {}): Tensor {
  checkOptions("take smoothL1()", options, SMOOTH_L1, LOSS_KINDS);
  const { reduction, beta = 1 } = options;
  checkPair("smoothL1", p, t);
  if (!(beta >= 0)) throw new RangeError(`Cannot take the smoothL1 with beta ${beta}: it must not be negative`);
  if (beta === 0) return l1(p, t, { reduction: reduction ?? "mean" });
  return reduced(SmoothL1Function.apply(p.sub(t), beta), reduction);
}

/** The options of `huber`. */
export interface HuberOptions extends LossOptions {
  /**
   * The `d` at which the parabola meets the line.
   *
   * @default {1}
   */
  delta?: number;
}

/**
 * With `d = |p − t|`: `d² / 2` where `d ≤ δ`, else `δ(d − δ/2)`. Source: Huber (1964).
 *
 * @throws {RangeError} If the shapes differ, or δ is not above 0.
 */
export function huber(p: Tensor, t: Tensor, options: HuberOptions = {}): Tensor {
  checkOptions("take huber()", options, HUBER, LOSS_KINDS);
  const { reduction, delta = 1 } = options;
  checkPair("huber", p, t);
  if (!(delta > 0)) throw new RangeError(`Cannot take the huber loss with delta ${delta}: it must be above 0`);
  return reduced(HuberFunction.apply(p.sub(t), delta), reduction);
}

/** The options of `bce`. */
export interface BceOptions extends LossOptions {
  /**
   * A factor for each element's loss, broadcast to the prediction.
   *
   * @default {null}
   */
  weight?: Tensor | null;
}

/**
 * The binary cross-entropy `−t ln p − (1 − t) ln(1 − p)` of probabilities p; the logarithms are held above −100.
 *
 * @throws {RangeError} If the shapes differ, or a prediction lies outside [0, 1].
 */
export function bce(p: Tensor, t: Tensor, options: BceOptions = {}): Tensor {
  checkOptions("take bce()", options, BCE);
  const { reduction, weight = null } = options;
  checkPair("bce", p, t);
  if (p.lt(0).any().item() === 1 || p.gt(1).any().item() === 1) {
    throw new RangeError(
      "Cannot take the bce of predictions outside [0, 1]: give probabilities, or logits to bceWithLogits()",
    );
  }
  return reduced(weighted(BceFunction.apply(p, t), weight), reduction);
}

/** The options of `bceWithLogits`. */
export interface BceWithLogitsOptions extends BceOptions {
  /**
   * A factor for the loss of positive targets, one number a class, broadcast to the prediction.
   *
   * @default {null}
   */
  posWeight?: Tensor | null;
}

/**
 * The binary cross-entropy of `σ(x)`: `(1 − t) · ln(1 + eˣ) + w · t · ln(1 + e⁻ˣ)` with `posWeight` w. It neither overflows nor
 * loses digits where |x| is large; for w = 1 its gradient is `σ(x) − t`.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function bceWithLogits(x: Tensor, t: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  checkOptions("take bceWithLogits()", options, BCE_WITH_LOGITS);
  checkPair("bceWithLogits", x, t);
  const { reduction, weight = null, posWeight = null } = options;
  if (posWeight !== null) requireTensor(posWeight, "weight positive targets by");
  const on = isFloating(t.dtype) ? t : t.to(x.dtype);
  const positive = logSigmoid(x).mul(posWeight === null ? on : on.mul(posWeight));
  const negative = softplus(x, { threshold: Infinity }).mul(on.neg().add(1));
  return reduced(weighted(negative.sub(positive), weight), reduction);
}

function weighted(losses: Tensor, weight: Tensor | null): Tensor {
  if (weight === null) return losses;
  requireTensor(weight, "weight losses by");
  return losses.mul(weight.expandAs(losses));
}

/** The options of `klDiv`. */
export interface KlDivOptions {
  /**
   * As of every loss, or `"batchmean"`: the sum divided by the size of dimension 0, which is the divergence by its definition.
   *
   * @default {"mean"}
   */
  reduction?: Reduction | "batchmean";
  /**
   * Whether the target is given as logarithms.
   *
   * @default {false}
   */
  logTarget?: boolean;
}

/**
 * The Kullback–Leibler divergence `t(ln t − x)` of log-probabilities x from a target t, 0 where t is 0.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function klDiv(x: Tensor, t: Tensor, options: KlDivOptions = {}): Tensor {
  checkOptions("take klDiv()", options, KL_DIV, LOSS_KINDS);
  const { reduction = "mean", logTarget = false } = options;
  checkPair("klDiv", x, t);
  const losses = logTarget ? t.exp().mul(t.sub(x)) : t.mul(t.add(t.eq(0)).log()).sub(t.mul(x));
  return reduction === "batchmean" ? reduced(losses, "mean", x.shape[0] ?? 1) : reduced(losses, reduction);
}

/** A context that also keeps where the parabola meets the line. */
interface JunctionContext extends Context {
  junction: number;
}

class SmoothL1Function extends Function {
  static forward(ctx: JunctionContext, d: Tensor, beta: number): Tensor {
    ctx.saveForBackward(d);
    ctx.junction = beta;
    const size = d.abs();
    return where(size.lt(beta), d.square().mul(0.5).div(beta), size.sub(beta / 2));
  }
  static backward(ctx: JunctionContext, g: Tensor): [dd: Tensor] {
    const [d] = ctx.savedTensors;
    return smoothL1Backward(g, d, ctx.junction);
  }
}

class HuberFunction extends Function {
  static forward(ctx: JunctionContext, d: Tensor, delta: number): Tensor {
    ctx.saveForBackward(d);
    ctx.junction = delta;
    const size = d.abs();
    return where(size.le(delta), d.square().mul(0.5), size.sub(delta / 2).mul(delta));
  }
  static backward(ctx: JunctionContext, g: Tensor): [dd: Tensor] {
    const [d] = ctx.savedTensors;
    return huberBackward(g, d, ctx.junction);
  }
}

class BceFunction extends Function {
  static forward(ctx: Context, p: Tensor, t: Tensor): Tensor {
    ctx.saveForBackward(p, t);
    const positive = t.mul(p.log().clampMin(-100));
    const negative = t.sub(1).mul(p.neg().log1p().clampMin(-100));
    return negative.sub(positive);
  }
  static backward(ctx: Context, g: Tensor): (Tensor | null)[] {
    const [p, t] = ctx.savedTensors;
    return bceBackward(g, p, t);
  }
}

// The losses of elements, or of rows, become the loss of a batch.

/** The `"mean"` over all losses, their `"sum"`, or `"none"`: each loss by itself. */
export type Reduction = "mean" | "sum" | "none";

/** The options of every loss. */
export interface LossOptions {
  /**
   * How the losses are reduced.
   *
   * @default {"mean"}
   */
  reduction?: Reduction;
}

/**
 * The reduced losses; `total` is what a mean divides by. Where it is 0 the mean is NaN, as in PyTorch, but its gradient is 0: a batch
 * in which no target counts must not spoil the weights.
 *
 * @throws {TypeError} If there is no such reduction.
 */
export function reduced(losses: Tensor, reduction: Reduction = "mean", total: number = losses.numel()): Tensor {
  switch (reduction) {
    case "mean":
      return total === 0 ? meanOfNothing(losses.sum()) : losses.sum().div(total);
    case "sum":
      return losses.sum();
    case "none":
      return losses;
    default:
      throw new TypeError(`Cannot reduce losses by ${reduction}: expected "mean", "sum" or "none"`);
  }
}

function meanOfNothing(sum: Tensor): Tensor {
  return sum.mul(0).add(sum.item() / 0);
}

/** Refuses a prediction and a target of different shapes, which broadcasting would pair. */
export function checkPair(loss: string, prediction: Tensor, target: Tensor): void {
  requireTensor(prediction, `take ${loss}() of`);
  requireTensor(target, `take ${loss}() with the target`);
  if (sameShape(prediction.shape, target.shape)) return;
  throw new RangeError(
    `Cannot take the ${loss} of predictions ${show(prediction.shape)} and targets ${
      show(target.shape)
    }: the shapes differ, and broadcasting would pair predictions with targets of others; use view(), squeeze() or unsqueeze()`,
  );
}
