/** Learning rates that follow a schedule while a learner trains. */
import { checkOptions, describe, isPlainObject, requireChoice } from "../../../core/arguments.ts";
import { Scheduler, type SchedulerStateDict } from "../../optim/schedules/scheduler.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";

/** The `scheduler` option of a learner: a schedule that is stepped after each epoch, or with `per: "batch"` after each batch. */
export type ScheduleOption = Scheduler | { scheduler: Scheduler; per: "batch" | "epoch" };

/** Steps a schedule after each batch that took a step, or after each epoch. */
export class Schedule implements Callback {
  /** The name under which its state is saved. */
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

  /** Sets the next rate where `per` is `"batch"`. */
  afterStep(): void {
    if (this.per === "batch") this.scheduler.step();
  }

  /** Sets the next rate where `per` is `"epoch"`. */
  afterEpoch(_: Learner): void {
    if (this.per === "epoch") this.scheduler.step();
  }

  /** The state of the schedule. */
  stateDict(): SchedulerStateDict {
    return this.scheduler.stateDict();
  }

  /** Loads what `stateDict` returned. */
  loadStateDict(state: SchedulerStateDict): void {
    this.scheduler.loadStateDict(state);
  }
}

/** The callbacks for the `scheduler` option of a learner. */
export function schedulesOf(option: ScheduleOption | undefined): Schedule[] {
  if (option === undefined) return [];
  if (option instanceof Scheduler || !isPlainObject(option)) return [new Schedule(option as Scheduler)];
  checkOptions("follow a schedule", option, ["scheduler", "per"]);
  return [new Schedule(option.scheduler, option.per)];
}
