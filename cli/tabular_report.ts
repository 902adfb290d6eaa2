/** What a network that has learned a table is worth on rows that it has not seen. */
import { cat, type Tensor } from "../mod.ts";
import type { TableSchema } from "../datasets/data.ts";
import { metrics } from "../layers/train/train.ts";

/** What is judged: the features and targets of rows, and a function that gives the network's outputs for features. */
export interface Trial {
  readonly schema: TableSchema;
  readonly x: Tensor;
  readonly y: Tensor;
  /** What was usual in the rows that were learned from, by {@linkcode usualTarget}: the baseline. */
  readonly usual: number;
  readonly outputs: (x: Tensor) => Tensor;
  /** A permutation of so many rows. */
  readonly order: (rows: number) => Tensor;
}

/** Lines for people, and the same as data. */
export interface Report {
  readonly lines: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Rows of a calibration: what was said, what was so, and how many rows. */
type Calibration = readonly { readonly said: number; readonly was: number; readonly rows: number }[];

const BINS = 10;
const QUANTILES = 5;

/** What a column is worth is found by so many rows at most: each column is another pass over them. */
const IMPORTANCE_ROWS = 20_000;

/** The commonest class of the targets in these rows, the first of several; or the mean of numbers. */
export function usualTarget(schema: TableSchema, y: Tensor, rows: Int32Array): number {
  const target = schema.target!, values = y.data;
  if (target.kind === "numeric") return rows.reduce((sum, row) => sum + Number(values[row]), 0) / rows.length;
  const counts = new Float64Array(target.categories.length);
  for (const row of rows) counts[Number(values[row])]++;
  return counts.indexOf(counts.reduce((a, b) => Math.max(a, b)));
}

/** The report on a trial. */
export function reportOn(trial: Trial): Report {
  const judged = trial.schema.target!.kind === "categorical" ? judgeClasses(trial) : judgeNumbers(trial);
  const importance = importanceOf(trial, judged);
  const width = Math.max(...importance.map(([name]) => name.length));
  const ranked = importance.map(([name, loss]) => `  ${name.padEnd(width)}  ${loss.toFixed(4).padStart(7)}`);
  return {
    lines: [...judged.lines, "", `what shuffling a column costs in ${judged.unit}:`, ...ranked],
    facts: { ...judged.facts, importance: Object.fromEntries(importance) },
  };
}

interface Judged extends Report {
  readonly unit: string;
  readonly score: number;
  readonly scoreOf: (outputs: Tensor, y: Tensor) => number;
}

function judgeClasses({ schema, x, y, usual, outputs }: Trial): Judged {
  const classes = schema.target!.kind === "categorical" ? schema.target!.categories : [];
  const logits = outputs(x), rows = y.numel();
  const scoreOf = (logits: Tensor, y: Tensor) => metrics.measure(metrics.accuracy(), logits, y) as number;
  const accuracy = scoreOf(logits, y);
  const baseline = y.eq(usual).sum().item() / rows;
  const confusion = metrics.measure(metrics.confusionMatrix(classes.length), logits, y) as readonly number[][];
  const calibration = calibrationOf(logits, y);
  return {
    unit: "accuracy",
    ...{ score: accuracy, scoreOf },
    lines: [
      `accuracy ${accuracy.toFixed(4)}, always "${classes[usual]}" would have ${baseline.toFixed(4)}`,
      "",
      metrics.classificationReport(logits, y, classes),
      "",
      "how sure, and how often right:",
      ...calibrationLines(calibration),
    ],
    facts: { accuracy, baseline, classes, perClass: perClassOf(classes, confusion), confusion, calibration },
  };
}

/** Precision, recall and F1 of each class, 0 where there is nothing to divide by, and its rows, of counts [class, taken for]. */
function perClassOf(classes: readonly string[], counts: readonly (readonly number[])[]) {
  const ratio = (part: number, whole: number) => whole === 0 ? 0 : part / whole;
  return Object.fromEntries(classes.map((name, c) => {
    const right = counts[c][c], rows = counts[c].reduce((a, b) => a + b, 0);
    const taken = counts.reduce((sum, row) => sum + row[c], 0);
    const [precision, recall] = [ratio(right, taken), ratio(right, rows)];
    return [name, { precision, recall, f1: ratio(2 * precision * recall, precision + recall), rows }];
  }));
}

/** How often the likeliest class was right, by how probable it was said to be. */
function calibrationOf(logits: Tensor, y: Tensor): Calibration {
  const values = elements(logits), right = elements(logits.argmax(1).eq(y)), width = logits.shape[1];
  const groups = Array.from({ length: BINS }, () => new Group());
  for (let row = 0; row < right.length; row++) {
    const said = largestShare(values, row * width, width);
    groups[Math.min(BINS - 1, Math.floor(said * BINS))].add(said, Number(right[row]));
  }
  return groups.filter(({ rows }) => rows > 0).map((group) => group.means());
}

/** The largest of the softmax of `count` logits from `at` on. */
function largestShare(logits: ArrayLike<number>, at: number, count: number): number {
  let top = -Infinity, sum = 0;
  for (let i = at; i < at + count; i++) top = Math.max(top, logits[i]);
  for (let i = at; i < at + count; i++) sum += Math.exp(logits[i] - top);
  return 1 / sum;
}

/** Sums of what was said and what was so. */
class Group {
  rows = 0;
  #said = 0;
  #was = 0;

