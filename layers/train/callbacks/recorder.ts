/** A run's history as data. */
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";
import type { Metric, MetricValue } from "../metrics/metric.ts";
import { LossSum, MetricAccumulator } from "../metrics/metric.ts";

/** What an epoch came to. */
export interface EpochRecord {
  /** Its number, counted from 1. */
  readonly epoch: number;
  /** Optimiser steps since the beginning. */
  readonly step: number;
  /** How long it took, in seconds; of a resumed one, its last part. */
  readonly seconds: number;
  /** The first group's learning rate in its last step. */
  readonly lr: number;
  /** The mean loss over the training rows, each taken before the step that it led to. */
  readonly trainLoss: number;
  /** The mean loss over the validation rows, where there are any. */
  readonly validLoss?: number;
  /** The metrics over the validation rows. */
  readonly metrics: Readonly<Record<string, MetricValue>>;
}

/** What a {@linkcode Recorder} keeps. */
export interface RecorderState {
  /** The records so far. */
  rows: EpochRecord[];
  /** The sum of the training losses of the epoch under way. */
  sum: number;
  /** The rows it was taken over. */
  count: number;
  /** The last learning rate. */
  lr: number;
}

/** Keeps a record for each epoch; every learner has one. */
export class Recorder implements Callback {
  /** The name its state is saved under. */
  readonly name = "Recorder";
  /** Before whatever wants to read the record. */
  readonly order = 10;
  /** The records so far. */
  rows: EpochRecord[] = [];
  #train = new LossSum();
  #valid: MetricAccumulator | null = null;
  #judged: Pick<EpochRecord, "validLoss" | "metrics"> | null = null;
  #started = 0;
  #lr = 0;

  /** A record with these metrics. */
  constructor(readonly metrics: readonly Metric[]) {}

  /** Begins a record. */
  beforeEpoch({ batch }: Learner): void {
    this.#started = performance.now();
    this.#valid = this.#judged = null;
    if (batch === 0) this.#train = new LossSum();
  }

  /** Begins to judge. */
  beforeValid(): void {
    this.#valid = new MetricAccumulator(this.metrics);
  }

  /** Keeps the learning rate of the step, before a schedule moves on. */
  beforeStep({ optimizer }: Learner): void {
    this.#lr = optimizer.paramGroups[0].lr;
  }

  /** Counts a training batch whose loss is known. */
  afterLoss(learner: Learner): void {
    if (learner.training) this.#train.add(learner);
    else this.#valid?.add(learner);
  }

  /** Keeps what the validation came to, before the metrics count something else. */
  keepValidation(): void {
    if (this.#valid !== null) this.#judged ??= { validLoss: this.#valid.loss, metrics: this.#valid.values() };
  }

  /** Closes the record. */
  afterEpoch({ epoch, step }: Learner): void {
    this.keepValidation();
    this.rows.push({
      epoch,
      step,
      seconds: (performance.now() - this.#started) / 1000,
      lr: this.#lr,
      trainLoss: this.#train.mean,
      ...this.#judged ?? { metrics: {} },
    });
  }

  /** The records, and the sums of the epoch under way. */
  stateDict(): RecorderState {
    return { rows: this.rows, sum: this.#train.sum, count: this.#train.rows, lr: this.#lr };
  }

  /** Takes over what `stateDict` gave. */
  loadStateDict({ rows, sum, count, lr }: RecorderState): void {
    this.rows = [...rows];
    this.#lr = lr;
    this.#train = new LossSum();
    [this.#train.sum, this.#train.rows] = [sum, count];
  }
}
