/** What a network that has learned a table is worth on rows that it has not seen. */
import { cat, type Tensor, tensor } from "../mod.ts";
import type { TableSchema } from "../datasets/data.ts";
import { metrics } from "../layers/train/train.ts";

/** What is judged: the features and targets of rows, and a function that gives the network's outputs for features. */
export interface Trial {
  readonly schema: TableSchema;
  readonly x: Tensor;
  readonly y: Tensor;
  /** The targets of the rows that were learned from, which the baseline is made of. */
  readonly learned: Tensor;
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

/** The report on a trial. */
export function reportOn(trial: Trial): Report {
  const judged = trial.schema.target!.kind === "categorical" ? judgeClasses(trial) : judgeNumbers(trial);
  const importance = importanceOf(trial, judged.score, judged.scoreOf);
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
  readonly scoreOf: (outputs: Tensor) => number;
}

function judgeClasses({ schema, x, y, learned, outputs }: Trial): Judged {
  const classes = schema.target!.kind === "categorical" ? schema.target!.categories : [];
  const logits = outputs(x), rows = y.numel();
  const scoreOf = (logits: Tensor) => metrics.measure(metrics.accuracy(), logits, y) as number;
  const accuracy = scoreOf(logits);
  const counts = classes.map((_, c) => learned.eq(c).sum().item());
  const frequent = counts.indexOf(Math.max(...counts));
  const baseline = y.eq(frequent).sum().item() / rows;
  const confusion = metrics.measure(metrics.confusionMatrix(classes.length), logits, y) as readonly number[][];
  const calibration = calibrationOf(schema, logits, y);
  return {
    unit: "accuracy",
    ...{ score: accuracy, scoreOf },
    lines: [
      `accuracy ${accuracy.toFixed(4)}, always "${classes[frequent]}" would have ${baseline.toFixed(4)}`,
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
function calibrationOf(schema: TableSchema, logits: Tensor, y: Tensor): Calibration {
  const said = schema.toAnswers(logits).map(({ probabilities }) => Math.max(...probabilities!));
  const right = (logits.argmax(1).eq(y).toArray() as (number | boolean)[]).map(Number);
  return Array.from({ length: BINS }, (_, bin) => {
    const own = said.map((p, i) => [p, right[i]] as const).filter(([p]) =>
      Math.min(BINS - 1, Math.floor(p * BINS)) === bin
    );
    return meanOf(own);
  }).filter(({ rows }) => rows > 0);
}

function meanOf(pairs: readonly (readonly [said: number, was: number])[]): Calibration[number] {
  const mean = (part: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[part], 0) / pairs.length;
  return { said: mean(0), was: mean(1), rows: pairs.length };
}

function calibrationLines(calibration: Calibration): string[] {
  return calibration.map(({ said, was, rows }) =>
    `  said ${said.toPrecision(4).padStart(9)}  was ${was.toPrecision(4).padStart(9)}  rows ${rows}`
  );
}

function judgeNumbers({ schema, x, y, learned, outputs }: Trial): Judged {
  const estimate = (outputs: Tensor) =>
    tensor(schema.toAnswers(outputs).map(({ value }) => Number(value)), { dtype: "float64" });
  const out = estimate(outputs(x));
  const scoreOf = (outputs: Tensor) => metrics.measure(metrics.r2(), estimate(outputs), y) as number;
  const [mae, mse, r2] = [metrics.mae(), metrics.mse(), metrics.r2()].map((metric) =>
    metrics.measure(metric, out, y) as number
  );
  const rmse = Math.sqrt(mse);
  const always = learned.double().mean().item();
  const baseline = y.double().sub(always).abs().mean().item();
  const calibration = quantilesOf(out.toArray() as number[], y.toArray() as number[]);
  return {
    unit: "explained variance",
    ...{ score: r2, scoreOf },
    lines: [
      `off by ${mae.toPrecision(4)} on average (root mean square ${rmse.toPrecision(4)}), ` +
      `always ${always.toPrecision(4)} would be off by ${baseline.toPrecision(4)}`,
      `explains ${(100 * r2).toFixed(1)} % of the variance`,
      "",
      "what was said and what was so, on average of rows alike:",
      ...calibrationLines(calibration),
    ],
    facts: { mae, rmse, r2, baseline, calibration },
  };
}

/** Means of estimates and targets, in groups of equal size by the estimate. */
function quantilesOf(said: readonly number[], was: readonly number[]): Calibration {
  const order = said.map((_, i) => i).sort((a, b) => said[a] - said[b]);
  const size = Math.max(1, Math.ceil(order.length / QUANTILES));
  return Array.from(
    { length: Math.ceil(order.length / size) },
    (_, part) => meanOf(order.slice(part * size, (part + 1) * size).map((i) => [said[i], was[i]] as const)),
  );
}

/** How much worse the score is where the values of one column are those of other rows (Breiman 2001), the worst first. */
function importanceOf(
  { schema, x, outputs, order }: Trial,
  score: number,
  scoreOf: Judged["scoreOf"],
): [string, number][] {
  const shuffled = x.index(order(x.shape[0])), owners = schema.featureColumns;
  const losses = schema.columns.map(({ name }, column): [string, number] => {
    const features = owners.map((owner, i) => (owner === column ? shuffled : x).slice(1, i, i + 1));
    return [name, score - scoreOf(outputs(cat(features, 1)))];
  });
  return losses.sort((a, b) => b[1] - a[1]);
}
