/** Optimisers with a step size for each element: RMSprop, Adagrad, Adadelta and Rprop; Adam and its kin are in adam.ts. */
import { scalar } from "../../core/memory/allocate.ts";
import type { Tensor } from "../../core/tensor.ts";
import { where } from "../../core/ops/where.ts";
import { follow, followSquare, Optimizer, type Params, withPenalty, zerosLike } from "./optimizer.ts";
import { type GroupSettings, requireWithin } from "./settings.ts";
import type { ParameterState } from "./state_dict.ts";

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

// Adadelta: steps in the units of the parameter, without a learning rate of its own.

/** The settings of {@linkcode Adadelta}. */
export interface AdadeltaSettings extends GroupSettings {
  /** The decay rate ρ of the averages of `g²` and of the squared steps. */
  rho: number;
  /** The ε that keeps both roots above 0. */
  eps: number;
}

const ADADELTA_DEFAULTS: AdadeltaSettings = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false };

/**
 * `g ← g + λθ`, `v ← ρv + (1 − ρ)g²`, `d = g · √(u + ε) / √(v + ε)`, `u ← ρu + (1 − ρ)d²`, `θ ← θ − γd` (Zeiler, 2012).
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = tensor([3], { dtype: "float64" }).requiresGrad_();
 * w.mul(w).sum().backward();
 * new optim.Adadelta([w], { rho: 0.75, eps: 1 }).step();
 * assertAlmostEquals(w.item(), 3 - 6 / Math.sqrt(0.25 * 36 + 1));
 * ```
 */
export class Adadelta extends Optimizer<AdadeltaSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<AdadeltaSettings>, options: Partial<AdadeltaSettings> = {}) {
    super(params, ADADELTA_DEFAULTS, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<AdadeltaSettings>): void {
    super.check(settings);
    requireWithin(settings, ["eps"], 0);
    requireWithin(settings, ["rho"], 0, 1);
  }

  /** `θ ← θ − γ · g · √(u + ε) / √(v + ε)`, element by element. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdadeltaSettings>): void {
    const { lr, rho, eps, weightDecay } = settings;
    g = withPenalty(g, p, weightDecay);
    (state.step ??= scalar(0, "int32")).add_(1);
    const v = followSquare(state.square_avg ??= zerosLike(p), g, rho);
    const u = state.acc_delta ??= zerosLike(p);
    const d = u.add(eps).sqrt().div_(v.add(eps).sqrt()).mul_(g);
    followSquare(u, d, rho);
    p.sub_(d.mul(lr));
  }
}

// Rprop: only the signs of the gradients count.

/** The settings of {@linkcode Rprop}; it has no weight decay. */
export interface RpropSettings extends Omit<GroupSettings, "weightDecay"> {
  /** The factors η⁻ and η⁺ of a step size where the gradient turns and where it keeps its sign. */
  etas: readonly [number, number];
  /** The smallest and the largest step size. */
  stepSizes: readonly [number, number];
}

const RPROP_DEFAULTS: RpropSettings = { lr: 0.01, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false };

/**
 * Resilient backpropagation: each element has a step size of its own, `lr` at first, that grows by η⁺ while its gradient keeps its
 * sign; where the sign turns it shrinks by η⁻ and the element rests. The step is `θ ← θ − size · sign(g)` (Riedmiller & Braun, 1993).
 * For gradients of the whole data: those of batches turn by chance.
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = tensor([3], { dtype: "float64" }).requiresGrad_();
 * const optimizer = new optim.Rprop([w], { lr: 0.1 });
 * for (let step = 0; step < 2; step++) {
 *   optimizer.zeroGrad();
 *   w.mul(w).sum().backward();
 *   optimizer.step();
 * }
 * assertAlmostEquals(w.item(), 3 - 0.1 - 0.12);
 * ```
 */
export class Rprop extends Optimizer<RpropSettings & GroupSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<RpropSettings & GroupSettings>, options: Partial<RpropSettings> = {}) {
    super(params, RPROP_DEFAULTS as RpropSettings & GroupSettings, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<RpropSettings & GroupSettings>): void {
    requireWithin(settings, ["lr", "stepSizes"], 0);
    const [less, more] = settings.etas;
    if (less > 0 && less < 1 && more > 1 && more < Infinity) return;
    throw new RangeError(
      `Cannot set etas to ${settings.etas.join(", ")}: expected one between 0 and 1 and one above 1`,
    );
  }

  /** `θ ← θ − size · sign(g)`, but not where the gradient has turned. */
  protected override update(
    p: Tensor,
    g: Tensor,
    state: ParameterState,
    settings: Readonly<RpropSettings & GroupSettings>,
  ): void {
    const { lr, etas: [less, more], stepSizes } = settings;
    (state.step ??= scalar(0, "int32")).add_(1);
    const before = state.prev ??= zerosLike(p);
    const size = state.step_size ??= zerosLike(p).fill_(lr);
    const turn = g.mul(before);
    const turned = turn.lt(0);
    const sized = where(turned, size.mul(less), where(turn.gt(0), size.mul(more), size));
    size.copy_(sized.clamp(...stepSizes));
    const kept = where(turned, 0, g);
    p.sub_(kept.sign().mul(size));
    before.copy_(kept);
  }
}
