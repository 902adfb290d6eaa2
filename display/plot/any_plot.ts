/** One plot for what there is to see: chosen by what it is given. */
import { describe } from "../../core/arguments.ts";
import { Tensor } from "../../core/tensor.ts";
import { Parameter } from "../../layers/nn/nn.ts";
import type { EpochRecord, FitReport, LrCurve } from "../../layers/train/train.ts";
import { type ConfusionOptions, isSquare, plotConfusion } from "./confusion.ts";
import { isHistory, isLrCurve, plotHistory, plotLr, type TitleOptions } from "./curves.ts";
import { type HistogramOptions, plotHistogram } from "./histogram.ts";
import { type ImagesOptions, plotImages } from "./images.ts";
import { pictureShape } from "./picture.ts";
import type { Plot } from "./plot.ts";

/** What `plot()` takes: a history or a report of `fit()`, what `findLr()` gives, a confusion matrix, or a tensor. */
export type Plottable =
  | readonly EpochRecord[]
  | FitReport
  | LrCurve
  | readonly (readonly number[])[]
  | Tensor;

/** The options of {@linkcode plot}: those of the kind of plot that it is. */
export type PlotOptions = TitleOptions & ConfusionOptions & ImagesOptions & HistogramOptions;

/**
 * A plot of what it is given: the curves of a history, the losses of a search for a rate, a confusion matrix, pictures in a tensor. A
 * parameter, and a tensor that holds no pictures, gives a histogram of its elements.
 *
 * @throws {TypeError} If it knows no plot for it.
 *
 * @example
 * ```ts
 * import { rand } from "@gradus/gradus";
 * import { plot } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(plot(rand([2, 8, 8]), { labels: [3, 5] }).values.rows, [["1", "3", "–", ""], ["2", "5", "–", ""]]);
 * ```
 */
export function plot(x: Plottable, options: PlotOptions = {}): Plot {
  if (x instanceof Tensor) {
    const isPicture = !(x instanceof Parameter) && pictureShape(x.shape) !== null;
    return isPicture ? plotImages(x, options) : plotHistogram(x, options);
  }
  if (isHistory(x)) return plotHistory(x, options);
  if (isReport(x)) return plotHistory(x.history, options);
  if (isLrCurve(x)) return plotLr(x, options);
  if (isSquare(x)) return plotConfusion(x, options);
  throw new TypeError(
    `Cannot plot ${describe(x)}: give learner.history, what findLr() gives, a confusion matrix, or a tensor`,
  );
}

function isReport(x: unknown): x is FitReport {
  return Array.isArray(Object(x).history) && "outcome" in Object(x);
}
