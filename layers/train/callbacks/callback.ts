/** Callbacks: the moments of a run at which they are called, and the errors by which they end a part of it. */
import { choices, describe, isPlainObject } from "../../../core/arguments.ts";
import type { LearnerState } from "../checkpoint/learner_state.ts";
import type { Learner } from "../learner.ts";

/** A part of a run; there is a moment before it and one after it. */
export type Point = "fit" | "epoch" | "train" | "valid" | "batch" | "loss" | "backward" | "step";

/** What a callback does at a moment; a promise is awaited. */
export type Hook = (learner: Learner) => void | Promise<void>;

/**
 * An object with a method for each moment at which it observes or changes a run.
 *
 * At a moment the callbacks are called by their `order`, lowest first, and those of the same order as they were given. The counts of
 * the learner (`epoch`, `batch`, `step`) say how many are done: before the first step `step` is 0, after it 1.
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
   * The name under which its state is saved.
   *
   * @default {this.constructor.name}
   */
  readonly name?: string;
  /**
   * Its place among the callbacks, lowest first. The learner's own record is at 10, schedules at 20, checkpoints at 90.
   *
   * @default {0}
   */
  readonly order?: number;
  /**
   * Whether only the first of the ranks that share a run calls it: it prints, or writes files.
   *
   * @default {false}
   */
  readonly firstRankOnly?: boolean;
  /** Before everything else; `learner.epochs` is set. */
  beforeFit?: Hook;
  /** At the end of the run, also of one that was stopped or cancelled; not after an error. */
  afterFit?: Hook;
  /** Before an epoch; one that is resumed halfway has a `batch` above 0. */
  beforeEpoch?: Hook;
  /** After an epoch, its validation included. */
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
  /** After the prediction, before the loss. */
  beforeLoss?: Hook;
  /** After the loss. */
  afterLoss?: Hook;
  /** Before the backward pass; the loss may be replaced. */
  beforeBackward?: Hook;
  /** After the backward pass; the gradients may be changed. */
  afterBackward?: Hook;
  /** Before the optimiser's step. */
  beforeStep?: Hook;
  /** After the optimiser's step. */
  afterStep?: Hook;
  /** When the run has ended in any way, also by an error: undo here what was changed elsewhere. */
  cleanUp?(learner: Learner): void;
  /** The state that `fit(…, { resume: true })` continues from; `null` to begin from the start. */
  resume?(): Promise<LearnerState | null>;
  /** What a resumed run needs of this callback: plain values, arrays, maps, tensors. */
  stateDict?(): unknown;
  /** Loads what `stateDict` returned. */
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
 * Refuses a callback that would never be called: a class instead of an object, or a method named after a moment that does not exist.
 *
 * @throws {TypeError} With the nearest moment.
 */
function checkCallback(callback: Callback): void {
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

/** Whether a plain object has methods, but none that is ever called. */
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

/** The callbacks, each checked, in the order in which they are called. */
export function inOrder(callbacks: readonly Callback[]): Callback[] {
  callbacks.forEach(checkCallback);
  return callbacks.toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0)); // a stable sort
}

/** Ends the batch when a callback throws it; `afterBatch` follows. */
export class CancelBatch extends Error {
  /** `"CancelBatch"`. */
  override readonly name = "CancelBatch";
}

/** Ends the epoch when a callback throws it, without the rest of its batches and its validation; `afterEpoch` follows. */
export class CancelEpoch extends Error {
  /** `"CancelEpoch"`. */
  override readonly name = "CancelEpoch";
}

/** Ends the run when a callback throws it; `afterFit` follows. */
export class CancelFit extends Error {
  /** `"CancelFit"`. */
  override readonly name = "CancelFit";
}
