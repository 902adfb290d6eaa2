/** The random streams and places in the data that decide what a run meets next. */
import { defaultGenerator } from "../../../core/random/generator.ts";
import type { Batches, LearnerData, TrainingBatch } from "../batches.ts";

/** Where the streams stand. */
export interface StreamState {
  /** The default generator's state. */
  random: Uint8Array;
  /** What the training data says of itself, or `null`. */
  train: unknown;
  /** What the validation data says of itself, or `null`. */
  valid: unknown;
}

/** A walk through batches, and its place where it tells one of its own. */
export interface Walk {
  /** The batches, to be looped over once. */
  readonly batches: Iterable<TrainingBatch> | AsyncIterable<TrainingBatch>;
  /** Everything that decides which are still to come; absent where only the data itself tells. */
  readonly stateDict?: () => unknown;
  /** The numbers that the samples of the batch given last have in their dataset; absent where nobody tells. */
  readonly samples?: () => ArrayLike<number>;
}

/** Where the streams stand now: the training data where `walk` through it stands, whoever else loops over the same data. */
export function saveStreams({ train, valid }: LearnerData, walk: Walk | null): StreamState {
  return {
    random: defaultGenerator.getState(),
    train: (walk?.stateDict ?? train.stateDict?.bind(train))?.() ?? null,
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
 * Walks through an epoch's batches after the first `done`, on from where `last` stood: where neither it nor the data keeps the place,
 * they are gone through again from `start`, where the streams stood when the epoch began.
 */
export function walk(batches: Batches, done: number, start: StreamState, last: Walk | null): Walk {
  if (done >= batches.length) return { batches: [] };
  if (done > 0 && batches.loadStateDict === undefined) return { batches: replayed(batches, done, start) };
  if (done > 0) batches.loadStateDict!((last?.stateDict ?? batches.stateDict?.bind(batches))?.()); // to go on, not to begin
  return begin(batches);
}

/** A walk through all batches. */
export function begin(batches: Batches): Walk {
  if (Symbol.asyncIterator in batches) {
    const loop = batches[Symbol.asyncIterator]();
    return { batches: { [Symbol.asyncIterator]: () => loop }, ...placeOf(loop) };
  }
  const loop = batches[Symbol.iterator]();
  return { batches: { [Symbol.iterator]: () => loop }, ...placeOf(loop) };
}

/** What a loop tells of itself. */
function placeOf(loop: object): Omit<Walk, "batches"> {
  const told = loop as { stateDict?(): unknown; samples?(): ArrayLike<number> };
  return {
    ...told.stateDict === undefined ? {} : { stateDict: () => told.stateDict!() },
    ...told.samples === undefined ? {} : { samples: () => told.samples!() },
  };
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
