/** Losses as modules, under PyTorch's class names: settings go to the constructor, prediction and target to the call. */
import { checkOptions } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";
import { Buffer } from "./parameter.ts";
import { crossEntropy, type CrossEntropyOptions, nll, type NllOptions } from "./functional/class_loss.ts";
import * as D from "./functional/distance_loss.ts";
import * as F from "./functional/loss.ts";
import {
  BCE,
  BCE_WITH_LOGITS,
  CROSS_ENTROPY,
  GAUSSIAN_NLL,
  HUBER,
  KL_DIV,
  LOSS,
  LOSS_KINDS,
  MARGIN,
  MULTI_MARGIN,
  NLL,
  POISSON_NLL,
  SMOOTH_L1,
  TRIPLET_MARGIN,
} from "./known_options.ts";
import { Module } from "./module.ts";

/** The arguments of a loss. */
export type Pair = [prediction: Tensor, target: Tensor];

/** The squared error `(p − t)²`, as `functional.mse` computes it. */
export class MSELoss extends Module<Pair> {
  /** The mean squared error, or what `reduction` says. */
  constructor(readonly options: F.LossOptions = {}) {
    super();
    checkOptions("make MSELoss", options, LOSS);
  }
  /** The loss of a prediction. Throws a RangeError if the shapes differ. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return F.mse(prediction, target, this.options);
  }
}

/** The absolute error `|p − t|`, as `functional.l1` computes it. */
export class L1Loss extends Module<Pair> {
  /** The mean absolute error, or what `reduction` says. */
  constructor(readonly options: F.LossOptions = {}) {
    super();
    checkOptions("make L1Loss", options, LOSS);
  }
  /** The loss of a prediction. Throws a RangeError if the shapes differ. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return F.l1(prediction, target, this.options);
  }
}

/** A parabola near 0 and a line past β, as `functional.smoothL1` computes it. */
export class SmoothL1Loss extends Module<Pair> {
  /** The mean with β = 1, or what the options say. */
  constructor(readonly options: F.SmoothL1Options = {}) {
    super();
    checkOptions("make SmoothL1Loss", options, SMOOTH_L1, LOSS_KINDS);
  }
  /** The loss of a prediction. Throws a RangeError if the shapes differ. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return F.smoothL1(prediction, target, this.options);
  }
}

/** A parabola near 0 and a line past δ, as `functional.huber` computes it. */
export class HuberLoss extends Module<Pair> {
  /** The mean with δ = 1, or what the options say. */
  constructor(readonly options: F.HuberOptions = {}) {
    super();
    checkOptions("make HuberLoss", options, HUBER, LOSS_KINDS);
  }
  /** The loss of a prediction. Throws a RangeError if the shapes differ. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return F.huber(prediction, target, this.options);
  }
}

/** The Kullback–Leibler divergence from a target distribution, as `functional.klDiv` computes it. */
export class KLDivLoss extends Module<Pair> {
  /** The mean over all elements, or what `reduction` says; `"batchmean"` is the divergence itself. */
  constructor(readonly options: F.KlDivOptions = {}) {
    super();
    checkOptions("make KLDivLoss", options, KL_DIV, LOSS_KINDS);
  }
  /** The loss of log-probabilities. Throws a RangeError if the shapes differ. */
  forward(logProbabilities: Tensor, target: Tensor): Tensor {
    return F.klDiv(logProbabilities, target, this.options);
  }
}

/** The binary cross-entropy of probabilities, as `functional.bce` computes it. */
export class BCELoss extends Module<Pair> {
  /** What each element's loss is multiplied by, or `null`. */
  weight: Buffer | null;

  /** The options without the weight. */
  readonly options: Omit<F.BceOptions, "weight">;

  /** The mean, or what `reduction` says; a weight becomes a buffer of this module. */
  constructor(options: F.BceOptions = {}) {
    super();
    checkOptions("make BCELoss", options, BCE);
    const { weight, ...others } = options;
    this.options = others;
    this.weight = buffered(weight);
  }
  /** The loss of probabilities. Throws a RangeError if the shapes differ. */
  forward(probabilities: Tensor, target: Tensor): Tensor {
    return F.bce(probabilities, target, { ...this.options, weight: this.weight });
  }
}

/** The binary cross-entropy of logits, as `functional.bceWithLogits` computes it. */
export class BCEWithLogitsLoss extends Module<Pair> {
  /** What each element's loss is multiplied by, or `null`. */
  weight: Buffer | null;
  /** What the loss of a positive target is multiplied by, or `null`. */
  posWeight: Buffer | null;

  /** The options without the weights. */
  readonly options: Omit<F.BceWithLogitsOptions, "weight" | "posWeight">;

  /** The mean, or what `reduction` says; weights become buffers of this module. */
  constructor(options: F.BceWithLogitsOptions = {}) {
    super();
    checkOptions("make BCEWithLogitsLoss", options, BCE_WITH_LOGITS);
    const { weight, posWeight, ...others } = options;
    this.options = others;
    this.weight = buffered(weight);
    this.posWeight = buffered(posWeight);
  }
  /** The loss of logits. Throws a RangeError if the shapes differ. */
  forward(logits: Tensor, target: Tensor): Tensor {
    return F.bceWithLogits(logits, target, { ...this.options, weight: this.weight, posWeight: this.posWeight });
  }
}

/** The negative log-likelihood of classes, as `functional.nll` computes it. */
export class NLLLoss extends Module<Pair> {
  /** A weight for each class, or `null`. */
  weight: Buffer | null;

  /** The options without the weight. */
  readonly options: Omit<NllOptions, "weight">;

