/** The training loop: for each batch a forward pass, the loss, a backward pass and a step, with callbacks around each. */
import { backwardInSlices } from "../../backward/backward_in_slices.ts";
import { noGrad } from "../../backward/tape.ts";
import { requireTensor } from "../../core/arguments.ts";
import { TimeSlice, yieldToEventLoop } from "../../core/event_loop.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Module } from "../nn/module.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import {
  type Batches,
  evalMode,
  firstBatch,
  type LearnerData,
  requireBatch,
  requireBatches,
  type TrainingBatch,
} from "./batches.ts";
import { callersOf, causedIn } from "./call_site.ts";
import {
  type Callback,
  CancelBatch,
  CancelEpoch,
  CancelFit,
  inOrder,
  type Moment,
  type Point,
} from "./callbacks/callback.ts";
import { type Interruption, listen } from "./interruption.ts";
import {
  type BatchPass,
  beginPass,
  type LearnerState,
  loadLearnerState,
  loadRngState,
  resumePass,
  type RngState,
  saveLearnerState,
  saveRngState,
} from "./checkpoint/learner_state.ts";
import {
  checkFit,
  checkLearner,
  describeLearner,
  type FitOptions,
  type FitReport,
  type LearnerOptions,
  type Loss,
  type Resume,
  stateToResume,
} from "./learner_options.ts";
import { type EpochRecord, Recorder } from "./callbacks/recorder.ts";
import { schedulesOf } from "./callbacks/schedule.ts";
import { type BatchResult, type Metric, MetricAccumulator, type MetricValue } from "./metrics/metric.ts";

/**
 * Trains a model: forward pass, loss, backward pass and optimiser step for each batch, with callbacks around each of these parts.
 *
 * Other work of the process (timers, servers, Ctrl-C) runs between the parts, and between the operations of a backward pass: it may
 * find gradients of some parameters set and of others not. A forward pass is never interrupted; how long it takes depends on the
 * batch size.
 *
 * @example
 * ```ts
 * import { manualSeed, nn, optim, randn } from "@gradus/gradus";
 * import { Learner } from "@gradus/gradus/train";
 * import { assertLess } from "@std/assert";
 *
 * manualSeed(1);
 * const x = randn([64, 2]);
 * const y = x.sum(1, true);
 * const model = new nn.Linear(2, 1);
 * const learner = new Learner({
 *   model,
 *   loss: nn.functional.mse,
 *   optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
 *   data: { train: [[x, y]], valid: [[x, y]] },
 * });
 * const { history } = await learner.fit(50);
 * assertLess(history[49].validLoss!, 1e-3);
 * ```
 */
export class Learner {
  /** The model that is trained. */
  readonly model: Module;
  /** The optimiser of its parameters. */
  readonly optimizer: Optimizer;
  /** The training and the validation data. */
  readonly data: LearnerData;
  /** The loss function. */
  readonly lossFunction: Loss;
  /** The metrics, which are computed on the validation data. */
  readonly metrics: readonly Metric[];
  /** The callbacks in the order in which they are called, the learner's own included. */
  readonly callbacks: readonly Callback[];
  /** How many epochs are done. */
  epoch = 0;
  /** How many batches of this epoch's training, or of its validation, are done. */
  batch = 0;
  /** How many optimiser steps are done. */
  step = 0;
  /** How many epochs are done when the run ends. */
  epochs = 0;
  /** How many batches this epoch's training, or its validation, has. */
  batches = 0;
  /** Whether the batch is a training batch; else it is one of validation. */
  training = false;
  /** The batch's inputs [batch, …]. */
  x!: Tensor;
  /** The batch's targets [batch, …]. */
  y!: Tensor;
  /** The model's output for `x`. */
  prediction!: Tensor;
  /** The loss of `prediction`, a tensor of one number. */
  loss!: Tensor;

  readonly #recorder: Recorder;
  readonly #slice = new TimeSlice();
  #interruption: Interruption | null = null;
  #ended: Pick<FitReport, "outcome" | "reason"> = { outcome: "finished", reason: null };
  #epochStart: RngState;
  #trainPass: BatchPass | null = null; // over the training data, of the present epoch
  #pass: BatchPass | null = null; // that gave the present batch, of training or of validation
  #validating = false;
  #evaluation: Promise<unknown> | null = null;

