/** Losses as modules, under PyTorch's class names: settings go to the constructor, prediction and target to the call. */
import { checkOptions } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";
import { Buffer } from "./parameter.ts";
import { crossEntropy, type CrossEntropyOptions, nll, type NllOptions } from "./functional_class_loss.ts";
import * as F from "./functional_loss.ts";
import {
  BCE,
  BCE_WITH_LOGITS,
  CROSS_ENTROPY,
  HUBER,
  KL_DIV,
  LOSS,
  LOSS_KINDS,
  NLL,
  SMOOTH_L1,
} from "./known_options.ts";
import { Module } from "./module.ts";

/** What a loss compares. */
export type Pair = [prediction: Tensor, target: Tensor];

/** `(p − t)²`: see `functional.mse`. */
export class MSELoss extends Module<Pair> {
  /** The mean unless told. */
  constructor(readonly options: F.LossOptions = {}) {
    super();
    checkOptions("make MSELoss", options, LOSS);
  }
  /** The loss of a prediction. Throws a RangeError if the shapes differ. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return F.mse(prediction, target, this.options);
  }
}

/** `|p − t|`: see `functional.l1`. */
export class L1Loss extends Module<Pair> {
  /** The mean unless told. */
  constructor(readonly options: F.LossOptions = {}) {
    super();
    checkOptions("make L1Loss", options, LOSS);
  }
  /** The loss of a prediction. Throws a RangeError if the shapes differ. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return F.l1(prediction, target, this.options);
  }
}

/** A parabola near 0 and a line past β: see `functional.smoothL1`. */
export class SmoothL1Loss extends Module<Pair> {
  /** The mean, with a β of 1, unless told. */
  constructor(readonly options: F.SmoothL1Options = {}) {
    super();
    checkOptions("make SmoothL1Loss", options, SMOOTH_L1, LOSS_KINDS);
  }
  /** The loss of a prediction. Throws a RangeError if the shapes differ. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return F.smoothL1(prediction, target, this.options);
  }
}

/** A parabola near 0 and a line past δ: see `functional.huber`. */
export class HuberLoss extends Module<Pair> {
  /** The mean, with a δ of 1, unless told. */
  constructor(readonly options: F.HuberOptions = {}) {
    super();
    checkOptions("make HuberLoss", options, HUBER, LOSS_KINDS);
  }
  /** The loss of a prediction. Throws a RangeError if the shapes differ. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return F.huber(prediction, target, this.options);
  }
}

/** The divergence from a target distribution: see `functional.klDiv`. */
export class KLDivLoss extends Module<Pair> {
  /** The mean over all elements unless told; `"batchmean"` is the divergence itself. */
  constructor(readonly options: F.KlDivOptions = {}) {
    super();
    checkOptions("make KLDivLoss", options, KL_DIV, LOSS_KINDS);
  }
  /** The loss of log-probabilities. Throws a RangeError if the shapes differ. */
  forward(logProbabilities: Tensor, target: Tensor): Tensor {
    return F.klDiv(logProbabilities, target, this.options);
  }
}

/** The binary cross-entropy of probabilities: see `functional.bce`. */
export class BCELoss extends Module<Pair> {
  /** What each element's loss is multiplied by, or `null`. */
  weight: Buffer | null;

  /** What it was told beside the weight. */
  readonly options: Omit<F.BceOptions, "weight">;

  /** The mean unless told. */
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

/** The binary cross-entropy of logits: see `functional.bceWithLogits`. */
export class BCEWithLogitsLoss extends Module<Pair> {
  /** What each element's loss is multiplied by, or `null`. */
  weight: Buffer | null;
  /** What the loss of a positive target is multiplied by, or `null`. */
  posWeight: Buffer | null;

  /** What it was told beside the weights. */
  readonly options: Omit<F.BceWithLogitsOptions, "weight" | "posWeight">;

  /** The mean unless told. */
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

/** The negative log-likelihood of classes: see `functional.nll`. */
export class NLLLoss extends Module<Pair> {
  /** A weight for each class, or `null`. */
  weight: Buffer | null;

  /** What it was told beside the weight. */
  readonly options: Omit<NllOptions, "weight">;

  /** The mean unless told. */
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

/** The cross-entropy of classes: see `functional.crossEntropy`. */
export class CrossEntropyLoss extends Module<Pair> {
  /** A weight for each class, or `null`. */
  weight: Buffer | null;

  /** What it was told beside the weight. */
  readonly options: Omit<CrossEntropyOptions, "weight">;

  /** The mean unless told. */
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
