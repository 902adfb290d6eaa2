/** Loss and metrics over many batches. */
import type { Tensor } from "../../core/tensor.ts";
import type { Metric, MetricValue } from "./metric.ts";

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
export class Tally {
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
