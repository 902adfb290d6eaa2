/** Losses of distances, margins and distributions, and what vectors have in common. */
import { checkOptions, requireChoice, requireNumber, requireTensor } from "../../../core/arguments.ts";
import { isFloating } from "../../../core/dtype.ts";
import { where } from "../../../core/ops/where.ts";
import { broadcastShapes, resolveDim, sameShape, show } from "../../../core/shape.ts";
import { gather } from "../../../core/ops/gather_sort.ts";
import { arange } from "../../../core/create.ts";
import type { Tensor } from "../../../core/tensor.ts";
import {
  COSINE_SIMILARITY,
  GAUSSIAN_NLL,
  LOSS_KINDS,
  MARGIN,
  MULTI_MARGIN,
  NORMALIZE,
  POISSON_NLL,
  TRIPLET_MARGIN,
} from "../known_options.ts";
import { checkPair, type LossOptions, reduced } from "./loss.ts";

// Vectors.

/** The options of `cosineSimilarity`. */
export interface CosineSimilarityOptions {
  /**
   * The dimension that the vectors lie along.
   *
   * @default {1}
   */
  dim?: number;
  /**
   * The least that is divided by.
   *
   * @default {1e-8}
   */
  eps?: number;
}

/**
 * The cosine of the angle between vectors: `Σab / max(‖a‖ · ‖b‖, ε)` along a dimension, broadcast.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const a = tensor([[1, 0], [1, 0]]);
 * assertEquals(nn.functional.cosineSimilarity(a, tensor([[0, 2], [3, 0]])).toArray(), [0, 1]);
 * ```
 * @throws {RangeError} If the shapes do not broadcast.
 */
export function cosineSimilarity(a: Tensor, b: Tensor, options: CosineSimilarityOptions = {}): Tensor {
  checkOptions("take cosineSimilarity()", options, COSINE_SIMILARITY, LOSS_KINDS);
  for (const x of [a, b]) requireTensor(x, "take cosineSimilarity() of");
  const { dim = 1, eps = 1e-8 } = options;
  const d = resolveDim(dim, broadcastShapes(a.shape, b.shape, "compare").length, "take cosineSimilarity() along");
  const fromEnd = d - Math.max(a.ndim, b.ndim);
  const [p, q] = [a, b].map((x) => x.square().sum(fromEnd));
  return a.mul(b).sum(fromEnd).div(p.mul(q).clampMin(eps * eps).sqrt());
}

/** The options of `normalize`. */
export interface NormalizeOptions {
  /**
   * The power of the norm.
   *
   * @default {2}
   */
  p?: number;
  /**
   * The dimension that the vectors lie along.
   *
   * @default {1}
   */
  dim?: number;
  /**
   * The least that is divided by.
   *
   * @default {1e-12}
   */
  eps?: number;
}

/** Vectors of length 1 in the same direction: `x / max(‖x‖, ε)` along a dimension. */
export function normalize(x: Tensor, options: NormalizeOptions = {}): Tensor {
  checkOptions("take normalize()", options, NORMALIZE, LOSS_KINDS);
  requireTensor(x, "take normalize() of");
  const { p = 2, dim = 1, eps = 1e-12 } = options;
  return x.div(x.norm({ p, dim: resolveDim(dim, x.ndim, "take normalize() along"), keepdim: true }).clampMin(eps));
}

/**
 * Whole numbers as rows that are 0 but for a 1 at the number, int32 [..., classes]; without `numClasses` as many as the largest needs.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(nn.functional.oneHot(tensor([1, 0], { dtype: "int32" }), 3).toArray(), [[0, 1, 0], [1, 0, 0]]);
 * ```
 * @throws {RangeError} If a number is negative, or not below `numClasses`.
 * @throws {TypeError} If they are floats or bools.
 */
export function oneHot(x: Tensor, numClasses = -1): Tensor {
  requireTensor(x, "take oneHot() of");
  requireNumber(numClasses, "take oneHot() with numClasses");
  if (isFloating(x.dtype) || x.dtype === "bool") {
    throw new TypeError(`Cannot take oneHot() of ${x.dtype}: give whole numbers, use int()`);
  }
  if (numClasses === -1 && x.numel() === 0) {
    throw new RangeError("Cannot take oneHot() of nothing: give the number of classes");
  }
  const least = x.numel() === 0 ? 0 : x.min().item();
  const [most, classes] = [x.numel() === 0 ? 0 : x.max().item(), numClasses === -1 ? x.max().item() + 1 : numClasses];
  if (!(Number.isInteger(classes) && classes >= 1) || least < 0 || (x.numel() > 0 && most >= classes)) {
    const found = least < 0 ? least : most;
    throw new RangeError(
      `Cannot take oneHot() of ${found} with ${classes} classes: give whole numbers from 0 below them`,
    );
  }
  return x.unsqueeze(-1).eq(arange(0, classes, 1, { dtype: "int32" })).int();
}

