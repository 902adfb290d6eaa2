/** Schedules that rise and fall: the 1cycle policy, cycles between two rates, and a cosine that restarts. */
import { checkOptions, requireArray, requireChoice } from "../../../core/arguments.ts";
import type { Optimizer } from "../optimizer.ts";
import { requirePositive, requireWithin } from "../settings.ts";
import { requireCount, requireOptimizer, type ScheduledGroup, Scheduler } from "./scheduler.ts";

/** The settings of {@linkcode OneCycleLR}. */
export interface OneCycleLRSettings {
  /** The highest rate, of all groups or of each. */
  maxLr: number | readonly number[];
  /** How many steps the cycle is long: epochs times batches. */
  totalSteps: number;
  /**
   * The part of them in which the rate rises.
   *
   * @default {0.3}
   */
  pctStart: number;
  /**
   * Whether the rates between two ends follow a half cosine or a straight line.
   *
   * @default {"cos"}
   */
  annealStrategy: "cos" | "linear";
  /**
   * Whether momentum (or β₁) falls while the rate rises, and rises while it falls.
   *
   * @default {true}
   */
  cycleMomentum: boolean;
  /**
   * The momentum at the highest rate.
   *
   * @default {0.85}
   */
  baseMomentum: number;
  /**
   * The momentum at both ends.
   *
   * @default {0.95}
   */
  maxMomentum: number;
  /**
   * The first rate is `maxLr / divFactor`.
   *
   * @default {25}
   */
  divFactor: number;
  /**
   * The last rate is the first one divided by this.
   *
   * @default {1e4}
   */
  finalDivFactor: number;
  /**
   * Whether the rate falls back to its first value as fast as it rose, before it falls to the last one.
   *
   * @default {false}
   */
  threePhase: boolean;
}

/** A part of the cycle, from the end of the last one to step `end`. */
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
 * A call of `step()` after the last step keeps the last rate (PyTorch raises it again there); one more throws.
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
    if (settings.cycleMomentum) requireMomentum(optimizer);
    requireRates("maxLr", settings.maxLr, optimizer);
    super(optimizer, settings);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: OneCycleLRSettings): void {
    requireChoice("make OneCycleLR", "strategy", settings.annealStrategy, ["cos", "linear"]);
    requireCount("totalSteps", settings.totalSteps);
    requirePositive(settings, ["maxLr", "divFactor", "finalDivFactor"]);
    requireWithin(settings, ["pctStart", "baseMomentum", "maxMomentum"], 0, 1);
  }

  /** `maxLr / divFactor`. */
  protected override firstLr(_lr: number, group: number): number {
    const { maxLr, divFactor } = this.settings;
    return rateOf("maxLr", maxLr, group) / divFactor;
  }

  /** The rate at that place of the cycle. */
  protected override lrAt(epoch: number, baseLr: number): number {
    return valueAt(this.settings, "rates", baseLr, epoch);
  }

  /** The momentum at that place of the cycle; `undefined` if it is not cycled. */
  protected override momentumAt(epoch: number): number | undefined {
    return this.settings.cycleMomentum ? valueAt(this.settings, "momenta", 0, epoch) : undefined;
  }
}

function hasMomentum(group: ScheduledGroup): boolean {
  return "momentum" in group || "betas" in group;
}

/** The parts of the cycle that begins at the rate `first`. */
function phases(settings: OneCycleLRSettings, first: number): readonly Phase[] {
  const { totalSteps, pctStart, divFactor, finalDivFactor, baseMomentum, maxMomentum, threePhase } = settings;
  const [top, last, peak] = [first * divFactor, first / finalDivFactor, pctStart * totalSteps - 1];
  const end = totalSteps - 1;
  const rise: Phase = { end: peak, rates: [first, top], momenta: [maxMomentum, baseMomentum] };
  if (!threePhase) return [rise, { end, rates: [top, last], momenta: [baseMomentum, maxMomentum] }];
  const fall: Phase = { end: 2 * peak, rates: [top, first], momenta: [baseMomentum, maxMomentum] };
  return [rise, fall, { end, rates: [first, last], momenta: [maxMomentum, maxMomentum] }];
}

