/** Histograms: how the elements of a tensor are spread. */
import { checkOptions, requireTensor, shown } from "../../core/arguments.ts";
import { elements } from "../../core/ops/movement.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { Plot } from "./plot.ts";
import { counted, quantity, short, specOf } from "./spec.ts";
import { drawBars } from "./terminal.ts";

/** The options of {@linkcode histogram}. */
export interface BinOptions {
  /**
   * How many bins.
   *
   * @default {40}
   */
  bins?: number;
  /**
   * Where the first bin begins and the last one ends; what lies outside is counted in none, as in PyTorch's `histc`.
   *
   * @default {the least and the largest element}
   */
  range?: readonly [low: number, high: number];
}

/** The options of {@linkcode plotHistogram}. */
export interface HistogramOptions extends BinOptions {
  /** What stands above it. */
  title?: string;
}

/** How many elements lie in each of bins of one width. */
export interface Histogram {
  /** How many in each bin. */
  readonly counts: readonly number[];
  /** Where the bins begin, and where the last one ends: one more than there are bins. */
  readonly edges: readonly number[];
  /** The mean of the elements that are finite. */
  readonly mean: number;
  /** Their standard deviation, `√(Σ(x − x̄)² / n)`. */
  readonly std: number;
  /** How many elements are NaN or infinite. */
  readonly odd: number;
}

/**
 * Counts the elements of a tensor in bins of one width; an element at the upper end counts in the last bin.
 *
 * @throws {RangeError} If `bins` is not a whole number from 1, or the range is empty.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { histogram } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const { counts, edges } = histogram(tensor([0, 1, 1, 4]), { bins: 4 });
 * assertEquals([counts, edges], [[1, 2, 0, 1], [0, 1, 2, 3, 4]]);
 * ```
 */
export function histogram(x: Tensor, options: BinOptions = {}): Histogram {
  requireTensor(x, "count the elements of");
  checkOptions("count elements", options, ["bins", "range"], { bins: "number" });
  const { bins = 40, range } = options;
  if (!Number.isInteger(bins) || bins < 1) {
    throw new RangeError(`Cannot count elements in ${shown(bins)} bins: give a whole number from 1`);
  }
  const all = Float64Array.from(elements(x.detach())), values = all.filter(Number.isFinite);
  const [low, high] = range ?? ends(values);
  if (!(low < high)) {
    throw new RangeError(`Cannot count elements from ${shown(low)} to ${shown(high)}: give low < high`);
  }
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    if (value >= low && value <= high) counts[Math.min(bins - 1, Math.floor((value - low) / (high - low) * bins))]++;
  }
  const edges = Array.from({ length: bins + 1 }, (_, i) => low + (high - low) * i / bins);
  return { counts, edges, ...spread(values), odd: all.length - values.length };
}

/** The least and the largest; half a unit around a single value, as NumPy does. */
function ends(values: Float64Array): [number, number] {
  if (values.length === 0) return [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

function spread(values: Float64Array): { mean: number; std: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, std: Math.sqrt(squares / values.length) };
}

/**
 * The histogram of a tensor's elements.
 *
 * @throws {RangeError} As {@linkcode histogram} does.
 */
export function plotHistogram(x: Tensor, options: HistogramOptions = {}): Plot {
  requireTensor(x, "plot the histogram of");
  const { title = `Elements of ${show(x.shape)}`, ...binning } = checked(options);
  const { counts, edges, mean, std, odd } = histogram(x, binning);
  const lost = odd > 0 ? ` ${counted(odd, "element")} not finite.` : "";
  const [low, high] = [edges[0], edges[edges.length - 1]];
  const description = `${counted(x.numel(), "element")} from ${short(low)} to ${short(high)}, mean ${short(mean)}, ` +
    `standard deviation ${short(std)}.${lost}`;
  const bins = counts.map((count, i) => ({ from: edges[i], to: edges[i + 1], count }));
  return new Plot({
    ...{ title, description },
    values: {
      heads: ["from", "to", "count"],
      rows: bins.map((bin) => [short(bin.from), short(bin.to), `${bin.count}`]),
    },
    spec: specOf(title, description, bins, {
      ...{ width: 360, height: 160, mark: { type: "bar", binSpacing: 0 } },
      encoding: {
        x: { ...quantity("from", "Value"), bin: "binned" },
        x2: { field: "to" },
        y: quantity("count", "Elements"),
      },
    }),
    text: () =>
      `${drawBars(counts)}\n${short(low)}${short(high).padStart(Math.max(1, counts.length - short(low).length))}`,
  });
}

function checked(options: HistogramOptions): HistogramOptions {
  checkOptions("plot a histogram", options, ["bins", "range", "title"], { bins: "number", title: "string" });
  return options;
}
