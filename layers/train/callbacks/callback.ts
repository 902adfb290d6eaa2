/** What can be done around each part of a training run, and how a part is cut short. */
import { choices, describe, isPlainObject } from "../../../core/arguments.ts";
import type { LearnerState } from "../checkpoint/learner_state.ts";
import type { Learner } from "../learner.ts";

/** A part of a run, with a moment before it and one after it. */
export type Point = "fit" | "epoch" | "train" | "valid" | "batch" | "loss" | "backward" | "step";

/** What a callback does at a moment; the learner waits for a promise. */
export type Hook = (learner: Learner) => void | Promise<void>;

/**
 * Something that watches or changes a run: an object with a method for each moment it cares about.
 *
 * At a moment the callbacks are called by their `order`, lowest first, and those of the same order as they were given. Counts of
 * the learner (`epoch`, `batch`, `step`) say how many are behind it: before the first batch's step `step` is 0, after it 1.
 *
 * @example
 * ```ts
 * import { nn, optim, tensor } from "@gradus/gradus";
 * import { type Callback, Learner } from "@gradus/gradus/train";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: string[] = [];
 * const spy: Callback = {
 *   beforeBatch: ({ batch }) => void seen.push(`before batch ${batch}`),
 *   afterStep: ({ step }) => void seen.push(`after step ${step}`),
 * };
 * const model = new nn.Linear(1, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const data = { train: [[tensor([[1]]), tensor([[2]])]] as const };
 * await new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks: [spy] }).fit(1);
 * assertEquals(seen, ["before batch 0", "after step 1"]);
 * ```
 */
export interface Callback {
  /**
   * The name its state is saved under.
   *
   * @default {that of its class}
   */
  readonly name?: string;
  /** When it is called among the callbacks; 0 unless told. The learner's own record is at 10, schedules at 20, checkpoints at 90. */
  readonly order?: number;
  /** Before anything; `epochs` is known. */
  beforeFit?: Hook;
  /** When all is over, also where the run was cut short or stopped; not after an error. */
  afterFit?: Hook;
  /** Before an epoch; one that was resumed in its midst has a `batch` above 0. */
  beforeEpoch?: Hook;
  /** After an epoch that was gone through. */
  afterEpoch?: Hook;
  /** Before an epoch's training. */
  beforeTrain?: Hook;
  /** After an epoch's training. */
  afterTrain?: Hook;
  /** Before an epoch's validation. */
  beforeValid?: Hook;
  /** After an epoch's validation. */
  afterValid?: Hook;
  /** Before a batch, of training or of validation: see `learner.training`; `x` and `y` may be replaced. */
  beforeBatch?: Hook;
  /** After a batch. */
  afterBatch?: Hook;
  /** Between prediction and loss. */
  beforeLoss?: Hook;
  /** When the loss is known. */
  afterLoss?: Hook;
  /** Before the gradients; the loss may be replaced. */
  beforeBackward?: Hook;
  /** When the gradients are known, and may be changed. */
  afterBackward?: Hook;
  /** Before the optimiser's step. */
  beforeStep?: Hook;
  /** After the optimiser's step. */
  afterStep?: Hook;
  /** When the run has ended in any way, an error included: take back here what was put elsewhere. */
  cleanUp?(learner: Learner): void;
  /** What a run goes on from that is told `resume: true`: the state of a learner, or `null` where it begins anew. */
  resume?(): Promise<LearnerState | null>;
  /** What a resumed run needs to know: plain values, arrays, maps, tensors. */
  stateDict?(): unknown;
  /** Takes over what `stateDict` gave. */
  loadStateDict?(state: unknown): void;
}

/** A moment of a run. */
export type Moment = `${"before" | "after"}${Capitalize<Point>}`;

const POINTS: readonly Point[] = ["fit", "epoch", "train", "valid", "batch", "loss", "backward", "step"];
const MOMENTS = POINTS.flatMap((point) =>
  ["before", "after"].map((when) => `${when}${point[0].toUpperCase()}${point.slice(1)}`)
);
const OTHERS = ["cleanUp", "resume", "stateDict", "loadStateDict"];

/**
 * Refuses what would never be called: a class instead of its object, and methods named after moments that there are not.
 *
 * @throws {TypeError} With the nearest moment.
 */
export function checkCallback(callback: Callback): void {
  if (typeof callback !== "object" || callback === null) {
    const cure = typeof callback === "function"
      ? "make an object of the class with new"
      : "give an object with methods";
    throw new TypeError(`Cannot use ${describe(callback)} as a callback: ${cure}`);
  }
  const methods = methodsOf(callback);
  const odd = methods.find((name) => !MOMENTS.includes(name) && (isMomentLike(name) || isUseless(callback, methods)));
  if (odd === undefined) return;
  // As Keras and Lightning name them: onEpochEnd is afterEpoch here.
  const meant = odd.replace(/^on(.*?)_?(begin|start)$/i, "before$1").replace(/^on(.*?)_?end$/i, "after$1");
  throw new TypeError(`Cannot use a callback with the method ${odd}(): ${choices("moments", meant, MOMENTS)}`);
}

function isMomentLike(name: string): boolean {
  return /^(on|before|after)_?.*(fit|epoch|train|valid|batch|loss|backward|step)/i.test(name);
}

/** Whether an object of no class has methods, but none that is ever called. */
function isUseless(callback: Callback, methods: readonly string[]): boolean {
  return isPlainObject(callback) && !methods.some((name) => MOMENTS.includes(name) || OTHERS.includes(name));
}

function methodsOf(callback: object): string[] {
  const names: string[] = [];
  for (let o = callback; o !== null && o !== Object.prototype; o = Object.getPrototypeOf(o)) {
    const own = Object.entries(Object.getOwnPropertyDescriptors(o));
    names.push(
      ...own.flatMap(([name, { value }]) => typeof value === "function" && name !== "constructor" ? [name] : []),
    );
  }
  return names;
}

/** The callbacks in the order they are called in. */
export function inOrder(callbacks: readonly Callback[]): Callback[] {
  return callbacks.toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0)); // a stable sort
}

/** Thrown by a callback, ends the batch: nothing more is done with it, `afterBatch` follows. */
export class CancelBatch extends Error {
  /** How the error is called. */
  override readonly name = "CancelBatch";
}

/** Thrown by a callback, ends the epoch: `afterEpoch` follows, without the rest of its batches and its validation. */
export class CancelEpoch extends Error {
  /** How the error is called. */
  override readonly name = "CancelEpoch";
}

/** Thrown by a callback, ends the run: `afterFit` follows. */
export class CancelFit extends Error {
  /** How the error is called. */
  override readonly name = "CancelFit";
}
