/** Early stopping, and the choice of the number that it and `Checkpoints` monitor. */
import { checkOptions, describe, type OptionTypes, requireChoice, requireNumber } from "../../../core/arguments.ts";
import { type BestState, BestWeights } from "./best_weights.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";

/** Which number of an epoch's record is monitored. */
export interface MonitorOptions {
  /**
   * The name of a metric, `"validLoss"` or `"trainLoss"`.
   *
   * @default {"validLoss"} or, without validation data, `"trainLoss"`
   */
  monitor?: string;
  /**
   * Whether the smallest or the largest value is the best.
   *
   * @default {"min"} for losses, `mse` and `mae`, else `"max"`
   */
  mode?: "min" | "max";
}

/** Refuses unknown options of a callback that monitors a number, and an unknown mode. */
export function checkMonitor<T extends MonitorOptions>(
  action: string,
  options: T,
  known: readonly (keyof NoInfer<T> & string)[],
): void {
  const kinds: OptionTypes<MonitorOptions> = { monitor: "string" };
  checkOptions(action, options, known, kinds as OptionTypes<T>);
  if (options.mode !== undefined) requireChoice(action, "mode", options.mode, ["min", "max"]);
}

/**
 * The monitored number of the last epoch; that of `"min"` with its sign changed, so that a larger score is better.
 *
 * @throws {RangeError} If the record has no such number.
 */
export function scoreOf(learner: Learner, { monitor, mode }: MonitorOptions): number {
  const [name, value] = monitored(learner, monitor);
  const small = (mode ?? (/loss|^m[sa]e$/i.test(name) ? "min" : "max")) === "min";
  return small ? -value : value;
}

/** The monitored number of the last epoch, and its name. */
export function monitored({ history }: Learner, monitor?: string): [name: string, value: number] {
  const last = history[history.length - 1];
  const name = monitor ?? (last.validLoss === undefined ? "trainLoss" : "validLoss");
  const numbers: Record<string, unknown> = { ...last.metrics, trainLoss: last.trainLoss, validLoss: last.validLoss };
  const value = numbers[name];
  if (typeof value === "number") return [name, value];
  const known = Object.keys(numbers).filter((key) => typeof numbers[key] === "number").join(", ");
  throw new RangeError(`Cannot monitor ${name}: the record has the numbers ${known}`);
}

/** The options of {@linkcode EarlyStopping}. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /**
   * After how many epochs without a new best the run is stopped.
   *
   * @default {3}
   */
  patience?: number;
  /**
   * By how much a new best must be better than the old one.
   *
   * @default {0}
   */
  minDelta?: number;
  /**
   * Whether the weights of the best epoch are put back at the end of the run, stopped or not; a copy of them is in memory meanwhile.
   *
   * @default {true}
   */
  restoreBest?: boolean;
}

/** The state of an {@linkcode EarlyStopping}. */
export interface EarlyStoppingState {
  /** The best score, better than those before by `minDelta`. */
  best: number;
  /** How many epochs came since. */
  waited: number;
  /** The weights to be put back, if they are to be. */
  weights?: BestState;
}

/** Stops the run after `patience` epochs without a new best, and puts the weights of the best epoch back. */
export class EarlyStopping implements Callback {
  /** The name under which its state is saved. */
  readonly name = "EarlyStopping";
  /** After the record, before checkpoints. */
  readonly order = 60;
  readonly #options: EarlyStoppingOptions;
  #best = -Infinity;
  #waited = 0;
  #resumed = false;
  readonly #weights = new BestWeights();

  /** By default it monitors the validation loss, with a patience of 3 epochs. */
  constructor(options: EarlyStoppingOptions = {}) {
    checkMonitor("make EarlyStopping", options, ["monitor", "mode", "patience", "minDelta", "restoreBest"]);
    const { patience = 3, minDelta = 0, restoreBest = true } = options;
    if (typeof restoreBest !== "boolean") {
      throw new TypeError(`Cannot make EarlyStopping with restoreBest ${describe(restoreBest)}: give true or false`);
    }
    requireNumber(patience, "make EarlyStopping with the patience");
    requireNumber(minDelta, "make EarlyStopping with the minDelta");
    this.#options = options;
  }

  /** Resets the best score; a run that is resumed after it was stopped is stopped again. */
  beforeFit(learner: Learner): void {
    if (!this.#resumed) {
      [this.#best, this.#waited] = [-Infinity, 0];
      this.#weights.reset();
    }
    this.#resumed = false;
    this.#stopIfDue(learner);
  }

  /** Compares the epoch with the best one. */
  afterEpoch(learner: Learner): void {
    const score = scoreOf(learner, this.#options);
    if (score > this.#best + (this.#options.minDelta ?? 0)) [this.#best, this.#waited] = [score, 0];
    else this.#waited++;
    if (this.#restores) this.#weights.add(score, learner);
    this.#stopIfDue(learner);
  }

  /** The run has not failed: its best weights are put back. */
  afterFit(): void {
    this.#weights.restoreAtEnd();
  }

  /** Puts them back. */
  cleanUp(learner: Learner): void {
    this.#weights.restore(learner);
  }

  get #restores(): boolean {
    return this.#options.restoreBest ?? true;
  }

  #stopIfDue(learner: Learner): void {
    if (this.#waited < (this.#options.patience ?? 3)) return;
    learner.stop(`no new best of ${this.#options.monitor ?? "the loss"} in ${this.#waited} epochs`);
  }

  /** The best score, the epochs since, and the best weights. */
  stateDict(): EarlyStoppingState {
    const weights = this.#restores ? { weights: this.#weights.state } : {};
    return { best: this.#best, waited: this.#waited, ...weights };
  }

  /** Loads what `stateDict` returned. */
  loadStateDict({ best, waited, weights }: EarlyStoppingState): void {
    [this.#best, this.#waited, this.#resumed] = [best, waited, true];
    if (weights === undefined) this.#weights.reset();
    else this.#weights.load(weights);
  }
}
