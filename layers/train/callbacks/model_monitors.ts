/** Callbacks that monitor each layer of a model: statistics of its outputs and gradients, and the first NaN or infinity. */
import { columnNames } from "../../../core/column_names.ts";
import { checkOptions, describe, shown } from "../../../core/arguments.ts";
import { isFloating } from "../../../core/dtype.ts";
import { elements } from "../../../core/ops/movement.ts";
import { Tensor } from "../../../core/tensor.ts";
import type { AnyModule } from "../../nn/module.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";

/** Called with the output of a module and the module's path in the model (`""` for the model itself); it must not keep the tensor. */
type CallListener = (path: string, module: AnyModule, out: Tensor) => void;

/** Calls `listener` after each call of a module in `model`, inner ones first; returns a function that ends this. */
export function onEachCall(model: AnyModule, listener: CallListener): () => void {
  const handles = model.namedModules().map(([path, module]) =>
    module.registerForwardHook((_, __, out) => {
      if (out instanceof Tensor) listener(path, module, out);
    })
  );
  return () => handles.forEach((handle) => handle.remove());
}

// LayerStatistics: the spread of activations and gradients.

/** Statistics of a tensor at one step. */
export interface Spread {
  /** The optimiser step it belongs to, counted from 1. */
  readonly step: number;
  /** The mean of its elements. */
  readonly mean: number;
  /** Their standard deviation `√(Σ(x − x̄)² / n)`. */
  readonly std: number;
  /** The fraction of them that is exactly 0. */
  readonly zeros: number;
}

/** The options of {@linkcode LayerStatistics}. */
export interface LayerStatisticsOptions {
  /**
   * At which steps: 1 for each, 10 for every tenth.
   *
   * @default {1}
   */
  every?: number;
}

/**
 * Records mean, standard deviation and fraction of zeros of each layer's output and each parameter's gradient at each training step.
 *
 * A layer is a module without modules of its own; one that is called twice in a step has two records.
 */
export class LayerStatistics implements Callback {
  /** Before callbacks that change the gradients. */
  readonly order: number = -5;
  /** The outputs by the layer's path. */
  readonly activations: Map<string, Spread[]> = new Map();
  /** The gradients by the parameter's path. */
  readonly gradients: Map<string, Spread[]> = new Map();
  readonly #every: number;
  #end: () => void = () => {};

  /** By default it records each step. */
  constructor(options: LayerStatisticsOptions = {}) {
    checkOptions("make LayerStatistics", options, ["every"]);
    const { every = 1 } = options;
    if (!Number.isInteger(every) || every < 1) {
      throw new RangeError(`Cannot record every ${shown(every)} steps: give a whole number from 1`);
    }
    this.#every = every;
  }

  /** Begins to listen to the layers. */
  beforeFit(learner: Learner): void {
    this.#end = onEachCall(learner.model, (path, module, out) => {
      if (this.#isDue(learner) && module.children().length === 0) addTo(this.activations, path, out, learner.step + 1);
    });
  }

  /** Records the gradients of a step. */
  afterBackward(learner: Learner): void {
    if (!this.#isDue(learner) || learner.accumulating) return;
    for (const [name, { g }] of learner.model.namedParameters()) {
      if (g !== null) addTo(this.gradients, name, g, learner.step + 1);
    }
  }

  /** Listens no longer. */
  cleanUp(): void {
    this.#end();
    this.#end = () => {};
  }

  #isDue({ training, step }: Learner): boolean {
    return training && step % this.#every === 0;
  }
}

function addTo(into: Map<string, Spread[]>, name: string, x: Tensor, step: number): void {
  const list = into.get(name) ?? [];
  into.set(name, list);
  list.push({ step, ...spreadOf(x.detach()) });
}

function spreadOf(x: Tensor): Omit<Spread, "step"> {
  const wide = x.double();
  return {
    mean: wide.mean().item(),
    std: wide.std(undefined, false, 0).item(),
    zeros: wide.eq(0).sum().item() / Math.max(1, x.numel()),
  };
}

