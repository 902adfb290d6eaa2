/** Averages of the weights over a run, which are put into the model at its end. */
import { noGrad } from "../../../backward/tape.ts";
import { checkOptions, requireChoice, shown } from "../../../core/arguments.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { type AverageFunction, getEmaAvgFn, meanOf, namesNotAveraged, updateBn } from "../averaged_model.ts";
import { loadRngState, saveRngState } from "../checkpoint/learner_state.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";

/** The options of {@linkcode AverageWeights}. */
export interface AverageWeightsOptions {
  /**
   * An exponential moving average of the weights after each step, or (stochastic weight averaging) the mean of those after each epoch.
   *
   * @default {"ema"}
   */
  average?: "ema" | "swa";
  /**
   * The decay of the moving average: 0.999 follows about the last thousand steps.
   *
   * @default {0.999}
   */
  decay?: number;
  /**
   * After how many epochs the average begins.
   *
   * @default {0}
   */
  start?: number;
  /**
   * After how many steps (`"ema"`) or epochs (`"swa"`) the weights are taken.
   *
   * @default {1}
   */
  every?: number;
  /**
   * Whether buffers of floats are averaged too; else the batch-norm statistics are computed anew by a pass over the training data.
   *
   * @default {false}
   */
  useBuffers?: boolean;
}

/** The state of an {@linkcode AverageWeights}. */
export interface AverageWeightsState {
  /** How many times the weights were taken. */
  count: number;
  /** The averaged weights by name. */
  weights: Map<string, Tensor>;
}

/**
 * Averages the model's weights over the run (Polyak & Juditsky, 1992; Izmailov and others, 2018), and puts the average into the model at
 * its end, also of one that was stopped; batch-norm statistics are computed anew for it. Until then the run goes on with its own
 * weights, by which it is validated too, and which its checkpoints hold beside the average. Not for a run with {@linkcode KeepBest} or
 * {@linkcode EarlyStopping}, which put other weights back.
 *
 * @example
 * ```ts
 * import { nn, noGrad, optim, tensor } from "@gradus/gradus";
 * import { AverageWeights, Learner } from "@gradus/gradus/train";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const model = new nn.Linear(1, 1, { bias: false });
 * noGrad(() => model.weight.fill_(1));
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.75 }); // each step turns the sign and halves the weight
 * const loss = nn.functional.mse;
 * const data = { train: [[tensor([[1]]), tensor([[0]])]] as const };
 * await new Learner({ model, optimizer, loss, data, callbacks: [new AverageWeights({ average: "swa" })] }).fit(2);
 * assertAlmostEquals(model.weight.item(), (-0.5 + 0.25) / 2);
 * ```
 */
export class AverageWeights implements Callback {
  /** The name under which its state is saved. */
  readonly name: string = "AverageWeights";
  /** After the record, before checkpoints. */
  readonly order: number = 50;
  readonly #options: AverageWeightsOptions;
  readonly #average: AverageFunction;
  #state: AverageWeightsState = { count: 0, weights: new Map() };
  #final: Map<string, Tensor> | null = null; // what the model is to hold when all callbacks have seen the end
  #resumed = false;

  /**
   * By default a moving average over all steps.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(options: AverageWeightsOptions = {}) {
    const action = "make AverageWeights";
    checkOptions(action, options, ["average", "decay", "start", "every", "useBuffers"], { useBuffers: "boolean" });
    const { average = "ema", decay, start = 0, every = 1 } = options;
    requireChoice(action, "average", average, ["ema", "swa"]);
    for (const [name, value, least] of [["start", start, 0], ["every", every, 1]] as const) {
      if (Number.isInteger(value) && value >= least) continue;
      throw new RangeError(`Cannot set ${name} to ${shown(value)}: expected a whole number of at least ${least}`);
    }
    if (average === "swa" && decay !== undefined) {
      throw new TypeError('Cannot set the decay of the average "swa", which has none: give average: "ema"');
    }
    this.#options = options;
    this.#average = average === "swa" ? meanOf : getEmaAvgFn(decay);
  }

  /** How many times the weights were taken. */
  get count(): number {
    return this.#state.count;
  }

  /** Begins anew, unless the run is resumed. */
  beforeFit(): void {
    if (!this.#resumed) this.#state = { count: 0, weights: new Map() };
    [this.#resumed, this.#final] = [false, null];
  }

  /** Takes the weights into the moving average. */
  afterStep(learner: Learner): void {
    const { average = "ema", start = 0, every = 1 } = this.#options;
    if (average === "ema" && learner.epoch >= start && learner.step % every === 0) this.#add(learner);
  }

  /** Takes the weights into the mean over epochs. */
  afterEpoch(learner: Learner): void {
    const { average = "ema", start = 0, every = 1 } = this.#options;
    if (average === "swa" && learner.epoch > start && (learner.epoch - start) % every === 0) this.#add(learner);
  }

  #add({ model }: Learner): void {
    const { count, weights } = this.#state;
    const others = namesNotAveraged(model, this.#options.useBuffers ?? false);
    const next = noGrad(() =>
      Array.from(model.stateDict(), ([name, value]): [string, Tensor] => {
        const before = others.has(name) ? undefined : weights.get(name);
        return [name, before === undefined ? value.clone() : this.#average(before, value, count)];
      })
    );
    this.#state = { count: count + 1, weights: new Map(next) };
  }

  /** The run has not failed: computes what the model is to hold. */
  async afterFit(learner: Learner): Promise<void> {
    if (this.count === 0) return;
    const { model, data } = learner;
    const copy = () => noGrad(() => new Map(Array.from(model.stateDict(), ([name, x]) => [name, x.clone()])));
    const [weights, rngState] = [copy(), saveRngState(data, null)];
    try {
      model.loadStateDict(this.#state.weights);
      if (!this.#options.useBuffers) await updateBn(data.train, model);
      this.#final = copy();
    } finally {
      model.loadStateDict(weights); // which checkpoints hold
      loadRngState(data, rngState);
    }
  }

  /** Puts the average into the model. */
  cleanUp({ model }: Learner): void {
    if (this.#final !== null) model.loadStateDict(this.#final);
    this.#final = null;
  }

  /** The average so far. */
  stateDict(): AverageWeightsState {
    return this.#state;
  }

  /** Loads what `stateDict` returned. */
  loadStateDict({ count, weights }: AverageWeightsState): void {
    const copied = noGrad(() => Array.from(weights, ([name, x]): [string, Tensor] => [name, x.detach().clone()]));
    [this.#state, this.#resumed] = [{ count, weights: new Map(copied) }, true];
  }
}
