/** The learning rate finder: the loss as a function of the learning rate. */
import { checkOptions, describe } from "../../core/arguments.ts";
import { showable } from "../../core/displayer.ts";
import type { Callback } from "./callbacks/callback.ts";
import { CancelFit } from "./callbacks/callback.ts";
import { Learner } from "./learner.ts";
import type { LearnerState } from "./checkpoint/learner_state.ts";
import { faultOf } from "./callbacks/model_monitors.ts";
import { packState, unpackState } from "./checkpoint/packed_state.ts";

/** The options of {@linkcode findLr}. */
export interface FindLrOptions {
  /**
   * The first rate.
   *
   * @default {1e-7}
   */
  start?: number;
  /**
   * The factor from batch to batch.
   *
   * @default {1.3}
   */
  factor?: number;
  /**
   * The trial ends where the loss is above the best one by `limit − 1` times its size: with 3 at three times a best loss above 0.
   *
   * @default {3}
   */
  limit?: number;
  /**
   * The largest rate tried.
   *
   * @default {10}
   */
  end?: number;
}

/** The result of {@linkcode findLr}. */
export interface LrCurve {
  /** The rates in the order they were tried. */
  readonly rates: readonly number[];
  /** The training loss of the batch before the step with that rate. */
  readonly losses: readonly number[];
  /** A tenth of the rate with the least loss: a good first choice. */
  readonly suggestion: number;
}

/**
 * Trains for some batches, each with a learning rate 1.3 times that of the one before, until the loss is past 3 times the best, or not finite.
 * Then it restores everything: weights, optimiser, random numbers.
 *
 * Source: Smith, "Cyclical Learning Rates for Training Neural Networks" (2015).
 *
 * @example
 * ```ts
 * import { manualSeed, nn, optim, randn } from "@gradus/gradus";
 * import { findLr, Learner } from "@gradus/gradus/train";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(1);
 * const x = randn([8, 2]);
 * const model = new nn.Linear(2, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const data = { train: [[x, x.sum(1, true)]] as const };
 * const { rates } = await findLr(new Learner({ model, optimizer, loss: nn.functional.mse, data }), { start: 0.01, factor: 2 });
 * assertEquals(rates.slice(0, 3), [0.01, 0.02, 0.04]);
 * ```
 * @throws {RangeError} If a setting is out of its range, or the first loss is not a number.
 */
export async function findLr(
  learner: Learner,
  options: FindLrOptions = {},
): Promise<LrCurve> {
  if (!(learner instanceof Learner)) throw new TypeError(`Cannot find a rate for ${describe(learner)}: give a Learner`);
  checkOptions("find a rate", options, ["start", "factor", "limit", "end"], {
    start: "number",
    factor: "number",
    limit: "number",
    end: "number",
  });
  const { start = 1e-7, factor = 1.3, limit = 3, end = 10 } = options;
  if (!(start > 0 && factor > 1 && limit > 1 && end > start)) {
    throw new RangeError(
      `Cannot find a rate from ${start} to ${end} by ${factor} up to ${limit} times the best loss: ` +
        `expected 0 < start < end, a factor and a limit above 1`,
    );
  }
  const before = copyOf(learner.stateDict());
  const { training } = learner.model;
  const finder = new RateTrial(start, factor, limit, end);
  const { model, optimizer, lossFunction: loss, data } = learner;
  try {
    await new Learner({ model, optimizer, loss, data: { train: data.train }, callbacks: [finder] }).fit(2 ** 31);
  } finally {
    learner.loadStateDict(before);
    model.train(training).zeroGrad();
  }
  return finder.curve();
}

class RateTrial implements Callback {
  readonly #rates: number[] = [];
  readonly #losses: number[] = [];
  #best = Infinity;

  constructor(
    readonly start: number,
    readonly factor: number,
    readonly limit: number,
    readonly end: number,
  ) {}

  beforeBatch({ optimizer, step }: Learner): void {
    for (const group of optimizer.paramGroups) group.lr = this.start * this.factor ** step;
  }

  afterLoss(learner: Learner): void {
    const { optimizer, loss } = learner;
    const [{ lr }] = optimizer.paramGroups;
    const value = loss.item();
    const bound = this.#best + (this.limit - 1) * Math.abs(this.#best); // also for a loss below 0
    if (this.#losses.length > 0 && (lr > this.end || value > bound || !Number.isFinite(value))) throw new CancelFit();
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot find a rate: the first loss is ${value}; ${faultOf(learner) ?? "look at the data"}`);
    }
    this.#rates.push(lr);
    this.#losses.push(value);
    this.#best = Math.min(this.#best, value);
  }

  curve(): LrCurve {
    const [rates, losses] = [this.#rates, this.#losses];
    return showable({ rates, losses, suggestion: rates[losses.indexOf(this.#best)] / 10 });
  }
}

function copyOf(state: LearnerState): LearnerState {
  const { json, tensors } = packState(state);
  return unpackState({ json, tensors: new Map(Array.from(tensors, ([name, x]) => [name, x.clone()])) }) as LearnerState;
}
