/** Schedules by a formula of one line, as in `torch.optim.lr_scheduler`. */
import { checkOptions } from "../../../core/arguments.ts";
import type { Optimizer } from "../optimizer.ts";
import { passed, requireCount, requireMilestones, Scheduler } from "./scheduler.ts";
import { requireWithin } from "../settings.ts";

/** The settings of {@linkcode StepLR}. */
export interface StepLRSettings {
  /** How many calls of `step()` the rate stays the same. */
  stepSize: number;
  /**
   * The factor by which it then falls.
   *
   * @default {0.1}
   */
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

  /** Refuses settings out of their range. */
  protected override check(settings: StepLRSettings): void {
    requireCount("stepSize", settings.stepSize);
    requireWithin(settings, ["gamma"], 0);
  }

  /** `γ₀ · gamma^⌊t / stepSize⌋` after t calls of `step()`. */
  protected override lrAt(epoch: number, baseLr: number): number {
    const { stepSize, gamma } = this.settings;
    return baseLr * gamma ** Math.floor(epoch / stepSize);
  }
}

/** The settings of {@linkcode ExponentialLR}. */
export interface ExponentialLRSettings {
  /** The factor from one call of `step()` to the next. */
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

  /** Refuses settings out of their range. */
  protected override check(settings: ExponentialLRSettings): void {
    requireWithin(settings, ["gamma"], 0);
  }

  /** `γ₀ · gammaᵗ` after t calls of `step()`. */
  protected override lrAt(epoch: number, baseLr: number): number {
    return baseLr * this.settings.gamma ** epoch;
  }
}

/** The settings of {@linkcode LinearLR}. */
export interface LinearLRSettings {
  /**
   * The factor of the base rate at the first step.
   *
   * @default {1 / 3}
   */
  startFactor: number;
  /**
   * The factor from `totalIters` on.
   *
   * @default {1}
   */
  endFactor: number;
  /**
   * After how many calls of `step()` the end is reached.
   *
   * @default {5}
   */
  totalIters: number;
}

/**
 * `γₜ = γ₀ · ((1 − r) · start + r · end)` with `r = min(t, n) / n` and `n = totalIters`.
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

  /** Refuses settings out of their range. */
  protected override check(settings: LinearLRSettings): void {
    requireCount("totalIters", settings.totalIters);
    requireWithin(settings, ["startFactor", "endFactor"], 0);
  }

  /** `γ₀ · ((1 − r) · start + r · end)` with `r = min(t, n) / n` after t calls of `step()`. */
  protected override lrAt(epoch: number, baseLr: number): number {
    const { startFactor, endFactor, totalIters } = this.settings;
    const part = Math.min(epoch, totalIters) / totalIters;
    return baseLr * ((1 - part) * startFactor + part * endFactor); // ends at the end itself, never below 0
  }
}

/** The settings of {@linkcode CosineAnnealingLR}. */
export interface CosineAnnealingLRSettings {
  /** After how many calls of `step()` the lowest rate is reached; from there it rises again. */
  tMax: number;
  /**
   * The lowest rate.
   *
   * @default {0}
   */
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

  /** Refuses settings out of their range. */
  protected override check(settings: CosineAnnealingLRSettings): void {
    requireCount("tMax", settings.tMax);
    requireWithin(settings, ["etaMin"], 0);
  }

  /** `η + ½(γ₀ − η)(1 + cos(πt / T))` after t calls of `step()`. */
  protected override lrAt(epoch: number, baseLr: number): number {
    const { tMax, etaMin } = this.settings;
    return etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * epoch) / tMax))) / 2;
  }
}

/** The settings of {@linkcode MultiStepLR}. */
export interface MultiStepLRSettings {
  /** After how many calls of `step()` the rate falls, in rising order. */
  milestones: readonly number[];
  /**
   * The factor by which it falls at each.
   *
   * @default {0.1}
   */
  gamma: number;
}

