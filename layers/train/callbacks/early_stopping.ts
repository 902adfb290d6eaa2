/** The end of a run that no longer gets better. */
import { requireNumber } from "../../../core/arguments.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";
import { checkWatch, scoreOf, type WatchOptions } from "./watched.ts";

/** When to give up. */
export interface EarlyStoppingOptions extends WatchOptions {
  /** How many epochs without a new best are borne; 3 unless told. */
  patience?: number;
  /** By how much a new best must be better than the old one; 0 unless told. */
  minDelta?: number;
}

/** Stops the run after `patience` epochs without a new best; the weights stay as they are. */
export class EarlyStopping implements Callback {
  /** The name its state is saved under. */
  readonly name = "EarlyStopping";
  /** After the record, before checkpoints. */
  readonly order = 60;
  readonly #options: EarlyStoppingOptions;
  #best = -Infinity;
  #waited = 0;
  #resumed = false;

  /** Watches the validation loss, with a patience of 3, unless told. */
  constructor(options: EarlyStoppingOptions = {}) {
    checkWatch("make EarlyStopping", options, ["monitor", "mode", "patience", "minDelta"]);
    const { patience = 3, minDelta = 0 } = options;
    requireNumber(patience, "make EarlyStopping with the patience");
    requireNumber(minDelta, "make EarlyStopping with the minDelta");
    this.#options = options;
  }

  /** A run that was resumed after it had given up gives up again; any other begins anew. */
  beforeFit(learner: Learner): void {
    if (!this.#resumed) [this.#best, this.#waited] = [-Infinity, 0];
    this.#resumed = false;
    this.#giveUp(learner);
  }

  /** Judges the epoch. */
  afterEpoch(learner: Learner): void {
    const score = scoreOf(learner, this.#options);
    if (score > this.#best + (this.#options.minDelta ?? 0)) [this.#best, this.#waited] = [score, 0];
    else this.#waited++;
    this.#giveUp(learner);
  }

  #giveUp(learner: Learner): void {
    if (this.#waited < (this.#options.patience ?? 3)) return;
    learner.stop(`no new best of ${this.#options.monitor ?? "the loss"} in ${this.#waited} epochs`);
  }

  /** The best score and the epochs since. */
  stateDict(): { best: number; waited: number } {
    return { best: this.#best, waited: this.#waited };
  }

  /** Takes over what `stateDict` gave. */
  loadStateDict({ best, waited }: { best: number; waited: number }): void {
    [this.#best, this.#waited, this.#resumed] = [best, waited, true];
  }
}
