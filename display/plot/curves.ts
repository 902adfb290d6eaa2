/** Curves: the losses and metrics of a run, and the losses of a search for a learning rate. */
import { checkOptions, describe, isPlainObject, requireArray } from "../../core/arguments.ts";
import type { EpochRecord, LrCurve } from "../../layers/train/train.ts";
import type { Values } from "./html.ts";
import { Plot } from "./plot.ts";
import { counted, quantity, short, specOf } from "./spec.ts";
import { drawLines, type Series } from "./terminal.ts";

/** The options of plots that have a title of their own. */
export interface TitleOptions {
  /** What stands above it; without it what the plot is of. */
  title?: string;
}

const [WIDTH, HEIGHT] = [360, 200];

/**
 * The curves of a run: its losses, and beside them its metrics that are one number an epoch.
 *
 * @param history What `learner.history` or the report of `fit()` has
 * @throws {TypeError} If it is no history.
 * @throws {RangeError} If no epoch is done yet.
 *
 * @example
 * ```ts
 * import { plotHistory } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const epoch = (epoch: number, trainLoss: number) => ({ epoch, step: epoch, seconds: 1, lr: 0.1, trainLoss, metrics: {} });
 * const { description } = plotHistory([epoch(1, 2), epoch(2, 0.5)]);
 * assertEquals(description, "2 epochs. Loss in training from 2 to 0.5.");
 * ```
 */
export function plotHistory(history: readonly EpochRecord[], options: TitleOptions = {}): Plot {
  requireArray(history, "plot a history", "learner.history");
  checkOptions("plot a history", options, ["title"], { title: "string" });
  if (history.length === 0) throw new RangeError("Cannot plot a history of no epochs: fit() first");
  if (!isHistory(history)) throw new TypeError(`Cannot plot ${describe(history[0])} as an epoch: give learner.history`);
  const [losses, metrics] = [lossesOf(history), metricsOf(history)];
  const { title = "Losses and metrics by epoch" } = options;
  const description = `${counted(history.length, "epoch")}. ${[...losses, ...metrics].map(fromTo).join(" ")}`;
  const panels = [panel("Loss", losses), ...(metrics.length > 0 ? [panel("Metric", metrics)] : [])];
  return new Plot({
    ...{ title, description, values: valuesOf(history, [...losses, ...metrics]) },
    spec: specOf(title, description, pointsOf([...losses, ...metrics]), { hconcat: panels }),
    text: (columns) =>
      [losses, metrics].filter((group) => group.length > 0).map((group) => drawn(group, columns)).join("\n\n"),
  });
}

/** Whether a value is the history of a learner. */
export function isHistory(x: unknown): x is readonly EpochRecord[] {
  return Array.isArray(x) && x.length > 0 &&
    x.every((record) =>
      typeof record?.epoch === "number" && typeof record.trainLoss === "number" && "metrics" in record
    );
}

function lossesOf(history: readonly EpochRecord[]): Series[] {
  const curve = (name: string, value: (record: EpochRecord) => number | undefined) => ({
    name,
    points: history.flatMap((record) => {
      const y = value(record);
      return y === undefined ? [] : [[record.epoch, y] as const];
    }),
  });
  const all = [curve("training", ({ trainLoss }) => trainLoss), curve("validation", ({ validLoss }) => validLoss)];
  return all.filter(({ points }) => points.length > 0);
}

/** Metrics that are one number; those of one number a class stand in no curve. */
function metricsOf(history: readonly EpochRecord[]): Series[] {
  const names = new Set(history.flatMap(({ metrics }) => Object.keys(metrics)));
  return Array.from(names, (name) => ({
    name,
    points: history.flatMap(({ epoch, metrics }) => {
      const value = metrics[name];
      return typeof value === "number" ? [[epoch, value] as const] : [];
    }),
  })).filter(({ points }) => points.length > 0);
}

