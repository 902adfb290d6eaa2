/** A learning rate that warms up in a straight line. */
import { checkOptions } from "../../core/arguments.ts";
import type { Optimizer } from "./optimizer.ts";
import { requireCount, Scheduler } from "./scheduler.ts";
import { requireWithin } from "./settings.ts";

/** What {@linkcode LinearLR} is told. */
export interface LinearLRSettings {
  /** The factor of the first step; 1/3 unless told. */
  startFactor: number;
  /** The factor from step `totalIters` on; 1 unless told. */
  endFactor: number;
  /** How many steps the line is long; 5 unless told. */
  totalIters: number;
}

/**
 * `γₜ = γ₀ · (start + (end − start) · min(t, n) / n)` with `n = totalIters`.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
 * scheduler.step();
 * assertEquals(scheduler.getLastLr(), [0.75]);
 * ```
 */
export class LinearLR extends Scheduler<LinearLRSettings> {
  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(
    optimizer: Optimizer,
    options: Partial<LinearLRSettings> = {},
  ) {
    checkOptions("make LinearLR", options, ["startFactor", "endFactor", "totalIters"]);
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    super(optimizer, { startFactor, endFactor, totalIters });
  }

  /** Refuses what the formula cannot mean. */
  protected override check(settings: LinearLRSettings): void {
    requireCount("totalIters", settings.totalIters);
    requireWithin(settings, ["startFactor", "endFactor"], 0);
  }

  /** The formula. */
  protected override lrAt(epoch: number, baseLr: number): number {
    const { startFactor, endFactor, totalIters } = this.settings;
    return baseLr * (startFactor + ((endFactor - startFactor) * Math.min(epoch, totalIters)) / totalIters);
  }
}
