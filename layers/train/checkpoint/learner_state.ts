/** All that a run's future depends on, as one value. */
import { requireState } from "../../../core/arguments.ts";
import type { Learner } from "../learner.ts";
import { loadStreams, saveStreams, type StreamState, type Walk } from "./streams.ts";
import type { OptimizerStateDict } from "../../optim/state_dict.ts";
import type { Tensor } from "../../../core/tensor.ts";

/** The state of a {@linkcode Learner}. */
export interface LearnerState {
  /** The model's parameters and buffers. */
  model: Map<string, Tensor>;
  /** The optimiser's memory and settings. */
  optimizer: OptimizerStateDict;
  /** Where the streams stand. */
  streams: StreamState;
  /** Where they stood when this epoch began. */
  epochStart: StreamState;
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
export function saveLearnerState(learner: Learner, epochStart: StreamState, walk: Walk | null): LearnerState {
  const { model, optimizer, data, epoch, batch, step } = learner;
  const callbacks = Array.from(keepers(learner), ([name, callback]) => [name, callback.stateDict!()]);
  return {
    model: model.stateDict(),
    optimizer: optimizer.stateDict(),
    streams: saveStreams(data, walk),
    epochStart,
    callbacks: Object.fromEntries(callbacks),
    epoch,
    batch,
    step,
  };
}

/** Brings a learner into a state, whole or not at all; gives back where the streams stood when its epoch began. */
export function loadLearnerState(learner: Learner, state: LearnerState): StreamState {
  const parts = ["model", "optimizer", "streams", "epochStart", "callbacks", "epoch", "batch", "step"] as const;
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
  loadStreams(learner.data, state.streams);
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
