/** Histograms over time: how the outputs of each layer are spread at each step of a run. */
import { checkOptions, describe, requireChoice, shown } from "../../core/arguments.ts";
import { isFloating } from "../../core/dtype.ts";
import type { Tensor } from "../../core/tensor.ts";
import { onEachCall } from "../../layers/train/callbacks/model_monitors.ts";
import type { Callback, Learner } from "../../layers/train/train.ts";
import { type Histogram, histogram } from "./histogram.ts";
import type { Picture } from "./picture.ts";
import { Plot } from "./plot.ts";
import { rasterPanel, tint } from "./raster_panel.ts";
import { counted, short, specOf } from "./spec.ts";
import { drawShades } from "./terminal.ts";

/** The options of {@linkcode LayerHistograms}. */
export interface LayerHistogramsOptions {
  /**
   * What is counted: the outputs of the layers, or the parameters.
   *
   * @default {"activations"}
   */
  of?: "activations" | "parameters";
  /**
   * At which steps: 1 for each, 10 for every tenth.
   *
   * @default {1}
   */
  every?: number;
  /**
   * How many bins.
   *
   * @default {40}
   */
  bins?: number;
  /**
   * Where the first bin begins and the last one ends; what lies outside counts in these.
   *
   * @default {[-4, 4]}
   */
  range?: readonly [low: number, high: number];
}

/** The histogram of a layer at a step. */
export interface StepHistogram extends Histogram {
  /** The optimiser step, counted from 1. */
  readonly step: number;
}

/**
 * Counts at each training step how the outputs of each layer are spread, or the parameters: what {@linkcode plotHistograms} draws. A layer
 * is a module without modules of its own.
 *
 * @example
 * ```ts
 * import { nn, optim, tensor } from "@gradus/gradus";
 * import { Learner } from "@gradus/gradus/train";
 * import { LayerHistograms } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const model = new nn.Sequential(new nn.Linear(1, 2), new nn.ReLU());
 * const data = { train: [[tensor([[1], [2]]), tensor([[1, 1], [2, 2]])]] as const };
 * const spread = new LayerHistograms({ bins: 4 });
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * await new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks: [spread] }).fit(3);
 * assertEquals([...spread.layers.keys()], ["0", "1"]);
 * assertEquals(spread.layers.get("1")!.map(({ step }) => step), [1, 2, 3]);
 * ```
 */
export class LayerHistograms implements Callback {
  /** Before callbacks that change something. */
  readonly order: number = -5;
  /** The histograms by the path of the layer or the parameter. */
  readonly layers: Map<string, StepHistogram[]> = new Map();
  /** Where the bins begin and end. */
  readonly range: readonly [low: number, high: number];
  readonly #of: "activations" | "parameters";
  readonly #every: number;
  readonly #bins: number;
  #end: () => void = () => {};