  add(said: number, was: number): void {
    this.rows++;
    this.#said += said;
    this.#was += was;
  }

  means(): Calibration[number] {
    return { said: this.#said / this.rows, was: this.#was / this.rows, rows: this.rows };
  }
}

function calibrationLines(calibration: Calibration): string[] {
  return calibration.map(({ said, was, rows }) =>
    `  said ${said.toPrecision(4).padStart(9)}  was ${was.toPrecision(4).padStart(9)}  rows ${rows}`
  );
}

function judgeNumbers({ schema, x, y, usual, outputs }: Trial): Judged {
  const { mean, std } = schema.target as { mean: number; std: number };
  const estimate = (outputs: Tensor) => outputs.view(-1).double().mul(std || 1).add(mean); // as toAnswers() does
  const out = estimate(outputs(x));
  const scoreOf = (outputs: Tensor, y: Tensor) => metrics.measure(metrics.r2(), estimate(outputs), y) as number;
  const [mae, mse, r2] = [metrics.mae(), metrics.mse(), metrics.r2()].map((metric) =>
    metrics.measure(metric, out, y) as number
  );
  const rmse = Math.sqrt(mse);
  const baseline = y.double().sub(usual).abs().mean().item();
  const calibration = quantilesOf(elements(out), elements(y));
  return {
    unit: "explained variance",
    ...{ score: r2, scoreOf },
    lines: [
      `off by ${mae.toPrecision(4)} on average (root mean square ${rmse.toPrecision(4)}), ` +
      `always ${usual.toPrecision(4)} would be off by ${baseline.toPrecision(4)}`,
      `explains ${(100 * r2).toFixed(1)} % of the variance`,
      "",
      "what was said and what was so, on average of rows alike:",
      ...calibrationLines(calibration),
    ],
    facts: { mae, rmse, r2, baseline, calibration },
  };
}

/** Means of estimates and targets, in groups of equal size by the estimate. */
function quantilesOf(said: ArrayLike<number>, was: ArrayLike<number>): Calibration {
  const order = Int32Array.from(said, (_, i) => i).sort((a, b) => said[a] - said[b]);
  const size = Math.max(1, Math.ceil(order.length / QUANTILES));
  return Array.from({ length: Math.ceil(order.length / size) }, (_, part) => {
    const group = new Group();
    for (const i of order.subarray(part * size, (part + 1) * size)) group.add(said[i], was[i]);
    return group.means();
  });
}

/** How much worse the score is where the values of one column are those of other rows (Breiman 2001), the worst first. */
function importanceOf({ schema, x, y, outputs, order }: Trial, { score, scoreOf }: Judged): [string, number][] {
  const all = x.shape[0],
    rows = Math.min(IMPORTANCE_ROWS, all),
    some = x.slice(0, 0, rows),
    targets = y.slice(0, 0, rows);
  const whole = rows === all ? score : scoreOf(outputs(some), targets);
  const shuffled = some.index(order(rows)), owners = schema.featureColumns;
  const losses = schema.columns.map(({ name }, column): [string, number] => {
    const features = owners.map((owner, i) => (owner === column ? shuffled : some).slice(1, i, i + 1));
    return [name, whole - scoreOf(outputs(cat(features, 1)), targets)];
  });
  return losses.sort((a, b) => b[1] - a[1]);
}

/** The elements of a tensor, row by row. */
function elements(x: Tensor): ArrayLike<number> {
  return x.clone().data;
}
