/** Optimisers with a step size for each element: Adam, AdamW, RMSprop and Adagrad. */
import { scalar } from "../../core/memory/allocate.ts";
import type { Tensor } from "../../core/tensor.ts";
import { follow, followSquare, Optimizer, type Params, withPenalty, zerosLike } from "./optimizer.ts";
import { type GroupSettings, requireWithin } from "./settings.ts";
import type { ParameterState } from "./state_dict.ts";
import type { FusedStep } from "./fused_step.ts";

/** The settings of {@linkcode Adam} and {@linkcode AdamW}. */
export interface AdamSettings extends GroupSettings {
  /** The decay rates β₁ and β₂ of the averages of `g` and `g²`. */
  betas: readonly [number, number];
  /** The ε that keeps the denominator above 0. */
  eps: number;
}

const ADAM_DEFAULTS: AdamSettings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false };

/**
 * `g ← g + λθ`, `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)g²`, `θ ← θ − γ · m̂ / (√v̂ + ε)` with
 * `m̂ = m / (1 − β₁ᵗ)` and `v̂ = v / (1 − β₂ᵗ)` (Kingma & Ba, 2014).
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = tensor([3], { dtype: "float64" }).requiresGrad_();
 * const optimizer = new optim.Adam([w], { lr: 0.1 });
 * w.mul(w).sum().backward();
 * optimizer.step(); // the first step has length lr, whatever the gradient
 * assertAlmostEquals(w.item(), 2.9);
 * ```
 */
export class Adam extends Optimizer<AdamSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<AdamSettings>, options: Partial<AdamSettings> = {}) {
    super(params, ADAM_DEFAULTS, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<AdamSettings>): void {
    super.check(settings);
    requireWithin(settings, ["eps"], 0);
    requireWithin(settings, ["betas"], 0, 1);
  }

  /** @internal */
  protected override fusedStep(settings: Readonly<AdamSettings>): FusedStep {
    return fusedAdam(settings, false);
  }

  /** `θ ← θ − γ · m̂ / (√v̂ + ε)`, element by element. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdamSettings>): void {
    adamStep(p, withPenalty(g, p, settings.weightDecay), state, settings);
  }
}

/**
 * Adam with weight decay apart from the gradient: `θ ← θ(1 − γλ)`, then Adam's step with λ = 0 (Loshchilov & Hutter, 2017). The default
 * `weightDecay` is 0.01.
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = tensor([3], { dtype: "float64" }).requiresGrad_();
 * const optimizer = new optim.AdamW([w], { lr: 0.1, weightDecay: 0.1 });
 * w.mul(w).sum().backward();
 * optimizer.step();
 * assertAlmostEquals(w.item(), 3 * 0.99 - 0.1);
 * ```
 */
export class AdamW extends Adam {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<AdamSettings>, options: Partial<AdamSettings> = {}) {
    super(params, { weightDecay: 0.01, ...options });
  }

  /** @internal */
  protected override fusedStep(settings: Readonly<AdamSettings>): FusedStep {
    return fusedAdam(settings, true);
  }

