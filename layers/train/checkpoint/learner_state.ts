/** All that a run's future depends on, as one value. */
import { requireState } from "../../../core/arguments.ts";
import { defaultGenerator } from "../../../core/random/generator.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { OptimizerStateDict } from "../../optim/state_dict.ts";
import type { Batches, LearnerData, TrainingBatch } from "../batches.ts";
import type { Learner } from "../learner.ts";

/** The state of a {@linkcode Learner}. */
export interface LearnerState {
  /** The model's parameters and buffers. */
  model: Map<string, Tensor>;
  /** The optimiser's memory and settings. */
  optimizer: OptimizerStateDict;
  /** Where the random numbers and the data stand. */
  rngState: RngState;
  /** Where they stood when this epoch began. */
  epochStart: RngState;
  /** What the callbacks keep, by name. */
  callbacks: Record<string, unknown>;
  /** Epochs behind it. */
  epoch: number;
  /** Batches of this epoch behind it. */
  batch: number;
  /** Steps behind it. */
  step: number;
}

/** The state of a learner whose epoch began where `epochStart` says, and which is on `walk` through its training data. */
export function saveLearnerState(learner: Learner, epochStart: RngState, resumePass: BatchPass | null): LearnerState {
  const { model, optimizer, data, epoch, batch, step } = learner;
  const callbacks = Array.from(keepers(learner), ([name, callback]) => [name, callback.stateDict!()]);
  return {
    model: model.stateDict(),
    optimizer: optimizer.stateDict(),
    rngState: saveRngState(data, resumePass),
    epochStart,
    callbacks: Object.fromEntries(callbacks),
    epoch,
    batch,
    step,
  };
}

/** Brings a learner into a state, whole or not at all; gives back where the streams stood when its epoch began. */
export function loadLearnerState(learner: Learner, state: LearnerState): RngState {
  const parts = ["model", "optimizer", "rngState", "epochStart", "callbacks", "epoch", "batch", "step"] as const;
  requireState("a Learner", state, parts);
  const own = keepers(learner);
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
  before.model = new Map(Array.from(before.model, ([name, x]) => [name, x.clone()])); // or it would follow the model
  try {
    takeOver(learner, own, state);
  } catch (error) {
    takeOver(learner, own, before);
    throw error;
  }
  return state.epochStart;
}

function takeOver(learner: Learner, own: ReturnType<typeof keepers>, state: LearnerState): void {
  learner.model.loadStateDict(state.model);
  learner.optimizer.loadStateDict(state.optimizer);
  own.forEach((callback, name) => callback.loadStateDict?.(state.callbacks[name]));
  loadRngState(learner.data, state.rngState);
  [learner.epoch, learner.batch, learner.step] = [state.epoch, state.batch, state.step];
}

/** The callbacks that keep something, by names of their own. */
function keepers({ callbacks }: Learner): Map<string, Learner["callbacks"][number]> {
  const named = new Map<string, Learner["callbacks"][number]>();
  for (const callback of callbacks) {
    if (callback.stateDict === undefined) continue;
    const name = callback.name ?? callback.constructor.name;
    const same = [...named.keys()].filter((other) => other.replace(/ \d+$/, "") === name).length;
    named.set(same === 0 ? name : `${name} ${same + 1}`, callback);
  }
  return named;
}

// The random streams and places in the data that decide what a run meets next.

/** Where the streams stand. */
export interface RngState {
  /** The default generator's state. */
  random: Uint8Array;
  /** What the training data says of itself, or `null`. */
  train: unknown;
  /** What the validation data says of itself, or `null`. */
  valid: unknown;
}

/** A walk through batches, and its place where it tells one of its own. */
export interface BatchPass {
  /** The batches, to be looped over once. */
  readonly batches: Iterable<TrainingBatch> | AsyncIterable<TrainingBatch>;
  /** Everything that decides which are still to come; absent where only the data itself tells. */
  readonly stateDict?: () => unknown;
  /** The numbers that the samples of the batch given last have in their dataset; absent where nobody tells. */
  readonly samples?: () => ArrayLike<number>;
}

/** Where the streams stand now: the training data where `walk` through it stands, whoever else loops over the same data. */
export function saveRngState({ train, valid }: LearnerData, walk: BatchPass | null): RngState {
  return {
    random: defaultGenerator.getState(),
    train: (walk?.stateDict ?? train.stateDict?.bind(train))?.() ?? null,
    valid: valid?.stateDict?.() ?? null,
  };
}

/** Puts the streams back to where they stood. */
export function loadRngState({ train, valid }: LearnerData, state: RngState): void {
  if (state.train !== null) train.loadStateDict?.(state.train);
  if (state.valid !== null) valid?.loadStateDict?.(state.valid);
  defaultGenerator.setState(state.random);
}

/**
 * Walks through an epoch's batches after the first `done`, on from where `last` stood: where neither it nor the data keeps the place,
 * they are gone through again from `start`, where the streams stood when the epoch began.
 */
export function walk(batches: Batches, done: number, start: RngState, last: BatchPass | null): BatchPass {
  if (done >= batches.length) return { batches: [] };
  if (done > 0 && batches.loadStateDict === undefined) return { batches: replayed(batches, done, start) };
  if (done > 0) batches.loadStateDict!((last?.stateDict ?? batches.stateDict?.bind(batches))?.()); // to go on, not to begin
  return beginPass(batches);
}

/** A walk through all batches. */
export function beginPass(batches: Batches): BatchPass {
  if (Symbol.asyncIterator in batches) {
    const loop = batches[Symbol.asyncIterator]();
    return { batches: { [Symbol.asyncIterator]: () => loop }, ...placeOf(loop) };
  }
  const loop = batches[Symbol.iterator]();
  return { batches: { [Symbol.iterator]: () => loop }, ...placeOf(loop) };
}

/** What a loop tells of itself. */
function placeOf(loop: object): Omit<BatchPass, "batches"> {
  const told = loop as { stateDict?(): unknown; samples?(): ArrayLike<number> };
  return {
    ...told.stateDict === undefined ? {} : { stateDict: () => told.stateDict!() },
    ...told.samples === undefined ? {} : { samples: () => told.samples!() },
  };
}

async function* replayed(batches: Batches, done: number, start: RngState): AsyncGenerator<TrainingBatch, void> {
  const now = defaultGenerator.getState();
  defaultGenerator.setState(start.random);
  let passed = 0;
  for await (const batch of batches) {
    if (passed >= done) yield batch;
    else if (++passed === done) defaultGenerator.setState(now);
  }
}