/** `‖a − b + ε‖` along the last dimension. */
function distances(a: Tensor, b: Tensor, p: number, eps: number): Tensor {
  return a.sub(b).add(eps).norm({ p, dim: -1 });
}

// Losses of distances and margins.

/** The options of losses with a margin. */
export interface MarginOptions extends LossOptions {
  /** The distance from which on nothing is lost. */
  margin?: number;
}

/** The options of `tripletMargin`. */
export interface TripletMarginOptions extends MarginOptions {
  /**
   * The power of the norm.
   *
   * @default {2}
   */
  p?: number;
  /**
   * What is added to each difference, so that the distance has a slope where it is 0.
   *
   * @default {1e-6}
   */
  eps?: number;
  /**
   * Whether the distance from the positive to the negative counts where it is the smaller one.
   *
   * @default {false}
   */
  swap?: boolean;
}

/**
 * `max(‖a − p‖ − ‖a − n‖ + margin, 0)` for an anchor, what is like it and what is not, along the last dimension; the margin is 1.
 * Source: Balntas et al. (2016).
 *
 * @throws {RangeError} If the shapes differ.
 */
export function tripletMargin(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginOptions = {},
): Tensor {
  checkOptions("take tripletMargin()", options, TRIPLET_MARGIN, LOSS_KINDS);
  checkPair("tripletMargin", anchor, positive);
  checkPair("tripletMargin", anchor, negative);
  const { reduction, margin = 1, p = 2, eps = 1e-6, swap = false } = options;
  const [near, far] = [distances(anchor, positive, p, eps), distances(anchor, negative, p, eps)];
  const apart = swap ? far.minimum(distances(positive, negative, p, eps)) : far;
  return reduced(near.sub(apart).add(margin).clampMin(0), reduction);
}

/**
 * `1 − cos(a, b)` where the target is 1, `max(cos(a, b) − margin, 0)` where it is −1, for rows a and b; the margin is 0.
 *
 * @throws {RangeError} If the shapes of a and b differ, or there is not a target for each row.
 */
export function cosineEmbedding(a: Tensor, b: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions("take cosineEmbedding()", options, MARGIN, LOSS_KINDS);
  checkPair("cosineEmbedding", a, b);
  requireTensor(target, "take cosineEmbedding() with the target");
  const { reduction, margin = 0 } = options;
  if (a.ndim === 0 || a.ndim > 2 || !sameShape(target.shape, a.shape.slice(0, -1))) {
    throw new RangeError(
      `Cannot take the cosineEmbedding of ${show(a.shape)} with targets ${show(target.shape)}: give one for each row`,
    );
  }
  const [p, q] = [a, b].map((x) => x.square().sum(-1).add(1e-12));
  const cosine = a.mul(b).sum(-1).div(p.mul(q).sqrt());
  return reduced(bySign(target, cosine.neg().add(1), cosine.sub(margin).clampMin(0)), reduction);
}

/** What is lost where a target is 1, where it is −1, and nothing elsewhere. */
function bySign(target: Tensor, alike: Tensor, other: Tensor): Tensor {
  return where(target.eq(1), alike, where(target.eq(-1), other, 0));
}

/**
 * x where the target is 1, `max(margin − x, 0)` where it is −1; the margin is 1.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function hingeEmbedding(x: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions("take hingeEmbedding()", options, MARGIN, LOSS_KINDS);
  checkPair("hingeEmbedding", x, target);
  const { reduction, margin = 1 } = options;
  const far = x.neg().add(margin).clampMin(0);
  return reduced(where(target.ne(1), far, 0).add(where(target.ne(-1), x, 0)), reduction); // both, for other targets
}

/**
 * `max(−t(a − b) + margin, 0)`: nothing is lost where a is the larger for a target of 1, b for −1; the margin is 0.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function marginRanking(a: Tensor, b: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions("take marginRanking()", options, MARGIN, LOSS_KINDS);
  checkPair("marginRanking", a, b);
  checkPair("marginRanking", a, target);
  const { reduction, margin = 0 } = options;
  return reduced(a.sub(b).mul(target).neg().add(margin).clampMin(0), reduction);
}

/** The options of `multiMargin`. */
export interface MultiMarginOptions extends MarginOptions {
  /**
   * The power of what is lost, 1 or 2.
   *
   * @default {1}
   */
  p?: 1 | 2;
  /**
   * A factor for each class.
   *
   * @default {null}
   */
  weight?: Tensor | null;
}

