/** Learning rates that follow a schedule while a learner trains. */
import { checkOptions, describe, isPlainObject, requireChoice } from "../../../core/arguments.ts";
import { Scheduler, type SchedulerStateDict } from "../../optim/schedules/scheduler.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";

/** A schedule as a learner is given it: stepped after each epoch, or as `per` says. */
export type ScheduleOption = Scheduler | { scheduler: Scheduler; per: "batch" | "epoch" };

/** Steps a schedule after each batch that took a step, or after each epoch. */
export class Schedule implements Callback {
  /** The name its state is saved under. */
  readonly name = "Schedule";
  /** After the record, before checkpoints. */
  readonly order = 20;

  /** Steps `scheduler` once `per` batch or epoch. */
  constructor(readonly scheduler: Scheduler, readonly per: "batch" | "epoch" = "epoch") {
    if (!(scheduler instanceof Scheduler)) {
      throw new TypeError(`Cannot follow ${describe(scheduler)}: give a schedule, an optim.StepLR for example`);
    }
    requireChoice("follow a schedule", "rhythm", per, ["batch", "epoch"]);
  }

  /** On to the next rate. */
  afterStep(): void {
    if (this.per === "batch") this.scheduler.step();
  }

  /** On to the next rate. */
  afterEpoch(_: Learner): void {
    if (this.per === "epoch") this.scheduler.step();
  }

  /** The schedule's own. */
  stateDict(): SchedulerStateDict {
    return this.scheduler.stateDict();
  }

  /** Takes over what `stateDict` gave. */
  loadStateDict(state: SchedulerStateDict): void {
    this.scheduler.loadStateDict(state);
  }
}

/** The callbacks for a learner's option. */
export function schedulesOf(option: ScheduleOption | undefined): Schedule[] {
  if (option === undefined) return [];
  if (option instanceof Scheduler || !isPlainObject(option)) return [new Schedule(option as Scheduler)];
  checkOptions("follow a schedule", option, ["scheduler", "per"]);
  return [new Schedule(option.scheduler, option.per)];
}
