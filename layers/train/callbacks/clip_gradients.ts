/** Gradient clipping before each step. */
import { checkOptions } from "../../../core/arguments.ts";
import { clipGradNorm, clipGradValue } from "../../optim/clip_grad.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";

/** The bounds, of which at least one must be given. */
export interface ClipGradientsOptions {
  /** The largest norm of all gradients together. */
  maxNorm?: number;
  /** The largest size of a gradient's element. */
  maxValue?: number;
}

/** Clips the gradients after each backward pass: `optim.clipGradNorm` and `optim.clipGradValue` as a callback. */
export class ClipGradients implements Callback {
  /** After callbacks that look at the gradients before they are clipped, at the same moment. */
  readonly order = 40;
  /** The norm of all gradients before they were last clipped; NaN without `maxNorm`. */
  norm: number = NaN;

  /**
   * With the given bounds.
   *
   * @throws {RangeError} If none is given.
   */
  constructor(readonly options: ClipGradientsOptions) {
    checkOptions("make ClipGradients", options, ["maxNorm", "maxValue"], { maxNorm: "number", maxValue: "number" });
    if (options.maxNorm === undefined && options.maxValue === undefined) {
      throw new RangeError("Cannot clip gradients without a bound: give maxNorm or maxValue");
    }
  }

  /** Clips the gradients of a step, after every callback has seen them. */
  beforeStep({ model }: Learner): void {
    const { maxNorm, maxValue } = this.options;
    if (maxNorm !== undefined) this.norm = clipGradNorm(model.parameters(), maxNorm);
    if (maxValue !== undefined) clipGradValue(model.parameters(), maxValue);
  }
}
