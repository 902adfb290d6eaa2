/** What is looked at inside a model while it trains: spreads of layers, the worst mistakes, the first weights. */
import { noGrad } from "../../backward/tape.ts";
import { columnNames } from "../../core/column_names.ts";
import { isFloating } from "../../core/dtype.ts";
import { elements } from "../../core/ops/movement.ts";
import { Tensor } from "../../core/tensor.ts";
import { functional } from "../../layers/nn/nn.ts";
import type { Learner } from "../../layers/train/train.ts";
import type { FirstWeights, LayerSpread, Mistake } from "./messages.ts";
import { pictureOfRow, picturesOf } from "./pictures.ts";

/** The most elements of a tensor that are counted: evenly many from all of it. */
const COUNTED = 4096;
/** Buckets of a histogram. */
const BUCKETS = 24;
/** The most layers or parameters that are shown, and the most samples of each that are kept. */
const MOST = 40, TRACE = 120;
/** How many mistakes are shown. */
const MISTAKES = 12;
/** The most numbers of a row that are shown. */
const COLUMNS = 16;

/** Looks at a model, for as long as a step takes. */
export class Monitor {
  /** Milliseconds that looking has taken. */
  spent = 0;
  readonly #traces = new Map<string, number[]>();
  #activations: LayerSpread[] = [];
  #gradients: LayerSpread[] = [];
  #mistakes: Mistake[] = [];
  #found: Mistake[] = [];
  #end: () => void = () => {};

  /** A monitor that calls classes by these names. */
  constructor(readonly classes: readonly string[]) {}

  /** The spreads of the layers' outputs at the last step that was looked at. */
  get activations(): readonly LayerSpread[] {
    return this.#activations;
  }

  /** Those of the gradients. */
  get gradients(): readonly LayerSpread[] {
    return this.#gradients;
  }

  /** The samples of the last validation with the largest losses. */
  get mistakes(): readonly Mistake[] {
    return this.#mistakes;
  }

  /** Begins to look at the outputs of a step: hooks hold up a model that has them, so they are there for this step alone. */
  listen({ model }: Learner): void {
    this.stop();
    this.#activations = [];
    const layers = model.namedModules().filter(([, layer]) => layer.children().length === 0).slice(0, MOST);
    const handles = layers.map(([path, layer]) =>
      layer.registerForwardHook((_, __, out) => {
        if (out instanceof Tensor) {
          this.#activations.push(this.#spread("activation", `${path} ${layer.constructor.name}`.trim(), out));
        }
      })
    );
    this.#end = () => handles.forEach((handle) => handle.remove());
  }

  /** Looks at the gradients of a step. */
  lookBack({ model }: Learner): void {
    this.#gradients = model.namedParameters().slice(0, MOST).flatMap(([name, { g }]) =>
      g === null ? [] : [this.#spread("gradient", name, g)]
    );
  }

  /** Looks no longer. */
  stop(): void {
    this.#end();
    this.#end = () => {};
  }

  #spread(kind: string, name: string, x: Tensor): LayerSpread {
    const start = performance.now(), spread = spreadOf(elements(x.detach()));
    this.spent += performance.now() - start;
    const trace = this.#traces.get(`${kind} ${name}`) ?? [];
    trace.push(Number.isFinite(spread.std) ? spread.std : 0);
    if (trace.length > TRACE) trace.shift();
    this.#traces.set(`${kind} ${name}`, trace);
    return { name, ...spread, trace };
  }

  /** Begins a validation. */
  beginValidation(): void {
    this.#found = [];
  }

  /** Looks for mistakes in a batch of validation. */
  validate(learner: Learner): void {
    const start = performance.now();
    this.#search(learner);
    this.spent += performance.now() - start;
  }

  #search(learner: Learner): void {
    const { x, y, prediction, samples } = learner, losses = lossesOf(prediction, y);
    if (losses === null) return;
    const least = this.#found.length < MISTAKES ? -Infinity : this.#found[MISTAKES - 1].loss;
    const rows = [...losses.keys()].filter((i) => losses[i] > least).sort((a, b) => losses[b] - losses[a]).slice(
      0,
      MISTAKES,
    );
    const found = rows.map((i): Mistake => ({
      ...{ loss: losses[i], target: this.#answer(y, i), prediction: this.#guess(prediction, y, i) },
      ...{ sample: samples?.length === x.shape[0] ? samples[i] : null, ...shown(x, i) },
    }));
    this.#found = [...this.#found, ...found].sort((a, b) => b.loss - a.loss).slice(0, MISTAKES);
  }

  /** Shows what a validation has found. */
  endValidation(): void {
    this.#mistakes = this.#found;
  }

  #answer(y: Tensor, row: number): string {
    return isFloating(y.dtype) ? numbersText(y.select(0, row)) : this.#className(y.select(0, row).item());
  }

  #guess(prediction: Tensor, y: Tensor, row: number): string {
    const of = prediction.detach().select(0, row);
    return isFloating(y.dtype) || of.ndim !== 1 ? numbersText(of) : this.#className(of.argmax().item());
  }

  #className(index: number): string {
    return this.classes[index] ?? `${index}`;
  }
}

