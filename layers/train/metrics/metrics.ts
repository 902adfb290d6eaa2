/** Metrics under one name: `metrics.accuracy()`. */
export { accuracy, binaryAccuracy, confusionMatrix, f1, precision, recall, topK } from "./class_metrics.ts";
export { measure, type Metric, type MetricValue } from "./metric.ts";
export { mae, mse, r2 } from "./regression_metrics.ts";
