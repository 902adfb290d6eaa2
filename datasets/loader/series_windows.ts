/** Windows over a series of numbers: what came before, and what comes after, as samples to learn a forecast from. */
import { checkOptions, requireArray, requireNumber } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { show } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
import { TensorDataset } from "./dataset.ts";

/** The options of {@linkcode seriesWindows}. */
export interface SeriesWindowsOptions {
  /** How many steps a window has. */
  length: number;
  /**
   * How many steps after it are to be foretold.
   *
   * @default {1}
   */
  horizon?: number;
  /**
   * How many steps lie between the begins of two windows.
   *
   * @default {1}
   */
  stride?: number;
}

/**
 * A dataset of all windows over a series [steps], or [steps, columns] of several numbers a step: sample `i` has the steps from `i · stride`
 * on, [length, columns], and the `horizon` steps after them, [horizon, columns]. Where a step is one number there are no columns: use
 * `unsqueeze(-1)` for a network that reads such. The windows are copies.
 *
 * To judge by what no window has seen, cut the series first, and then make windows of each part.
 *
 * @example
 * ```ts
 * import { seriesWindows } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const windows = seriesWindows([1, 2, 3, 4, 5, 6], { length: 3, stride: 2 });
 * assertEquals(windows.tensors.map((x) => x.toArray()), [[[1, 2, 3], [3, 4, 5]], [[4], [6]]]);
 * ```
 * @throws {RangeError} If no window fits, or a number is not whole.
 * @throws {TypeError} If the values are not numbers.
 */
export function seriesWindows(
  values: Tensor | readonly number[],
  options: SeriesWindowsOptions,
): TensorDataset<readonly [x: Tensor, y: Tensor]> {
  checkOptions("make windows", options, ["length", "horizon", "stride"], {
    length: "number",
    horizon: "number",
    stride: "number",
  });
  const { length, horizon = 1, stride = 1 } = options;
  for (const [name, size] of Object.entries({ length, horizon, stride })) {
    requireNumber(size, `make windows with ${name}`);
    if (Number.isInteger(size) && size >= 1) continue;
    throw new RangeError(`Cannot make windows with ${name} ${size}: give a whole number from 1`);
  }
  const series = seriesOf(values), steps = series.shape[0] ?? 0;
  const count = Math.floor((steps - length - horizon) / stride) + 1;
  if (series.ndim < 1 || series.ndim > 2 || count < 1) {
    throw new RangeError(
      `Cannot make windows of ${length} steps and ${horizon} after them over a series of shape ${
        show(series.shape)
      }: ` +
        `give at least ${length + horizon} steps, [steps] or [steps, columns]`,
    );
  }
  return new TensorDataset(part(series, count, stride, 0, length), part(series, count, stride, length, horizon));
}

function seriesOf(values: Tensor | readonly number[]): Tensor {
  if (values instanceof Tensor) return values.detach();
  requireArray(values, "make windows over", "[1, 2, 3]");
  for (const value of values) requireNumber(value, "make windows over");
  return fromData(Float32Array.from(values), [values.length]);
}

/** Of `count` windows the `length` steps from `from` on, [count, length, …]. */
function part(series: Tensor, count: number, stride: number, from: number, length: number): Tensor {
  const rows = Int32Array.from(
    { length: count * length },
    (_, i) => Math.floor(i / length) * stride + from + i % length,
  );
  return series.index(fromData(rows, [count, length]));
}
