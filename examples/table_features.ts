/** From the columns of a table to what a network likes: numbers of mean 0 and deviation 1, categories as ones and zeros. */
import { fromData, type Tensor } from "@gradus/gradus";
import type { Column, Table } from "@gradus/gradus/data";

/** Categories that get a feature of their own; the rarer ones of a column share none. */
const MOST_CATEGORIES = 50;

/** How a column is read: which of its values become features. */
interface Plan {
  column: Column;
  at: number;
  mean: number;
  std: number;
  width: number;
}

/** Learned from the training rows alone, applied to all. */
export interface Features {
  /** How many features a row has. */
  readonly width: number;
  /** The features of rows [n, columns] as float32 [n, width]; an empty cell is 0: the mean, or no category. */
  of(x: Tensor): Tensor;
  /** A line about each column. */
  describe(): string[];
}

/** The features of a table, by the statistics of its training rows. */
export function featuresOf({ columns }: Table, train: Tensor): Features {
  const plans = columns.map((column, at) => planOf(column, train, at));
  const width = plans.reduce((sum, plan) => sum + plan.width, 0);
  return {
    width,
    of: (x) => fill(x, plans, width),
    describe: () => plans.map(describe),
  };
}

function planOf(column: Column, train: Tensor, at: number): Plan {
  if (column.kind === "categorical") {
    return { column, at, mean: 0, std: 1, width: Math.min(column.categories.length, MOST_CATEGORIES) };
  }
  const values = Array.from(train.slice(1, at, at + 1).clone().data).filter((value) => !Number.isNaN(value));
  const mean = values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);
  const std = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length));
  return { column, at, mean, std: std > 0 ? std : 1, width: 1 };
}

function fill(x: Tensor, plans: readonly Plan[], width: number): Tensor {
  const [rows, columns] = x.shape;
  const { data } = x.contiguous().clone();
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let to = row * width;
    for (const { column, at, mean, std, width: size } of plans) {
      const value = data[row * columns + at];
      if (column.kind === "numeric") out[to] = Number.isNaN(value) ? 0 : (value - mean) / std;
      else if (value < size) out[to + value] = 1;
      to += size;
    }
  }
  return fromData(out, [rows, width]);
}

function describe({ column, mean, std, width }: Plan): string {
  const empty = column.missing > 0 ? `, ${column.missing} empty` : "";
  if (column.kind === "numeric") {
    return `${column.name}: numeric, mean ${mean.toPrecision(4)}, std ${std.toPrecision(4)}${empty}`;
  }
  const shared = column.categories.length > width ? `, ${width} of them told apart` : "";
  return `${column.name}: ${column.categories.length} categories${shared}${empty}`;
}
