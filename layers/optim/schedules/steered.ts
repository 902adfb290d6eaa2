/** Schedules that are steered by something else: a function, other schedules in turn, or a number that is measured. */
import { checkOptions, describe, requireArray, requireChoice } from "../../../core/arguments.ts";
import type { Optimizer } from "../optimizer.ts";
import { requireWithin, toCamelCase, toSnakeCase } from "../settings.ts";
import { passed, requireMilestones, requireOptimizer, Scheduler, type SchedulerStateDict } from "./scheduler.ts";

/** The factor of the base rate after so many calls of `step()`. */
export type LrLambda = (epoch: number) => number;

/** The settings of {@linkcode LambdaLR}. */
export interface LambdaLRSettings {
  /** The factor, for all groups or for each. */
  lrLambda: LrLambda | readonly LrLambda[];
}

/**
 * `γₜ = γ₀ · f(t)` with a function f. Its state has no functions: the one who loads it makes the schedule with the same.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.LambdaLR(optimizer, { lrLambda: (t) => 1 / (1 + t) });
 * scheduler.step();
 * assertEquals(scheduler.getLastLr(), [0.5]);
 * ```
 */
export class LambdaLR extends Scheduler<LambdaLRSettings> {
  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If there are not as many functions as groups.
   * @throws {TypeError} If it is given something else than functions.
   */
  constructor(optimizer: Optimizer, options: LambdaLRSettings) {
    checkOptions("make LambdaLR", options, ["lrLambda"]);
    requireOptimizer(optimizer, "LambdaLR");
    const { lrLambda } = options;
    const odd = [lrLambda].flat().find((f) => typeof f !== "function");
    if (odd !== undefined || lrLambda === undefined) {
      throw new TypeError(`Cannot set lrLambda to ${describe(odd)}: give a function, as (t) => 0.95 ** t`);
    }
    const [count, groups] = [[lrLambda].flat().length, optimizer.paramGroups.length];
    if (typeof lrLambda !== "function" && count !== groups) {
      throw new RangeError(`Cannot set lrLambda to ${count} functions: the optimiser has ${groups} parameter groups`);
    }
    super(optimizer, { lrLambda });
  }

  /** `γ₀ · f(t)` after t calls of `step()`. */
  protected override lrAt(epoch: number, baseLr: number, group: number): number {
    const { lrLambda } = this.settings;
    const f = typeof lrLambda === "function" ? lrLambda : lrLambda[group];
    if (f !== undefined) return baseLr * f(epoch);
    throw new RangeError(`Cannot schedule group ${group}: lrLambda has no function for it, give one for all groups`);
  }
}

/** The settings of {@linkcode SequentialLR}. */
export interface SequentialLRSettings {
  /** The schedules, all of the same optimiser. */
  schedulers: readonly Scheduler[];
  /** After how many calls of `step()` the next schedule takes over, in rising order. */
  milestones: readonly number[];
}

/**
 * Schedules one after the other: the first until the first milestone, then the next one from its own beginning. All are made for the
 * same optimiser, and only this one is stepped.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const warmUp = new optim.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
 * const fall = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
 * const scheduler = new optim.SequentialLR(optimizer, { schedulers: [warmUp, fall], milestones: [2] });
 * const rates = [];
 * for (let t = 0; t < 5; t++, scheduler.step()) rates.push(scheduler.getLastLr()[0]);
 * assertEquals(rates, [0.5, 0.75, 1, 0.5, 0.25]);
 * ```
 */
export class SequentialLR extends Scheduler<SequentialLRSettings> {
  /**
   * A schedule made of others.
   *
   * @throws {RangeError} If there is not one milestone between each two schedules.
   * @throws {TypeError} If something is not a schedule of this optimiser.
   */
  constructor(optimizer: Optimizer, options: SequentialLRSettings) {
    checkOptions("make SequentialLR", options, ["schedulers", "milestones"]);
    requireOptimizer(optimizer, "SequentialLR");
    const { schedulers, milestones } = options;
    requireArray(schedulers, "make SequentialLR of the schedulers", "[warmUp, fall]");
    const odd = schedulers.find((one) => !(one instanceof Scheduler && one.isOf(optimizer)));
    if (odd !== undefined) {
      throw new TypeError(`Cannot make SequentialLR of ${describe(odd)}: give schedules of the same optimiser`);
    }
    requireMilestones(milestones);
    super(optimizer, { schedulers: [...schedulers], milestones: [...milestones] });
  }

  /** Refuses milestones that do not fit the schedules. */
  protected override check({ schedulers, milestones }: SequentialLRSettings): void {
    requireMilestones(milestones);
    if (milestones.length === schedulers.length - 1) return;
    throw new RangeError(
      `Cannot make SequentialLR of ${schedulers.length} schedules with ${milestones.length} milestones: ` +
        `give one between each two`,
    );
  }

  /** Has the schedules include the groups that were added, and sets their rates. */
  override includeNewGroups(): void {
    for (const one of this.settings.schedulers) one.includeNewGroups();
    super.includeNewGroups();
  }