  /** `θ ← θ(1 − γλ)`, then Adam's step without a penalty. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdamSettings>): void {
    if (settings.weightDecay !== 0) p.mul_(1 - settings.lr * settings.weightDecay);
    adamStep(p, g, state, settings);
  }
}

function fusedAdam(settings: Readonly<AdamSettings>, decoupled: boolean): FusedStep {
  const { lr, betas: [beta1, beta2], eps, weightDecay, maximize } = settings;
  return {
    kind: "adam",
    memory: ["exp_avg", "exp_avg_sq"],
    counted: true,
    settings: { lr, beta1, beta2, eps, weightDecay, maximize: Number(maximize), decoupled: Number(decoupled) },
  };
}

function adamStep(p: Tensor, g: Tensor, state: ParameterState, { lr, betas, eps }: Readonly<AdamSettings>): void {
  const t = (state.step ??= scalar(0, "int32")).add_(1).item();
  const m = follow(state.exp_avg ??= zerosLike(p), g, betas[0]);
  const v = followSquare(state.exp_avg_sq ??= zerosLike(p), g, betas[1]);
  const denominator = v.sqrt().div_(Math.sqrt(1 - betas[1] ** t)).add_(eps);
  p.sub_(m.div(denominator).mul_(lr / (1 - betas[0] ** t)));
}

// RMSprop: each element steps by its gradient over the root of its mean square.

/** The settings of {@linkcode RMSprop}. */
export interface RMSpropSettings extends GroupSettings {
  /** The decay rate α of the average of `g²`. */
  alpha: number;
  /** The ε that keeps the denominator above 0. */
  eps: number;
  /** The momentum μ. */
  momentum: number;
  /** Whether the squares are those of the distance from the average gradient, as in a variance, instead of from 0. */
  centered: boolean;
}

const RMSPROP_DEFAULTS: RMSpropSettings = {
  lr: 0.01,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
};

/**
 * `g ← g + λθ`, `v ← αv + (1 − α)g²`, `d = g / (√v + ε)`, `θ ← θ − γd`; with momentum `b ← μb + d`, `θ ← θ − γb`;
 * centered, `√(v − ḡ²)` stands for `√v`, where `ḡ` averages `g` as `v` does `g²` (Hinton's lecture 6e; Graves, 2013).
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = tensor([3], { dtype: "float64" }).requiresGrad_();
 * w.mul(w).sum().backward();
 * new optim.RMSprop([w], { lr: 0.1, alpha: 0.75 }).step();
 * assertAlmostEquals(w.item(), 3 - 0.1 / Math.sqrt(0.25), 1e-6);
 * ```
 */
export class RMSprop extends Optimizer<RMSpropSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<RMSpropSettings>, options: Partial<RMSpropSettings> = {}) {
    super(params, RMSPROP_DEFAULTS, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<RMSpropSettings>): void {
    super.check(settings);
    requireWithin(settings, ["alpha", "eps", "momentum"], 0);
  }

  /** `θ ← θ − γ · g / (√v + ε)`, or by the average of that with momentum. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<RMSpropSettings>): void {
    const { lr, alpha, eps, weightDecay, momentum, centered } = settings;
    g = withPenalty(g, p, weightDecay);
    (state.step ??= scalar(0, "int32")).add_(1); // PyTorch's RMSprop needs it to load this state
    let v = followSquare(state.square_avg ??= zerosLike(p), g, alpha);
    if (centered) {
      const mean = follow(state.grad_avg ??= zerosLike(p), g, alpha);
      v = v.sub(mean.mul(mean));
    }
    let direction = g.div(v.sqrt().add_(eps));
    if (momentum > 0) direction = (state.momentum_buffer ??= zerosLike(p)).mul_(momentum).add_(direction);
    p.sub_(direction.mul(lr));
  }
}

// Adagrad: each element steps by its gradient over the root of all its squares so far.

/** The settings of {@linkcode Adagrad}. */
export interface AdagradSettings extends GroupSettings {
  /** How fast the learning rate falls: step t uses `γ / (1 + (t − 1)·lrDecay)`. */
  lrDecay: number;
  /** The initial value of the sum of squares. */
  initialAccumulatorValue: number;
  /** The ε that keeps the denominator above 0. */
  eps: number;
}

const ADAGRAD_DEFAULTS: AdagradSettings = {
  lr: 0.01,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
};

/**
 * `g ← g + λθ`, `s ← s + g²`, `θ ← θ − γ · g / (√s + ε)` (Duchi, Hazan & Singer, 2011).
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = tensor([3], { dtype: "float64" }).requiresGrad_();
 * w.mul(w).sum().backward();
 * new optim.Adagrad([w], { lr: 0.5 }).step(); // the first step has length lr
 * assertAlmostEquals(w.item(), 2.5);
 * ```
 */
export class Adagrad extends Optimizer<AdagradSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<AdagradSettings>, options: Partial<AdagradSettings> = {}) {
    super(params, ADAGRAD_DEFAULTS, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<AdagradSettings>): void {
    super.check(settings);
    requireWithin(settings, ["lrDecay", "initialAccumulatorValue", "eps"], 0);
  }

  /** `step` 0, and the initial sum of squares: PyTorch has them before the first step too. */
  protected override begin(p: Tensor, { initialAccumulatorValue }: Readonly<AdagradSettings>): ParameterState {
    return { step: scalar(0, "int32"), sum: zerosLike(p).fill_(initialAccumulatorValue) };
  }

  /** `θ ← θ − γ · g / (√s + ε)`, element by element. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdagradSettings>): void {
    const { lr, lrDecay, eps, weightDecay } = settings;
    g = withPenalty(g, p, weightDecay);
    const t = state.step.add_(1).item();
    const sum = state.sum.add_(g.mul(g));
    p.sub_(g.div(sum.sqrt().add_(eps)).mul_(lr / (1 + (t - 1) * lrDecay)));
  }
}
