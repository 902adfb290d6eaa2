/** Losses of a classification: logits or log-probabilities against classes. */
import { type Context, Function } from "../../../backward/function.ts";
import { nllBackward, weightedCrossEntropyBackward } from "../../../backward/rules/loss.ts";
import { checkOptions, requireTensor } from "../../../core/arguments.ts";
import { allocate, isFloating } from "../../../core/dtype.ts";
import { wrap } from "../../../core/memory/allocate.ts";
import { crossEntropyMean } from "../../../core/ops/fused.ts";
import { oneHot, pick } from "../../../core/ops/index.ts";
import { elements } from "../../../core/ops/movement.ts";
import { where } from "../../../core/ops/where.ts";
import { sameShape, show } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { logSoftmax } from "./activation.ts";
import { type LossOptions, reduced } from "./loss.ts";
import { CROSS_ENTROPY, LOSS_KINDS, NLL } from "../known_options.ts";
import { logSoftmaxValues, softmaxValues } from "./softmax.ts";

/** The options of `nll`. */
export interface NllOptions extends LossOptions {
  /**
   * A weight for each class, [classes]; a mean divides by the weights of the targets.
   *
   * @default {null}
   */
  weight?: Tensor | null;
  /**
   * The target of rows that are ignored: they add nothing to the loss, and get no gradient.
   *
   * @default {-100}
   */
  ignoreIndex?: number;
}

/** The options of `crossEntropy`. */
export interface CrossEntropyOptions extends NllOptions {
  /**
   * The part ε of the target that is spread evenly over all classes, from 0 to 1.
   *
   * @default {0}
   */
  labelSmoothing?: number;
}

/**
 * The negative log-likelihood `−w[y] · l[y]` of log-probabilities l [n, classes] (or [n, classes, …], or [classes]) and integer
 * targets y [n] (or [n, …], or []); the mean divides by `Σ w[y]`.
 *
 * @throws {RangeError} If the shapes do not fit, or a target is not a class.
 * @throws {TypeError} If the targets are not integers.
 */
export function nll(logProbabilities: Tensor, target: Tensor, options: NllOptions = {}): Tensor {
  checkOptions("take nll()", options, NLL, LOSS_KINDS);
  requireTensor(logProbabilities, "take nll() of");
  requireTensor(target, "take nll() with the target");
  const { reduction, weight = null, ignoreIndex = -100 } = options;
  checkClassTargets("nll", logProbabilities, target);
  const l = classesLast(logProbabilities); // [n, classes]
  checkClassWeight(weight, l.shape[1]);
  const targets = readTargets(target, l.shape[1], l, weight, ignoreIndex);
  const rows = NllFunction.apply(l, targets); // [n]
  return reduced(rows.view(...target.shape), reduction, targets.total);
}

/**
 * The cross-entropy of logits z [n, classes] (or [n, classes, …], or [classes]) and targets: `−w[y] · ln softmax(z)[y]` for integer
 * classes y, where the mean divides by `Σ w[y]`, or `−Σ_c w_c · q_c · ln softmax(z)_c` for probabilities q of the logits' shape, where it
 * divides by n. With smoothing the target is `(1 − ε) · target + ε / classes`.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const logits = tensor([[2, 0], [0, 2]]);
 * const target = tensor([0, -100], { dtype: "int32" }); // the second row does not count
 * assertAlmostEquals(nn.functional.crossEntropy(logits, target).item(), Math.log1p(Math.exp(-2)), 1e-6);
 * ```
 * @throws {RangeError} If the shapes do not fit, a target is not a class, or the smoothing lies outside [0, 1].
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkOptions("take crossEntropy()", options, CROSS_ENTROPY, LOSS_KINDS);
  requireTensor(logits, "take crossEntropy() of");
  requireTensor(target, "take crossEntropy() with the target");
  const { weight = null, labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new RangeError(`Cannot smooth labels by ${labelSmoothing}: it must lie from 0 to 1`);
  }
  if (isFloating(target.dtype)) return ofProbabilities(logits, target, options);
  if (labelSmoothing > 0) return smoothed(logits, target, options);
  checkClassTargets("crossEntropy", logits, target);
  if (isMeanOverAllRows(logits, target, options)) return crossEntropyMean(logits, target);
  const z = classesLast(logits); // [n, classes]
  checkClassWeight(weight, z.shape[1]);
  const targets = readTargets(target, z.shape[1], z, weight, options.ignoreIndex ?? -100);
  const rows = CrossEntropyFunction.apply(z, targets); // [n]
  return reduced(rows.view(...target.shape), options.reduction, targets.total);
}

/** Whether the loss is the mean over all rows of [n, classes], unweighted, which the back end computes in one pass. */
function isMeanOverAllRows(
  logits: Tensor,
  target: Tensor,
  { weight, ignoreIndex = -100, reduction }: CrossEntropyOptions,
): boolean {
  return logits.ndim === 2 && (weight ?? null) === null && (reduction ?? "mean") === "mean" &&
    !elements(target).includes(ignoreIndex);
}

