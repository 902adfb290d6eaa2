/** The training loop: for each batch a forward pass, the loss, a backward pass and a step, with callbacks around each. */
import { backwardInSlices } from "../../backward/backward_in_slices.ts";
import { noGrad } from "../../backward/tape.ts";
import { TimeSlice, yieldToEventLoop } from "../../core/event_loop.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Module } from "../nn/module.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { Accumulation } from "./accumulation.ts";
import {
  type Batches,
  evalMode,
  firstBatch,
  isShared,
  type LearnerData,
  requireBatch,
  requireBatches,
  type TrainingBatch,
} from "./batches.ts";
import { callersOf, causedIn, placeOf } from "./call_site.ts";
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
  lossOf,
  type Resume,
  stateToResume,
  warnOfMetrics,
} from "./learner_options.ts";
import { type EpochRecord, Recorder } from "./callbacks/recorder.ts";
import { callbacksHere, rankToStop, shareGradients, stateOfFirst, wholeBatch } from "./shared_run.ts";
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

  readonly #accumulation: Accumulation;
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
    const { model, loss, optimizer, data, metrics = [], callbacks = [], scheduler, accumulate = 1 } = options;
    [this.model, this.lossFunction, this.optimizer, this.data, this.metrics] = [model, loss, optimizer, data, metrics];
    this.#accumulation = new Accumulation(accumulate, optimizer);
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
    warnOfMetrics(this, options);
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
      throw causedIn(error, placeOf(this), callers);
    } finally {
      this.#interruption.close();
      this.#interruption = null;
      for (const callback of this.callbacks) callback.cleanUp?.(this);
    }
    return this.#recorder.report(this.#ended);
  }

  /** Whether the gradients wait for more batches before a step is taken: see the option `accumulate`. */
  get accumulating(): boolean {
    return this.#accumulation.waits;
  }

  /** The indices in the dataset of the batch's samples, or `null` where the data does not say. */
  get samples(): ArrayLike<number> | null {
    return this.#pass?.samples?.() ?? null;
  }

  /** Whether the ranks of `parallel.init()` share this run, by training data of a `DataLoader({ parallel: true })`. */
  get shared(): boolean {
    return isShared(this.data.train);
  }

  /** The present batch, or where ranks share it the parts of all as one: all call this at once. */
  wholeBatch(): BatchResult {
    return this.#whole(this, this.#pass);
  }

  #whole(batch: BatchResult, pass: BatchPass | null): BatchResult {
    return pass?.shared === true ? wholeBatch(batch, this.lossFunction, pass.rows!()) : batch;
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
    const accumulator = new MetricAccumulator(this.metrics), pass = beginPass(batches);
    for await (const batch of pass.batches) {
      requireBatch(batch);
      accumulator.add(this.#whole(this.#evaluateBatch(batch[0], batch[1]), pass));
      await this.#yieldIfDue();
    }
    return { loss: accumulator.loss, ...accumulator.values() };
  }

  /**
   * Everything that a later run needs to continue with the same bits; tensors share their memory with the learner. Take it in
   * `afterBatch`: within a batch, the random numbers of that batch are drawn already, and a resumed run draws others.
   */
  stateDict(): LearnerState {
    return saveLearnerState(this, this.#epochStart, this.#trainPass, this.#accumulation.stateDict());
  }

  /**
   * Loads what `stateDict` returned.
   *
   * @throws {RangeError} If it is the state of another model, optimiser or set of callbacks.
   */
  loadStateDict(state: LearnerState): void {
    this.#epochStart = loadLearnerState(this, state);
    this.#accumulation.loadStateDict(state.accumulated);
    const { rngState: { train }, batch } = state;
    this.#trainPass = train === null || batch === 0 ? null : { batches: [], stateDict: () => train };
  }

  async #resume(from: Resume): Promise<void> {
    const load = () => stateToResume(from, this.callbacks);
    const state = this.shared && from !== false ? await stateOfFirst(load) : await load();
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
    if (this.batch === 0) this.#accumulation.drop();
    if (batches.length === 0) throw new RangeError("Cannot train: the training data has no batches, see dropLast");
    await this.#around("Train", null, async () => {
      this.#pass = this.#trainPass = resumePass(batches, this.batch, this.#epochStart, this.#trainPass);
      for await (const batch of this.#trainPass.batches) {
        await this.#batch(batch, () => this.#trainBatch());
        if (this.batch < this.batches && !this.#accumulation.isOpen) this.#checkStop(); // at the end the data may have more to do
      }
      if (this.#accumulation.end()) await this.#takeStep(); // of a group whose last batch was cancelled
      this.#checkStop();
    });
  }

  async #trainBatch(): Promise<void> {
    const accumulation = this.#accumulation, rows = accumulation.size === 1 ? 1 : this.x.shape[0] ?? 1;
    const completes = accumulation.completes(this.batch + 1 >= this.batches);
    accumulation.begin();
    this.prediction = this.model.call(this.x);
    await this.#around("Loss", null, () => void (this.loss = lossOf(this)));
    await this.#around("Backward", null, async () => {
      shareGradients(this.model, completes);
      await backwardInSlices(accumulation.weighted(this.loss, rows, completes));
      if (completes) accumulation.close(rows);
    });
    accumulation.add(rows, completes);
    if (completes) await this.#takeStep();
  }

  async #takeStep(): Promise<void> {
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
    await this.#around("Loss", null, () => void (this.loss = noGrad(() => lossOf(this))));
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
        return { x, y, prediction, loss: lossOf({ lossFunction: this.lossFunction, prediction, y }) };
      });
    } finally {
      restore();
      [this.x, this.y, this.training, this.#pass] = before;
    }
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
    for (const callback of callbacksHere(this.callbacks, this.shared)) {
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
    const stops = this.#ended.outcome === "stopped";
    const rank = this.shared ? rankToStop(stops) : null; // where one stops, all do
    if (rank !== null && !stops) this.stop(`a stop of rank ${rank}`);
    if (this.#ended.outcome === "stopped") throw new CancelFit(this.#ended.reason!);
  }
}
