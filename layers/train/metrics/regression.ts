/** Metrics of regression: predictions against targets of the same shape. */
import { elements } from "../../../core/ops/movement.ts";
import { sameShape, show } from "../../../core/shape.ts";
import { type Metric, requirePair } from "./metric.ts";

/** Sums over all rows: of errors and of targets, in float64. */
interface Sums {
  n: number;
  absolute: number;
  squared: number;
  mean: number;
  deviation: number;
}

/**
 * The mean of `(p − t)²`.
 *
 * @throws {RangeError} On `update`, if the shapes differ.
 */
export function mse(): Metric {
  return ofSums("mse", ({ squared, n }) => squared / n);
}

/**
 * The mean of `|p − t|`.
 *
 * @throws {RangeError} On `update`, if the shapes differ.
 */
export function mae(): Metric {
  return ofSums("mae", ({ absolute, n }) => absolute / n);
}

/**
 * The coefficient of determination `R² = 1 − Σ(p − t)² / Σ(t − t̄)²` over all elements. Where all targets are equal it is 1 if every
 * prediction is exact, else 0, as in scikit-learn's `r2_score`.
 *
 * @throws {RangeError} On `update`, if the shapes differ.
 */
export function r2(): Metric {
  return ofSums("r2", ({ squared, deviation, n }) => {
    if (deviation === 0 && n > 0) return squared === 0 ? 1 : 0;
    return 1 - squared / deviation;
  });
}

function ofSums(name: string, valueOf: (sums: Sums) => number): Metric {
  const none: Sums = { n: 0, absolute: 0, squared: 0, mean: 0, deviation: 0 };
  let sums = { ...none };
  return {
    name,
    reset: () => void (sums = { ...none }),
    update: (prediction, target) => {
      requirePair(name, prediction, target);
      if (!sameShape(prediction.shape, target.shape)) {
        throw new RangeError(
          `Cannot take the ${name} of predictions ${show(prediction.shape)} and targets ${
            show(target.shape)
          }: the shapes differ, use view() or unsqueeze()`,
        );
      }
      const [p, t] = [elements(prediction), elements(target)];
      for (let i = 0; i < p.length; i++) count(sums, p[i] - t[i], t[i]);
    },
    value: () => valueOf(sums),
  };
}

/** Welford's recurrence (1962), which keeps the deviation exact where the mean is large. */
function count(sums: Sums, error: number, target: number): void {
  sums.n++;
  sums.absolute += Math.abs(error);
  sums.squared += error * error;
  const away = target - sums.mean;
  sums.mean += away / sums.n;
  sums.deviation += away * (target - sums.mean);
}
