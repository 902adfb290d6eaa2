/** One number of the last epoch's record, to be judged by. */
import { checkOptions, requireChoice } from "../../../core/arguments.ts";
import type { Learner } from "../learner.ts";

/** What is watched. */
export interface WatchOptions {
  /** The name of a metric, `"validLoss"` or `"trainLoss"`; the validation loss where there is one unless told. */
  monitor?: string;
  /** Whether small or large is good; `"min"` for losses and errors (`mse`, `mae`), else `"max"`, unless told. */
  mode?: "min" | "max";
}

/** Refuses unknown options of a callback that watches a number, and an unknown mode. */
export function checkWatch<T extends WatchOptions>(
  action: string,
  options: T,
  known: readonly (keyof NoInfer<T> & string)[],
): void {
  checkOptions(action, options, known);
  if (options.mode !== undefined) requireChoice(action, "mode", options.mode, ["min", "max"]);
}

/**
 * The watched number of the last epoch, turned so that large is good.
 *
 * @throws {RangeError} If the record has no such number.
 */
export function scoreOf({ history }: Learner, { monitor, mode }: WatchOptions): number {
  const last = history[history.length - 1];
  const name = monitor ?? (last.validLoss === undefined ? "trainLoss" : "validLoss");
  const numbers: Record<string, unknown> = { ...last.metrics, trainLoss: last.trainLoss, validLoss: last.validLoss };
  const value = numbers[name];
  if (typeof value !== "number") {
    const known = Object.keys(numbers).filter((key) => typeof numbers[key] === "number").join(", ");
    throw new RangeError(`Cannot watch ${name}: the record has the numbers ${known}`);
  }
  const small = (mode ?? (/loss|^m[sa]e$/i.test(name) ? "min" : "max")) === "min";
  return small ? -value : value;
}