function ofProbabilities(logits: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  if (!sameShape(logits.shape, target.shape)) {
    throw new RangeError(
      `Cannot take the crossEntropy of logits ${show(logits.shape)} and probabilities ${
        show(target.shape)
      }: the shapes differ; classes must be of an integer kind, use int()`,
    );
  }
  const { weight = null, labelSmoothing = 0, reduction } = options;
  const z = classesLast(logits); // [n, classes]
  checkClassWeight(weight, z.shape[1]);
  const even = labelSmoothing / z.shape[1];
  const q = classesLast(target).mul(1 - labelSmoothing).add(even);
  const terms = logSoftmax(z).mul(q);
  return reduced((weight === null ? terms : terms.mul(weight)).sum(1).neg().view(...withoutClasses(logits)), reduction);
}

/** `(1 − ε) · nll + ε / classes · Σ_c −w_c · ln softmax(z)_c`, where ignored rows have no second part either. */
function smoothed(logits: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  checkClassTargets("crossEntropy", logits, target);
  const { weight = null, labelSmoothing = 0, ignoreIndex = -100, reduction } = options;
  const counts = target.reshape(-1).ne(ignoreIndex);
  const l = logSoftmax(where(counts.unsqueeze(1), classesLast(logits), 0)); // [n, classes]
  const one = nll(l, target.reshape(-1), { weight, ignoreIndex, reduction: "none" });
  const all = (weight === null ? l : l.mul(weight)).sum(1).neg().mul(counts);
  const { total } = readTargets(target, l.shape[1], l, weight, ignoreIndex);
  const part = (rows: Tensor) => reduced(rows.view(...target.shape), reduction, total);
  return part(one).mul(1 - labelSmoothing).add(part(all).mul(labelSmoothing / l.shape[1]));
}

/** The shape of a row's losses: the prediction's, without its classes. */
function withoutClasses(prediction: Tensor): number[] {
  return prediction.shape.toSpliced(prediction.ndim === 1 ? 0 : 1, 1);
}

/** [classes], [n, classes] and [n, classes, …] as [rows, classes]. */
function classesLast(x: Tensor): Tensor {
  if (x.ndim < 3) return x.ndim === 1 ? x.unsqueeze(0) : x;
  const rest = x.shape.slice(2).map((_, i) => i + 2);
  return x.permute(0, ...rest, 1).reshape(-1, x.shape[1]);
}

function checkClassTargets(loss: string, prediction: Tensor, target: Tensor): void {
  if (isFloating(target.dtype) || target.dtype === "bool") {
    throw new TypeError(`Cannot take the ${loss} of ${target.dtype} targets: classes are integers, use int()`);
  }
  if (prediction.ndim > 0 && sameShape(withoutClasses(prediction), target.shape)) return;
  throw new RangeError(
    `Cannot take the ${loss} of predictions ${show(prediction.shape)} and targets ${
      show(target.shape)
    }: expected [n, classes, …] and [n, …], a class for each row`,
  );
}

