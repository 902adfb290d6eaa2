/** The documents' own momentum, which is an average and not a sum. */
import type { Tensor } from "../../core/tensor.ts";
import { follow, Optimizer, type Params, zerosLike } from "./optimizer.ts";
import { type GroupSettings, requireWithin } from "./settings.ts";
import type { ParameterState } from "./state_dict.ts";

/** What {@linkcode Momentum} is told. */
export interface MomentumSettings extends GroupSettings {
  /** The weight β of the past in the average. */
  momentum: number;
}

const STANDARD: MomentumSettings = { lr: 1e-3, momentum: 0.9, weightDecay: 0, maximize: false };

/**
 * Momentum as fast.ai's miniai has it: an average of gradients that begins at 0, `a ← βa + (1 − β)g`, and `θ ← θ − γa`
 * after `θ ← θ(1 − γλ)`. PyTorch's momentum, in {@linkcode SGD}, sums instead: its steps are `1 / (1 − β)` times as long.
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const w = tensor([1]).requiresGrad_();
 * const optimizer = new optim.Momentum([w], { lr: 0.5, momentum: 0.5 });
 * w.mul(2).sum().backward();
 * optimizer.step();
 * assertEquals(w.toArray(), [0.5]); // 1 − 0.5 · (0.5 · 2)
 * ```
 */
export class Momentum extends Optimizer<MomentumSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<MomentumSettings>, options: Partial<MomentumSettings> = {}) {
    super(params, STANDARD, options);
  }

  /** Refuses what the formula cannot mean. */
  protected override check(settings: Readonly<MomentumSettings>): void {
    super.check(settings);
    requireWithin(settings, ["momentum"], 0, 1);
  }

  /** The formula. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<MomentumSettings>): void {
    const { lr, momentum, weightDecay } = settings;
    if (weightDecay !== 0) p.mul_(1 - lr * weightDecay);
    const average = follow(state.grad_avg ??= zerosLike(p), g, momentum);
    p.sub_(average.mul(lr));
  }
}
