/** Activations as modules: what their functions of the same name compute, for use in a `Sequential`. */
import { checkOptions, requireChoice } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";
import * as F from "./functional_activation.ts";
import * as known from "./known_options.ts";
import { Module, pythonic } from "./module.ts";

/** `max(x, 0)`. */
export class ReLU extends Module {
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.relu(x);
  }
}

/** `x` where it is positive, else `negativeSlope · x`. */
export class LeakyReLU extends Module {
  /** With a slope of 0.01 unless told. */
  constructor(readonly negativeSlope: number = 0.01) {
    super();
  }
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.leakyRelu(x, this.negativeSlope);
  }
  /** PyTorch's words. */
  override extraRepr(): string {
    return `negative_slope=${this.negativeSlope}`;
  }
}

/** `1 / (1 + e⁻ˣ)`. */
export class Sigmoid extends Module {
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.sigmoid(x);
  }
}

/** `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`. */
export class Tanh extends Module {
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.tanh(x);
  }
}

/** `x` where it is positive, else `alpha · (eˣ − 1)`. */
export class ELU extends Module {
  /** With an alpha of 1 unless told. */
  constructor(readonly alpha: number = 1) {
    super();
  }
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.elu(x, this.alpha);
  }
  /** PyTorch's words. */
  override extraRepr(): string {
    return `alpha=${pythonic(this.alpha, "float")}`;
  }
}

/** `1.0507 · elu(x, 1.6733)`. */
export class SELU extends Module {
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.selu(x);
  }
}

/** `x · Φ(x)`, by the error function or by tanh. */
export class GELU extends Module {
  /** By the error function unless told. */
  constructor(readonly options: F.GeluOptions = {}) {
    super();
    checkOptions("make GELU", options, known.GELU);
    requireChoice("make GELU", "approximation", options.approximate ?? "none", known.GELU_WAYS);
  }
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.gelu(x, this.options);
  }
  /** PyTorch's words. */
  override extraRepr(): string {
    return `approximate='${this.options.approximate ?? "none"}'`;
  }
}

/** `x · σ(x)`. */
export class SiLU extends Module {
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.silu(x);
  }
}

/** `x · tanh(softplus(x))`. */
export class Mish extends Module {
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.mish(x);
  }
}

/** `ln(1 + e^(βx)) / β`. */
export class Softplus extends Module {
  /** With a β of 1 and a threshold of 20 unless told. */
  constructor(readonly options: F.SoftplusOptions = {}) {
    super();
    checkOptions("make Softplus", options, known.SOFTPLUS);
  }
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.softplus(x, this.options);
  }
  /** PyTorch's words. */
  override extraRepr(): string {
    return `beta=${this.options.beta ?? 1}, threshold=${this.options.threshold ?? 20}`;
  }
}

/** `min(max(x, low), high)`. */
export class Hardtanh extends Module {
  /** Between −1 and 1 unless told. */
  constructor(readonly low: number = -1, readonly high: number = 1) {
    super();
  }
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.hardtanh(x, this.low, this.high);
  }
  /** PyTorch's words. */
  override extraRepr(): string {
    return `min_val=${pythonic(this.low, "float")}, max_val=${pythonic(this.high, "float")}`;
  }
}

/** `ln σ(x)`. */
export class LogSigmoid extends Module {
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.logSigmoid(x);
  }
}

/** `eˣ / Σeˣ` along a dimension. */
export class Softmax extends Module {
  /** Along the last dimension unless told. */
  constructor(readonly dim: number = -1) {
    super();
  }
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.softmax(x, this.dim);
  }
  /** PyTorch's words. */
  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** `x − ln Σeˣ` along a dimension. */
export class LogSoftmax extends Module {
  /** Along the last dimension unless told. */
  constructor(readonly dim: number = -1) {
    super();
  }
  /** The function of x. */
  forward(x: Tensor): Tensor {
    return F.logSoftmax(x, this.dim);
  }
  /** PyTorch's words. */
  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}
