/** What predictions for a table's test rows are worth. */
import { type Tensor } from "@gradus/gradus";
import { metrics } from "@gradus/gradus/train";

/** A report in lines for people, and its numbers. */
export interface Report {
  lines: string[];
  scores: Record<string, number>;
}

/** Classes: accuracy beside that of always saying the most frequent one, and each class by itself. */
export function reportClasses(prediction: Tensor, y: Tensor, train: Tensor, names: readonly string[]): Report {
  const accuracy = metrics.measure(metrics.accuracy(), prediction, y) as number;
  const frequent = mostFrequent(train, names.length);
  const baseline = y.eq(frequent).sum().item() / y.numel();
  const lines = [
    `accuracy ${accuracy.toFixed(4)}, always "${names[frequent]}" would have ${baseline.toFixed(4)}`,
    "",
    metrics.classificationReport(prediction, y, names),
  ];
  return { lines, scores: { accuracy, baseline } };
}

/** Numbers: how far off, and what part of their variance is explained. */
export function reportNumbers(prediction: Tensor, y: Tensor): Report {
  const measure = (metric: metrics.Metric) => metrics.measure(metric, prediction, y) as number;
  const scores = { mae: measure(metrics.mae()), rmse: Math.sqrt(measure(metrics.mse())), r2: measure(metrics.r2()) };
  const lines = [
    `off by ${scores.mae.toPrecision(4)} on average (root mean square ${scores.rmse.toPrecision(4)})`,
    `explains ${(100 * scores.r2).toFixed(1)} % of the variance`,
  ];
  return { lines, scores };
}

function mostFrequent(classes: Tensor, count: number): number {
  const counts = Array.from({ length: count }, (_, c) => classes.eq(c).sum().item());
  return counts.indexOf(Math.max(...counts));
}
