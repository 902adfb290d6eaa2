/** The training loop: batches in, steps out, with a place for everything else around it. */
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
  type RngState,
  saveLearnerState,
  saveRngState,
  walk,
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
import { type Judged, type Metric, MetricAccumulator, type MetricValue } from "./metrics/metric.ts";

/**
 * Trains a model: predicts, takes the loss, goes backward and steps, batch by batch, and calls its callbacks around each part.
 *
 * The event loop turns between these parts; each is one piece, as long as the batch is large: `batchSize` is what bounds it.
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
  /** What learns. */
  readonly model: Module;
  /** What moves the parameters. */
  readonly optimizer: Optimizer;
  /** What to learn from and be judged by. */
  readonly data: LearnerData;
  /** What a prediction costs. */
  readonly lossFunction: Loss;
  /** The judgements. */
  readonly metrics: readonly Metric[];
  /** The callbacks in the order of their calls, the learner's own among them. */
  readonly callbacks: readonly Callback[];
  /** Epochs behind it. */
  epoch = 0;
  /** Batches of this epoch's part behind it, of training or of validation. */
  batch = 0;
  /** Optimiser steps behind it. */
  step = 0;
  /** Epochs at which the run ends. */
  epochs = 0;
  /** Batches of this epoch's part in all. */
  batches = 0;
  /** Whether the batch is one to learn from. */
  training = false;
  /** The batch's inputs [batch, …]. */
  x!: Tensor;
  /** The batch's targets [batch, …]. */
  y!: Tensor;
  /** The model's output for `x`. */
  prediction!: Tensor;
  /** The loss of `prediction`, of rank 0. */
  loss!: Tensor;

  readonly #recorder: Recorder;
  readonly #slice = new TimeSlice();
  #interruption: Interruption | null = null;
  #ended: Pick<FitReport, "outcome" | "reason"> = { outcome: "finished", reason: null };
  #epochStart: RngState;
  #walk: BatchPass | null = null; // through the training data, of the epoch under way
  #current: BatchPass | null = null; // what the batch came from, be it of training or of validation
  #validating = false;
  #evaluation: Promise<unknown> | null = null;

  /** A learner of these parts; nothing runs before `fit`. */
  constructor(options: LearnerOptions) {
    checkLearner(options);
    const { model, loss, optimizer, data, metrics = [], callbacks = [], scheduler } = options;
    [this.model, this.lossFunction, this.optimizer, this.data, this.metrics] = [model, loss, optimizer, data, metrics];
    this.#recorder = new Recorder(metrics);
    this.callbacks = inOrder([this.#recorder, ...schedulesOf(scheduler), ...callbacks]);
    this.#epochStart = saveRngState(data, null);
  }

  /** A record for each epoch behind the learner: losses, metrics, learning rate. */
  get history(): readonly EpochRecord[] {
    return this.#recorder.rows;
  }

  /**
   * Trains for `epochs` more epochs; with `resume`, until so many are behind the learner in all.
   *
   * @throws {Error} If it is running already, or is to resume and has no checkpoints.
   * @throws {SyntaxError | RangeError} If a checkpoint that was named is damaged, or is that of another model or optimiser.
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

  /** Metrics judge validation data: without, nobody would see them, and nobody would know why. */
  #warnOfMetrics({ oneBatch = false }: FitOptions): void {
    if (this.metrics.length === 0 || this.data.valid !== undefined || oneBatch || this.epoch > 0) return;
    const names = this.metrics.map(({ name }) => name).join(", ");
    console.warn(`fit() takes no metrics (${names}) without validation data: give data: { train, valid }`);
  }

  /** The numbers that the batch's samples have in their dataset, or `null` where the data does not tell. */
  get samples(): ArrayLike<number> | null {
    return this.#current?.samples?.() ?? null;
  }

  /** How the run, or the last one, has ended or is about to. */
  get outcome(): FitReport["outcome"] {
    return this.#ended.outcome;
  }

  /** Asks the run to end after the current batch, or epoch where it stands between two: the polite way, which saves a checkpoint. */
  stop(reason: string): void {
    this.#ended = { outcome: "stopped", reason };
  }

  /**
   * Loss and metrics over `batches`, the validation data unless told, without callbacks. A run under way, be it one that waits for the
   * callback that asks or one beside it, keeps its batch, its place in the data and the model's mode.
   *
   * @throws {Error} While the metrics count something else: a run's validation or another evaluation.
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
    const tally = new MetricAccumulator(this.metrics);
    for await (const batch of batches) {
      requireBatch(batch);
      tally.add(this.#judged(batch[0], batch[1]));
      await this.#breathe();
    }
    return { loss: tally.loss, ...tally.values() };
  }

  /**
   * Everything a later run needs to go on with the same bits; tensors share their memory. Amid a batch, which a timer may find it
   * in, what was drawn for that batch is drawn anew: take it in `afterBatch`.
   */
  stateDict(): LearnerState {
    return saveLearnerState(this, this.#epochStart, this.#walk);
  }

  /**
   * Takes over what `stateDict` gave.
   *
   * @throws {RangeError} If it is the state of another model, optimiser or set of callbacks.
   */
  loadStateDict(state: LearnerState): void {
    this.#epochStart = loadLearnerState(this, state);
    const { rngState: { train }, batch } = state;
    this.#walk = train === null || batch === 0 ? null : { batches: [], stateDict: () => train };
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
      this.#walk = null;
      for (const part of [this.data.train, this.data.valid]) part?.reset?.(); // a cancelled epoch is not gone on with
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
      this.#current = this.#walk = walk(batches, this.batch, this.#epochStart, this.#walk);
      for await (const batch of this.#walk.batches) {
        await this.#batch(batch, () => this.#learn());
        if (this.batch < this.batches) this.#checkStop(); // after the last batch the data may still have its end to reach
      }
      this.#checkStop();
    });
  }

  async #learn(): Promise<void> {
    this.optimizer.zeroGrad();
    this.prediction = this.model.call(this.x);
    await this.#around("Loss", null, () => void (this.loss = this.#lossOf(this.prediction, this.y)));
    await this.#around("Backward", null, () => this.loss.backward());
    await this.#around("Step", null, () => this.optimizer.step(), () => this.step++);
  }

  async #validate(batches: Batches): Promise<void> {
    await this.#evaluation?.catch(() => {}); // it counts with the same metrics
    const learned = this.batch;
    const before = saveRngState(this.data, this.#walk);
    const restore = evalMode(this.model);
    [this.training, this.batch, this.batches, this.#validating] = [false, 0, batches.length, true];
    batches.reset?.(); // a loop of somebody else's may have left it in its midst
    try {
      await this.#around("Valid", null, async () => {
        this.#current = beginPass(batches);
        for await (const batch of this.#current.batches) {
          await this.#batch(batch, () => this.#judge());
          this.#checkStop();
        }
        this.#validating = false;
      });
    } catch (error) {
      loadRngState(this.data, before); // a resumed run will validate anew, and must draw the same numbers
      throw error;
    } finally {
      restore();
      [this.training, this.batch, this.#validating] = [true, learned, false];
    }
  }

  async #judge(): Promise<void> {
    this.prediction = noGrad(() => this.model.call(this.x));
    await this.#around("Loss", null, () => void (this.loss = noGrad(() => this.#lossOf(this.prediction, this.y))));
  }

  async #batch(batch: TrainingBatch, body: () => Promise<void>): Promise<void> {
    requireBatch(batch);
    [this.x, this.y] = batch;
    await this.#around("Batch", CancelBatch, body, () => this.batch++);
    await this.#breathe();
  }

  /** A batch's judgement in one go: whatever runs beside it finds the modes as they were. */
  #judged(x: Tensor, y: Tensor): Judged {
    const before = [this.x, this.y, this.training, this.#current] as const;
    const restore = evalMode(this.model);
    [this.x, this.y, this.training, this.#current] = [x, y, false, null];
    try {
      return noGrad(() => {
        const prediction = this.model.call(x);
        return { x, y, prediction, loss: this.#lossOf(prediction, y) };
      });
    } finally {
      restore();
      [this.x, this.y, this.training, this.#current] = before;
    }
  }

  #lossOf(prediction: Tensor, y: Tensor): Tensor {
    const loss = this.lossFunction;
    const value = typeof loss === "function" ? loss(prediction, y) : loss.call(prediction, y);
    requireTensor(value, "use the answer of the loss,");
    return value;
  }

  /** The body between its two moments; an error of the kind `cancel` ends it early, and `count` follows in any case. */
  async #around(
    point: Capitalize<Point>,
    cancel: (new () => Error) | null,
    body: () => void | Promise<void>,
    count?: () => void,
  ): Promise<void> {
    if (this.#slice.isOver()) await yieldToEventLoop(); // also amid a batch: each part of a large one may take long
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

  async #breathe(): Promise<void> {
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
