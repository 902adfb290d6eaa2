/** The state of a learner: everything that the rest of a run depends on, as one value. */
import { requireState } from "../../../core/arguments.ts";
import { defaultGenerator } from "../../../core/random/generator.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { OptimizerStateDict } from "../../optim/state_dict.ts";
import type { AccumulatedState } from "../accumulation.ts";
import { type Batches, isShared, type LearnerData, type TrainingBatch } from "../batches.ts";
import type { Learner } from "../learner.ts";

/** The state of a {@linkcode Learner}. */
export interface LearnerState {
  /** The model's parameters and buffers. */
  model: Map<string, Tensor>;
  /** The optimiser's state and settings. */
  optimizer: OptimizerStateDict;
  /** The random generator and the places in the data. */
  rngState: RngState;
  /** The same when this epoch began. */
  epochStart: RngState;
  /** The state of each callback that has one, by name. */
  callbacks: Record<string, unknown>;
  /** The gradients of batches whose step is still to come, where there are some. */
  accumulated?: AccumulatedState;
  /** How many epochs are done. */
  epoch: number;
  /** How many batches of this epoch are done. */
  batch: number;
  /** How many optimiser steps are done. */
  step: number;
}

/** The state of a learner whose epoch began at `epochStart`, and whose pass over the training data is `pass`. */
export function saveLearnerState(
  learner: Learner,
  epochStart: RngState,
  pass: BatchPass | null,
  accumulated?: AccumulatedState,
): LearnerState {
  const { model, optimizer, data, epoch, batch, step } = learner;
  const callbacks = Array.from(statefulCallbacks(learner), ([name, callback]) => [name, callback.stateDict!()]);
  return {
    model: model.stateDict(),
    optimizer: optimizer.stateDict(),
    rngState: saveRngState(data, pass),
    epochStart,
    callbacks: Object.fromEntries(callbacks),
    ...accumulated === undefined ? {} : { accumulated },
    epoch,
    batch,
    step,
  };
}

/** Loads a state into a learner, or changes nothing and throws; returns the random numbers and places at the start of its epoch. */
export function loadLearnerState(learner: Learner, state: LearnerState): RngState {
  const parts = ["model", "optimizer", "rngState", "epochStart", "callbacks", "epoch", "batch", "step"] as const;
  requireState("a Learner", state, parts);
  const own = statefulCallbacks(learner);
  const saved = Object.keys(state.callbacks);
  const differ = [
    ...saved.filter((name) => !own.has(name)),
    ...[...own.keys()].filter((name) => !saved.includes(name)),
  ];
  if (differ.length > 0) {
    throw new RangeError(
      `Cannot take over the state of a learner with the callbacks ${saved.join(", ")}: this one has ${
        [...own.keys()].join(", ")
      }, give it the same`,
    );
  }
  const before = saveLearnerState(learner, state.epochStart, null);
  before.model = new Map(Array.from(before.model, ([name, x]) => [name, x.clone()])); // whose tensors change with the model
  try {
    applyState(learner, own, state);
  } catch (error) {
    applyState(learner, own, before);
    throw error;
  }
  return state.epochStart;
}

type StatefulCallbacks = Map<string, Learner["callbacks"][number]>;

function applyState(learner: Learner, own: StatefulCallbacks, state: LearnerState): void {
  learner.model.loadStateDict(state.model);
  learner.optimizer.loadStateDict(state.optimizer);
  own.forEach((callback, name) => callback.loadStateDict?.(state.callbacks[name]));
  loadRngState(learner.data, state.rngState);
  [learner.epoch, learner.batch, learner.step] = [state.epoch, state.batch, state.step];
}

/** The callbacks that have a state, by name; of those with one name the second is `name 2`. */
function statefulCallbacks({ callbacks }: Learner): StatefulCallbacks {
  const named: StatefulCallbacks = new Map();
  for (const callback of callbacks) {
    if (callback.stateDict === undefined) continue;
    const name = callback.name ?? callback.constructor.name;
    const same = [...named.keys()].filter((other) => other.replace(/ \d+$/, "") === name).length;
    named.set(same === 0 ? name : `${name} ${same + 1}`, callback);
  }
  return named;
}

