/** Averages of a model's weights over its training, and batch-norm statistics that fit them. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, describe, requireNumber } from "../../core/arguments.ts";
import { isFloating } from "../../core/dtype.ts";
import { TimeSlice, yieldToEventLoop } from "../../core/event_loop.ts";
import { scalar } from "../../core/memory/allocate.ts";
import type { Tensor } from "../../core/tensor.ts";
import { BatchNorm1d, BatchNorm2d } from "../nn/channel_norm.ts";
import { Module } from "../nn/module.ts";
import { Buffer } from "../nn/parameter.ts";
import { type Batches, requireBatch, requireBatches } from "./batches.ts";

/** The new average of a weight: of the old one over `count` models, and the value of the next model. */
export type AverageFunction = (average: Tensor, value: Tensor, count: number) => Tensor;

/** `average + (value − average) / (count + 1)`: the mean of all models, as in stochastic weight averaging. */
export const meanOf: AverageFunction = (average, value, count) => average.add(value.sub(average).div(count + 1));

/**
 * `decay · average + (1 − decay) · value`: the exponential moving average. PyTorch's `get_ema_avg_fn`.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { getEmaAvgFn } from "@gradus/gradus/train";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(getEmaAvgFn(0.75)(tensor([4]), tensor([8]), 1).toArray(), [5]);
 * ```
 * @throws {RangeError} If the decay is not from 0 to 1.
 */
export function getEmaAvgFn(decay = 0.999): AverageFunction {
  requireNumber(decay, "average with the decay");
  if (!(decay >= 0 && decay <= 1)) throw new RangeError(`Cannot average with the decay ${decay}: give one from 0 to 1`);
  return (average, value) => average.mul(decay).add(value.mul(1 - decay));
}

/** The options of {@linkcode AveragedModel}. */
export interface AveragedModelOptions {
  /**
   * How the average is formed.
   *
   * @default {the mean of all models}
   */
  avgFn?: AverageFunction;
  /**
   * Whether buffers of floats, such as batch-norm statistics, are averaged too; else they are those of the last model.
   *
   * @default {false}
   */
  useBuffers?: boolean;
}

/**
 * A module that holds the average of a model's weights: PyTorch's `AveragedModel`, whose state has the same names. It needs a second
 * module of the same shape to hold them, where PyTorch copies the model; what is in it at first counts for nothing.
 *
 * @example
 * ```ts
 * import { nn, noGrad, tensor } from "@gradus/gradus";
 * import { AveragedModel } from "@gradus/gradus/train";
 * import { assertEquals } from "@std/assert";
 *
 * const make = () => new nn.Linear(1, 1, { bias: false });
 * const model = make();
 * const averaged = new AveragedModel(make());
 * for (const w of [1, 2, 6]) {
 *   noGrad(() => model.weight.fill_(w));
 *   averaged.updateParameters(model);
 * }
 * assertEquals(averaged.call(tensor([[10]])).item(), 30);
 * assertEquals([...averaged.stateDict().keys()], ["n_averaged", "module.weight"]);
 * ```
 */
export class AveragedModel<In extends readonly unknown[] = [Tensor], Out = Tensor> extends Module<In, Out> {
  /** How many models were averaged. */
  readonly nAveraged: Buffer = new Buffer(scalar(0, "int32"));
  readonly #options: AveragedModelOptions;

  /** An average that `module` holds: one that is made like the model, and is not the model itself. */
  constructor(
    /** The module with the averaged weights. */
    readonly module: Module<In, Out>,
    options: AveragedModelOptions = {},
  ) {
    super();
    if (!(module instanceof Module)) {
      throw new TypeError(`Cannot average in ${describe(module)}: give a module that is made like the model`);
    }
    checkOptions("make AveragedModel", options, ["avgFn", "useBuffers"], { avgFn: "function", useBuffers: "boolean" });
    this.#options = options;
  }

  /** The output of the averaged module. */
  override forward(...inputs: In): Out {
    return this.module.call(...inputs);
  }

  /**
   * Takes the present weights of `model` into the average; the first ones become the average.
   *
   * @throws {RangeError} If the model has other names or sizes.
   * @throws {TypeError} If it is the module that holds the average.
   */
  updateParameters(model: Module<In, Out>): void {
    if (model === this.module) {
      throw new TypeError(
        "Cannot average a model into itself: make AveragedModel of a second one that is made like it",
      );
    }
    const { avgFn = meanOf, useBuffers = false } = this.#options;
    const count = this.nAveraged.item();
    const others = namesNotAveraged(model, useBuffers);
    const before = this.module.stateDict();
    const next = Array.from(model.stateDict(), ([name, value]): [string, Tensor] => {
      const average = before.get(name);
      const keeps = count === 0 || average === undefined || others.has(name);
      return [name, keeps ? value : noGrad(() => avgFn(average, value, count))];
    });
    this.module.loadStateDict(new Map(next));
    noGrad(() => this.nAveraged.add_(1));
  }
}

/** The names of the buffers that are not averaged; everything else is, under each of its names. */
export function namesNotAveraged(model: Module<never, unknown>, useBuffers: boolean): Set<string> {
  const kept = model.namedBuffers().filter(([, buffer]) => !useBuffers || !isFloating(buffer.dtype));
  return new Set(kept.map(([name]) => name));
}

/**
 * Computes the running statistics of a model's batch-norm layers anew, as the mean over `batches` of inputs, or of `[x, y]`: those of
 * averaged weights are not the average of the statistics. PyTorch's `update_bn`. Modes and momenta stay as they were.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { updateBn } from "@gradus/gradus/train";
 * import { assertEquals } from "@std/assert";
 *
 * const norm = new nn.BatchNorm1d(1);
 * await updateBn([[tensor([[1], [3]]), tensor([0, 0])], [tensor([[5], [7]]), tensor([0, 0])]], norm);
 * assertEquals(norm.runningMean!.toArray(), [4]);
 * ```
 * @throws {TypeError} If the batches cannot be iterated, or the model is no module.
 */
export async function updateBn(batches: Batches, model: Module): Promise<void> {
  requireBatches(batches);
  if (!(model instanceof Module)) {
    throw new TypeError(`Cannot update the statistics of ${describe(model)}: give a model`);
  }
  const norms = model.modules().filter((module) => module instanceof BatchNorm1d || module instanceof BatchNorm2d);
  const tracking = norms.filter(({ runningMean }) => runningMean !== null) as {
    -readonly [K in keyof BatchNorm1d]: BatchNorm1d[K];
  }[];
  if (tracking.length === 0) return;
  const modes = model.modules().map((module) => [module, module.training] as const);
  const momenta = tracking.map(({ momentum }) => momentum);
  const slice = new TimeSlice();
  try {
    for (const norm of tracking) {
      [norm.runningMean, norm.numBatchesTracked].forEach((buffer) => noGrad(() => buffer!.fill_(0)));
      noGrad(() => norm.runningVar!.fill_(1));
      norm.momentum = null;
    }
    model.train();
    for await (const batch of batches) {
      requireBatch(batch);
      noGrad(() => model.call(batch[0]));
      if (slice.isOver()) await yieldToEventLoop();
    }
  } finally {
    tracking.forEach((norm, i) => norm.momentum = momenta[i]);
    modes.forEach(([module, training]) => module.training = training);
  }
}
