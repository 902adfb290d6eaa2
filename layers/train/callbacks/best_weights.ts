/** A copy of a model's state after the epoch with the best score, which is put back when the run has ended. */
import { noGrad } from "../../../backward/tape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { Learner } from "../learner.ts";

/** What is kept of the best epoch. */
export interface BestState {
  /** The best score; of a number that is best when it is small, with its sign changed. */
  best: number;
  /** The epoch that has it, 0 before the first. */
  epoch: number;
  /** The model's parameters and buffers after that epoch. */
  weights: Map<string, Tensor>;
}

/** Keeps the state of the best epoch so far. */
export class BestWeights {
  #state: BestState = { best: -Infinity, epoch: 0, weights: new Map() };
  #isDue = false;

  /** The best epoch, counted from 1; 0 for none. */
  get epoch(): number {
    return this.#state.epoch;
  }

  /** What is kept. */
  get state(): BestState {
    return this.#state;
  }

  /** Forgets everything. */
  reset(): void {
    this.load({ best: -Infinity, epoch: 0, weights: new Map() });
  }

  /** Copies the weights if their score is the best so far. */
  add(score: number, { epoch, model }: Learner): void {
    if (score > this.#state.best) this.#state = { best: score, epoch, weights: copied(model.stateDict()) };
  }

  /** Takes over what another kept. */
  load({ best, epoch, weights }: BestState): void {
    this.#state = { best, epoch, weights: copied(weights) };
    this.#isDue = false;
  }

  /** Has the weights put back by `restore()`: when all callbacks have seen the end, for checkpoints hold those that the run goes on with. */
  restoreAtEnd(): void {
    this.#isDue = this.epoch > 0;
  }

  /** Puts the weights back, if they are to be. */
  restore({ model }: Learner): void {
    if (this.#isDue) model.loadStateDict(this.#state.weights);
    this.#isDue = false;
  }
}

/** The same tensors in memory of their own. */
function copied(state: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return noGrad(() => new Map([...state].map(([name, value]) => [name, value.detach().clone()])));
}
