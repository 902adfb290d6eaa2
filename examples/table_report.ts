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
  const measure = (metric: metrics.Metric) => metrics.measure(metric, prediction, y);
  const accuracy = measure(metrics.accuracy()) as number;
  const count = names.length;
  const [precision, recall, f1] = [metrics.precision, metrics.recall, metrics.f1].map((of) =>
    measure(of(count)) as number[]
  );
  const counts = measure(metrics.confusionMatrix(count)) as number[][];
  const share = (x: number) => x.toFixed(3).padStart(10);
  const width = Math.max(5, ...names.map((name) => name.length));
  const frequent = mostFrequent(train, count);
  const baseline = y.eq(frequent).sum().item() / y.numel();
  const rows = names.map((name, c) => {
    const all = counts[c].reduce((sum, n) => sum + n, 0);
    return `${name.padEnd(width)}${share(precision[c])}${share(recall[c])}${share(f1[c])}${String(all).padStart(8)}`;
  });
  const lines = [
    `accuracy ${accuracy.toFixed(4)}, always "${names[frequent]}" would have ${baseline.toFixed(4)}`,
    "",
    `${"class".padEnd(width)} precision    recall        f1    rows`,
    ...rows.slice(0, 30),
    ...(count <= 12 ? ["", "rows of each class, by what they were taken for", ...grid(counts, names, width)] : []),
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

function grid(counts: readonly number[][], names: readonly string[], width: number): string[] {
  return counts.map((row, c) => names[c].padEnd(width) + row.map((n) => String(n).padStart(7)).join(""));
}
