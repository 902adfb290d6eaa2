/**
 * What people would rather look at than read: plots of runs, pictures and matrices, as SVG, in a terminal
 * and in notebooks; and the way back from a loss, explained.
 *
 * Nothing here is loaded by the main module.
 *
 * Once this is imported, tensors, modules, histories and what else there is to see show themselves in a notebook of `deno jupyter`.
 *
 * @example
 * ```ts
 * import { plot } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const confusion = plot([[3, 1], [0, 4]]);
 * assertEquals(confusion.toText(), "is \\ taken for  0  1\n0               3  1\n1               0  4");
 * assertEquals((await confusion.toSvg()).slice(0, 4), "<svg");
 * ```
 * @module
 */
import "./notebook/notebook.ts";

// Plots.
export { plot, type PlotOptions, type Plottable } from "./plot/any_plot.ts";
export { Plot, type PlotParts, type PlotTextOptions } from "./plot/plot.ts";
export type { Picture } from "./plot/picture.ts";
export type { Values } from "./plot/html.ts";
export type { VegaLiteSpec } from "./plot/spec.ts";
export { type CurvesOptions, plotCurves, plotHistory, plotLr, type TitleOptions } from "./plot/curves.ts";
export { type ConfusionOptions, plotConfusion } from "./plot/confusion.ts";
export { type BinOptions, type Histogram, histogram, type HistogramOptions, plotHistogram } from "./plot/histogram.ts";
export { type ImagesOptions, type PictureClasses, plotImages } from "./plot/images.ts";

export {
  type HistogramsOptions,
  LayerHistograms,
  type LayerHistogramsOptions,
  plotHistograms,
  type StepHistogram,
} from "./plot/layer_histograms.ts";
export { pca, plotBoundary, plotScatter, type PrincipalComponents, type ScatterOptions } from "./plot/scatter.ts";

// Notebooks.
export { display } from "./notebook/notebook.ts";

// The way back, explained.
export {
  explain,
  type ExplainedStep,
  type ExplainedValue,
  type ExplainOptions,
  type Explanation,
  type ExplanationParts,
  type RuleText,
  type RuleTexts,
  type SentGradient,
} from "./explain/explanation.ts";
export type { ElementExplanation, Factor, Product } from "./explain/element.ts";

// Histories that other tools read.
export { historyCsv, historyLines, parseHistory, readHistory, writeHistory } from "./history/history.ts";
export { SummaryWriter } from "./history/summary_writer.ts";
export { TensorBoard, type TensorBoardOptions } from "./history/tensor_board.ts";

// A live page.
export {
  Dashboard,
  type DashboardOptions,
  type WatchedRuns,
  type WatchOptions,
  watchRuns,
} from "./dashboard/dashboard.ts";

// Types of other entry points that these speak of.
export type * from "../core/types.ts";
export type * from "../layers/train/train.ts";
