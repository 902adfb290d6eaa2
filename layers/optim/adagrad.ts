/** Adagrad: elements that moved much move less from then on. */
import { scalar } from "../../core/memory/allocate.ts";
import type { Tensor } from "../../core/tensor.ts";
import { Optimizer, type Params, withPenalty, zerosLike } from "./optimizer.ts";
import { type GroupSettings, requireWithin } from "./settings.ts";
import type { ParameterState } from "./state_dict.ts";

/** What {@linkcode Adagrad} is told. */
export interface AdagradSettings extends GroupSettings {
  /** How fast the learning rate falls: step t uses `γ / (1 + (t − 1)·lrDecay)`. */
  lrDecay: number;
  /** What the sum of squares begins with. */
  initialAccumulatorValue: number;
  /** The term ε that keeps a small denominator from growing the step without bound. */
  eps: number;
}

const STANDARD: AdagradSettings = {
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
    super(params, STANDARD, options);
  }

  /** Refuses what the formula cannot mean. */
  protected override check(settings: Readonly<AdagradSettings>): void {
    super.check(settings);
    requireWithin(settings, ["lrDecay", "initialAccumulatorValue", "eps"], 0);
  }

  /** The sum begins before the first step, and is saved then. */
  protected override begin(p: Tensor, { initialAccumulatorValue }: Readonly<AdagradSettings>): ParameterState {
    return { step: scalar(0, "int32"), sum: zerosLike(p).fill_(initialAccumulatorValue) };
  }

  /** The formula. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<AdagradSettings>): void {
    const { lr, lrDecay, eps, weightDecay } = settings;
    g = withPenalty(g, p, weightDecay);
    const t = state.step.add_(1).item();
    const sum = state.sum.add_(g.mul(g));
    p.sub_(g.div(sum.sqrt().add_(eps)).mul_(lr / (1 + (t - 1) * lrDecay)));
  }
}