  /** The rate of the schedule whose turn it is. */
  protected override lrAt(epoch: number, _baseLr: number, group: number): number {
    const [one, own] = turnAt(this.settings, epoch);
    return one.valuesAt(own, group).lr;
  }

  /** Its momentum. */
  protected override momentumAt(epoch: number, group: number): number | undefined {
    const [one, own] = turnAt(this.settings, epoch);
    return one.valuesAt(own, group).momentum;
  }

  /** Sets the next learning rate, and the count of the schedule whose turn it is. */
  override step(): void {
    super.step();
    const [one, own] = turnAt(this.settings, this.lastEpoch);
    one.lastEpoch = own;
  }

  /** Its own state, and those of the schedules as `schedulers`. */
  override stateDict(): SchedulerStateDict {
    return { ...super.stateDict(), schedulers: this.settings.schedulers.map((one) => one.stateDict()) };
  }

  /**
   * Loads what `stateDict` returned.
   *
   * @throws {RangeError} If a schedule does not fit its state.
   * @throws {TypeError} If it is not a state of such a schedule. Nothing is changed in either case.
   */
  override loadStateDict(state: SchedulerStateDict): void {
    const { schedulers: states, ...own } = state ?? {};
    const { schedulers } = this.settings;
    if (!Array.isArray(states) || states.length !== schedulers.length) {
      throw new TypeError(`Cannot load the schedule: expected the states of ${schedulers.length} schedules`);
    }
    const before = this.stateDict();
    try {
      this.#load(states, own as SchedulerStateDict);
    } catch (error) {
      const { schedulers: earlier, ...rest } = before;
      this.#load(earlier as SchedulerStateDict[], rest as SchedulerStateDict);
      throw error;
    }
  }

  #load(states: readonly SchedulerStateDict[], own: SchedulerStateDict): void {
    this.settings.schedulers.forEach((one, i) => one.loadStateDict(states[i]));
    super.loadStateDict(own); // last, for each of them has written its rates
  }
}

/** The schedule whose turn it is, and how often it has been stepped. */
function turnAt({ schedulers, milestones }: SequentialLRSettings, epoch: number): [Scheduler, own: number] {
  const turn = passed(milestones, epoch);
  return [schedulers[turn], turn === 0 ? epoch : epoch - milestones[turn - 1]];
}

/** The settings of {@linkcode ReduceLROnPlateau}. */
export interface ReduceLROnPlateauSettings {
  /**
   * Whether a small or a large number is good.
   *
   * @default {"min"}
   */
  mode: "min" | "max";
  /**
   * The factor by which the rate falls.
   *
   * @default {0.1}
   */
  factor: number;
  /**
   * How many calls of `step()` without a new best are let pass.
   *
   * @default {10}
   */
  patience: number;
  /**
   * By how much a new best must be better than the old one.
   *
   * @default {1e-4}
   */
  threshold: number;
  /**
   * Whether `threshold` is a part of the best, or in its units.
   *
   * @default {"rel"}
   */
  thresholdMode: "rel" | "abs";
  /**
   * For how many calls after a fall nothing is counted.
   *
   * @default {0}
   */
  cooldown: number;
  /**
   * The lowest rate, of all groups or of each.
   *
   * @default {0}
   */
  minLr: number | readonly number[];
  /**
   * A fall by less than this is left out.
   *
   * @default {1e-8}
   */
  eps: number;
}

/** The saved state of a {@linkcode ReduceLROnPlateau}, by PyTorch's names: its settings beside these. */
export type ReduceLROnPlateauState = Record<string, unknown> & {
  /** The best number so far. */
  best: number;
  /** How many calls came since. */
  num_bad_epochs: number;
  /** For how many more calls nothing is counted. */
  cooldown_counter: number;
  /** How many times `step()` was called. */
  last_epoch: number;
};

const PLATEAU: ReduceLROnPlateauSettings = {
  mode: "min",
  factor: 0.1,
  patience: 10,
  threshold: 1e-4,
  thresholdMode: "rel",
  cooldown: 0,
  minLr: 0,
  eps: 1e-8,
};

/**
 * Lets the rates fall where a number has stopped getting better: after more than `patience` calls of `step(number)` without a new best
 * each rate becomes `max(γ · factor, minLr)`. A `Learner` calls it with the number that it monitors.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new optim.ReduceLROnPlateau(optimizer, { factor: 0.5, patience: 1 });
 * const rates = [3, 2, 2, 2].map((loss) => {
 *   scheduler.step(loss);
 *   return scheduler.getLastLr()[0];
 * });
 * assertEquals(rates, [1, 1, 1, 0.5]);
 * ```
 */
