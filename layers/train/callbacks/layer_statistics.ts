/** How signals and gradients spread through a model while it learns. */
import { checkOptions } from "../../../core/arguments.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";
import { watchCalls } from "./watch_calls.ts";

/** A tensor in three numbers. */
export interface Spread {
  /** The optimiser step it belongs to, counted from 1. */
  readonly step: number;
  /** The mean of its elements. */
  readonly mean: number;
  /** Their standard deviation `√(Σ(x − x̄)² / n)`. */
  readonly std: number;
  /** The share of them that is exactly 0. */
  readonly zeros: number;
}

/** What is looked at. */
export interface LayerStatisticsOptions {
  /** Steps between two looks; 1 unless told. */
  every?: number;
}

/**
 * Keeps mean, deviation and share of zeros of each layer's output and each parameter's gradient, training step by training step.
 *
 * A layer is a module without modules of its own; one that is called twice in a step is noted twice.
 */
export class LayerStatistics implements Callback {
  /** Sees the gradients as they came. */
  readonly order: number = -5;
  /** The outputs by the layer's path. */
  readonly activations: Map<string, Spread[]> = new Map();
  /** The gradients by the parameter's path. */
  readonly gradients: Map<string, Spread[]> = new Map();
  readonly #every: number;
  #end: () => void = () => {};

  /** Looks at each step unless told. */
  constructor(options: LayerStatisticsOptions = {}) {
    checkOptions("make LayerStatistics", options, ["every"]);
    this.#every = options.every ?? 1;
  }

  /** Begins to look. */
  beforeFit(learner: Learner): void {
    this.#end = watchCalls(learner.model, (path, module, out) => {
      if (this.#looks(learner) && module.children().length === 0) note(this.activations, path, out, learner.step + 1);
    });
  }

  /** Looks at the gradients. */
  afterBackward(learner: Learner): void {
    if (!this.#looks(learner)) return;
    for (const [name, { g }] of learner.model.namedParameters()) {
      if (g !== null) note(this.gradients, name, g, learner.step + 1);
    }
  }

  /** Looks no longer. */
  cleanUp(): void {
    this.#end();
    this.#end = () => {};
  }

  #looks({ training, step }: Learner): boolean {
    return training && step % this.#every === 0;
  }
}

function note(into: Map<string, Spread[]>, name: string, x: Tensor, step: number): void {
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
