/** A learning rate that falls by the same factor each step. */
import { checkOptions } from "../../core/arguments.ts";
import type { Optimizer } from "./optimizer.ts";
import { Scheduler } from "./scheduler.ts";
import { requireWithin } from "./settings.ts";

/** What {@linkcode ExponentialLR} is told. */
export interface ExponentialLRSettings {
  /** The factor between two steps. */
  gamma: number;
}

/**
 * `γₜ = γ₀ · gammaᵗ`.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
 * for (let t = 0; t < 3; t++) scheduler.step();
 * assertEquals(scheduler.getLastLr(), [0.125]);
 * ```
 */
export class ExponentialLR extends Scheduler<ExponentialLRSettings> {
  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(optimizer: Optimizer, options: ExponentialLRSettings) {
    checkOptions("make ExponentialLR", options, ["gamma"]);
    const { gamma } = options;
    super(optimizer, { gamma });
  }

  /** Refuses what the formula cannot mean. */
  protected override check(settings: ExponentialLRSettings): void {
    requireWithin(settings, ["gamma"], 0);
  }

  /** The formula. */
  protected override lrAt(epoch: number, baseLr: number): number {
    return baseLr * this.settings.gamma ** epoch;
  }
}
