/** Activations as modules, for use in a `Sequential`: each calls its function in `nn.functional`. */
import { checkOptions, requireChoice, requireNumber } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";
import * as F from "./functional/activation.ts";
import * as known from "./known_options.ts";
import { pythonic } from "../../core/format.ts";
import { Module } from "./module.ts";

/** `max(x, 0)`: negative values become 0. */
export class ReLU extends Module {
  /** `max(x, 0)` of each element. */
  forward(x: Tensor): Tensor {
    return F.relu(x);
  }
}

/** `x` where it is positive, else `negativeSlope · x`. */
export class LeakyReLU extends Module {
  /** An activation with this slope below 0. */
  constructor(
    /**
     * The slope for negative values.
     *
     * @default {0.01}
     */
    readonly negativeSlope: number = 0.01,
  ) {
    super();
    requireNumber(negativeSlope, "make LeakyReLU with a slope of");
  }
  /** `x` where it is positive, else `negativeSlope · x`. */
  forward(x: Tensor): Tensor {
    return F.leakyRelu(x, this.negativeSlope);
  }
  /** `negative_slope=0.01`, for the printed form. */
  override extraRepr(): string {
    return `negative_slope=${this.negativeSlope}`;
  }
}

/** `σ(x) = 1 / (1 + e⁻ˣ)`: values from 0 to 1. */
export class Sigmoid extends Module {
  /** `1 / (1 + e⁻ˣ)` of each element. */
  forward(x: Tensor): Tensor {
    return F.sigmoid(x);
  }
}

/** `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`: values from −1 to 1. */
export class Tanh extends Module {
  /** `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)` of each element. */
  forward(x: Tensor): Tensor {
    return F.tanh(x);
  }
}

/** `x` where it is positive, else `alpha · (eˣ − 1)`. */
export class ELU extends Module {
  /** An activation that tends to `−alpha` below 0. */
  constructor(
    /**
     * Minus the value that large negative inputs tend to.
     *
     * @default {1}
     */
    readonly alpha: number = 1,
  ) {
    super();
    requireNumber(alpha, "make ELU with an alpha of");
  }
  /** `x` where it is positive, else `alpha · (eˣ − 1)`. */
  forward(x: Tensor): Tensor {
    return F.elu(x, this.alpha);
  }
  /** `alpha=1.0`, for the printed form. */
  override extraRepr(): string {
    return `alpha=${pythonic(this.alpha, "float")}`;
  }
}

/** `1.0507 · elu(x, 1.6733)`, which keeps mean 0 and variance 1. */
export class SELU extends Module {
  /** `1.0507 · elu(x, 1.6733)` of each element. */
  forward(x: Tensor): Tensor {
    return F.selu(x);
  }
}

/** `x · Φ(x)` with the normal distribution Φ, exact or approximated by tanh. */
export class GELU extends Module {
  /** Exact, by the error function, or with `{ approximate: "tanh" }`. */
  constructor(readonly options: F.GeluOptions = {}) {
    super();
    checkOptions("make GELU", options, known.GELU);
    requireChoice("make GELU", "approximation", options.approximate ?? "none", known.GELU_APPROXIMATIONS);
  }
  /** `x · Φ(x)` of each element. */
  forward(x: Tensor): Tensor {
    return F.gelu(x, this.options);
  }
  /** `approximate='none'`, for the printed form. */
  override extraRepr(): string {
    return `approximate='${this.options.approximate ?? "none"}'`;
  }
}

/** `x · σ(x)`, also called swish. */
export class SiLU extends Module {
  /** `x · σ(x)` of each element. */
  forward(x: Tensor): Tensor {
    return F.silu(x);
  }
}

/** `x · tanh(softplus(x))`. */
export class Mish extends Module {
  /** `x · tanh(softplus(x))` of each element. */
  forward(x: Tensor): Tensor {
    return F.mish(x);
  }
}

/** `ln(1 + e^(βx)) / β`, a smooth ReLU. */
export class Softplus extends Module {
  /** With `{ beta: 1, threshold: 20 }`, or other settings. */
  constructor(readonly options: F.SoftplusOptions = {}) {
    super();
    checkOptions("make Softplus", options, known.SOFTPLUS);
  }
  /** `ln(1 + e^(βx)) / β`, or `x` where `βx` is past the threshold. */
  forward(x: Tensor): Tensor {
    return F.softplus(x, this.options);
  }
  /** `beta=1, threshold=20`, for the printed form. */
  override extraRepr(): string {
    return `beta=${this.options.beta ?? 1}, threshold=${this.options.threshold ?? 20}`;
  }
}

/** `min(max(x, low), high)`; the slope outside, and on the bounds, is 0. */
export class Hardtanh extends Module {
  /** An activation between these bounds. */
  constructor(
    /**
     * The least result.
     *
     * @default {-1}
     */
    readonly low: number = -1,
    /**
     * The greatest result.
     *
     * @default {1}
     */
    readonly high: number = 1,
  ) {
    super();
    for (const bound of [low, high]) requireNumber(bound, "make Hardtanh with a bound of");
  }
  /** `min(max(x, low), high)` of each element. */
  forward(x: Tensor): Tensor {
    return F.hardtanh(x, this.low, this.high);
  }
  /** `min_val=-1.0, max_val=1.0`, for the printed form. */
  override extraRepr(): string {
    return `min_val=${pythonic(this.low, "float")}, max_val=${pythonic(this.high, "float")}`;
  }
}

/** `ln σ(x)`, without overflow. */
export class LogSigmoid extends Module {
  /** `ln σ(x)` of each element. */
  forward(x: Tensor): Tensor {
    return F.logSigmoid(x);
  }
}

/** `eˣ / Σeˣ` along a dimension: positive numbers that add up to 1. */
export class Softmax extends Module {
  /** A softmax along this dimension. */
  constructor(
    /**
     * The dimension; negative ones count from the end.
     *
     * @default {-1}
     */
    readonly dim: number = -1,
  ) {
    super();
    requireNumber(dim, "make Softmax along dimension");
  }
  /** `eˣ / Σeˣ` along `dim`; the shape stays. */
  forward(x: Tensor): Tensor {
    return F.softmax(x, this.dim);
  }
  /** `dim=-1`, for the printed form. */
  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** `x − ln Σeˣ` along a dimension: the logarithm of softmax, without its rounding. */
export class LogSoftmax extends Module {
  /** A logarithm of softmax along this dimension. */
  constructor(
    /**
     * The dimension; negative ones count from the end.
     *
     * @default {-1}
     */
    readonly dim: number = -1,
  ) {
    super();
    requireNumber(dim, "make LogSoftmax along dimension");
  }
  /** `x − ln Σeˣ` along `dim`; the shape stays. */
  forward(x: Tensor): Tensor {
    return F.logSoftmax(x, this.dim);
  }
  /** `dim=-1`, for the printed form. */
  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}