  /** A learner of these parts; nothing runs before `fit()`. */
  constructor(options: LearnerOptions) {
    checkLearner(options);
    const { model, loss, optimizer, data, metrics = [], callbacks = [], scheduler } = options;
    [this.model, this.lossFunction, this.optimizer, this.data, this.metrics] = [model, loss, optimizer, data, metrics];
    this.#recorder = new Recorder(metrics);
    this.callbacks = inOrder([this.#recorder, ...schedulesOf(scheduler), ...callbacks]);
    this.#epochStart = saveRngState(data, null);
  }

  /** A record for each epoch that is done: losses, metrics, learning rate. */
  get history(): readonly EpochRecord[] {
    return this.#recorder.rows;
  }

  /**
   * Trains for `epochs` more epochs; with `resume`, until `epochs` are done in all.
   *
   * @throws {Error} If it is running already, or is to resume and has no checkpoints.
   * @throws {SyntaxError | RangeError} If a checkpoint that was named is damaged, or is of another model or optimiser.
   */
  async fit(epochs: number, options: FitOptions = {}): Promise<FitReport> {
    checkFit(epochs, options);
    if (this.#interruption !== null) {
      throw new Error("Cannot fit: this learner is fitting already, await that call first");
    }
    const callers = callersOf(this.fit);
    this.#warnOfMetrics(options);
    this.#interruption = listen(options);
    this.#ended = { outcome: "finished", reason: null };
    try {
      await this.#resume(options.resume ?? false);
      this.epochs = options.resume ? epochs : this.epoch + epochs;
      const data = options.oneBatch ? await firstBatch(this.data) : this.data;
      await this.#around("Fit", CancelFit, async () => {
        while (this.epoch < this.epochs) await this.#runEpoch(data);
      });
    } catch (error) {
      throw causedIn(error, this.#where(), callers);
    } finally {
      this.#interruption.close();
      this.#interruption = null;
      for (const callback of this.callbacks) callback.cleanUp?.(this);
    }
    return { ...this.#ended, history: this.history };
  }

  #where(): string {
    const { epoch, batch, batches, step, training } = this;
    const part = `, ${training ? "training" : "validation"} batch ${batch + 1} of ${batches}`;
    return `fit() stopped after ${step} steps, in epoch ${epoch + 1}${batch < batches ? part : ""}; called`;
  }

  /** Metrics are computed on validation data: without it they are silently left out. */
  #warnOfMetrics({ oneBatch = false }: FitOptions): void {
    if (this.metrics.length === 0 || this.data.valid !== undefined || oneBatch || this.epoch > 0) return;
    const names = this.metrics.map(({ name }) => name).join(", ");
    console.warn(`fit() computes no metrics (${names}) without validation data: give data: { train, valid }`);
  }

  /** The indices in the dataset of the batch's samples, or `null` where the data does not say. */
  get samples(): ArrayLike<number> | null {
    return this.#pass?.samples?.() ?? null;
  }

  /** How the last run ended, or how the present one is about to. */
  get outcome(): FitReport["outcome"] {
    return this.#ended.outcome;
  }

  /** Ends the run after the present batch, or the present epoch between two batches; `Checkpoints` saves one then. */
  stop(reason: string): void {
    this.#ended = { outcome: "stopped", reason };
  }

  /**
   * Loss and metrics over `batches`, by default the validation data, without callbacks. Within a callback, or while `fit()` runs, the
   * run keeps its batch, its place in the data and the model's mode.
   *
   * @throws {Error} While the metrics are in use: by a run's validation or by another evaluation.
   */
  async evaluate(batches: Batches | undefined = this.data.valid): Promise<Record<string, MetricValue>> {
    if (batches === undefined) throw new TypeError("Cannot evaluate: the learner has no validation data, give some");
    requireBatches(batches);
    if (this.#validating || this.#evaluation !== null) {
      const other = this.#validating ? "fit() is validating, evaluate in afterValid" : "another is on, await it first";
      throw new Error(`Cannot evaluate while the metrics are in use: ${other}`);
    }
    this.#recorder.keepValidation();
    const evaluation = this.#evaluation = this.#evaluate(batches).finally(() => this.#evaluation = null);
    return await evaluation;
  }

  async #evaluate(batches: Batches): Promise<Record<string, MetricValue>> {
    const accumulator = new MetricAccumulator(this.metrics);
    for await (const batch of batches) {
      requireBatch(batch);
      accumulator.add(this.#evaluateBatch(batch[0], batch[1]));
      await this.#yieldIfDue();
    }
    return { loss: accumulator.loss, ...accumulator.values() };
  }

  /**
   * Everything that a later run needs to continue with the same bits; tensors share their memory with the learner. Take it in
   * `afterBatch`: within a batch, the random numbers of that batch are drawn already, and a resumed run draws others.
   */
  stateDict(): LearnerState {
    return saveLearnerState(this, this.#epochStart, this.#trainPass);
  }

  /**
   * Loads what `stateDict` returned.
   *
   * @throws {RangeError} If it is the state of another model, optimiser or set of callbacks.
   */
  loadStateDict(state: LearnerState): void {
    this.#epochStart = loadLearnerState(this, state);
    const { rngState: { train }, batch } = state;
    this.#trainPass = train === null || batch === 0 ? null : { batches: [], stateDict: () => train };
  }

  async #resume(from: Resume): Promise<void> {
    const state = await stateToResume(from, this.callbacks);
    if (state !== null) this.loadStateDict(state);
  }