// What decides which numbers and batches come next: the random generator, and the places in the data.

/** The random generator and the places in the data. */
export interface RngState {
  /** The default generator's state. */
  random: Uint8Array;
  /** The state of the training data, or `null` where it has none. */
  train: unknown;
  /** The state of the validation data, or `null` where it has none. */
  valid: unknown;
}

/** One pass over batches, and its place where the iterator has a state of its own. */
export interface BatchPass {
  /** The batches, to be looped over once. */
  readonly batches: Iterable<TrainingBatch> | AsyncIterable<TrainingBatch>;
  /** The state of the iterator, which decides the batches to come; absent where only the data has a state. */
  readonly stateDict?: () => unknown;
  /** The indices in the dataset of the last batch's samples; absent where the iterator has none. */
  readonly samples?: () => ArrayLike<number>;
  /** Whether several ranks share the batches. */
  readonly shared?: boolean;
  /** How many rows of the last batch of all ranks are its own; absent where no ranks share it. */
  readonly rows?: () => number;
}

/** The present random generator and places; that in the training data is the place of `pass`, whoever else loops over the data. */
export function saveRngState({ train, valid }: LearnerData, pass: BatchPass | null): RngState {
  return {
    random: defaultGenerator.getState(),
    train: (pass?.stateDict ?? train.stateDict?.bind(train))?.() ?? null,
    valid: valid?.stateDict?.() ?? null,
  };
}

/** Sets the random generator and the places in the data. */
export function loadRngState({ train, valid }: LearnerData, state: RngState): void {
  if (state.train !== null) train.loadStateDict?.(state.train);
  if (state.valid !== null) valid?.loadStateDict?.(state.valid);
  defaultGenerator.setState(state.random);
}

/**
 * The rest of a pass over an epoch's batches, of which `done` are done: on from the place of `last`, or of the data itself. Where
 * neither has one, the first `done` batches are drawn again and skipped, with the random numbers of `start`, the epoch's beginning.
 */
export function resumePass(batches: Batches, done: number, start: RngState, last: BatchPass | null): BatchPass {
  if (done >= batches.length) return { batches: [] };
  if (done > 0 && batches.loadStateDict === undefined) return { batches: replayed(batches, done, start) };
  if (done > 0) batches.loadStateDict!((last?.stateDict ?? batches.stateDict?.bind(batches))?.()); // or a new iterator would begin at the first batch
  return beginPass(batches);
}

/** A pass over all batches. */
export function beginPass(batches: Batches): BatchPass {
  if (Symbol.asyncIterator in batches) {
    const iterator = batches[Symbol.asyncIterator]();
    return { batches: { [Symbol.asyncIterator]: () => iterator }, shared: isShared(batches), ...placeOf(iterator) };
  }
  const iterator = batches[Symbol.iterator]();
  return { batches: { [Symbol.iterator]: () => iterator }, shared: isShared(batches), ...placeOf(iterator) };
}

/** What an iterator has beside its batches. */
function placeOf(iterator: object): Omit<BatchPass, "batches"> {
  const own = iterator as { stateDict?(): unknown; samples?(): ArrayLike<number>; rows?(): number };
  return {
    ...own.stateDict === undefined ? {} : { stateDict: () => own.stateDict!() },
    ...own.samples === undefined ? {} : { samples: () => own.samples!() },
    ...own.rows === undefined ? {} : { rows: () => own.rows!() },
  };
}

async function* replayed(batches: Batches, done: number, start: RngState): AsyncGenerator<TrainingBatch, void> {
  const now = defaultGenerator.getState();
  defaultGenerator.setState(start.random);
  let skipped = 0;
  for await (const batch of batches) {
    if (skipped >= done) yield batch;
    else if (++skipped === done) defaultGenerator.setState(now);
  }
}