  /** By default it counts the outputs of each layer at each step. */
  constructor(options: LayerHistogramsOptions = {}) {
    const action = "make LayerHistograms";
    checkOptions(action, options, ["of", "every", "bins", "range"], { of: "string", every: "number", bins: "number" });
    const { of = "activations", every = 1, bins = 40, range = [-4, 4] } = options;
    requireChoice(action, "of", of, ["activations", "parameters"]);
    for (const [name, count] of Object.entries({ every, bins })) {
      if (!Number.isInteger(count) || count < 1) {
        throw new RangeError(`Cannot ${action} with ${name} ${shown(count)}: give a whole number from 1`);
      }
    }
    if (!(range[0] < range[1])) {
      throw new RangeError(`Cannot ${action} from ${shown(range[0])} to ${shown(range[1])}: give low < high`);
    }
    [this.#of, this.#every, this.#bins, this.range] = [of, every, bins, range];
  }

  /** Begins to listen to the layers. */
  beforeFit(learner: Learner): void {
    if (this.#of === "parameters") return;
    this.#end = onEachCall(learner.model, (path, module, out) => {
      if (this.#isDue(learner) && module.children().length === 0) this.#add(path, out, learner.step);
    });
  }

  /** Counts the parameters, before the step. */
  beforeStep(learner: Learner): void {
    if (this.#of === "activations" || !this.#isDue(learner)) return;
    for (const [name, parameter] of learner.model.namedParameters()) this.#add(name, parameter, learner.step);
  }

  /** Listens no longer. */
  cleanUp(): void {
    this.#end();
    this.#end = () => {};
  }

  #isDue({ training, step }: Learner): boolean {
    return training && step % this.#every === 0;
  }

  #add(name: string, x: Tensor, step: number): void {
    if (!isFloating(x.dtype)) return;
    const list = this.layers.get(name) ?? [];
    this.layers.set(name, list);
    const [low, high] = this.range;
    list.push({ step: step + 1, ...histogram(x.detach().clamp(low, high), { bins: this.#bins, range: this.range }) });
  }
}

/** The options of {@linkcode plotHistograms}. */
export interface HistogramsOptions {
  /**
   * The layers that are shown, by their paths.
   *
   * @default {the first six}
   */
  layers?: readonly string[];
  /** What stands above them. */
  title?: string;
}

const BLUE = [0, 70, 130] as const;
const COLUMNS = 120;

/**
 * Histograms over time, a panel for each layer: a column for each step, darker where there are more elements, by the logarithm.
 *
 * @throws {TypeError} If it is no `LayerHistograms`.
 * @throws {RangeError} If nothing was recorded, or not of such a layer.
 */
export function plotHistograms(recorded: LayerHistograms, options: HistogramsOptions = {}): Plot {
  if (!(recorded instanceof LayerHistograms)) {
    throw new TypeError(`Cannot plot ${describe(recorded)} as histograms: give a LayerHistograms after a run`);
  }
  checkOptions("plot histograms", options, ["layers", "title"], { title: "string" });
  const { layers = [...recorded.layers.keys()].slice(0, 6), title = "Spread by step" } = options;
  const all = layers.map((name): [string, readonly StepHistogram[]] => [name, stepsOf(recorded, name)]);
  if (all.length === 0) {
    throw new RangeError("Cannot plot histograms: nothing was recorded, give it to a Learner first");
  }
  const description = all.map(inWords).join(" ");
  const panels = all.map(([name, steps]) => panelOf(name, steps, recorded.range));
  return new Plot({
    ...{ title, description },
    values: { heads: ["layer", "step", "mean", "deviation"], rows: all.flatMap(rowsOf) },
    spec: specOf(title, description, [], { vconcat: panels }),
    text: (columns) => all.map(([name, steps]) => `${name}\n${drawSteps(steps, columns)}`).join("\n"),
  });
}

function stepsOf({ layers }: LayerHistograms, name: string): readonly StepHistogram[] {
  const steps = layers.get(name);
  if (steps !== undefined) return sampled(steps, COLUMNS);
  throw new RangeError(`Cannot plot the histograms of ${describe(name)}: there are ${[...layers.keys()].join(", ")}`);
}

/** At most so many of a list, from the first to the last. */
function sampled<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.round(i * (list.length - 1) / (most - 1))]);
}

function inWords([name, steps]: [string, readonly StepHistogram[]]): string {
  const [first, last] = [steps[0], steps[steps.length - 1]];
  const from = `mean ${short(first.mean)} and deviation ${short(first.std)} at step ${first.step}`;
  return `${name}: ${from}, ${short(last.mean)} and ${short(last.std)} at step ${last.step}.`;
}

function rowsOf([name, steps]: [string, readonly StepHistogram[]]): string[][] {
  return sampled(steps, 10).map(({ step, mean, std }) => [name, `${step}`, short(mean), short(std)]);
}

/** Levels from 0 to 1, the highest bin first. */
function levelsOf(steps: readonly StepHistogram[]): number[][] {
  const most = Math.log1p(Math.max(1, ...steps.flatMap(({ counts }) => counts)));
  return steps[0].counts.map((_, bin) => steps.map(({ counts }) => Math.log1p(counts[bin]) / most)).reverse();
}

function panelOf(name: string, steps: readonly StepHistogram[], range: readonly [number, number]): object {
  const levels = levelsOf(steps);
  const picture: Picture = {
    ...{ width: steps.length, height: levels.length, channels: 3 },
    data: Uint8Array.from(levels.flat().flatMap((level) => tint([...BLUE], level))),
  };
  const [first, last] = [steps[0].step, steps[steps.length - 1].step];
  const axes = { x: [first, Math.max(last, first + 1)] as const, y: range, xTitle: "Step", yTitle: "Value" };
  return { title: `${name}, ${counted(last, "step")}`, ...rasterPanel(picture, axes, [360, 90]) };
}

function drawSteps(steps: readonly StepHistogram[], columns: number): string {
  const levels = levelsOf(sampled(steps, columns));
  const rows = 8, height = levels.length / rows;
  const shades = Array.from({ length: rows }, (_, row) => {
    const band = levels.slice(
      Math.floor(row * height),
      Math.max(Math.floor(row * height) + 1, Math.floor((row + 1) * height)),
    );
    return band[0].map((_, i) => Math.max(...band.map((line) => line[i])));
  });
  return drawShades(shades, 1);
}
