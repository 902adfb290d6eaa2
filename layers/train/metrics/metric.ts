/** What a metric is: sums over batches, of which the value is computed once at the end. */
import { describe, requireTensor } from "../../../core/arguments.ts";
import type { Tensor } from "../../../core/tensor.ts";

/** A number, or several: one a class, or a row a class. */
export type MetricValue = number | readonly number[] | readonly (readonly number[])[];

/**
 * A metric over a whole data set. Batches are added to sums, and the value is computed of the sums, so that each row has the same
 * weight whatever the size of its batch.
 */
export interface Metric {
  /** The name in the history and in printed lines. */
  readonly name: string;
  /** Sets the sums to 0. */
  reset(): void;
  /** Adds a batch. */
  update(prediction: Tensor, target: Tensor): void;
  /** The value over everything that was added: NaN, or an array of NaN, where nothing was. */
  value(): MetricValue;
}

/**
 * The value of a metric for one prediction.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { metrics } from "@gradus/gradus/train";
 * import { assertEquals } from "@std/assert";
 *
 * const logits = tensor([[2, 0], [0, 2], [0, 2], [2, 0]]);
 * assertEquals(metrics.measure(metrics.accuracy(), logits, tensor([0, 1, 1, 1], { dtype: "int32" })), 0.75);
 * ```
 */
export function measure(metric: Metric, prediction: Tensor, target: Tensor): MetricValue {
  if (typeof metric?.update !== "function") {
    throw new TypeError(`Cannot measure with ${describe(metric)}: give a metric, as metrics.accuracy() makes one`);
  }
  metric.reset();
  metric.update(prediction, target);
  return metric.value();
}

/** Refuses predictions and targets that are not tensors. */
export function requirePair(name: string, prediction: Tensor, target: Tensor): void {
  requireTensor(prediction, `take the ${name} of`);
  requireTensor(target, `take the ${name} with the target`);
}

/** A batch and what the model made of it. */
export interface BatchResult {
  /** The inputs [batch, …]. */
  readonly x: Tensor;
  /** The targets [batch, …]. */
  readonly y: Tensor;
  /** The model's output. */
  readonly prediction: Tensor;
  /** Its loss, a mean over the rows. */
  readonly loss: Tensor;
  /** How many rows it has, where they are not those of `x`. */
  readonly rows?: number;
}

/** A sum of losses, each weighted by its rows. */
export class LossSum {
  /** The sum of the rows' losses. */
  sum = 0;
  /** How many rows there were. */
  rows = 0;

  /** Adds a batch. */
  add({ x, loss, rows = x.shape[0] ?? 1 }: BatchResult): void {
    this.addMean(loss.item(), rows);
  }

  /** Adds a mean over rows. */
  addMean(mean: number, rows: number): void {
    this.sum += mean * rows;
    this.rows += rows;
  }

  /** The mean over all rows; NaN of none. */
  get mean(): number {
    return this.sum / this.rows;
  }
}

/** Adds batches to a mean loss and to metrics. */
export class MetricAccumulator {
  readonly #loss = new LossSum();

  /** Begins at 0; the metrics are reset. */
  constructor(readonly metrics: readonly Metric[]) {
    metrics.forEach((metric) => metric.reset());
  }

  /** Adds a batch. */
  add(batch: BatchResult): void {
    this.#loss.add(batch);
    for (const metric of this.metrics) metric.update(batch.prediction, batch.y);
  }

  /** The mean loss. */
  get loss(): number {
    return this.#loss.mean;
  }

  /** The metrics by name. */
  values(): Record<string, MetricValue> {
    return Object.fromEntries(this.metrics.map((metric) => [metric.name, metric.value()]));
  }
}