// NanWatchdog: ends a run at the first NaN or infinity.

/**
 * Throws at the first output, loss or gradient that is NaN or infinite; the message names the layer and the step, and where the
 * batch itself holds such a number its sample and column, by name where the batch is of a table.
 *
 * @throws {RangeError} While the run is on.
 */
export class NanWatchdog implements Callback {
  /** Before anything that reads the numbers. */
  readonly order: number = -10;
  #end: () => void = () => {};

  /** A watchdog over outputs, loss and gradients. Throws a TypeError for options: there are none. */
  constructor(...none: []) {
    if (none.length > 0) {
      throw new TypeError(`Cannot make NanWatchdog with ${describe(none.at(0))}: it takes no options`);
    }
  }

  /** Begins to check each layer's output. */
  beforeFit(learner: Learner): void {
    this.#end = onEachCall(learner.model, (path, module, out) => {
      const odd = nonFinite(out);
      if (odd !== null) {
        throw lost(learner, `the output of ${path || "the model"} (${module.constructor.name})`, odd, ["x"]);
      }
    });
  }

  /** Checks the loss. */
  afterLoss(learner: Learner): void {
    const odd = nonFinite(learner.loss);
    if (odd !== null) throw lost(learner, "the loss", odd);
  }

  /** Checks the gradients. */
  afterBackward(learner: Learner): void {
    for (const [name, { g }] of learner.model.namedParameters()) {
      const odd = g === null ? null : nonFinite(g);
      if (odd !== null) throw lost(learner, `the gradient of ${name}`, odd);
    }
  }

  /** Listens no longer. */
  cleanUp(): void {
    this.#end();
    this.#end = () => {};
  }
}

/** The first element that is NaN or infinite, or `null`; if the sum is finite there is none. */
function nonFinite(x: Tensor): number | null {
  if (Number.isFinite(x.detach().sum().item())) return null;
  return elements(x).find((value) => !Number.isFinite(value)) ?? null; // finite numbers may have a sum that is not
}

function lost(learner: Learner, what: string, found: number, parts: readonly BatchPart[] = ["x", "y"]): RangeError {
  const { step, epoch, batch, training, optimizer } = learner;
  const part = training ? "training" : "validation";
  const cure = faultOf(learner, parts) ??
    `lower the learning rate (${optimizer.paramGroups[0].lr}), clip the gradients, or look at the batch`;
  return new RangeError(
    `Cannot go on at step ${step} (${part}, epoch ${epoch + 1}, batch ${batch + 1}): ${what} holds ${found}; ${cure}`,
  );
}

/** Inputs or targets. */
type BatchPart = "x" | "y";

/** Which number of the batch itself is NaN or infinite, and what to do; `null` where none is. */
export function faultOf(learner: Learner, parts: readonly BatchPart[] = ["x", "y"]): string | null {
  for (const part of parts) {
    const values = isFloating(learner[part].dtype) ? elements(learner[part]) : [];
    const at = values.findIndex((value: number) => !Number.isFinite(value));
    if (at < 0) continue;
    const what = part === "x" ? "inputs" : "targets";
    return `the batch's ${what} hold ${values[at]} at ${
      placeIn(learner, learner[part], at)
    }: mend the data, or leave it out`;
  }
  return null;
}

/** An element's place in a batch [batch, …], in words. */
function placeIn({ samples }: Learner, values: Tensor, at: number): string {
  const { shape } = values, names = columnNames(values);
  const index = shape.map((size, d) => Math.floor(at / shape.slice(d + 1).reduce((a, b) => a * b, 1)) % size);
  const [row = 0, ...rest] = index;
  const number = samples?.length === shape[0] ? ` (number ${samples[row]} of its dataset)` : "";
  const column = rest.length === 1
    ? `, column ${names === null ? rest[0] : JSON.stringify(names[rest[0]])}`
    : rest.length > 1
    ? `, element [${rest.join(", ")}]`
    : "";
  return `sample ${row}${number}${column}`;
}