  async #runEpoch(data: LearnerData): Promise<void> {
    this.#checkStop();
    if (this.batch === 0) this.#epochStart = saveRngState(this.data, null);
    const next = () => {
      this.epoch++;
      this.batch = 0;
      this.#trainPass = null;
      for (const part of [this.data.train, this.data.valid]) part?.reset?.(); // a cancelled epoch is not continued
    };
    await this.#around("Epoch", CancelEpoch, async () => {
      await this.#train(data.train);
      if (data.valid !== undefined) await this.#validate(data.valid);
    }, next);
  }

  async #train(batches: Batches): Promise<void> {
    this.training = true;
    this.model.train();
    this.batches = batches.length;
    if (batches.length === 0) throw new RangeError("Cannot train: the training data has no batches, see dropLast");
    await this.#around("Train", null, async () => {
      this.#pass = this.#trainPass = resumePass(batches, this.batch, this.#epochStart, this.#trainPass);
      for await (const batch of this.#trainPass.batches) {
        await this.#batch(batch, () => this.#trainBatch());
        if (this.batch < this.batches) this.#checkStop(); // after the last batch the data may still have to reach its end
      }
      this.#checkStop();
    });
  }

  async #trainBatch(): Promise<void> {
    this.optimizer.zeroGrad();
    this.prediction = this.model.call(this.x);
    await this.#around("Loss", null, () => void (this.loss = this.#lossOf(this.prediction, this.y)));
    await this.#around("Backward", null, () => backwardInSlices(this.loss));
    await this.#around("Step", null, () => this.optimizer.step(), () => this.step++);
  }

  async #validate(batches: Batches): Promise<void> {
    await this.#evaluation?.catch(() => {}); // which uses the same metrics
    const learned = this.batch;
    const before = saveRngState(this.data, this.#trainPass);
    const restore = evalMode(this.model);
    [this.training, this.batch, this.batches, this.#validating] = [false, 0, batches.length, true];
    batches.reset?.(); // another loop may have stopped halfway
    try {
      await this.#around("Valid", null, async () => {
        this.#pass = beginPass(batches);
        for await (const batch of this.#pass.batches) {
          await this.#batch(batch, () => this.#validateBatch());
          this.#checkStop();
        }
        this.#validating = false;
      });
    } catch (error) {
      loadRngState(this.data, before); // a resumed run validates again, and must draw the same numbers
      throw error;
    } finally {
      restore();
      [this.training, this.batch, this.#validating] = [true, learned, false];
    }
  }

  async #validateBatch(): Promise<void> {
    this.prediction = noGrad(() => this.model.call(this.x));
    await this.#around("Loss", null, () => void (this.loss = noGrad(() => this.#lossOf(this.prediction, this.y))));
  }

  async #batch(batch: TrainingBatch, body: () => Promise<void>): Promise<void> {
    requireBatch(batch);
    [this.x, this.y] = batch;
    await this.#around("Batch", CancelBatch, body, () => this.batch++);
    await this.#yieldIfDue();
  }

  /** Prediction and loss of a batch in eval mode, without a pause: other code finds the modes as they were. */
  #evaluateBatch(x: Tensor, y: Tensor): BatchResult {
    const before = [this.x, this.y, this.training, this.#pass] as const;
    const restore = evalMode(this.model);
    [this.x, this.y, this.training, this.#pass] = [x, y, false, null];
    try {
      return noGrad(() => {
        const prediction = this.model.call(x);
        return { x, y, prediction, loss: this.#lossOf(prediction, y) };
      });
    } finally {
      restore();
      [this.x, this.y, this.training, this.#pass] = before;
    }
  }

  #lossOf(prediction: Tensor, y: Tensor): Tensor {
    const loss = this.lossFunction;
    const value = typeof loss === "function" ? loss(prediction, y) : loss.call(prediction, y);
    requireTensor(value, "use the result of the loss,");
    return value;
  }

  /** Runs `body` between its two moments; an error of class `cancel` ends it early, and `count` is called in any case. */
  async #around(
    point: Capitalize<Point>,
    cancel: (new () => Error) | null,
    body: () => void | Promise<void>,
    count?: () => void,
  ): Promise<void> {
    if (this.#slice.isOver()) await yieldToEventLoop(); // within a batch too: each part of a large one may take long
    try {
      await this.#call(`before${point}`);
      await body();
    } catch (error) {
      if (cancel === null || !(error instanceof cancel)) throw error;
      if (cancel === CancelFit && this.#ended.outcome === "finished") {
        this.#ended = { outcome: "cancelled", reason: error.message };
      }
    }
    count?.();
    await this.#call(`after${point}`);
  }

  async #call(moment: Moment): Promise<void> {
    for (const callback of this.callbacks) {
      const result = callback[moment]?.(this);
      if (result instanceof Promise) await result;
    }
  }

  async #yieldIfDue(): Promise<void> {
    if (this.#slice.isOver()) await yieldToEventLoop();
    const reason = this.#interruption?.reason ?? null;
    if (reason !== null && this.#ended.outcome === "finished") this.stop(reason);
  }

  /** The parts and how far they are, a line each. */
  toString(): string {
    return describeLearner(this);
  }

  /** How `console.log` shows a learner. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  #checkStop(): void {
    if (this.#ended.outcome === "stopped") throw new CancelFit(this.#ended.reason!);
  }
}