function valueAt(settings: OneCycleLRSettings, what: "rates" | "momenta", first: number, epoch: number): number {
  const { totalSteps, annealStrategy } = settings;
  if (epoch > totalSteps) {
    throw new RangeError(`Cannot step ${epoch} times: the cycle is ${totalSteps} steps long, set totalSteps`);
  }
  const at = Math.min(epoch, totalSteps - 1);
  const cycle = phases(settings, first);
  const now = cycle.findIndex(({ end }) => at <= end);
  const start = now === 0 ? 0 : cycle[now - 1].end;
  const part = cycle[now].end === start ? 1 : (at - start) / (cycle[now].end - start);
  const [from, to] = cycle[now][what];
  return annealStrategy === "cos" ? to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2 : from + (to - from) * part;
}

// Cycles that go on as long as the training.

/** The settings of {@linkcode CyclicLR}. */
export interface CyclicLRSettings {
  /** The lowest rate, of all groups or of each. */
  baseLr: number | readonly number[];
  /** The highest rate of the first cycle, of all groups or of each. */
  maxLr: number | readonly number[];
  /**
   * How many calls of `step()` the rate rises.
   *
   * @default {2000}
   */
  stepSizeUp: number;
  /**
   * How many it falls; `null` for as many as it rises.
   *
   * @default {null}
   */
  stepSizeDown: number | null;
  /**
   * Whether the highest rates stay, halve their distance from the lowest with each cycle, or approach it by `gammaᵗ`.
   *
   * @default {"triangular"}
   */
  mode: "triangular" | "triangular2" | "exp_range";
  /**
   * The factor of mode `"exp_range"`.
   *
   * @default {1}
   */
  gamma: number;
  /**
   * Whether momentum (or β₁) falls while the rate rises, and rises while it falls.
   *
   * @default {true}
   */
  cycleMomentum: boolean;
  /**
   * The momentum at the highest rate.
   *
   * @default {0.8}
   */
  baseMomentum: number;
  /**
   * The momentum at the lowest rate.
   *
   * @default {0.9}
   */
  maxMomentum: number;
}

const CYCLIC_STANDARD = {
  stepSizeUp: 2000,
  stepSizeDown: null,
  mode: "triangular",
  gamma: 1,
  cycleMomentum: true,
  baseMomentum: 0.8,
  maxMomentum: 0.9,
} as const;

/**
 * Rates that rise and fall in straight lines (Smith, 2015): `baseLr + (maxLr − baseLr) · h · s`, where `h` goes from 0 to 1 in
 * `stepSizeUp` calls of `step()` and back in `stepSizeDown`, and `s` is 1, `½^(cycle − 1)` or `gammaᵗ` by the mode.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { momentum: 0.9 });
 * const scheduler = new optim.CyclicLR(optimizer, { baseLr: 1, maxLr: 2, stepSizeUp: 2 });
 * const rates = [];
 * for (let t = 0; t < 5; t++, scheduler.step()) rates.push(scheduler.getLastLr()[0]);
 * assertEquals(rates, [1, 1.5, 2, 1.5, 1]);
 * ```
 */
export class CyclicLR extends Scheduler<CyclicLRSettings> {
  /**
   * A schedule for all groups of the optimiser, whose own learning rates it replaces.
   *
   * @throws {RangeError} If a setting is out of its range.
   * @throws {TypeError} If momentum is to be cycled and the optimiser has none.
   */
  constructor(
    optimizer: Optimizer,
    options: Pick<CyclicLRSettings, "baseLr" | "maxLr"> & Partial<CyclicLRSettings>,
  ) {
    const names = Object.keys(CYCLIC_STANDARD) as (keyof typeof CYCLIC_STANDARD)[];
    checkOptions("make CyclicLR", options, ["baseLr", "maxLr", ...names], { cycleMomentum: "boolean" });
    requireOptimizer(optimizer, "CyclicLR");
    const settings = { ...CYCLIC_STANDARD, ...options };
    if (settings.cycleMomentum) requireMomentum(optimizer);
    requireRates("baseLr", settings.baseLr, optimizer);
    requireRates("maxLr", settings.maxLr, optimizer);
    super(optimizer, settings);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: CyclicLRSettings): void {
    requireChoice("make CyclicLR", "mode", settings.mode, ["triangular", "triangular2", "exp_range"]);
    requireCount("stepSizeUp", settings.stepSizeUp);
    if (settings.stepSizeDown !== null) requireCount("stepSizeDown", settings.stepSizeDown);
    requireWithin(settings, ["baseLr", "maxLr", "gamma"], 0);
    requireWithin(settings, ["baseMomentum", "maxMomentum"], 0, 1);
  }

  /** `baseLr`. */
  protected override firstLr(_lr: number, group: number): number {
    return rateOf("baseLr", this.settings.baseLr, group);
  }

