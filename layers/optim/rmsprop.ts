/** RMSprop: each element steps by its gradient over its usual size. */
import { scalar } from "../../core/memory/allocate.ts";
import type { Tensor } from "../../core/tensor.ts";
import { follow, followSquare, Optimizer, type Params, withPenalty, zerosLike } from "./optimizer.ts";
import { type GroupSettings, requireWithin } from "./settings.ts";
import type { ParameterState } from "./state_dict.ts";

/** What {@linkcode RMSprop} is told. */
export interface RMSpropSettings extends GroupSettings {
  /** The weight α of the past in the average of `g²`. */
  alpha: number;
  /** The term ε that keeps a small denominator from growing the step without bound. */
  eps: number;
  /** The momentum μ. */
  momentum: number;
  /** Whether the size is measured around the average gradient instead of around 0. */
  centered: boolean;
}

const STANDARD: RMSpropSettings = {
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
    super(params, STANDARD, options);
  }

  /** Refuses what the formula cannot mean. */
  protected override check(settings: Readonly<RMSpropSettings>): void {
    super.check(settings);
    requireWithin(settings, ["alpha", "eps", "momentum"], 0);
  }

  /** The formula. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<RMSpropSettings>): void {
    const { lr, alpha, eps, weightDecay, momentum, centered } = settings;
    g = withPenalty(g, p, weightDecay);
    (state.step ??= scalar(0, "int32")).add_(1); // PyTorch's cannot go on without it
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
