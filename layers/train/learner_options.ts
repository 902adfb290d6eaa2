/** The options of a learner and of `fit()`, their checks, and the report that `fit()` returns. */
import type { Tensor } from "../../core/tensor.ts";
import { checkOptions, describe, requireArray, requireTensor, shown } from "../../core/arguments.ts";
import { Module } from "../nn/module.ts";
import { Optimizer } from "../optim/optimizer.ts";
import { type LearnerData, requireBatches } from "./batches.ts";
import type { Callback } from "./callbacks/callback.ts";
import type { LearnerState } from "./checkpoint/learner_state.ts";
import type { Learner } from "./learner.ts";
import type { Metric } from "./metrics/metric.ts";
import type { EpochRecord } from "./callbacks/recorder.ts";
import type { ScheduleOption } from "./callbacks/schedule.ts";

/** A loss: a function or a module such as `nn.CrossEntropyLoss`, which returns the mean over a batch's rows. */
export type Loss = ((prediction: Tensor, target: Tensor) => Tensor) | Module<[prediction: Tensor, target: Tensor]>;

/** The options of a {@linkcode Learner}. */
export interface LearnerOptions {
  /** The model to train. */
  model: Module;
  /** The loss to make small. */
  loss: Loss;
  /** The optimiser of the model's parameters. */
  optimizer: Optimizer;
  /** The training data, and the validation data if there are any. */
  data: LearnerData;
  /**
   * The metrics, which are computed on the validation data after each epoch.
   *
   * @default {[]}
   */
  metrics?: readonly Metric[];
  /**
   * The callbacks, which are called around each part of the training.
   *
   * @default {[]}
   */
  callbacks?: readonly Callback[];
  /**
   * The schedule of the learning rate: stepped after each epoch, or with `{ scheduler, per: "batch" }` after each step of the optimiser;
   * `{ scheduler: reduceOnPlateau, monitor: "accuracy" }` by a number of the epoch's record.
   */
  scheduler?: ScheduleOption;
  /**
   * How many batches' gradients add up to one step, where memory holds no larger batch; at the end of an epoch they may be fewer. Where
   * the loss is a mean over rows the step is that of one batch with all their rows. Callbacks see each batch, but `beforeStep` and
   * `afterStep` only where one is taken; `learner.accumulating` is true until a group is complete.
   *
   * @default {1}
   */
  accumulate?: number;
}

/**
 * What a run continues from: with `true` the newest complete checkpoint in the folder of the `Checkpoints` callback, or the beginning
 * where there is none yet; else a state, or a function that returns one, such as `() => loadCheckpoint("runs")`.
 */
export type Resume = boolean | LearnerState | (() => Promise<LearnerState>);

/** The options of `fit()`. */
export interface FitOptions {
  /**
   * Continues an earlier run, until `epochs` are done in all.
   *
   * @default {false}
   */
  resume?: Resume;
  /** Ends the run after the present step when it aborts. */
  signal?: AbortSignal;
  /**
   * Whether Ctrl-C ends the run after the present step; a second Ctrl-C ends the process.
   *
   * @default {true}
   */
  ctrlC?: boolean;
  /**
   * Whether to train and validate on the first batch alone: a model that cannot overfit one batch has a fault.
   *
   * @default {false}
   */
  oneBatch?: boolean;
}

/** The result of a run. */
export interface FitReport {
  /** Whether all epochs were done, something stopped the run (`stop()`, Ctrl-C, the signal), or a callback cancelled it. */
  outcome: "finished" | "stopped" | "cancelled";
  /** Why it ended early, or `null`. */
  reason: string | null;
  /** A record for each epoch that is done. */
  history: readonly EpochRecord[];
}

/**
 * Checks the options of a learner before anything runs.
 *
 * @throws {TypeError} With what was found, and what is expected.
 */
export function checkLearner(options: LearnerOptions): void {
  const known = ["model", "loss", "optimizer", "data", "metrics", "callbacks", "scheduler", "accumulate"] as const;
  checkOptions("make a Learner", options, known);
  const { model, loss, optimizer, data, metrics = [], callbacks = [], accumulate = 1 } = options;
  if (!(model instanceof Module)) throw misfit("model", model, "an nn.Module");
  if (!isLoss(loss)) throw misfit("loss", loss, "nn.functional.mse, or new nn.MSELoss()");
  if (!(optimizer instanceof Optimizer)) throw misfit("optimizer", optimizer, "new optim.SGD(model.parameters())");
  if (typeof data !== "object" || data === null || !("train" in data)) {
    throw misfit("data", data, "{ train, valid }, each of batches");
  }
  checkOptions("make a Learner with data", data, ["train", "valid"]);
  requireBatches(data.train);
  if (data.valid !== undefined) requireBatches(data.valid);
  requireArray(metrics, "make a Learner with the metrics", "[metrics.accuracy()]");
  requireArray(callbacks, "make a Learner with the callbacks", "[new EarlyStopping()]");
  if (!Number.isInteger(accumulate) || accumulate < 1) {
    throw new RangeError(`Cannot accumulate the gradients of ${shown(accumulate)} batches: give a whole number from 1`);
  }
  const odd = metrics.find((metric) => typeof metric?.update !== "function");
  if (odd !== undefined) throw misfit("metric", odd, "one such as metrics.accuracy()");
}