function fromTo({ name, points }: Series): string {
  const what = name === "training" || name === "validation"
    ? `Loss in ${name}`
    : `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
  const [[, first], [, last]] = [points[0], points[points.length - 1]];
  return points.length === 1 ? `${what} ${short(first)}.` : `${what} from ${short(first)} to ${short(last)}.`;
}

function pointsOf(series: readonly Series[]): object[] {
  return series.flatMap(({ name, points }) => points.map(([x, y]) => ({ series: name, x, y })));
}

/** Lines told apart by colour and by dashes, with a point for each number where they are few. */
function panel(yTitle: string, series: readonly Series[], xTitle = "Epoch"): object {
  const names = series.map(({ name }) => name);
  const named = (more: object) => ({
    field: "series",
    type: "nominal",
    title: null,
    scale: { domain: names },
    ...more,
  });
  return {
    ...{ width: WIDTH, height: HEIGHT },
    transform: [{ filter: { field: "series", oneOf: names } }],
    encoding: {
      x: quantity("x", xTitle, { axis: { tickMinStep: 1, format: "d" } }),
      y: quantity("y", yTitle, { scale: { zero: false } }),
    },
    layer: [
      {
        mark: "line",
        encoding: { color: named({ legend: { orient: "top", symbolType: "stroke" } }), strokeDash: named({}) },
      },
      ...(series.every(({ points }) => points.length <= 30)
        ? [{ mark: { type: "point", filled: true }, encoding: { color: named({ legend: null }) } }]
        : []),
    ],
    resolve: { scale: { color: "independent", strokeDash: "independent" } },
  };
}

function drawn(series: readonly Series[], columns: number): string {
  return drawLines(series, { columns, rows: 8, xTitle: "epoch" });
}

function valuesOf(history: readonly EpochRecord[], series: readonly Series[]): Values {
  const at = series.map(({ points }) => new Map(points));
  return {
    heads: ["epoch", ...series.map(({ name }) => name), "rate"],
    rows: history.map(({ epoch, lr }) => {
      const cells = at.map((values) => values.has(epoch) ? short(values.get(epoch)!) : "–");
      return [`${epoch}`, ...cells, short(lr)];
    }),
  };
}

/** The options of {@linkcode plotCurves}. */
export interface CurvesOptions extends TitleOptions {
  /**
   * What the horizontal axis counts, from 1.
   *
   * @default {"Step"}
   */
  xTitle?: string;
  /**
   * What the numbers are.
   *
   * @default {"Value"}
   */
  yTitle?: string;
}

/**
 * Lists of numbers as curves, by their names: losses of single batches, say.
 *
 * @throws {TypeError} If a list is no array of numbers.
 * @throws {RangeError} If there is none, or one is empty.
 *
 * @example
 * ```ts
 * import { plotCurves } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(plotCurves({ SGD: [4, 2, 1], Adam: [4, 1] }).description, "SGD from 4 to 1. Adam from 4 to 1.");
 * ```
 */
export function plotCurves(
  curves: Readonly<Record<string, readonly number[]>>,
  options: CurvesOptions = {},
): Plot {
  checkOptions("plot curves", options, ["title", "xTitle", "yTitle"], {
    title: "string",
    xTitle: "string",
    yTitle: "string",
  });
  const { title = "Curves", xTitle = "Step", yTitle = "Value" } = options;
  const series = seriesOf(curves);
  const description = series.map(fromTo).join(" ");
  const most = Math.max(...series.map(({ points }) => points.length));
  const rows = Array.from({ length: most }, (_, i) => [
    `${i + 1}`,
    ...series.map(({ points }) => i < points.length ? short(points[i][1]) : "–"),
  ]);
  return new Plot({
    ...{ title, description, values: { heads: [xTitle, ...series.map(({ name }) => name)], rows } },
    spec: specOf(title, description, pointsOf(series), panel(yTitle, series, xTitle) as Record<string, unknown>),
    text: (columns) => drawLines(series, { columns, rows: 8, xTitle: xTitle.toLowerCase() }),
  });
}

function seriesOf(curves: Readonly<Record<string, readonly number[]>>): Series[] {
  if (!isPlainObject(curves)) {
    throw new TypeError(`Cannot plot ${describe(curves)} as curves: give { name: [numbers] }`);
  }
  const all = Object.entries(curves as Record<string, readonly number[]>);
  if (all.length === 0) throw new RangeError("Cannot plot curves: there is none, give { name: [numbers] }");
  return all.map(([name, values]) => {
    if (!Array.isArray(values) || values.some((value) => typeof value !== "number")) {
      throw new TypeError(`Cannot plot ${describe(values)} as the curve ${name}: give an array of numbers`);
    }
    if (values.length === 0) throw new RangeError(`Cannot plot the curve ${name}: it has no numbers`);
    return { name, points: values.map((value, i) => [i + 1, value] as const) };
  });
}

/**
 * The losses that `findLr()` measured, by learning rate, with the rate that it suggests marked.
 *
 * @throws {TypeError} If it is no result of `findLr()`.
 *
 * @example
 * ```ts
 * import { plotLr } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const { description } = plotLr({ rates: [0.01, 0.1, 1], losses: [2, 1, 3], suggestion: 0.01 });
 * assertEquals(description, "Loss by learning rate, from 0.01 to 1: least at 0.1 with 1. Suggested: 0.01.");
 * ```
 */
export function plotLr(curve: LrCurve, options: TitleOptions = {}): Plot {
  if (!isLrCurve(curve)) throw new TypeError(`Cannot plot ${describe(curve)} as rates: give what findLr() gives`);
  checkOptions("plot rates", options, ["title"], { title: "string" });
  const { rates, losses, suggestion } = curve;
  const { title = "Loss by learning rate" } = options;
  const best = losses.indexOf(Math.min(...losses));
  const range = `from ${short(rates[0])} to ${short(rates[rates.length - 1])}`;
  const found = `least at ${short(rates[best])} with ${short(losses[best])}. Suggested: ${short(suggestion)}.`;
  const description = `Loss by learning rate, ${range}: ${found}`;
  const x = quantity("x", "Learning rate", { scale: { type: "log" }, axis: { format: "~g" } });
  const layer = [
    { mark: "line", encoding: { x, y: quantity("y", "Loss", { scale: { zero: false } }) } },
    {
      data: { values: [{ x: suggestion, name: `suggested: ${short(suggestion)}` }] },
      layer: [
        { mark: { type: "rule", strokeDash: [4, 3], color: "#D55E00" }, encoding: { x } },
        { mark: { type: "text", align: "left", dx: 4, y: 8 }, encoding: { x, text: { field: "name" } } },
      ],
    },
  ];
  const points = rates.map((rate, i) => [rate, losses[i]] as const);
  return new Plot({
    ...{ title, description, values: { heads: ["rate", "loss"], rows: points.map((pair) => pair.map(short)) } },
    spec: specOf(title, description, points.map(([x, y]) => ({ x, y })), { width: WIDTH, height: HEIGHT, layer }),
    text: (columns) => drawLr(points, suggestion, columns),
  });
}

/** Whether a value is the result of `findLr()`. */
export function isLrCurve(x: unknown): x is LrCurve {
  const { rates, losses, suggestion } = Object(x);
  return Array.isArray(rates) && Array.isArray(losses) && rates.length === losses.length && rates.length > 0 &&
    typeof suggestion === "number";
}

function drawLr(points: readonly (readonly [number, number])[], suggestion: number, columns: number): string {
  const losses = points.map(([, y]) => y);
  const mark = [[suggestion, Math.min(...losses)], [suggestion, Math.max(...losses)]] as const;
  const series = [{ name: "loss", points }, { name: `suggested ${short(suggestion)}`, points: mark }];
  return drawLines(series, { columns, rows: 8, xTitle: "learning rate", logX: true });
}
