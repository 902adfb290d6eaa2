/** Points in a plane: embeddings in their two principal components, and what a model makes of two inputs. */
import { checkOptions, describe, requireTensor, requireTexts, shown } from "../../core/arguments.ts";
import { fromData, zeros } from "../../core/create.ts";
import { elements } from "../../core/ops/movement.ts";
import { randn } from "../../core/random/create.ts";
import { Generator } from "../../core/random/generator.ts";
import { show } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
import { noGrad } from "../../backward/tape.ts";
import { Module } from "../../layers/nn/nn.ts";
import type { Values } from "./html.ts";
import { Plot } from "./plot.ts";
import { rasterPanel, tint } from "./raster_panel.ts";
import { COLOURS, counted, quantity, short, specOf } from "./spec.ts";

/** What {@linkcode pca} gives. */
export interface PrincipalComponents {
  /** The rows in the components: float64 [n, k]. */
  readonly projected: Tensor;
  /** The components, each a row of length 1: float64 [k, d]; of each the largest part is positive. */
  readonly components: Tensor;
  /** Which part of the whole variance each component has. */
  readonly explained: readonly number[];
}

/**
 * The `k` directions in which rows [n, d] vary most, and the rows in them: eigenvectors of the covariance `(x − x̄)ᵀ(x − x̄) / (n − 1)`, by
 * orthogonal iteration in float64: multiply, make orthonormal, and again until nothing turns. Where two directions vary alike, any two
 * of their plane are right.
 *
 * @throws {RangeError} If x is no [n, d] with at least two rows, or k is not a whole number from 1 to d.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { pca } from "@gradus/gradus/display";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const { components, explained } = pca(tensor([[0, 0], [3, 4], [6, 8]]), 1); // on a line
 * assertAlmostEquals(components.at(0, 1).item(), 0.8);
 * assertAlmostEquals(explained[0], 1);
 * ```
 */
export function pca(x: Tensor, k: number = 2): PrincipalComponents {
  requireTensor(x, "take the principal components of");
  if (x.ndim !== 2 || x.shape[0] < 2) {
    throw new RangeError(
      `Cannot take the principal components of ${show(x.shape)}: expected [n, d] with two rows or more`,
    );
  }
  const [n, d] = x.shape;
  if (!Number.isInteger(k) || k < 1 || k > d) {
    throw new RangeError(
      `Cannot take ${shown(k)} principal components of ${show(x.shape)}: give a whole number from 1 to ${d}`,
    );
  }
  return noGrad(() => {
    const wide = x.detach().double(), centred = wide.sub(wide.mean(0));
    const covariance = centred.t().matmul(centred).div(n - 1); // [d, d]
    const q = eigenvectors(covariance, k); // [d, k]
    const total = covariance.diagonal().sum().item();
    const variances = q.mul(covariance.matmul(q)).sum(0).toArray() as number[];
    const explained = variances.map((variance) => total > 0 ? variance / total : 0);
    return { projected: centred.matmul(q), components: q.t().contiguous(), explained };
  });
}

/** The first k eigenvectors of a symmetric matrix [d, d], as columns. */
function eigenvectors(matrix: Tensor, k: number): Tensor {
  let q = orthonormal(randn([matrix.shape[0], k], { generator: new Generator(0), dtype: "float64" }));
  for (let i = 0; i < 1000; i++) {
    const next = orthonormal(matrix.matmul(q));
    const turned = next.sub(q).abs().max().item();
    q = next;
    if (turned < 1e-12) break; // some thousand roundings of float64
  }
  return q;
}

/** Columns of length 1 at right angles to each other, by Gram and Schmidt; the largest part of each is positive. */
function orthonormal(columns: Tensor): Tensor {
  const done: Tensor[] = [];
  for (const column of columns.unbind(1)) {
    let rest = column;
    for (const other of [...done, ...done]) rest = rest.sub(other.mul(other.mul(rest).sum())); // twice is enough
    const length = rest.norm().item();
    const sign = Math.sign(rest.at(rest.abs().argmax().item()).item()) || 1;
    done.push(length > 0 ? rest.div(length * sign) : zeros(rest.shape, { dtype: "float64" }));
  }
  const all = zeros(columns.shape, { dtype: "float64" });
  done.forEach((column, i) => all.select(1, i).copy_(column));
  return all;
}