/**
 * `γₜ = γ₀ · gammaᵏ` after k of the milestones.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.MultiStepLR(optimizer, { milestones: [1, 3], gamma: 0.5 });
 * for (let t = 0; t < 3; t++) scheduler.step();
 * assertEquals(scheduler.getLastLr(), [0.25]);
 * ```
 */
export class MultiStepLR extends Scheduler<MultiStepLRSettings> {
  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(optimizer: Optimizer, options: Pick<MultiStepLRSettings, "milestones"> & Partial<MultiStepLRSettings>) {
    checkOptions("make MultiStepLR", options, ["milestones", "gamma"]);
    const { milestones, gamma = 0.1 } = options;
    requireMilestones(milestones);
    super(optimizer, { milestones: [...milestones], gamma });
  }

  /** Refuses settings out of their range. */
  protected override check(settings: MultiStepLRSettings): void {
    requireMilestones(settings.milestones);
    requireWithin(settings, ["gamma"], 0);
  }

  /** `γ₀ · gammaᵏ` after k of the milestones. */
  protected override lrAt(epoch: number, baseLr: number): number {
    return baseLr * this.settings.gamma ** passed(this.settings.milestones, epoch);
  }
}

/** The settings of {@linkcode ConstantLR}. */
export interface ConstantLRSettings {
  /**
   * The factor of the base rate at first.
   *
   * @default {1 / 3}
   */
  factor: number;
  /**
   * For how many calls of `step()`.
   *
   * @default {5}
   */
  totalIters: number;
}

/**
 * `γₜ = γ₀ · factor` for `t < totalIters`, then `γ₀`.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.ConstantLR(optimizer, { factor: 0.5, totalIters: 1 });
 * assertEquals(scheduler.getLastLr(), [0.5]);
 * scheduler.step();
 * assertEquals(scheduler.getLastLr(), [1]);
 * ```
 */
export class ConstantLR extends Scheduler<ConstantLRSettings> {
  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(optimizer: Optimizer, options: Partial<ConstantLRSettings> = {}) {
    checkOptions("make ConstantLR", options, ["factor", "totalIters"]);
    const { factor = 1 / 3, totalIters = 5 } = options;
    super(optimizer, { factor, totalIters });
  }

  /** Refuses settings out of their range. */
  protected override check(settings: ConstantLRSettings): void {
    requireCount("totalIters", settings.totalIters);
    requireWithin(settings, ["factor"], 0);
  }

  /** `γ₀ · factor`, or `γ₀` from `totalIters` on. */
  protected override lrAt(epoch: number, baseLr: number): number {
    return epoch < this.settings.totalIters ? baseLr * this.settings.factor : baseLr;
  }
}

/** The settings of {@linkcode PolynomialLR}. */
export interface PolynomialLRSettings {
  /**
   * After how many calls of `step()` the rate is 0.
   *
   * @default {5}
   */
  totalIters: number;
  /**
   * The power of the fall: 1 for a straight line.
   *
   * @default {1}
   */
  power: number;
}

/**
 * `γₜ = γ₀ · (1 − min(t, n) / n)^power` with `n = totalIters`.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.PolynomialLR(optimizer, { totalIters: 2, power: 2 });
 * scheduler.step();
 * assertEquals(scheduler.getLastLr(), [0.25]);
 * ```
 */
export class PolynomialLR extends Scheduler<PolynomialLRSettings> {
  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(optimizer: Optimizer, options: Partial<PolynomialLRSettings> = {}) {
    checkOptions("make PolynomialLR", options, ["totalIters", "power"]);
    const { totalIters = 5, power = 1 } = options;
    super(optimizer, { totalIters, power });
  }

  /** Refuses settings out of their range. */
  protected override check(settings: PolynomialLRSettings): void {
    requireCount("totalIters", settings.totalIters);
    requireWithin(settings, ["power"], 0);
  }

  /** `γ₀ · (1 − min(t, n) / n)^power` after t calls of `step()`. */
  protected override lrAt(epoch: number, baseLr: number): number {
    const { totalIters, power } = this.settings;
    return epoch < totalIters ? baseLr * (1 - epoch / totalIters) ** power : 0;
  }
}