/** A context that also keeps what the backward pass needs of the targets. */
interface ClassContext extends Context {
  targets: ClassTargets;
}

class NllFunction extends Function {
  static forward(ctx: ClassContext, l: Tensor, targets: ClassTargets): Tensor {
    ctx.saveForBackward(l);
    ctx.targets = targets;
    return rowLosses(l, targets);
  }
  static backward(ctx: ClassContext, g: Tensor): [dl: Tensor] {
    const [l] = ctx.savedTensors;
    return nllBackward(g, weightedOneHot(ctx.targets, l));
  }
}

class CrossEntropyFunction extends Function {
  static forward(ctx: ClassContext, z: Tensor, targets: ClassTargets): Tensor {
    ctx.saveForBackward(z);
    ctx.targets = targets;
    return rowLosses(logSoftmaxValues(z), targets);
  }
  static backward(ctx: ClassContext, g: Tensor): [dz: Tensor] {
    const [z] = ctx.savedTensors;
    return weightedCrossEntropyBackward(g, softmaxValues(z), weightedOneHot(ctx.targets, z));
  }
}

/** `−w_i · l[i, y_i]`, and 0 for an ignored row, whatever it holds, NaN included. */
function rowLosses(l: Tensor, { columns, weights, ignored }: ClassTargets): Tensor {
  const picked = pick(l, columns);
  for (const row of ignored) picked.data[row] = 0;
  return picked.mul(weights).neg();
}

/** Each row's weight at its class, 0 elsewhere: [n, classes]. */
function weightedOneHot({ columns, weights }: ClassTargets, like: Tensor): Tensor {
  return where(oneHot(columns, like.shape[1]).bool(), weights.unsqueeze(1), 0); // where(), for 0 · ∞ is NaN
}

// Targets of a classification: the class of each row, and its weight.

/** The targets of n rows, checked. */
interface ClassTargets {
  /** The classes [n], as int32; 0 for a row that is ignored. */
  readonly columns: Tensor;
  /** The weight of each row [n]: that of its class, 0 for a row that is ignored. */
  readonly weights: Tensor;
  /** Which rows are ignored. */
  readonly ignored: readonly number[];
  /** What a mean divides by: the sum of the weights. */
  readonly total: number;
}

/**
 * Reads the targets [n] of `classes` classes.
 *
 * @throws {RangeError} If a target is not a class.
 */
function readTargets(
  targets: Tensor,
  classes: number,
  like: Tensor,
  weight: Tensor | null,
  ignoreIndex: number,
): ClassTargets {
  const columns = Int32Array.from(elements(targets));
  const weights = allocate(like.dtype, columns.length);
  const ofClass = weight === null ? null : elements(weight);
  const ignored: number[] = [];
  let total = 0;
  columns.forEach((column, row) => {
    if (column === ignoreIndex) {
      columns[row] = 0;
      ignored.push(row);
      return;
    }
    if (column < 0 || column >= classes) throw outOfBounds(column, classes, ignoreIndex);
    total += weights[row] = ofClass === null ? 1 : ofClass[column];
  });
  return {
    columns: wrap(columns, [columns.length], "int32"),
    weights: wrap(weights, [columns.length], like.dtype),
    ignored,
    total,
  };
}

function outOfBounds(target: number, classes: number, ignoreIndex: number): RangeError {
  return new RangeError(
    `Cannot take the loss of target ${target}: it is out of bounds, expected 0 to ${
      classes - 1
    }, or ${ignoreIndex} to ignore it`,
  );
}

/** Refuses a weight that is not one number a class. */
function checkClassWeight(weight: Tensor | null, classes: number): void {
  if (weight !== null) requireTensor(weight, "weight classes by");
  if (weight === null || (weight.ndim === 1 && weight.shape[0] === classes)) return;
  throw new RangeError(
    `Cannot weight ${classes} classes by ${show(weight.shape)}: give one weight a class, [${classes}]`,
  );
}