export class ReduceLROnPlateau {
  /** The settings of this schedule. */
  readonly settings: ReduceLROnPlateauSettings;
  /** The best number so far. */
  best: number;
  /** How many calls of `step()` came since the best one. The name is PyTorch's. */
  numBadEpochs = 0;
  /** For how many more calls nothing is counted. */
  cooldownCounter = 0;
  /** How many times `step()` was called. */
  lastEpoch = 0;
  readonly #optimizer: Optimizer;

  /**
   * A schedule for all groups of the optimiser.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(optimizer: Optimizer, options: Partial<ReduceLROnPlateauSettings> = {}) {
    checkOptions("make ReduceLROnPlateau", options, Object.keys(PLATEAU) as (keyof ReduceLROnPlateauSettings)[]);
    requireOptimizer(optimizer, "ReduceLROnPlateau");
    this.settings = { ...PLATEAU, ...options };
    checkPlateau(this.settings);
    const { minLr } = this.settings, { length } = optimizer.paramGroups;
    if (typeof minLr !== "number" && minLr.length !== length) {
      throw new RangeError(`Cannot set minLr to ${minLr.length} rates: the optimiser has ${length} parameter groups`);
    }
    this.#optimizer = optimizer;
    this.best = this.#worst;
  }

  get #worst(): number {
    return this.settings.mode === "min" ? Infinity : -Infinity;
  }

  /**
   * Takes a new number into account, and lets the rates fall where it is time.
   *
   * @throws {TypeError} If it is not a number.
   */
  step(metrics: number): void {
    if (typeof metrics !== "number") {
      throw new TypeError(
        `Cannot step by ${describe(metrics)}: give the number that is monitored, the loss for example`,
      );
    }
    this.lastEpoch++;
    if (this.#isBetter(metrics)) [this.best, this.numBadEpochs] = [metrics, 0];
    else this.numBadEpochs++;
    if (this.cooldownCounter > 0) [this.cooldownCounter, this.numBadEpochs] = [this.cooldownCounter - 1, 0];
    if (this.numBadEpochs <= this.settings.patience) return;
    this.#reduce();
    [this.cooldownCounter, this.numBadEpochs] = [this.settings.cooldown, 0];
  }

  #isBetter(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.settings;
    const sign = mode === "min" ? -1 : 1;
    const wanted = thresholdMode === "rel" ? this.best * (1 + sign * threshold) : this.best + sign * threshold;
    return mode === "min" ? value < wanted : value > wanted;
  }

  #reduce(): void {
    const { factor, minLr, eps } = this.settings;
    this.#optimizer.paramGroups.forEach((group, i) => {
      const lr = Math.max(group.lr * factor, typeof minLr === "number" ? minLr : minLr[i] ?? 0);
      if (group.lr - lr > eps) group.lr = lr;
    });
  }

  /** The present learning rate of each group. */
  getLastLr(): number[] {
    return this.#optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Everything that a later run needs to continue but the rates, which are in the optimiser's state. */
  stateDict(): ReduceLROnPlateauState {
    const { best, numBadEpochs, cooldownCounter, lastEpoch } = this;
    const counts = { num_bad_epochs: numBadEpochs, cooldown_counter: cooldownCounter, last_epoch: lastEpoch };
    return { ...toSnakeCase(this.settings), best, ...counts };
  }

  /**
   * Loads what `stateDict` returned.
   *
   * @throws {RangeError} If a setting is out of its range, missing or unknown.
   * @throws {TypeError} If it is not a state of such a schedule. Nothing is changed in either case.
   */
  loadStateDict(state: ReduceLROnPlateauState): void {
    const { best, num_bad_epochs, cooldown_counter, last_epoch, ...saved } = state ?? {};
    const counts = [num_bad_epochs, cooldown_counter, last_epoch];
    if (typeof best !== "number" || !counts.every((count) => Number.isInteger(count) && count! >= 0)) {
      throw new TypeError(
        "Cannot load the schedule: expected { best, num_bad_epochs, cooldown_counter, last_epoch, … }, as from a " +
          `schedule's stateDict(), found ${JSON.stringify(state)}`,
      );
    }
    const settings = toCamelCase(saved);
    const names = (of: object) => Object.keys(of).sort().join(", ");
    if (names(settings) !== names(PLATEAU)) {
      throw new RangeError(
        `Cannot load the schedule: it has the settings ${names(settings)}, expected ${names(PLATEAU)}`,
      );
    }
    checkPlateau(settings as unknown as ReduceLROnPlateauSettings);
    Object.assign(this.settings, settings);
    [this.best, this.numBadEpochs, this.cooldownCounter, this.lastEpoch] = [
      best,
      ...counts as [number, number, number],
    ];
  }
}

function checkPlateau(settings: ReduceLROnPlateauSettings): void {
  requireChoice("make ReduceLROnPlateau", "mode", settings.mode, ["min", "max"]);
  requireChoice("make ReduceLROnPlateau", "thresholdMode", settings.thresholdMode, ["rel", "abs"]);
  requireWithin(settings, ["factor"], 0, 1);
  requireWithin(settings, ["patience", "threshold", "cooldown", "minLr", "eps"], 0);
}
