/** How well a model does: counted batch by batch, judged once at the end. */
import { describe, requireTensor } from "../../../core/arguments.ts";
import type { Tensor } from "../../../core/tensor.ts";

/** A number, or several: one a class, or a row a class. */
export type MetricValue = number | readonly number[] | readonly (readonly number[])[];

/**
 * A judgement over all of a data set. Batches are counted into sums, and the value is taken of the sums: batches of different
 * sizes weigh by their size.
 */
export interface Metric {
  /** What it is called in the history and in print. */
  readonly name: string;
  /** Forgets what was counted. */
  reset(): void;
  /** Counts a batch. */
  update(prediction: Tensor, target: Tensor): void;
  /** The judgement of everything counted: NaN, or an array of them, where there was nothing. */
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

/** Refuses predictions and targets that are no tensors. */
export function requirePair(name: string, prediction: Tensor, target: Tensor): void {
  requireTensor(prediction, `take the ${name} of`);
  requireTensor(target, `take the ${name} with the target`);
}

/** What a tally needs to know of a batch. */
export interface Judged {
  /** The inputs [batch, …]. */
  readonly x: Tensor;
  /** The targets [batch, …]. */
  readonly y: Tensor;
  /** The model's output. */
  readonly prediction: Tensor;
  /** Its loss, a mean over the rows. */
  readonly loss: Tensor;
}

/** A sum of losses, each weighted by its rows. */
export class LossSum {
  /** The sum of the rows' losses. */
  sum = 0;
  /** How many rows there were. */
  rows = 0;

  /** Counts a batch. */
  add({ x, loss }: Judged): void {
    const rows = x.shape[0] ?? 1;
    this.sum += loss.item() * rows;
    this.rows += rows;
  }

  /** The mean over all rows; NaN of none. */
  get mean(): number {
    return this.sum / this.rows;
  }
}

/** Counts batches into a loss and metrics. */
export class MetricAccumulator {
  readonly #loss = new LossSum();

  /** A new count; the metrics are reset. */
  constructor(readonly metrics: readonly Metric[]) {
    metrics.forEach((metric) => metric.reset());
  }

  /** Counts a batch. */
  add(batch: Judged): void {
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
