/** Metrics of classification: scores [n, classes] against classes [n]. */
import { requireArray } from "../../../core/arguments.ts";
import { showable } from "../../../core/displayer.ts";
import { elements } from "../../../core/ops/movement.ts";
import { show } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { measure, type Metric, requirePair } from "./metric.ts";

/**
 * The fraction of rows whose highest score is that of the right class; of equal scores the first is the highest, as in `argmax`.
 *
 * @throws {RangeError} On `update`, if the shapes are not [n, classes] and [n].
 */
export function accuracy(): Metric {
  return share("accuracy", (scores, at, classes, target) => firstLargest(scores, at, classes) === target);
}

/**
 * The fraction of rows in which fewer than `k` classes score higher than the right one.
 *
 * @throws {RangeError} If `k` is not a whole number of at least 1; on `update`, if the shapes are not [n, classes] and [n].
 */
export function topK(k: number): Metric {
  if (!Number.isInteger(k) || k < 1) {
    throw new RangeError(`Cannot take the top ${k}: give a whole number of at least 1`);
  }
  return share(`top${k}`, (scores, at, classes, target) => {
    let higher = 0;
    for (let c = 0; c < classes; c++) if (scores[at + c] > scores[at + target]) higher++;
    return scores[at + target] === scores[at + target] && higher < k; // a NaN is never among the best
  });
}

/**
 * The fraction of rows whose score [n] or [n, 1] lies on the right side of `threshold`: above it for class 1, else for class 0.
 *
 * The default threshold is 0, which is that of logits; for probabilities give 0.5.
 *
 * @throws {RangeError} On `update`, if the shapes differ in more than dimensions of size 1.
 */
export function binaryAccuracy(threshold = 0): Metric {
  let [right, rows] = [0, 0];
  return {
    name: "accuracy",
    reset: () => void ([right, rows] = [0, 0]),
    update: (prediction, target) => {
      requirePair("accuracy", prediction, target);
      const [scores, classes] = [elements(prediction), elements(target)];
      if (scores.length !== classes.length) throw mismatch("binary accuracy", prediction, target);
      for (let i = 0; i < scores.length; i++) if (Number(scores[i] > threshold) === classes[i]) right++;
      rows += scores.length;
    },
    value: () => right / rows,
  };
}

/**
 * The confusion matrix: row i, column j is the number of rows of class i whose highest score was that of class j.
 *
 * @throws {RangeError} On `update`, if the shapes are not [n, classes] and [n].
 */
export function confusionMatrix(classes: number): Metric {
  const counts = confusion(classes);
  return { name: "confusion", reset: counts.reset, update: counts.update, value: () => showable(counts.rows()) };
}

/**
 * For each class, the fraction of the rows predicted as this class that are of it: `TP / (TP + FP)`; 0 where none was predicted.
 *
 * @throws {RangeError} On `update`, if the shapes are not [n, classes] and [n].
 */
export function precision(classes: number): Metric {
  return ofEachClass("precision", classes, (hits, taken) => ratio(hits, taken));
}

/**
 * For each class, the fraction of its rows that were predicted as this class: `TP / (TP + FN)`; 0 where it has none.
 *
 * @throws {RangeError} On `update`, if the shapes are not [n, classes] and [n].
 */
export function recall(classes: number): Metric {
  return ofEachClass("recall", classes, (hits, _, present) => ratio(hits, present));
}

/**
 * For each class, the harmonic mean of precision and recall: `2TP / (2TP + FP + FN)`; 0 where it never occurs.
 *
 * @throws {RangeError} On `update`, if the shapes are not [n, classes] and [n].
 */
export function f1(classes: number): Metric {
  return ofEachClass("f1", classes, (hits, taken, present) => ratio(2 * hits, taken + present));
}

/**
 * Precision, recall and F1 of each class and how many rows it has, in lines for people, as scikit-learn's `classification_report`; of
 * twelve classes or fewer also the confusion matrix. Of more than thirty classes the first thirty are shown.
 *
 * @param prediction Scores [n, classes]
 * @param target Classes [n]
 * @param names The names of the classes
 * @throws {RangeError} If the shapes are not these, or there is not one name for each class.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { classificationReport } from "@gradus/gradus/metrics";
 * import { assertEquals } from "@std/assert";
 *
 * const report = classificationReport(tensor([[2, 0], [0, 2], [2, 0]]), tensor([0, 1, 1], { dtype: "int32" }), ["no", "yes"]);
 * assertEquals(report.split("\n").slice(0, 3), [
 *   "class precision    recall        f1    rows",
 *   "no        0.500     1.000     0.667       1",
 *   "yes       1.000     0.500     0.667       2",
 * ]);
 * ```
 */
