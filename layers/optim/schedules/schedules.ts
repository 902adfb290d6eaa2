/** Schedules of learning rates, as in `torch.optim.lr_scheduler`. */
import { checkOptions, requireArray, requireChoice } from "../../../core/arguments.ts";
import type { Optimizer } from "../optimizer.ts";
import { requireCount, requireOptimizer, type ScheduledGroup, Scheduler } from "./scheduler.ts";
import { requirePositive, requireWithin } from "../settings.ts";

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

  /** Refuses what the formula cannot mean. */
  protected override check(settings: LinearLRSettings): void {
    requireCount("totalIters", settings.totalIters);
    requireWithin(settings, ["startFactor", "endFactor"], 0);
  }

  /** The formula. */
  protected override lrAt(epoch: number, baseLr: number): number {
    const { startFactor, endFactor, totalIters } = this.settings;
    const part = Math.min(epoch, totalIters) / totalIters;
    return baseLr * ((1 - part) * startFactor + part * endFactor); // ends at the end itself, never below 0
  }
}

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

/** What {@linkcode OneCycleLR} is told. */
export interface OneCycleLRSettings {
  /** The highest rate, of all groups or of each. */
  maxLr: number | readonly number[];
  /** How many steps the wave is long: epochs times batches. */
  totalSteps: number;
  /** The part of them in which the rate rises; 0.3 unless told. */
  pctStart: number;
  /** Whether the way between two rates is a half cosine or a straight line. */
  annealStrategy: "cos" | "linear";
  /** Whether momentum (or β₁) falls while the rate rises, and the other way round. */
  cycleMomentum: boolean;
  /** The momentum at the highest rate; 0.85 unless told. */
  baseMomentum: number;
  /** The momentum at both ends; 0.95 unless told. */
  maxMomentum: number;
  /** The first rate is `maxLr / divFactor`; 25 unless told. */
  divFactor: number;
  /** The last rate is the first one divided by this; 1e4 unless told. */
  finalDivFactor: number;
  /** Whether the rate first falls back to where it began, as fast as it rose. */
  threePhase: boolean;
}

/** A stretch of the wave, from where the last one ended to `end`. */
interface Phase {
  end: number;
  rates: readonly [number, number];
  momenta: readonly [number, number];
}

const STANDARD = {
  pctStart: 0.3,
  annealStrategy: "cos",
  cycleMomentum: true,
  baseMomentum: 0.85,
  maxMomentum: 0.95,
  divFactor: 25,
  finalDivFactor: 1e4,
  threePhase: false,
} as const;

/**
 * The 1cycle policy (Smith & Topin, 2017) as in PyTorch: from `maxLr / divFactor` up to `maxLr` until step
 * `pctStart · totalSteps − 1`, then down to `maxLr / divFactor / finalDivFactor` at step `totalSteps − 1`.
 *
 * A call of `step()` after the last step keeps the last rate (PyTorch lets it swing up again there); one more throws.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { momentum: 0.9 });
 * const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10 });
 * assertAlmostEquals(scheduler.getLastLr()[0], 0.04);
 * for (let t = 0; t < 2; t++) scheduler.step();
 * assertAlmostEquals(scheduler.getLastLr()[0], 1);
 * assertAlmostEquals(optimizer.paramGroups[0].momentum, 0.85);
 * ```
 */
