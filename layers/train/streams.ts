/** The random streams and places in the data that decide what a run meets next. */
import { defaultGenerator } from "../../core/random/generator.ts";
import type { Batches, LearnerData, TrainingBatch } from "./batches.ts";

/** Where the streams stand. */
export interface StreamState {
  /** The default generator's state. */
  random: Uint8Array;
  /** What the training data says of itself, or `null`. */
  train: unknown;
  /** What the validation data says of itself, or `null`. */
  valid: unknown;
}

/** Where the streams stand now. */
export function saveStreams({ train, valid }: LearnerData): StreamState {
  return {
    random: defaultGenerator.getState(),
    train: train.stateDict?.() ?? null,
    valid: valid?.stateDict?.() ?? null,
  };
}

/** Puts the streams back to where they stood. */
export function loadStreams({ train, valid }: LearnerData, state: StreamState): void {
  if (state.train !== null) train.loadStateDict?.(state.train);
  if (state.valid !== null) valid?.loadStateDict?.(state.valid);
  defaultGenerator.setState(state.random);
}

/**
 * The batches of an epoch after the first `done`: where the data does not keep its place itself, it is gone through again from
 * `start`, where the streams stood when the epoch began.
 */
export function walk(
  batches: Batches,
  done: number,
  start: StreamState,
): Iterable<TrainingBatch> | AsyncIterable<TrainingBatch> {
  if (done >= batches.length) return [];
  if (done === 0) return batches;
  if (batches.loadStateDict === undefined) return replayed(batches, done, start);
  batches.loadStateDict(batches.stateDict?.()); // tells it to go on instead of beginning
  return batches;
}

async function* replayed(batches: Batches, done: number, start: StreamState): AsyncGenerator<TrainingBatch, void> {
  const now = defaultGenerator.getState();
  defaultGenerator.setState(start.random);
  let passed = 0;
  for await (const batch of batches) {
    if (passed >= done) yield batch;
    else if (++passed === done) defaultGenerator.setState(now);
  }
}
