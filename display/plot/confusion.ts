/** A confusion matrix as a table of shades. */
import { checkOptions, describe, requireTexts } from "../../core/arguments.ts";
import { Plot } from "./plot.ts";
import { counted, short, specOf } from "./spec.ts";
import { drawTable } from "./terminal.ts";

/** The options of {@linkcode plotConfusion}. */
export interface ConfusionOptions {
  /**
   * The names of the classes.
   *
   * @default {the numbers from 0}
   */
  classes?: readonly string[];
  /** What stands above it. */
  title?: string;
}

/**
 * A confusion matrix, as `metrics.confusionMatrix()` counts it: row i, column j is how many rows of class i were taken for class j. Each
 * row is shaded by its own shares, so that a rare class can be read as well.
 *
 * @throws {TypeError} If it is no square of counts.
 * @throws {RangeError} If there is not one name for each class.
 */
export function plotConfusion(counts: readonly (readonly number[])[], options: ConfusionOptions = {}): Plot {
  if (!isSquare(counts)) {
    throw new TypeError(`Cannot plot ${describe(counts)} as a confusion: give a row of counts for each class`);
  }
  checkOptions("plot a confusion", options, ["classes", "title"], { title: "string" });
  const { classes = counts.map((_, i) => `${i}`), title = "Confusion" } = options;
  requireTexts("plot a confusion", "classes", classes);
  if (classes.length !== counts.length) {
    throw new RangeError(`Cannot plot a confusion of ${counts.length} classes with ${classes.length} names: name each`);
  }
  const description = inWords(counts, classes);
  const values = cellsOf(counts, classes);
  const rows = counts.map((row, i) => [classes[i], ...row.map(String)]);
  return new Plot({
    ...{ title, description, values: { heads: ["is \\ taken for", ...classes], rows } },
    spec: specOf(title, description, values, matrixSpec(classes)),
    text: () => drawTable(["is \\ taken for", ...classes], rows),
  });
}

/** Whether a value is a square of counts. */
export function isSquare(x: unknown): x is readonly (readonly number[])[] {
  return Array.isArray(x) && x.length > 0 &&
    x.every((row) => Array.isArray(row) && row.length === x.length && row.every((count) => typeof count === "number"));
}

function cellsOf(counts: readonly (readonly number[])[], classes: readonly string[]): object[] {
  return counts.flatMap((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, j) => ({ is: classes[i], taken: classes[j], count, share: total > 0 ? count / total : 0 }));
  });
}

function inWords(counts: readonly (readonly number[])[], classes: readonly string[]): string {
  const all = counts.flatMap((row, i) => row.map((count, j) => ({ count, i, j })));
  const sum = (cells: readonly { count: number }[]) => cells.reduce((total, { count }) => total + count, 0);
  const [total, right] = [sum(all), sum(all.filter(({ i, j }) => i === j))];
  const worst = all.filter(({ i, j }) => i !== j).reduce((a, b) => b.count > a.count ? b : a, { count: 0, i: 0, j: 0 });
  const what = `${counted(total, "row")} of ${counts.length} classes, ${
    total > 0 ? short(100 * right / total) : 0
  } % right.`;
  if (worst.count === 0) return what;
  return `${what} Most often ${classes[worst.i]} is taken for ${classes[worst.j]}: ${counted(worst.count, "time")}.`;
}

function matrixSpec(classes: readonly string[]): Readonly<Record<string, unknown>> {
  const side = Math.min(480, Math.max(160, 36 * classes.length));
  const axis = (field: string, title: string) => ({
    field,
    type: "nominal",
    title,
    sort: classes,
    axis: { labelAngle: 0 },
  });
  const share = { field: "share", type: "quantitative", scale: { scheme: "blues", domain: [0, 1] }, legend: null };
  const ink = { condition: { test: "datum.share > 0.5", value: "white" }, value: "black" };
  return {
    ...{ width: side, height: side },
    encoding: { x: axis("taken", "Taken for"), y: axis("is", "Is") },
    layer: [
      { mark: "rect", encoding: { color: share } },
      { mark: "text", encoding: { text: { field: "count", type: "quantitative" }, color: ink } },
    ],
  };
}