/**
 * `Σ max(margin − x[y] + x[j], 0)ᵖ / classes` over the classes j other than y, for rows of scores x [n, classes] and classes y [n]; the
 * margin is 1.
 *
 * @throws {RangeError} If there is not a class for each row, or one that the scores do not have.
 */
export function multiMargin(x: Tensor, y: Tensor, options: MultiMarginOptions = {}): Tensor {
  checkOptions("take multiMargin()", options, MULTI_MARGIN, LOSS_KINDS);
  requireTensor(x, "take multiMargin() of");
  requireTensor(y, "take multiMargin() with the target");
  const { reduction, margin = 1, p = 1, weight = null } = options;
  if (x.ndim !== 2 || !sameShape(y.shape, x.shape.slice(0, 1))) {
    throw new RangeError(
      `Cannot take the multiMargin of scores ${show(x.shape)} with classes ${
        show(y.shape)
      }: expected [n, classes] and [n]`,
    );
  }
  requireChoice("take multiMargin()", "p", `${p}`, ["1", "2"]);
  const own = gather(x, 1, y.unsqueeze(1));
  const lost = x.sub(own).add(margin).clampMin(0).pow(p);
  const weighted = weight === null ? lost : lost.mul(weight.index(y).unsqueeze(1));
  const other = oneHot(y, x.shape[1]).eq(0);
  return reduced(where(other, weighted, 0).sum(1).div(x.shape[1]), reduction);
}

// Losses of distributions.

/** The options of `poissonNll`. */
export interface PoissonNllOptions extends LossOptions {
  /**
   * Whether the prediction is the logarithm of the rate.
   *
   * @default {true}
   */
  logInput?: boolean;
  /**
   * Whether the part that depends on the target alone is added, by Stirling's approximation.
   *
   * @default {false}
   */
  full?: boolean;
  /**
   * What is added to a rate before its logarithm is taken.
   *
   * @default {1e-8}
   */
  eps?: number;
}

/**
 * The negative log-likelihood of counts t under a Poisson distribution of rate `eˣ`: `eˣ − tx`, or of rate x: `x − t ln(x + ε)`.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function poissonNll(x: Tensor, t: Tensor, options: PoissonNllOptions = {}): Tensor {
  checkOptions("take poissonNll()", options, POISSON_NLL, LOSS_KINDS);
  checkPair("poissonNll", x, t);
  const { reduction, logInput = true, full = false, eps = 1e-8 } = options;
  const lost = logInput ? x.exp().sub(t.mul(x)) : x.sub(t.mul(x.add(eps).log()));
  if (!full) return reduced(lost, reduction);
  const stirling = t.mul(t.log()).sub(t).add(t.mul(2 * Math.PI).log().mul(0.5));
  return reduced(lost.add(where(t.gt(1), stirling, 0)), reduction);
}

/** The options of `gaussianNll`. */
export interface GaussianNllOptions extends LossOptions {
  /**
   * Whether the constant `½ ln 2π` is added.
   *
   * @default {false}
   */
  full?: boolean;
  /**
   * The least variance; the slope is that of the variance all the same.
   *
   * @default {1e-6}
   */
  eps?: number;
}

/**
 * The negative log-likelihood of t under normal distributions of mean x and of a variance: `½(ln v + (x − t)² / v)`. The variance has the
 * shape of x, or one for each row.
 *
 * @throws {RangeError} If the shapes do not fit, or a variance is negative.
 */
export function gaussianNll(x: Tensor, t: Tensor, variance: Tensor, options: GaussianNllOptions = {}): Tensor {
  checkOptions("take gaussianNll()", options, GAUSSIAN_NLL, LOSS_KINDS);
  checkPair("gaussianNll", x, t);
  requireTensor(variance, "take gaussianNll() with the variance");
  const { reduction, full = false, eps = 1e-6 } = options;
  const each = sameShape(variance.shape, x.shape.slice(0, -1)) ? variance.unsqueeze(-1) : variance;
  if (!sameShape(each.shape, x.shape) && !sameShape(each.shape, [...x.shape.slice(0, -1), 1])) {
    throw new RangeError(
      `Cannot take the gaussianNll of ${show(x.shape)} with variances ${
        show(variance.shape)
      }: give as many, or one a row`,
    );
  }
  const values = each.detach();
  if (values.lt(0).any().item() === 1) throw new RangeError("Cannot take the gaussianNll of a negative variance");
  const v = each.add(values.clampMin(eps).sub(values));
  const lost = v.log().add(x.sub(t).square().div(v)).mul(0.5);
  return reduced(full ? lost.add(0.5 * Math.log(2 * Math.PI)) : lost, reduction);
}
