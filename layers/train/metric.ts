/** How well a model does: counted batch by batch, judged once at the end. */
import { describe, requireTensor } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";

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
 * import { metrics, tensor } from "@gradus/gradus";
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
