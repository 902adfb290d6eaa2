/** Adam: each element steps by its average gradient over its usual size. */
import { scalar } from "../../core/memory/allocate.ts";
import type { Tensor } from "../../core/tensor.ts";
import { follow, followSquare, Optimizer, type Params, withPenalty, zerosLike } from "./optimizer.ts";
import { type GroupSettings, requireWithin } from "./settings.ts";
import type { ParameterState } from "./state_dict.ts";
import type { MachineStep } from "./together.ts";

/** What {@linkcode Adam} and {@linkcode AdamW} are told. */
export interface AdamSettings extends GroupSettings {
  /** The weights β₁ and β₂ of the past in the averages of `g` and `g²`. */
  betas: readonly [number, number];
  /** The term ε that keeps a small denominator from growing the step without bound. */
  eps: number;
}

const STANDARD: AdamSettings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false };

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
    super(params, STANDARD, options);
  }

  /** Refuses what the formula cannot mean. */
  protected override check(settings: Readonly<AdamSettings>): void {
    super.check(settings);
    requireWithin(settings, ["eps"], 0);
    requireWithin(settings, ["betas"], 0, 1);
  }

  /** The formula, as the machine knows it. */
  protected override machineStep(settings: Readonly<AdamSettings>): MachineStep {
    return machineAdam(settings, false);
  }

  /** The formula. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdamSettings>): void {
    adamStep(p, withPenalty(g, p, settings.weightDecay), state, settings);
  }
}

/**
 * Adam with the decay apart from the gradient: `θ ← θ(1 − γλ)`, then Adam's step without a penalty; λ is 0.01 unless told
 * (Loshchilov & Hutter, 2017).
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

  /** The formula, as the machine knows it. */
  protected override machineStep(settings: Readonly<AdamSettings>): MachineStep {
    return machineAdam(settings, true);
  }

  /** The formula. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdamSettings>): void {
    if (settings.weightDecay !== 0) p.mul_(1 - settings.lr * settings.weightDecay);
    adamStep(p, g, state, settings);
  }
}

function machineAdam(settings: Readonly<AdamSettings>, decoupled: boolean): MachineStep {
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
  const usualSize = v.sqrt().div_(Math.sqrt(1 - betas[1] ** t)).add_(eps);
  p.sub_(m.div(usualSize).mul_(lr / (1 - betas[0] ** t)));
}
