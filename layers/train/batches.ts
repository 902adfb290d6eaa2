/** Where a learner's data comes from: anything that can be gone through again and again, batch by batch. */
import { describe } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Module } from "../nn/module.ts";

/** Inputs x [batch, …] and what they should lead to, y [batch, …]. */
export type TrainingBatch = readonly [x: Tensor, y: Tensor];

/** What batches say of themselves. */
export interface BatchSource {
  /** How many batches an epoch has. */
  readonly length: number;
  /** Everything that decides which batches are still to come. */
  stateDict?(): unknown;
  /** Takes over what `stateDict` gave: the next walk begins where that one stood. */
  loadStateDict?(state: unknown): void;
  /** Gives up the walk under way: the next one begins anew. */
  reset?(): void;
}

/**
 * Batches that can be gone through once an epoch: a `DataLoader`, an array of batches, or anything that gives them one by one, or
 * promises them (`for await`). Where both can be done the promises are taken, so that what prepares ahead can do so.
 *
 * With `stateDict` and `loadStateDict` they say themselves where they are, so that a resumed run meets the same batches. An iterator
 * that has a `stateDict` of its own is asked first: then other loops over the same data do not move the run's place. One that has `samples` is
 * asked for the numbers of a batch's samples, for messages.
 * Without, they are gone through again up to that place, with the random streams the epoch began with.
 */
export type Batches = BatchSource & (Iterable<TrainingBatch> | AsyncIterable<TrainingBatch>);

/** What a learner learns from, and what it is judged by. */
export interface LearnerData {
  /** What to learn from. */
  train: Batches;
  /** What to judge by, never learned from. */
  valid?: Batches;
}

/**
 * Refuses what cannot be gone through batch by batch.
 *
 * @throws {TypeError} With the way from a dataset to batches.
 */
export function requireBatches(batches: Batches): void {
  const isThere = typeof batches === "object" && batches !== null && typeof batches.length === "number";
  if (isThere && (Symbol.iterator in batches || Symbol.asyncIterator in batches)) return;
  throw new TypeError(`Cannot learn from ${describe(batches)}: give batches, new DataLoader(dataset) or [[x, y], …]`);
}

/** Refuses a batch that is no pair. */
export function requireBatch(batch: TrainingBatch): void {
  if (Array.isArray(batch) && batch.length >= 2) return;
  const found = Array.isArray(batch) ? `an array of ${batch.length}` : describe(batch);
  throw new TypeError(`Cannot learn from a batch that is ${found}: it is [x, y], inputs and targets`);
}

/** The first batch of the training data as all there is, to learn from and to be judged by. */
export async function firstBatch({ train }: LearnerData): Promise<LearnerData> {
  for await (const batch of train) {
    train.reset?.();
    return { train: [batch], valid: [batch] };
  }
  throw new RangeError("Cannot learn from the first batch: the training data has none");
}

/** Puts every module into eval mode; gives what takes each back to the mode it had. */
export function evalMode(model: Module): () => void {
  const modes = model.modules().map((module) => [module, module.training] as const);
  model.eval();
  return () => modes.forEach(([module, training]) => module.training = training);
}
