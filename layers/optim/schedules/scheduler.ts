/** The base class of learning-rate schedules: a function of how often `step()` was called, written into the optimiser's groups. */
import { describe, requireArray, shown } from "../../../core/arguments.ts";
import { Optimizer } from "../optimizer.ts";
import { type GroupSettings, toCamelCase, toSnakeCase } from "../settings.ts";

/** The saved state of a schedule, by PyTorch's names: its settings beside these two. */
export type SchedulerStateDict = Record<string, unknown> & {
  /** How many times `step()` was called. */
  last_epoch: number;
  /** The learning rates that the groups began with. */
  base_lrs: number[];
};

/** The settings of a group that a schedule reads and writes. */
export type ScheduledGroup = GroupSettings & { momentum?: number; betas?: readonly [number, number] };

/**
 * The base class of schedules. A schedule implements {@linkcode Scheduler.lrAt | lrAt}, the learning rate after so many calls of `step()`.
 *
 * As in PyTorch, the constructor sets what the first step uses, and `step()` is called after `optimizer.step()`. An optimiser
 * follows one schedule at a time. A group that is added to the optimiser later follows it too, where PyTorch leaves its rate alone.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * class Halving extends optim.Scheduler<{ every: number }> {
 *   protected override lrAt(epoch: number, base: number): number {
 *     return base / 2 ** Math.floor(epoch / this.settings.every);
 *   }
 * }
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
 * const scheduler = new Halving(optimizer, { every: 2 });
 * const rates = [1, 2, 3].map(() => {
 *   const [{ lr }] = optimizer.paramGroups;
 *   optimizer.step();
 *   scheduler.step();
 *   return lr;
 * });
 * assertEquals(rates, [1, 1, 0.5]);
 * ```
 */
export abstract class Scheduler<S extends object = object> {
  /** How many times `step()` was called: epochs where it is called once an epoch, batches where once a batch. The name is PyTorch's. */
  lastEpoch = 0;
  /** The learning rate of each group before the schedule. */
  baseLrs: readonly number[] = [];
  /** The settings of this schedule. */
  readonly settings: S;
  readonly #optimizer: Optimizer;

  /**
   * A schedule for all groups of the optimiser; it begins from the learning rates they have, or began from.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(optimizer: Optimizer, settings: S) {
    requireOptimizer(optimizer, this.constructor.name);
    this.#optimizer = optimizer;
    this.settings = settings;
    this.check(settings);
    this.includeNewGroups();
    optimizer.attachSchedule(this);
  }

  /** Includes the groups that were added to the optimiser, and sets their rates; `addParamGroup` calls this. */
  includeNewGroups(): void {
    const known = this.baseLrs.length;
    const added = this.#groups.slice(known);
    const rates = added.map((group, i) => this.firstLr(group.initialLr ?? group.lr, known + i));
    added.forEach((group, i) => group.initialLr = rates[i]);
    this.baseLrs = [...this.baseLrs, ...rates];
    this.#write(known);
  }

  /** The learning rate after `epoch` calls of `step()`: at 0 that of the first step. */
  protected abstract lrAt(epoch: number, baseLr: number, group: number): number;

  /** The momentum after `epoch` calls of `step()`; `undefined` where the schedule leaves it alone. */
  protected momentumAt(_epoch: number, _group: number): number | undefined {
    return undefined;
  }

  /** The base rate of a group: its own `lr`, or that which an earlier schedule began from. OneCycleLR sets another. */
  protected firstLr(lr: number, _group: number): number {
    return lr;
  }

  /** Refuses settings out of their range. */
  protected check(_settings: S): void {}

