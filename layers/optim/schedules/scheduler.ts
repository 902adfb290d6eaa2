/** What every schedule of learning rates is: a function of the step's number, written into an optimiser's groups. */
import { describe, shown } from "../../../core/arguments.ts";
import { Optimizer } from "../optimizer.ts";
import { type GroupSettings, toCamelCase, toSnakeCase } from "../settings.ts";

/** A schedule as it is saved, under PyTorch's names, its settings beside these two. */
export type SchedulerStateDict = Record<string, unknown> & {
  /** How often it was stepped. */
  last_epoch: number;
  /** The learning rates that the groups began with. */
  base_lrs: number[];
};

/** What a schedule may find and change in a group. */
export type ScheduledGroup = GroupSettings & { momentum?: number; betas?: readonly [number, number] };

/**
 * The base of schedules: a schedule implements {@linkcode Scheduler.lrAt | lrAt}, the learning rate of a step in closed form.
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
  /** How often the schedule was stepped. */
  lastEpoch = 0;
  /** The learning rate of each group that the schedule begins from. */
  baseLrs: readonly number[] = [];
  /** What the schedule was told. */
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
    this.takeIn();
    optimizer.followBy(this);
  }

  /** Takes in the groups that were added to the optimiser, and sets their rates; called by `addParamGroup`. */
  takeIn(): void {
    const known = this.baseLrs.length;
    const added = this.#groups.slice(known);
    const rates = added.map((group, i) => this.firstLr(group.initialLr ?? group.lr, known + i));
    added.forEach((group, i) => group.initialLr = rates[i]);
    this.baseLrs = [...this.baseLrs, ...rates];
    this.#write(known);
  }

  /** The learning rate of the step with this number, counted from 0. */
  protected abstract lrAt(epoch: number, baseLr: number, group: number): number;

  /** The momentum of the step, where the schedule cycles it. */
  protected momentumAt(_epoch: number, _group: number): number | undefined {
    return undefined;
  }

  /** Where the schedule of a group begins from: the learning rate it has, or began from, unless the schedule says otherwise. */
  protected firstLr(lr: number, _group: number): number {
    return lr;
  }

  /** Refuses settings out of their range. */
  protected check(_settings: S): void {}

  get #groups(): ScheduledGroup[] {
    return this.#optimizer.paramGroups;
  }

  /** Goes on to the next learning rate; call it after `optimizer.step()`. */
  step(): void {
    this.lastEpoch++;
    this.takeIn();
    this.#write();
  }

  /** The learning rates in force, one a group. */
  getLastLr(): number[] {
    return this.#groups.map(({ lr }) => lr);
  }

  #write(from = 0): void {
    this.#groups.forEach((group, i) => {
      if (i < from) return;
      group.lr = this.lrAt(this.lastEpoch, this.baseLrs[i], i);
      const momentum = this.momentumAt(this.lastEpoch, i);
      if (momentum === undefined) return;
      if (group.betas === undefined) group.momentum = momentum;
      else group.betas = [momentum, group.betas[1]];
    });
  }

  /** What a later run needs to go on: the count, the first learning rates and the settings, under PyTorch's names. */
  stateDict(): SchedulerStateDict {
    return { ...toSnakeCase(this.settings), last_epoch: this.lastEpoch, base_lrs: [...this.baseLrs] };
  }

  /**
   * Takes over what {@linkcode Scheduler.stateDict | stateDict} gave, and sets the learning rates of that step.
   *
   * @throws {RangeError} If the number of groups or the names of the settings differ, or the count is past the schedule's end.
   * @throws {TypeError} If it is no state of a schedule. Nothing is changed in either case.
   */
  loadStateDict(state: SchedulerStateDict): void {
    requireState(state);
    const { last_epoch, base_lrs, ...saved } = state;
    const settings = toCamelCase(saved);
    const names = (of: object) => Object.keys(of).sort().join(", ");
    if (base_lrs.length !== this.baseLrs.length || names(settings) !== names(this.settings)) {
      throw new RangeError(
        `Cannot load the schedule: it has ${base_lrs.length} groups and the settings ${names(settings)}, ` +
          `expected ${this.baseLrs.length} groups and ${names(this.settings)}`,
      );
    }
    this.check(settings as S);
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

/** Refuses what is no optimiser, such as the model. */
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

/** Refuses what is no whole number from 1 up. */
export function requireCount(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new RangeError(`Cannot set ${name} to ${shown(value)}: expected a whole number of at least 1`);
}