/** Mean, deviation, zeros and histogram; where there are many elements, of evenly many of them. */
function spreadOf(all: ArrayLike<number | bigint>): Omit<LayerSpread, "name" | "trace"> {
  const step = Math.max(1, Math.ceil(all.length / COUNTED)), values: number[] = [];
  let zeros = 0;
  for (let i = 0; i < all.length; i += step) {
    const value = Number(all[i]);
    if (value === 0) zeros++;
    if (Number.isFinite(value)) values.push(value);
  }
  const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  const counts: number[] = Array(BUCKETS).fill(0), mean = values.reduce((a, b) => a + b, 0) / values.length;
  for (const v of values) counts[Math.min(BUCKETS - 1, Math.floor((v - low) / (high - low || 1) * BUCKETS))]++;
  const std = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
  return { mean, std, zeros: zeros * step / Math.max(1, all.length), low, high, counts };
}

/** The loss of each row: the cross-entropy of classes, the mean squared error of numbers; `null` for anything else. */
function lossesOf(prediction: Tensor, y: Tensor): number[] | null {
  return noGrad(() => {
    if (!isFloating(y.dtype) && y.ndim === 1 && prediction.ndim === 2 && prediction.shape[0] === y.shape[0]) {
      const logs = elements(functional.logSoftmax(prediction, 1)), classes = prediction.shape[1], targets = elements(y);
      return Array.from(targets, (target, i) => -Number(logs[i * classes + Number(target)]));
    }
    if (!isFloating(y.dtype) || prediction.numel() !== y.numel() || y.ndim === 0) return null;
    const [p, t] = [elements(prediction), elements(y)], size = y.numel() / y.shape[0];
    return Array.from({ length: y.shape[0] }, (_, row) => {
      let sum = 0;
      for (let i = row * size; i < (row + 1) * size; i++) sum += (Number(p[i]) - Number(t[i])) ** 2;
      return sum / size;
    });
  });
}

function numbersText(x: Tensor): string {
  const values = Array.from(elements(x.detach()), Number),
    few = values.slice(0, 6).map((v) => `${Number(v.toPrecision(4))}`);
  return few.join(", ") + (values.length > few.length ? ", …" : "");
}

/** A sample as a picture where it is one, else as a row of numbers. */
function shown(x: Tensor, row: number): Pick<Mistake, "picture" | "row"> {
  const sample = x.select(0, row), names = columnNames(x), picture = names === null ? pictureOfRow(sample) : null;
  if (picture !== null) return { picture, row: [] };
  const values = Array.from(elements(sample).slice(0, COLUMNS), Number);
  return { picture: null, row: values.map((value, i) => [names?.[i] ?? `${i}`, value]) };
}

/** The weights of the first layer that has a matrix or kernels, as pictures. */
export function firstWeights({ model }: Learner): FirstWeights | null {
  const first = model.namedParameters().find(([, { ndim }]) => ndim >= 2);
  return first === undefined ? null : { name: first[0], pictures: picturesOf(first[1]) };
}
