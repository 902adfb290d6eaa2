/** The data of a learner: anything that can be iterated again and again, batch by batch. */
import { describe } from "../../core/arguments.ts";
import { world } from "../../core/messages/world.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Module } from "../nn/module.ts";

/** Inputs x [batch, …] and targets y [batch, …]. */
export type TrainingBatch = readonly [x: Tensor, y: Tensor];

/** What batches have beside their iterator. */
export interface BatchSource {
  /** How many batches an epoch has. */
  readonly length: number;
  /** Whether the ranks of `parallel.init()` share each batch: the run is then one of all ranks. */
  readonly parallel?: boolean;
  /** The state that decides which batches are still to come. */
  stateDict?(): unknown;
  /** Loads what `stateDict` returned: the next iterator continues from there. */
  loadStateDict?(state: unknown): void;
  /** Ends the present pass: the next iterator begins at the first batch. */
  reset?(): void;
}

/**
 * Batches that are iterated once an epoch: a `DataLoader`, an array of batches, or any iterable or async iterable of them. Of an object
 * that is both, the async iterator is used, so that a loader can prepare the next batch ahead.
 *
 * With `stateDict` and `loadStateDict` a resumed run meets the same batches. An iterator that has a `stateDict` of its own is asked
 * first, so that other loops over the same data do not move the run's place. Without either, the batches before that place are drawn
 * again and skipped, with the random numbers that the epoch began with. An iterator that has `samples` is asked for the indices of a
 * batch's samples, for messages.
 */
export type Batches = BatchSource & (Iterable<TrainingBatch> | AsyncIterable<TrainingBatch>);

/** The data of a learner. */
export interface LearnerData {
  /** The training data. */
  train: Batches;
  /** The validation data, on which nothing is trained. */
  valid?: Batches;
}

/**
 * Refuses a value that is not batches.
 *
 * @throws {TypeError} With how to make batches of a dataset.
 */
export function requireBatches(batches: Batches): void {
  const isThere = typeof batches === "object" && batches !== null && typeof batches.length === "number";
  if (isThere && (Symbol.iterator in batches || Symbol.asyncIterator in batches)) return;
  throw new TypeError(`Cannot learn from ${describe(batches)}: give batches, new DataLoader(dataset) or [[x, y], …]`);
}

/** Refuses a batch that is not a pair of inputs and targets. */
export function requireBatch(batch: TrainingBatch): void {
  if (Array.isArray(batch) && batch.length >= 2) return;
  const found = Array.isArray(batch) ? `an array of ${batch.length}` : describe(batch);
  throw new TypeError(`Cannot learn from a batch that is ${found}: it is [x, y], inputs and targets`);
}

/** The first batch of the training data alone, for training and for validation. */
export async function firstBatch({ train }: LearnerData): Promise<LearnerData> {
  for await (const batch of train) {
    train.reset?.();
    return { train: [batch], valid: [batch] };
  }
  throw new RangeError("Cannot learn from the first batch: the training data has none");
}

/** Puts every module into eval mode; returns a function that restores the mode of each. */
export function evalMode(model: Module): () => void {
  const modes = model.modules().map((module) => [module, module.training] as const);
  model.eval();
  return () => modes.forEach(([module, training]) => module.training = training);
}

/** Whether several ranks share the batches. */
export function isShared(batches: Batches | undefined): boolean {
  return world().size > 1 && batches?.parallel === true;
}
