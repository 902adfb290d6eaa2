/**
 * Metrics: numbers that say how good predictions are, over all batches of an epoch. Each adds a column to a learner's history.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { accuracy, measure } from "@gradus/gradus/metrics";
 * import { assertEquals } from "@std/assert";
 *
 * const scores = tensor([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]]);
 * assertEquals(measure(accuracy(), scores, tensor([1, 0, 0], { dtype: "int32" })), 2 / 3);
 * ```
 * @module
 */

// The interface, and a metric taken once.
export { measure, type Metric, type MetricValue } from "./metric.ts";

// Classification: scores [n, classes] against classes [n].
export {
  accuracy,
  binaryAccuracy,
  classificationReport,
  confusionMatrix,
  f1,
  precision,
  recall,
  topK,
} from "./classification.ts";

// Regression: predictions against targets of the same shape.
export { mae, mse, r2 } from "./regression.ts";

export type * from "../../../core/types.ts";
