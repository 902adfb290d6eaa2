/** The best weights of a run, kept in memory and restored at its end. */
import { type BestState, BestWeights } from "./best_weights.ts";
import type { Callback } from "./callback.ts";
import { checkMonitor, type MonitorOptions, scoreOf } from "./early_stopping.ts";
import type { Learner } from "../learner.ts";

/**
 * Keeps the model's parameters and buffers of the epoch with the best score, a copy in memory, and puts them back at the end of the run,
 * also of one that was stopped. Checkpoints of the run hold both, so that a resumed run knows the best of the first one.
 *
 * @example
 * ```ts
 * import { nn, optim, tensor } from "@gradus/gradus";
 * import { KeepBest, Learner } from "@gradus/gradus/train";
 * import { assertEquals } from "@std/assert";
 *
 * const [x, y] = [tensor([[1]]), tensor([[2]])];
 * const model = new nn.Linear(1, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 2 }); // too large: each epoch is worse than the one before
 * const best = new KeepBest();
 * const data = { train: [[x, y]], valid: [[x, y]] } as const;
 * await new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks: [best] }).fit(5);
 * assertEquals(best.epoch, 1);
 * ```
 */
export class KeepBest implements Callback {
  /** The name under which its state is saved. */
  readonly name: string = "KeepBest";
  /** After the record, before checkpoints. */
  readonly order: number = 55;
  readonly #options: MonitorOptions;
  readonly #weights = new BestWeights();
  #resumed = false;

  /** By default it monitors the validation loss, or without validation data the training loss. */
  constructor(options: MonitorOptions = {}) {
    checkMonitor("make KeepBest", options, ["monitor", "mode"]);
    this.#options = options;
  }

  /** The epoch whose weights are kept, counted from 1; 0 for none. */
  get epoch(): number {
    return this.#weights.epoch;
  }

  /** Begins anew, unless the run is resumed. */
  beforeFit(): void {
    if (!this.#resumed) this.#weights.reset();
    this.#resumed = false;
  }

  /** Keeps the weights if the epoch is the best so far. */
  afterEpoch(learner: Learner): void {
    this.#weights.add(scoreOf(learner, this.#options), learner);
  }

  /** The run has not failed: its best weights are put back. */
  afterFit(): void {
    this.#weights.restoreAtEnd();
  }

  /** Puts them back. */
  cleanUp(learner: Learner): void {
    this.#weights.restore(learner);
  }

  /** The best score, its epoch and its weights. */
  stateDict(): BestState {
    return this.#weights.state;
  }

  /** Loads what `stateDict` returned. */
  loadStateDict(state: BestState): void {
    this.#weights.load(state);
    this.#resumed = true;
  }
}
