/** A learning rate that falls along a cosine. */
import { checkOptions } from "../../core/arguments.ts";
import type { Optimizer } from "./optimizer.ts";
import { requireCount, Scheduler } from "./scheduler.ts";
import { requireWithin } from "./settings.ts";

/** What {@linkcode CosineAnnealingLR} is told. */
export interface CosineAnnealingLRSettings {
  /** After how many steps the lowest rate is reached; it rises again from there. */
  tMax: number;
  /** The lowest rate; 0 unless told. */
  etaMin: number;
}

/**
 * `γₜ = η + ½(γ₀ − η)(1 + cos(πt / T))` with `η = etaMin` and `T = tMax` (Loshchilov & Hutter, 2016, without restarts).
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.CosineAnnealingLR(optimizer, { tMax: 2 });
 * scheduler.step();
 * assertAlmostEquals(scheduler.getLastLr()[0], 0.5);
 * ```
 */
export class CosineAnnealingLR extends Scheduler<CosineAnnealingLRSettings> {
  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(
    optimizer: Optimizer,
    options: Pick<CosineAnnealingLRSettings, "tMax"> & Partial<CosineAnnealingLRSettings>,
  ) {
    checkOptions("make CosineAnnealingLR", options, ["tMax", "etaMin"]);
    const { tMax, etaMin = 0 } = options;
    super(optimizer, { tMax, etaMin });
  }

  /** Refuses what the formula cannot mean. */
  protected override check(settings: CosineAnnealingLRSettings): void {
    requireCount("tMax", settings.tMax);
    requireWithin(settings, ["etaMin"], 0);
  }

  /** The formula. */
  protected override lrAt(epoch: number, baseLr: number): number {
    const { tMax, etaMin } = this.settings;
    return etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * epoch) / tMax))) / 2;
  }
}