export class OneCycleLR extends Scheduler<OneCycleLRSettings> {
  /**
   * A schedule for all groups of the optimiser, whose own learning rates it replaces.
   *
   * @throws {RangeError} If a setting is out of its range.
   * @throws {TypeError} If momentum is to be cycled and the optimiser has none.
   */
  constructor(
    optimizer: Optimizer,
    options: Pick<OneCycleLRSettings, "maxLr" | "totalSteps"> & Partial<OneCycleLRSettings>,
  ) {
    checkOptions("make OneCycleLR", options, [
      "maxLr",
      "totalSteps",
      ...Object.keys(STANDARD) as (keyof typeof STANDARD)[],
    ], { cycleMomentum: "boolean", threePhase: "boolean" });
    requireOptimizer(optimizer, "OneCycleLR");
    const settings = { ...STANDARD, ...options };
    if (settings.cycleMomentum && !optimizer.paramGroups.every(hasMomentum)) {
      throw new TypeError(
        `Cannot cycle the momentum of ${optimizer.constructor.name}: it has none, set cycleMomentum to false`,
      );
    }
    const { maxLr } = settings;
    if (typeof maxLr !== "number") requireArray(maxLr, "set maxLr to", "[0.1, 0.01], a rate for each group");
    const groups = optimizer.paramGroups.length;
    if (typeof maxLr !== "number" && maxLr.length !== groups) {
      throw new RangeError(`Cannot set maxLr to ${maxLr.length} rates: the optimiser has ${groups} parameter groups`);
    }
    super(optimizer, settings);
  }

  /** Refuses what the formula cannot mean. */
  protected override check(settings: OneCycleLRSettings): void {
    requireChoice("make OneCycleLR", "strategy", settings.annealStrategy, ["cos", "linear"]);
    requireCount("totalSteps", settings.totalSteps);
    requirePositive(settings, ["maxLr", "divFactor", "finalDivFactor"]);
    requireWithin(settings, ["pctStart", "baseMomentum", "maxMomentum"], 0, 1);
  }

  /** A group begins from its highest rate over `divFactor`. */
  protected override firstLr(_lr: number, group: number): number {
    const { maxLr, divFactor } = this.settings;
    const top = typeof maxLr === "number" ? maxLr : maxLr[group];
    if (top !== undefined) return top / divFactor;
    throw new RangeError(`Cannot schedule group ${group}: maxLr has no rate for it, give one for all groups`);
  }

  /** The rate on the wave. */
  protected override lrAt(epoch: number, baseLr: number): number {
    return along(this.settings, "rates", baseLr, epoch);
  }

  /** The momentum on the opposite wave. */
  protected override momentumAt(epoch: number): number | undefined {
    return this.settings.cycleMomentum ? along(this.settings, "momenta", 0, epoch) : undefined;
  }
}

function hasMomentum(group: ScheduledGroup): boolean {
  return "momentum" in group || "betas" in group;
}

/** The wave that begins at the rate `first`. */
function phases(settings: OneCycleLRSettings, first: number): readonly Phase[] {
  const { totalSteps, pctStart, divFactor, finalDivFactor, baseMomentum, maxMomentum, threePhase } = settings;
  const [top, last, peak] = [first * divFactor, first / finalDivFactor, pctStart * totalSteps - 1];
  const end = totalSteps - 1;
  const rise: Phase = { end: peak, rates: [first, top], momenta: [maxMomentum, baseMomentum] };
  if (!threePhase) return [rise, { end, rates: [top, last], momenta: [baseMomentum, maxMomentum] }];
  const fall: Phase = { end: 2 * peak, rates: [top, first], momenta: [baseMomentum, maxMomentum] };
  return [rise, fall, { end, rates: [first, last], momenta: [maxMomentum, maxMomentum] }];
}

function along(settings: OneCycleLRSettings, what: "rates" | "momenta", first: number, epoch: number): number {
  const { totalSteps, annealStrategy } = settings;
  if (epoch > totalSteps) {
    throw new RangeError(`Cannot step ${epoch} times: the cycle is ${totalSteps} steps long, set totalSteps`);
  }
  const at = Math.min(epoch, totalSteps - 1);
  const wave = phases(settings, first);
  const now = wave.findIndex(({ end }) => at <= end);
  const start = now === 0 ? 0 : wave[now - 1].end;
  const part = wave[now].end === start ? 1 : (at - start) / (wave[now].end - start);
  const [from, to] = wave[now][what];
  return annealStrategy === "cos" ? to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2 : from + (to - from) * part;
}