/** The options of {@linkcode plotScatter} and {@linkcode plotBoundary}. */
export interface ScatterOptions {
  /** The class of each point: a tensor of numbers, or an array of numbers or names. */
  labels?: Tensor | readonly (number | string)[];
  /** The names of the classes, where labels are numbers. */
  classes?: readonly string[];
  /** What stands above them. */
  title?: string;
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

const MOST = 2000;

/**
 * Points [n, 2] in a plane, or rows [n, d] in their two principal components, told apart by their classes. Of more than 2000 the first ones are
 * shown.
 *
 * @throws {RangeError} If the shape is another, or there is not a label for each point.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { plotScatter } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const { description } = plotScatter(tensor([[0, 0], [1, 1], [1, 0]]), { labels: ["a", "b", "b"] });
 * assertEquals(description, "3 points: 1 of a around (0, 0), 2 of b around (1, 0.5).");
 * ```
 */
export function plotScatter(x: Tensor, options: ScatterOptions = {}): Plot {
  requireTensor(x, "plot the points");
  checkOptions("plot points", options, ["labels", "classes", "title"], { title: "string" });
  if (x.ndim !== 2 || x.shape[1] < 2 || x.shape[0] === 0) {
    throw new RangeError(`Cannot plot the points ${show(x.shape)}: expected [n, 2], or [n, d] with more dimensions`);
  }
  const reduced = x.shape[1] > 2 ? pca(x) : null;
  const points = pointsOf(reduced?.projected ?? x, options);
  const part = reduced === null ? "" : ` in two of ${x.shape[1]} dimensions, with ${percent(reduced)} of the variance`;
  const { title = reduced === null ? "Points" : "Two principal components" } = options;
  const groups = groupsOf(points);
  const description = `${counted(points.length, "point")}${part}: ${groups.map(inWords).join(", ")}.`;
  const names = reduced === null ? ["x", "y"] : ["First component", "Second component"];
  return new Plot({
    ...{ title, description, values: tableOf(groups) },
    spec: specOf(title, description, points, {
      ...{ width: 360, height: 300, mark: { type: "point", filled: true } },
      encoding: {
        x: quantity("x", names[0], { scale: { zero: false } }),
        y: quantity("y", names[1], { scale: { zero: false } }),
        ...byClass(groups),
      },
    }),
    text: (columns) => drawPoints(points, columns),
  });
}

const percent = ({ explained }: PrincipalComponents) => `${short(100 * explained.reduce((a, b) => a + b))} %`;

function pointsOf(x: Tensor, options: ScatterOptions): Point[] {
  const label = labelOf(options, x.shape[0]);
  const flat = elements(x.detach());
  const count = Math.min(MOST, x.shape[0]);
  return Array.from({ length: count }, (_, i) => ({ x: flat[2 * i], y: flat[2 * i + 1], label: label(i) }));
}

function labelOf({ labels, classes }: ScatterOptions, count: number): (i: number) => string {
  requireTexts("plot points", "classes", classes);
  if (labels === undefined) return () => "points";
  const list = labels instanceof Tensor ? Array.from(elements(labels), Number) : labels;
  if (!Array.isArray(list)) {
    throw new TypeError(`Cannot plot points with labels ${describe(labels)}: give a tensor or an array`);
  }
  if (list.length !== count) {
    throw new RangeError(`Cannot plot ${count} points with ${list.length} labels: give one for each`);
  }
  return (i) => typeof list[i] === "number" ? classes?.[list[i]] ?? `${list[i]}` : `${list[i]}`;
}

type Group = readonly [label: string, points: readonly Point[]];

function groupsOf(points: readonly Point[]): Group[] {
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    const group = groups.get(point.label);
    if (group === undefined) groups.set(point.label, [point]);
    else group.push(point);
  }
  return [...groups].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}

const centre = (points: readonly Point[]) =>
  (["x", "y"] as const).map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);

function inWords([label, points]: Group): string {
  return `${points.length} of ${label} around (${centre(points).map(short).join(", ")})`;
}

function tableOf(groups: readonly Group[]): Values {
  const rows = groups.map(([label, points]) => [label, `${points.length}`, ...centre(points).map(short)]);
  return { heads: ["class", "points", "mean x", "mean y"], rows };
}

/** Colours of the classes, and up to eight of them also shapes. */
function byClass(groups: readonly Group[]): object {
  if (groups.length === 1) return {};
  const named = { field: "label", type: "nominal", title: null, scale: { domain: groups.map(([label]) => label) } };
  return { color: named, ...(groups.length <= 8 ? { shape: named } : {}) };
}

/** Points as the first letters of their classes. */
function drawPoints(points: readonly Point[], columns: number): string {
  const rows = Math.round(columns / 4), ends = [boundsOf(points, "x"), boundsOf(points, "y")];
  const grid = Array.from({ length: rows }, () => Array<string>(columns).fill(" "));
  for (const point of points) {
    const [across, up] = [point.x, point.y].map((value, i) => (value - ends[i][0]) / (ends[i][1] - ends[i][0]));
    const row = rows - 1 - Math.round(up * (rows - 1));
    grid[row][Math.round(across * (columns - 1))] = point.label === "points" ? "·" : point.label[0] ?? "·";
  }
  return grid.map((row) => row.join("").trimEnd()).join("\n");
}

