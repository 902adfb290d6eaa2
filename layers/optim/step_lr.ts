/** A learning rate that falls in stairs. */
import { checkOptions } from "../../core/arguments.ts";
import type { Optimizer } from "./optimizer.ts";
import { requireCount, Scheduler } from "./scheduler.ts";
import { requireWithin } from "./settings.ts";

/** What {@linkcode StepLR} is told. */
export interface StepLRSettings {
  /** How many steps a stair is long. */
  stepSize: number;
  /** The factor between two stairs; 0.1 unless told. */
  gamma: number;
}

/**
 * `γₜ = γ₀ · gamma^⌊t / stepSize⌋`.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.StepLR(optimizer, { stepSize: 1, gamma: 0.5 });
 * optimizer.step();
 * scheduler.step();
 * assertEquals(scheduler.getLastLr(), [0.5]);
 * ```
 */
export class StepLR extends Scheduler<StepLRSettings> {
  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(
    optimizer: Optimizer,
    options: Pick<StepLRSettings, "stepSize"> & Partial<StepLRSettings>,
  ) {
    checkOptions("make StepLR", options, ["stepSize", "gamma"]);
    const { stepSize, gamma = 0.1 } = options;
    super(optimizer, { stepSize, gamma });
  }

  /** Refuses what the formula cannot mean. */
  protected override check(settings: StepLRSettings): void {
    requireCount("stepSize", settings.stepSize);
    requireWithin(settings, ["gamma"], 0);
  }

  /** The formula. */
  protected override lrAt(epoch: number, baseLr: number): number {
    const { stepSize, gamma } = this.settings;
    return baseLr * gamma ** Math.floor(epoch / stepSize);
  }
}