  /** The rate at that place of the cycles. */
  protected override lrAt(epoch: number, baseLr: number, group: number): number {
    return baseLr + (rateOf("maxLr", this.settings.maxLr, group) - baseLr) * heightAt(this.settings, epoch);
  }

  /** The momentum at that place of the cycles; `undefined` if it is not cycled. */
  protected override momentumAt(epoch: number): number | undefined {
    const { cycleMomentum, baseMomentum, maxMomentum } = this.settings;
    return cycleMomentum ? maxMomentum - (maxMomentum - baseMomentum) * heightAt(this.settings, epoch) : undefined;
  }
}

/** How far the rate is from the lowest, in parts of the distance to the highest. */
function heightAt({ stepSizeUp, stepSizeDown, mode, gamma }: CyclicLRSettings, epoch: number): number {
  const size = stepSizeUp + (stepSizeDown ?? stepSizeUp);
  const cycle = Math.floor(epoch / size), at = epoch - cycle * size;
  const height = at <= stepSizeUp ? at / stepSizeUp : (size - at) / (size - stepSizeUp);
  return height * (mode === "triangular" ? 1 : mode === "triangular2" ? 0.5 ** cycle : gamma ** epoch);
}

function requireMomentum(optimizer: Optimizer): void {
  if (optimizer.paramGroups.every(hasMomentum)) return;
  throw new TypeError(
    `Cannot cycle the momentum of ${optimizer.constructor.name}: it has none, set cycleMomentum to false`,
  );
}

function requireRates(name: string, rates: number | readonly number[], { paramGroups }: Optimizer): void {
  if (typeof rates === "number") return;
  requireArray(rates, `set ${name} to`, "[0.1, 0.01], a rate for each group");
  if (rates.length === paramGroups.length) return;
  throw new RangeError(
    `Cannot set ${name} to ${rates.length} rates: the optimiser has ${paramGroups.length} parameter groups`,
  );
}

function rateOf(name: string, rates: number | readonly number[], group: number): number {
  const rate = typeof rates === "number" ? rates : rates[group];
  if (rate !== undefined) return rate;
  throw new RangeError(`Cannot schedule group ${group}: ${name} has no rate for it, give one for all groups`);
}

/** The settings of {@linkcode CosineAnnealingWarmRestarts}. */
export interface CosineAnnealingWarmRestartsSettings {
  /** How many calls of `step()` the first fall takes. */
  t0: number;
  /**
   * How many times as many each fall takes as the one before.
   *
   * @default {1}
   */
  tMult: number;
  /**
   * The rate that a fall approaches.
   *
   * @default {0}
   */
  etaMin: number;
}

/**
 * `γₜ = η + ½(γ₀ − η)(1 + cos(πs / T))` with `η = etaMin`, where s counts from the last restart and `T` is `t0`, then
 * `t0 · tMult`, then `t0 · tMult²` … (Loshchilov & Hutter, 2016).
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.CosineAnnealingWarmRestarts(optimizer, { t0: 2 });
 * scheduler.step();
 * assertAlmostEquals(scheduler.getLastLr()[0], 0.5);
 * scheduler.step();
 * assertAlmostEquals(scheduler.getLastLr()[0], 1);
 * ```
 */
export class CosineAnnealingWarmRestarts extends Scheduler<CosineAnnealingWarmRestartsSettings> {
  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(
    optimizer: Optimizer,
    options: Pick<CosineAnnealingWarmRestartsSettings, "t0"> & Partial<CosineAnnealingWarmRestartsSettings>,
  ) {
    checkOptions("make CosineAnnealingWarmRestarts", options, ["t0", "tMult", "etaMin"]);
    const { t0, tMult = 1, etaMin = 0 } = options;
    super(optimizer, { t0, tMult, etaMin });
  }

  /** Refuses settings out of their range. */
  protected override check(settings: CosineAnnealingWarmRestartsSettings): void {
    requireCount("t0", settings.t0);
    requireCount("tMult", settings.tMult);
    requireWithin(settings, ["etaMin"], 0);
  }

  /** `η + ½(γ₀ − η)(1 + cos(πs / T))`, s calls of `step()` after the last restart. */
  protected override lrAt(epoch: number, baseLr: number): number {
    const { t0, tMult, etaMin } = this.settings;
    let [at, length] = tMult === 1 ? [epoch % t0, t0] : [epoch, t0];
    for (; at >= length; length *= tMult) at -= length;
    return etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * at) / length))) / 2;
  }
}