  /** The mean, or what `reduction` says; a weight becomes a buffer of this module. */
  constructor(options: NllOptions = {}) {
    super();
    checkOptions("make NLLLoss", options, NLL, LOSS_KINDS);
    const { weight, ...others } = options;
    this.options = others;
    this.weight = buffered(weight);
  }
  /** The loss of log-probabilities [n, classes] and targets [n]. */
  forward(logProbabilities: Tensor, target: Tensor): Tensor {
    return nll(logProbabilities, target, { ...this.options, weight: this.weight });
  }
}

/** The cross-entropy of classes, as `functional.crossEntropy` computes it. */
export class CrossEntropyLoss extends Module<Pair> {
  /** A weight for each class, or `null`. */
  weight: Buffer | null;

  /** The options without the weight. */
  readonly options: Omit<CrossEntropyOptions, "weight">;

  /** The mean, or what `reduction` says; a weight becomes a buffer of this module. */
  constructor(options: CrossEntropyOptions = {}) {
    super();
    checkOptions("make CrossEntropyLoss", options, CROSS_ENTROPY, LOSS_KINDS);
    const { weight, ...others } = options;
    this.options = others;
    this.weight = buffered(weight);
  }
  /** The loss of logits [n, classes] and targets [n]. */
  forward(logits: Tensor, target: Tensor): Tensor {
    return crossEntropy(logits, target, { ...this.options, weight: this.weight });
  }
}

function buffered(weight: Tensor | null | undefined): Buffer | null {
  if (!weight) return null;
  return weight instanceof Buffer ? weight : new Buffer(weight);
}

/** The cosines of rows that are alike and of others, as `functional.cosineEmbedding` computes it. */
export class CosineEmbeddingLoss extends Module<[a: Tensor, b: Tensor, target: Tensor]> {
  /** The mean, or what the options say. */
  constructor(readonly options: D.MarginOptions = {}) {
    super();
    checkOptions("make CosineEmbeddingLoss", options, MARGIN, LOSS_KINDS);
  }
  /** The loss of rows a and b, alike where the target is 1. Throws a RangeError if the shapes do not fit. */
  forward(a: Tensor, b: Tensor, target: Tensor): Tensor {
    return D.cosineEmbedding(a, b, target, this.options);
  }
}

/** Distances of what is alike, and of other things up to a margin, as `functional.hingeEmbedding` computes it. */
export class HingeEmbeddingLoss extends Module<Pair> {
  /** The mean, or what the options say. */
  constructor(readonly options: D.MarginOptions = {}) {
    super();
    checkOptions("make HingeEmbeddingLoss", options, MARGIN, LOSS_KINDS);
  }
  /** The loss of distances, of what is alike where the target is 1. Throws a RangeError if the shapes do not fit. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return D.hingeEmbedding(prediction, target, this.options);
  }
}

/** Which of two is to be the larger, as `functional.marginRanking` computes it. */
export class MarginRankingLoss extends Module<[a: Tensor, b: Tensor, target: Tensor]> {
  /** The mean, or what the options say. */
  constructor(readonly options: D.MarginOptions = {}) {
    super();
    checkOptions("make MarginRankingLoss", options, MARGIN, LOSS_KINDS);
  }
  /** The loss of a and b, the larger one for a target of 1 and −1. Throws a RangeError if the shapes do not fit. */
  forward(a: Tensor, b: Tensor, target: Tensor): Tensor {
    return D.marginRanking(a, b, target, this.options);
  }
}

/** The scores of classes beside that of the right one, as `functional.multiMargin` computes it. */
export class MultiMarginLoss extends Module<Pair> {
  /** The mean, or what the options say. */
  constructor(readonly options: D.MultiMarginOptions = {}) {
    super();
    checkOptions("make MultiMarginLoss", options, MULTI_MARGIN, LOSS_KINDS);
  }
  /** The loss of scores [n, classes] and classes [n]. Throws a RangeError if the shapes do not fit. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return D.multiMargin(prediction, target, this.options);
  }
}

/** Distances to what is alike and to what is not, as `functional.tripletMargin` computes it. */
export class TripletMarginLoss extends Module<[anchor: Tensor, positive: Tensor, negative: Tensor]> {
  /** The mean, or what the options say. */
  constructor(readonly options: D.TripletMarginOptions = {}) {
    super();
    checkOptions("make TripletMarginLoss", options, TRIPLET_MARGIN, LOSS_KINDS);
  }
  /** The loss of an anchor, what is like it and what is not. Throws a RangeError if the shapes do not fit. */
  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return D.tripletMargin(anchor, positive, negative, this.options);
  }
}

/** Counts under a Poisson distribution, as `functional.poissonNll` computes it. */
export class PoissonNLLLoss extends Module<Pair> {
  /** The mean, or what the options say. */
  constructor(readonly options: D.PoissonNllOptions = {}) {
    super();
    checkOptions("make PoissonNLLLoss", options, POISSON_NLL, LOSS_KINDS);
  }
  /** The loss of logarithms of rates and counts. Throws a RangeError if the shapes do not fit. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return D.poissonNll(prediction, target, this.options);
  }
}

/** Numbers under normal distributions, as `functional.gaussianNll` computes it. */
export class GaussianNLLLoss extends Module<[prediction: Tensor, target: Tensor, variance: Tensor]> {
  /** The mean, or what the options say. */
  constructor(readonly options: D.GaussianNllOptions = {}) {
    super();
    checkOptions("make GaussianNLLLoss", options, GAUSSIAN_NLL, LOSS_KINDS);
  }
  /** The loss of means, numbers and variances. Throws a RangeError if the shapes do not fit. */
  forward(prediction: Tensor, target: Tensor, variance: Tensor): Tensor {
    return D.gaussianNll(prediction, target, variance, this.options);
  }
}