  get #groups(): ScheduledGroup[] {
    return this.#optimizer.paramGroups;
  }

  /** Sets the next learning rate; call it after `optimizer.step()`. */
  step(): void {
    this.lastEpoch++;
    this.includeNewGroups();
    this.#write();
  }

  /** The present learning rate of each group. */
  getLastLr(): number[] {
    return this.#groups.map(({ lr }) => lr);
  }

  #write(from = 0): void {
    this.#groups.forEach((group, i) => {
      if (i < from) return;
      const { lr, momentum } = this.valuesAt(this.lastEpoch, i);
      group.lr = lr;
      if (momentum === undefined) return;
      if (group.betas === undefined) group.momentum = momentum;
      else group.betas = [momentum, group.betas[1]];
    });
  }

  /**
   * Whether it writes into the groups of this optimiser.
   *
   * @internal
   */
  isOf(optimizer: Optimizer): boolean {
    return this.#optimizer === optimizer;
  }

  /**
   * Rate and momentum of a group after `epoch` calls of `step()`, for schedules that are made of others.
   *
   * @internal
   */
  valuesAt(epoch: number, group: number): { lr: number; momentum: number | undefined } {
    return { lr: this.lrAt(epoch, this.baseLrs[group], group), momentum: this.momentumAt(epoch, group) };
  }

  /** Everything that a later run needs to continue: count, base rates and settings but functions, by PyTorch's names. */
  stateDict(): SchedulerStateDict {
    return { ...toSnakeCase(plain(this.settings)), last_epoch: this.lastEpoch, base_lrs: [...this.baseLrs] };
  }

  /**
   * Loads what {@linkcode Scheduler.stateDict | stateDict} returned, and sets the learning rates of that step.
   *
   * @throws {RangeError} If the number of groups or the names of the settings differ, or the count is past the schedule's end.
   * @throws {TypeError} If it is not a state of a schedule. Nothing is changed in either case.
   */
  loadStateDict(state: SchedulerStateDict): void {
    requireState(state);
    const { last_epoch, base_lrs, ...saved } = state;
    const settings = toCamelCase(saved);
    const names = (of: object) => Object.keys(of).sort().join(", ");
    const own = plain(this.settings);
    if (base_lrs.length !== this.baseLrs.length || names(settings) !== names(own)) {
      throw new RangeError(
        `Cannot load the schedule: it has ${base_lrs.length} groups and the settings ${names(settings)}, ` +
          `expected ${this.baseLrs.length} groups and ${names(own)}`,
      );
    }
    this.check({ ...this.settings, ...settings });
    const before = { settings: { ...this.settings }, lastEpoch: this.lastEpoch, baseLrs: this.baseLrs };
    try {
      Object.assign(this.settings, settings);
      [this.lastEpoch, this.baseLrs] = [last_epoch, [...base_lrs]];
      this.#write();
    } catch (error) {
      Object.assign(this.settings, before.settings);
      [this.lastEpoch, this.baseLrs] = [before.lastEpoch, before.baseLrs];
      throw error;
    }
  }
}

/** Refuses a value that is not an optimiser, such as the model. */
export function requireOptimizer(optimizer: Optimizer, schedule: string): void {
  if (optimizer instanceof Optimizer) return;
  throw new TypeError(
    `Cannot make ${schedule} for ${describe(optimizer)}: give the optimiser, an optim.SGD for example`,
  );
}

function requireState(state: Partial<SchedulerStateDict>): void {
  const { last_epoch, base_lrs } = state ?? {};
  const rates = Array.isArray(base_lrs) && base_lrs.every((rate) => typeof rate === "number");
  if (rates && Number.isInteger(last_epoch) && last_epoch! >= 0) return;
  throw new TypeError(
    "Cannot load the schedule: expected { last_epoch, base_lrs, … }, as from a schedule's stateDict(), found " +
      JSON.stringify(state),
  );
}

/** Refuses a value that is not a whole number of at least 1. */
export function requireCount(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new RangeError(`Cannot set ${name} to ${shown(value)}: expected a whole number of at least 1`);
}

/** What a state can hold: functions and schedules come from the constructor. */
function plain(settings: object): object {
  const isPlain = (part: unknown) => typeof part !== "function" && !(part instanceof Scheduler);
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => [value].flat().every(isPlain)));
}

/** Refuses milestones that are not whole numbers in rising order. */
export function requireMilestones(milestones: readonly number[]): void {
  requireArray(milestones, "set milestones to", "[30, 80]");
  if (milestones.every((t, i) => Number.isInteger(t) && t >= (i === 0 ? 0 : milestones[i - 1]))) return;
  throw new RangeError(`Cannot set milestones to ${milestones.join(", ")}: expected whole numbers in rising order`);
}

/** How many of the milestones are reached. */
export function passed(milestones: readonly number[], epoch: number): number {
  return milestones.filter((milestone) => milestone <= epoch).length;
}