export function classificationReport(prediction: Tensor, target: Tensor, names: readonly string[]): string {
  requireArray(names, "name the classes", '["no", "yes"]');
  const classes = names.length;
  const of = <T>(metric: Metric) => measure(metric, prediction, target) as T;
  const counts = of<number[][]>(confusionMatrix(classes));
  const shares = [precision, recall, f1].map((metric) => of<number[]>(metric(classes)));
  const width = Math.max(5, ...names.map((name) => name.length));
  const line = (name: string, cells: readonly string[]) => name.padEnd(width) + cells.join("");
  const rows = names.map((name, c) => {
    const cells = shares.map((share) => share[c].toFixed(3).padStart(10));
    return line(name, [...cells, `${sum(counts[c])}`.padStart(8)]);
  });
  const grid = counts.map((row, c) => line(names[c], row.map((count) => `${count}`.padStart(7))));
  return [
    line("class", [" precision", "    recall", "        f1", "    rows"]),
    ...rows.slice(0, 30),
    ...(classes <= 12 ? ["", "rows of each class, by what they were taken for", ...grid] : []),
  ].join("\n");
}

type Right = (scores: ArrayLike<number>, at: number, classes: number, target: number) => boolean;

function share(name: string, isRight: Right): Metric {
  let [right, rows] = [0, 0];
  return {
    name,
    reset: () => void ([right, rows] = [0, 0]),
    update: (prediction, target) => {
      eachRow(name, prediction, target, (scores, at, classes, y) => {
        if (isRight(scores, at, classes, y)) right++;
        rows++;
      });
    },
    value: () => right / rows,
  };
}

function ofEachClass(
  name: string,
  classes: number,
  valueOf: (hits: number, taken: number, present: number) => number,
): Metric {
  const counts = confusion(classes);
  const value = () => {
    const rows = counts.rows();
    return rows.map((row, c) => valueOf(row[c], sum(rows.map((other) => other[c])), sum(row)));
  };
  return { name, reset: counts.reset, update: counts.update, value };
}

function confusion(classes: number) {
  if (!Number.isInteger(classes) || classes < 1) {
    throw new RangeError(`Cannot count ${classes} classes: give a whole number of at least 1`);
  }
  const counts = new Float64Array(classes * classes);
  return {
    reset: () => void counts.fill(0),
    update: (prediction: Tensor, target: Tensor) => {
      requirePair("confusion", prediction, target);
      if (prediction.shape[1] !== classes) {
        throw new RangeError(`Cannot count ${classes} classes in scores of shape ${show(prediction.shape)}`);
      }
      eachRow("confusion", prediction, target, (scores, at, _, y) => {
        counts[y * classes + firstLargest(scores, at, classes)]++;
      });
    },
    rows: () => Array.from({ length: classes }, (_, i) => [...counts.subarray(i * classes, (i + 1) * classes)]),
  };
}

function eachRow(
  name: string,
  prediction: Tensor,
  target: Tensor,
  visit: (scores: ArrayLike<number>, at: number, classes: number, target: number) => void,
): void {
  requirePair(name, prediction, target);
  const [n, classes] = prediction.shape;
  if (prediction.ndim !== 2 || target.ndim !== 1 || target.shape[0] !== n) throw mismatch(name, prediction, target);
  const [scores, targets] = [elements(prediction), elements(target)];
  for (let i = 0; i < n; i++) {
    if (!(targets[i] >= 0 && targets[i] < classes)) {
      throw new RangeError(`Cannot take the ${name} of target ${targets[i]}: expected 0 to ${classes - 1}`);
    }
    visit(scores, i * classes, classes, targets[i]);
  }
}

function mismatch(name: string, prediction: Tensor, target: Tensor): RangeError {
  return new RangeError(
    `Cannot take the ${name} of scores ${show(prediction.shape)} and targets ${
      show(target.shape)
    }: expected [n, classes] and [n]`,
  );
}

/** As `argmax`: a NaN is larger than any number. */
function firstLargest(scores: ArrayLike<number>, at: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) {
    const [score, top] = [scores[at + c], scores[at + best]];
    if (score > top || (Number.isNaN(score) && !Number.isNaN(top))) best = c;
  }
  return best;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