/**
 * Refuses epochs that are not a whole number, and options of `fit` that nobody can follow.
 *
 * @throws {TypeError} With what was found, and what is expected.
 * @throws {RangeError} If the epochs are not whole.
 */
export function checkFit(epochs: number, options: FitOptions): void {
  if (typeof epochs !== "number") {
    throw new TypeError(`Cannot fit ${describe(epochs)}: give a number of epochs, fit(5)`);
  }
  if (!Number.isInteger(epochs) || epochs < 0) {
    throw new RangeError(`Cannot fit ${epochs} epochs: give a whole number`);
  }
  const kinds = { ctrlC: "boolean", oneBatch: "boolean" } as const;
  checkOptions("fit", options, ["resume", "signal", "ctrlC", "oneBatch"], kinds);
  const { signal } = options;
  if (signal !== undefined && typeof signal?.aborted !== "boolean") {
    throw new TypeError(`Cannot fit with the signal ${describe(signal)}: give an AbortSignal`);
  }
}

/**
 * The state to resume from, or `null` where a run begins from the start.
 *
 * @throws {TypeError} If `from` is not a boolean, state or function.
 * @throws {Error} If it is `true` and no callback has checkpoints.
 */
export async function stateToResume(from: Resume, callbacks: readonly Callback[]): Promise<LearnerState | null> {
  if (typeof from === "function") return await from();
  if (typeof from === "object" && from !== null) return from;
  if (typeof from !== "boolean") {
    throw new TypeError(`Cannot resume from ${describe(from)}: give true, or () => loadCheckpoint("its path")`);
  }
  if (!from) return null;
  const keeper = callbacks.find((callback) => callback.resume !== undefined);
  if (keeper !== undefined) return await keeper.resume!();
  throw new Error(
    'Cannot resume: the learner has no Checkpoints callback, add one or give resume: () => loadCheckpoint("its path")',
  );
}

function misfit(part: string, found: unknown, expected: string): TypeError {
  return new TypeError(`Cannot make a Learner with the ${part} ${describe(found)}: give ${expected}`);
}

/** Whether it can be called with a prediction and a target; a class cannot, before there is an object of it. */
function isLoss(loss: unknown): boolean {
  return loss instanceof Module || (typeof loss === "function" && !(loss.prototype instanceof Module));
}

/**
 * The loss of a batch.
 *
 * @throws {TypeError} If it is not a tensor.
 */
export function lossOf({ lossFunction, prediction, y }: Pick<Learner, "lossFunction" | "prediction" | "y">): Tensor {
  const loss = lossFunction;
  const value = typeof loss === "function" ? loss(prediction, y) : loss.call(prediction, y);
  requireTensor(value, "use the result of the loss,");
  return value;
}

/** Metrics are computed on validation data: without it they are silently left out. */
export function warnOfMetrics({ metrics, data, epoch }: Learner, { oneBatch = false }: FitOptions): void {
  if (metrics.length === 0 || data.valid !== undefined || oneBatch || epoch > 0) return;
  const names = metrics.map(({ name }) => name).join(", ");
  console.warn(`fit() computes no metrics (${names}) without validation data: give data: { train, valid }`);
}

/** A learner as text: its parts by name and size, and how far it is. */
export function describeLearner(learner: Learner): string {
  const { model, lossFunction, optimizer, data, metrics, callbacks, epoch, step, history } = learner;
  const parameters = model.parameters().reduce((count, p) => count + p.numel(), 0);
  const lines = {
    model: `${model.constructor.name}, ${parameters} parameters`,
    loss: typeof lossFunction === "function" ? lossFunction.name || "a function" : lossFunction.constructor.name,
    optimizer: `${optimizer.constructor.name}, lr ${optimizer.paramGroups.map(({ lr }) => lr).join(", ")}`,
    train: `${data.train.length} batches`,
    valid: data.valid === undefined ? "none" : `${data.valid.length} batches`,
    metrics: metrics.map(({ name }) => name).join(", ") || "none",
    callbacks: callbacks.map((callback) => callback.name ?? callback.constructor.name).join(", "),
    done: `${epoch} epochs, ${step} steps${history.length > 0 ? `, train loss ${history.at(-1)!.trainLoss}` : ""}`,
  };
  return `Learner(\n${Object.entries(lines).map(([name, text]) => `  ${name}: ${text}\n`).join("")})`;
}
