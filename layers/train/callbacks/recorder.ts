/** The history of a run: a record for each epoch. */
import { JUPYTER_DISPLAY, NOTHING_SHOWN, showable } from "../../../core/displayer.ts";
import type { Callback } from "./callback.ts";
import { faultOf } from "./model_monitors.ts";
import type { Learner } from "../learner.ts";
import type { FitReport } from "../learner_options.ts";
import type { Metric, MetricValue } from "../metrics/metric.ts";
import { LossSum, MetricAccumulator } from "../metrics/metric.ts";
import { lossesOfAll } from "../shared_run.ts";

/** The record of an epoch. */
export interface EpochRecord {
  /** Its number, counted from 1. */
  readonly epoch: number;
  /** Optimiser steps since the beginning. */
  readonly step: number;
  /** How long it took, in seconds; of a resumed epoch, since it was resumed. */
  readonly seconds: number;
  /** The first group's learning rate in its last step. */
  readonly lr: number;
  /** The mean loss over the training rows, each computed before its own step. */
  readonly trainLoss: number;
  /** The mean loss over the validation rows, where there are any. */
  readonly validLoss?: number;
  /** The metrics over the validation rows. */
  readonly metrics: Readonly<Record<string, MetricValue>>;
}

/** The state of a {@linkcode Recorder}. */
export interface RecorderState {
  /** The records so far. */
  rows: EpochRecord[];
  /** The sum of the training losses of the present epoch. */
  sum: number;
  /** How many rows it is the sum over. */
  count: number;
  /** The last learning rate. */
  lr: number;
}

/** Keeps a record for each epoch; every learner has one. */
export class Recorder implements Callback {
  /** The name under which its state is saved. */
  readonly name = "Recorder";
  /** Before every callback that reads the record. */
  readonly order = 10;
  /** The records so far. */
  rows: EpochRecord[] = showable([]);
  #train = new LossSum();
  #valid: MetricAccumulator | null = null;
  #validation: Pick<EpochRecord, "validLoss" | "metrics"> | null = null;
  #started = 0;
  #lr = 0;
  #isLost = false;

  /** A recorder with these metrics. */
  constructor(readonly metrics: readonly Metric[]) {}

  /** Nothing is lost yet. */
  beforeFit(): void {
    this.#isLost = false;
  }

  /** Begins a record. */
  beforeEpoch({ batch }: Learner): void {
    this.#started = performance.now();
    this.#valid = this.#validation = null;
    if (batch === 0) this.#train = new LossSum();
  }

  /** Resets the metrics. */
  beforeValid(): void {
    this.#valid = new MetricAccumulator(this.metrics);
  }

  /** Keeps the learning rate of the step, before a schedule changes it. */
  beforeStep({ optimizer }: Learner): void {
    this.#lr = optimizer.paramGroups[0].lr;
  }

  /** Adds the loss of the batch, and in validation its metrics. */
  afterLoss(learner: Learner): void {
    if (!learner.training) return this.#valid?.add(learner.wholeBatch());
    if (learner.shared) { for (const [mean, rows] of lossesOfAll(learner)) this.#train.addMean(mean, rows); }
    else this.#train.add(learner);
    if (!this.#isLost && !Number.isFinite(this.#train.sum)) this.#warnOf(learner);
  }

  /** Says which number of the batch itself is NaN or infinite, once: from then on all weights are. */
  #warnOf(learner: Learner): void {
    this.#isLost = true;
    const fault = faultOf(learner);
    if (fault === null) return; // the rate may be too high: NanWatchdog would tell
    console.warn(`fit() lost its numbers in epoch ${learner.epoch + 1}, batch ${learner.batch + 1}: ${fault}`);
  }

  /** Keeps the results of the validation, before the metrics are used for something else. */
  keepValidation(): void {
    if (this.#valid !== null) this.#validation ??= { validLoss: this.#valid.loss, metrics: this.#valid.values() };
  }

  /** Completes the record. */
  afterEpoch({ epoch, step }: Learner): void {
    this.keepValidation();
    this.rows.push({
      epoch,
      step,
      seconds: (performance.now() - this.#started) / 1000,
      lr: this.#lr,
      trainLoss: this.#train.mean,
      ...this.#validation ?? { metrics: {} },
    });
  }

  /** The report of a run that ended so; a cell of a notebook that ends with `fit()` shows it only where the run ended early. */
  report(ended: Pick<FitReport, "outcome" | "reason">): FitReport {
    const { reason } = ended;
    const bundle = () => reason === null ? NOTHING_SHOWN : { "text/plain": `The run ended early: ${reason}` };
    return Object.defineProperty({ ...ended, history: this.rows }, JUPYTER_DISPLAY, { value: bundle });
  }

  /** The records, and the sums of the present epoch. */
  stateDict(): RecorderState {
    return { rows: this.rows, sum: this.#train.sum, count: this.#train.rows, lr: this.#lr };
  }

  /** Loads what `stateDict` returned. */
  loadStateDict({ rows, sum, count, lr }: RecorderState): void {
    this.rows = showable([...rows]);
    this.#lr = lr;
    this.#train = new LossSum();
    [this.#train.sum, this.#train.rows] = [sum, count];
  }
}
