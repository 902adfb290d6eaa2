/** Adam and its kin: averages of gradients over the roots of averages of their squares. */
import { scalar } from "../../core/memory/allocate.ts";
import { maximum } from "../../core/ops/functions.ts";
import type { Tensor } from "../../core/tensor.ts";
import { follow, followSquare, type FusedStep, Optimizer, type Params, withPenalty, zerosLike } from "./optimizer.ts";
import { type GroupSettings, requireWithin } from "./settings.ts";
import type { ParameterState } from "./state_dict.ts";

/** The settings of {@linkcode Adam} and {@linkcode AdamW}. */
export interface AdamSettings extends GroupSettings {
  /** The decay rates β₁ and β₂ of the averages of `g` and `g²`. */
  betas: readonly [number, number];
  /** The ε that keeps the denominator above 0. */
  eps: number;
  /** Whether the largest `v` so far stands for `v`, so that steps do not grow again (Reddi, Kale & Kumar, 2018). */
  amsgrad: boolean;
}

const ADAM_DEFAULTS: AdamSettings = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
};

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
  protected override fusedStep(settings: Readonly<AdamSettings>): FusedStep | null {
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
  protected override fusedStep(settings: Readonly<AdamSettings>): FusedStep | null {
    return fusedAdam(settings, true);
  }

  /** `θ ← θ(1 − γλ)`, then Adam's step without a penalty. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdamSettings>): void {
    if (settings.weightDecay !== 0) p.mul_(1 - settings.lr * settings.weightDecay);
    adamStep(p, g, state, settings);
  }
}

function fusedAdam(settings: Readonly<AdamSettings>, decoupled: boolean): FusedStep | null {
  if (settings.amsgrad) return null;
  const { lr, betas: [beta1, beta2], eps, weightDecay, maximize } = settings;
  return {
    kind: "adam",
    memory: ["exp_avg", "exp_avg_sq"],
    counted: true,
    settings: { lr, beta1, beta2, eps, weightDecay, maximize: Number(maximize), decoupled: Number(decoupled) },
  };
}

function adamStep(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdamSettings>): void {
  const { lr, betas, eps, amsgrad } = settings;
  const { t, m, v } = moments(p, g, state, betas);
  const denominator = (amsgrad ? largest(state, v) : v).sqrt().div_(Math.sqrt(1 - betas[1] ** t)).add_(eps);
  p.sub_(m.div(denominator).mul_(lr / (1 - betas[0] ** t)));
}

/** The count of steps, and the averages of `g` and `g²`, after this step. */
function moments(p: Tensor, g: Tensor, state: ParameterState, betas: readonly [number, number]) {
  const t = (state.step ??= scalar(0, "int32")).add_(1).item();
  const m = follow(state.exp_avg ??= zerosLike(p), g, betas[0]);
  const v = followSquare(state.exp_avg_sq ??= zerosLike(p), g, betas[1]);
  return { t, m, v };
}

function largest(state: ParameterState, v: Tensor): Tensor {
  const most = state.max_exp_avg_sq ??= zerosLike(v);
  return most.copy_(maximum(most, v));
}

// Adam's kin: each changes how the averages become a step.

/** The settings of {@linkcode Adamax} and of {@linkcode RAdam}. */
export type AdamaxSettings = Omit<AdamSettings, "amsgrad">;

/**
 * Adam with the largest gradient, which decays, in place of the root of the mean square: `g ← g + λθ`, `m ← β₁m + (1 − β₁)g`,
 * `u ← max(β₂u, |g| + ε)`, `θ ← θ − γ / (1 − β₁ᵗ) · m / u` (Kingma & Ba, 2014, section 7).
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = tensor([3], { dtype: "float64" }).requiresGrad_();
 * w.mul(w).sum().backward();
 * new optim.Adamax([w], { lr: 0.1 }).step(); // the first step has length lr, whatever the gradient
 * assertAlmostEquals(w.item(), 2.9);
 * ```
 */
export class Adamax extends Optimizer<AdamaxSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<AdamaxSettings>, options: Partial<AdamaxSettings> = {}) {
    super(params, { ...KIN_DEFAULTS, lr: 2e-3 }, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<AdamaxSettings>): void {
    super.check(settings);
    requireWithin(settings, ["eps"], 0);
    requireWithin(settings, ["betas"], 0, 1);
  }

