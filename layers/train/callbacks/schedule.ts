/** Learning rates that follow a schedule while a learner trains. */
import { checkOptions, describe, isPlainObject, requireChoice } from "../../../core/arguments.ts";
import { Scheduler, type SchedulerStateDict } from "../../optim/schedules/scheduler.ts";
import { ReduceLROnPlateau, type ReduceLROnPlateauState } from "../../optim/schedules/steered.ts";
import type { Callback } from "./callback.ts";
import { monitored } from "./early_stopping.ts";
import type { Learner } from "../learner.ts";

/**
 * The `scheduler` option of a learner: a schedule that is stepped after each epoch, or with `per: "batch"` after each step of the
 * optimiser; or a `ReduceLROnPlateau`, which is stepped after each epoch by the number that `monitor` names, the validation loss where
 * it names none (without validation data the training loss).
 */
export type ScheduleOption =
  | Scheduler
  | ReduceLROnPlateau
  | { scheduler: Scheduler; per: "batch" | "epoch" }
  | { scheduler: ReduceLROnPlateau; monitor?: string };

/** Steps a schedule after each step of the optimiser, or after each epoch. */
export class Schedule implements Callback {
  /** The name under which its state is saved. */
  readonly name = "Schedule";
  /** After the record, before checkpoints. */
  readonly order = 20;

  /** Steps `scheduler` once `per` batch or epoch; one that follows a number by that which `monitor` names. */
  constructor(
    readonly scheduler: Scheduler | ReduceLROnPlateau,
    readonly per: "batch" | "epoch" = "epoch",
    readonly monitor?: string | undefined,
  ) {
    const follows = scheduler instanceof ReduceLROnPlateau;
    if (!follows && !(scheduler instanceof Scheduler)) {
      throw new TypeError(`Cannot follow ${describe(scheduler)}: give a schedule, an optim.StepLR for example`);
    }
    requireChoice("follow a schedule", "rhythm", per, ["batch", "epoch"]);
    if (follows && per === "batch") {
      throw new TypeError('Cannot step ReduceLROnPlateau per "batch": it follows the record of an epoch');
    }
    if (monitor === undefined || (follows && typeof monitor === "string")) return;
    const what = follows ? describe(monitor) : `${JSON.stringify(monitor)} by ${scheduler.constructor.name}`;
    throw new TypeError(`Cannot monitor ${what}: give ReduceLROnPlateau the name of a number, "validLoss" or a metric`);
  }

  /** Sets the next rate where `per` is `"batch"`. */
  afterStep(): void {
    if (this.per === "batch") (this.scheduler as Scheduler).step();
  }

  /** Sets the next rate where `per` is `"epoch"`. */
  afterEpoch(learner: Learner): void {
    if (this.scheduler instanceof ReduceLROnPlateau) this.scheduler.step(monitored(learner, this.monitor)[1]);
    else if (this.per === "epoch") this.scheduler.step();
  }

  /** The state of the schedule. */
  stateDict(): SchedulerStateDict | ReduceLROnPlateauState {
    return this.scheduler.stateDict();
  }

  /** Loads what `stateDict` returned. */
  loadStateDict(state: SchedulerStateDict | ReduceLROnPlateauState): void {
    this.scheduler.loadStateDict(state as SchedulerStateDict & ReduceLROnPlateauState);
  }
}

/** The callbacks for the `scheduler` option of a learner. */
export function schedulesOf(option: ScheduleOption | undefined): Schedule[] {
  if (option === undefined) return [];
  if (!isPlainObject(option)) return [new Schedule(option as Scheduler)];
  checkOptions("follow a schedule", option as { [K in "scheduler" | "per" | "monitor"]?: unknown }, [
    "scheduler",
    "per",
    "monitor",
  ]);
  const { scheduler, per, monitor } = option as { scheduler: Scheduler; per?: "batch" | "epoch"; monitor?: string };
  return [new Schedule(scheduler, per, monitor)];
}