/** From the least to the largest, with a little around. */
function boundsOf(points: readonly Point[], axis: "x" | "y"): [number, number] {
  const values = points.map((point) => point[axis]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const edge = 0.05 * (high - low) || 0.5;
  return [low - edge, high + edge];
}

// What a model makes of two inputs.

const SIDE = 80; // cells in each direction

/**
 * How a model divides a plane: its class at each place, and the points that it learned from. The model takes [n, 2], and gives scores [n,
 * classes], or [n, 1] whose sign tells two classes apart; it is called in evaluation mode.
 *
 * @throws {TypeError} If it is no module.
 * @throws {RangeError} If the points are not [n, 2], or the model gives something else.
 */
export function plotBoundary(
  model: Module,
  x: Tensor,
  labels: Tensor,
  options: Omit<ScatterOptions, "labels"> = {},
): Plot {
  if (!(model instanceof Module)) throw new TypeError(`Cannot plot what ${describe(model)} decides: give an nn.Module`);
  requireTensor(x, "plot the points");
  requireTensor(labels, "plot points with the labels");
  checkOptions("plot what a model decides", options, ["classes", "title"], { title: "string" });
  if (x.ndim !== 2 || x.shape[1] !== 2 || x.shape[0] === 0) {
    throw new RangeError(`Cannot plot what a model decides about ${show(x.shape)}: expected points [n, 2]`);
  }
  const { classes, title = "What the model decides" } = options;
  const name = (i: number) => classes?.[i] ?? `${i}`;
  const points = pointsOf(x, { ...options, labels });
  const [across, up] = [boundsOf(points, "x"), boundsOf(points, "y")];
  const cells = decisions(model, gridOf(across, up)), own = decisions(model, x);
  const groups = groupsOf(points),
    rightOf = (label: string) => points.filter((point, i) => point.label === label && name(own[i]) === label).length;
  const right = groups.reduce((sum, [label]) => sum + rightOf(label), 0);
  const description = `${counted(points.length, "point")} of ${counted(groups.length, "class")}, ` +
    `${right} of them on their own side.`;
  const order = groups.map(([label]) => label);
  const panel = rasterPanel(
    { width: SIDE, height: SIDE, channels: 3, data: colours(cells.map((i) => order.indexOf(name(i)))) },
    { x: across, y: up, xTitle: "First input", yTitle: "Second input" },
    [320, 320],
    [{ mark: { type: "point", filled: true, stroke: "white", strokeWidth: 0.5 }, encoding: byClass(groups) }],
  );
  return new Plot({
    ...{ title, description },
    values: {
      heads: ["class", "points", "on their own side"],
      rows: groups.map(([label, { length }]) => [label, `${length}`, `${rightOf(label)}`]),
    },
    spec: specOf(title, description, points, panel as Record<string, unknown>),
    text: (columns) => drawCells(cells.map(name), columns),
  });
}

/** Places from the upper left to the lower right, row by row: [SIDE², 2]. */
function gridOf([left, right]: readonly [number, number], [low, high]: readonly [number, number]): Tensor {
  const at = (i: number, from: number, to: number) => from + (i + 0.5) / SIDE * (to - from);
  const places = Array.from({ length: SIDE * SIDE }, (_, i) => [
    at(i % SIDE, left, right),
    at(Math.floor(i / SIDE), high, low),
  ]);
  return fromData(Float32Array.from(places.flat()), [SIDE * SIDE, 2]);
}

/** The class of each place. */
function decisions(model: Module, places: Tensor): number[] {
  const { training } = model;
  try {
    const scores = noGrad(() => model.eval().call(places));
    if (scores.ndim > 2 || scores.shape[0] !== places.shape[0]) {
      throw new RangeError(
        `Cannot plot what a model decides by ${show(scores.shape)}: expected [n, classes] or [n, 1]`,
      );
    }
    const taken = scores.ndim === 1 || scores.shape[1] === 1 ? scores.gt(0) : scores.argmax(1);
    return Array.from(elements(taken), Number);
  } finally {
    model.train(training);
  }
}

/** Pixels in pale colours of the classes. */
function colours(classes: readonly number[]): Uint8Array {
  const parts = COLOURS.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  const none = [150, 150, 150];
  return Uint8Array.from(classes.flatMap((i) => {
    const [red, green, blue] = i < 0 ? none : parts[i % parts.length];
    return tint([red, green, blue], 0.35);
  }));
}

function drawCells(names: readonly string[], columns: number): string {
  const width = Math.min(columns, SIDE), rows = Math.round(width / 2);
  const at = (row: number, column: number) =>
    names[Math.floor((row + 0.5) * SIDE / rows) * SIDE + Math.floor((column + 0.5) * SIDE / width)];
  return Array.from(
    { length: rows },
    (_, row) => Array.from({ length: width }, (_, column) => at(row, column)[0] ?? " ").join(""),
  ).join("\n");
}