  /** `θ ← θ − γ / (1 − β₁ᵗ) · m / u`, element by element. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdamaxSettings>): void {
    const { lr, betas, eps, weightDecay } = settings;
    g = withPenalty(g, p, weightDecay);
    const t = (state.step ??= scalar(0, "int32")).add_(1).item();
    const m = follow(state.exp_avg ??= zerosLike(p), g, betas[0]);
    const u = state.exp_inf ??= zerosLike(p);
    u.copy_(maximum(u.mul(betas[1]), g.abs().add_(eps)));
    p.sub_(m.div(u).mul_(lr / (1 - betas[0] ** t)));
  }
}

const KIN_DEFAULTS: AdamaxSettings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false };

/** The settings of {@linkcode NAdam}. */
export interface NAdamSettings extends AdamaxSettings {
  /** The ψ by which the momentum grows towards β₁: `μₜ = β₁(1 − ½ · 0.96^(tψ))`. */
  momentumDecay: number;
}

/**
 * Adam with Nesterov's momentum: `θ ← θ − γ((1 − μₜ)g / (1 − Πμ) + μₜ₊₁m / (1 − μₜμₜ₊₁Πμ)) / (√v̂ + ε)` with
 * `μₜ = β₁(1 − ½ · 0.96^(tψ))`, `Πμ` their product so far, and `m`, `v` and `v̂` as in {@linkcode Adam} (Dozat, 2016). The second factor `μₜ` is that of PyTorch 1.13.
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertLess } from "@std/assert";
 *
 * const w = tensor([3], { dtype: "float64" }).requiresGrad_();
 * const optimizer = new optim.NAdam([w], { lr: 0.1 });
 * w.mul(w).sum().backward();
 * optimizer.step();
 * assertLess(w.item(), 2.9); // further than Adam's first step
 * ```
 */
export class NAdam extends Optimizer<NAdamSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<NAdamSettings>, options: Partial<NAdamSettings> = {}) {
    super(params, { ...KIN_DEFAULTS, lr: 2e-3, momentumDecay: 4e-3 }, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<NAdamSettings>): void {
    super.check(settings);
    requireWithin(settings, ["eps", "momentumDecay"], 0);
    requireWithin(settings, ["betas"], 0, 1);
  }

  /** A step by the gradient and by the next momentum. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<NAdamSettings>): void {
    const { lr, betas, eps, weightDecay, momentumDecay } = settings;
    g = withPenalty(g, p, weightDecay);
    const { t, m, v } = moments(p, g, state, betas);
    const [mu, next] = [t, t + 1].map((t) => betas[0] * (1 - 0.5 * 0.96 ** (t * momentumDecay)));
    const product = (state.mu_product ??= scalar(1, p.dtype)).mul_(mu).item();
    const denominator = v.div(1 - betas[1] ** t).sqrt().add_(eps);
    p.sub_(g.div(denominator).mul_(lr * (1 - mu) / (1 - product)));
    p.sub_(m.div(denominator).mul_(lr * next / (1 - product * mu * next))); // PyTorch 1.13 counts μₜ twice here
  }
}

/**
 * Adam that waits until the variance of its step sizes is known: `θ ← θ − γ · r · m̂ / ((√v + ε) / √(1 − β₂ᵗ))` once
 * `ρ = ρ∞ − 2tβ₂ᵗ / (1 − β₂ᵗ)` is past 5, with `ρ∞ = 2 / (1 − β₂) − 1` and
 * `r = √((ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ))`; before that `θ ← θ − γm̂` (Liu and others, 2019).
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = tensor([3], { dtype: "float64" }).requiresGrad_();
 * w.mul(w).sum().backward();
 * new optim.RAdam([w], { lr: 0.1 }).step(); // the first steps are those of momentum
 * assertAlmostEquals(w.item(), 3 - 0.1 * 6);
 * ```
 */
export class RAdam extends Optimizer<AdamaxSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<AdamaxSettings>, options: Partial<AdamaxSettings> = {}) {
    super(params, KIN_DEFAULTS, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<AdamaxSettings>): void {
    super.check(settings);
    requireWithin(settings, ["eps"], 0);
    requireWithin(settings, ["betas"], 0, 1);
  }

  /** `θ ← θ − γ · r · m̂ / …`, or `θ ← θ − γm̂` in the first steps. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdamaxSettings>): void {
    const { lr, betas, eps, weightDecay } = settings;
    const { t, m, v } = moments(p, withPenalty(g, p, weightDecay), state, betas);
    const [rate, corrected] = [lr / (1 - betas[0] ** t), 1 - betas[1] ** t];
    const most = 2 / (1 - betas[1]) - 1;
    const rho = most - 2 * t * betas[1] ** t / corrected;
    if (rho <= 5) return void p.sub_(m.mul(rate));
    const r = Math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
    p.sub_(m.div(v.sqrt().add_(eps)).mul_(rate * r * Math.sqrt(corrected)));
  }
}
