/** Checkpoints during a run, from which a run that was killed continues with the same bits. */
import { describe, requirePath, shown } from "../../../core/arguments.ts";
import { files, type OpenFile } from "../../../core/host/files.ts";
import { isFailure } from "../../../core/host/host.ts";
import type { Callback } from "../callbacks/callback.ts";
import {
  IN_BROWSER,
  isCheckpoint,
  isDamage,
  openFolder,
  readCheckpoint,
  readFacts,
  removeCheckpoint,
  writeCheckpoint,
} from "./checkpoint_file.ts";
import { appendHistory, beginHistory } from "./history_file.ts";
import type { Learner } from "../learner.ts";
import type { LearnerState } from "./learner_state.ts";
import { checkMonitor, type MonitorOptions, scoreOf } from "../callbacks/early_stopping.ts";

/** The options of {@linkcode Checkpoints}: when they are written, and which are kept. */
export interface CheckpointsOptions extends MonitorOptions {
  /**
   * After how many epochs one is written.
   *
   * @default {1}
   */
  everyEpochs?: number;
  /**
   * After how many steps one is written within an epoch.
   *
   * @default {Infinity}
   */
  everySteps?: number;
  /**
   * How many of the newest are kept, beside the best.
   *
   * @default {3}
   */
  keepLast?: number;
  /**
   * Called with a line for each damaged or unfinished checkpoint that was passed over.
   *
   * @default {console.warn}
   */
  warn?: (message: string) => void;
}

/** With `-again` at its end, one that was to replace the other: see `writeCheckpoint()`. */
const NAME = /^step-(\d{8,})(-epoch-\d+)?(-again)?$/;

/**
 * Writes checkpoints into a folder: after epochs, after steps, and where the run is stopped (Ctrl-C). Each is a folder of its own; the
 * newest few and the best are kept.
 *
 * `step-00000938-epoch-1` is of the end of an epoch, `step-00000100` of a place within one; with `-again` behind it one that was
 * written in the place of the other when the run was killed. The weights in it are an ordinary safetensors file. Beside them,
 * `history.jsonl` has a line of JSON for each epoch.
 *
 * @throws {Error} Before a run, if the folder holds checkpoints of later steps than the learner's (resume, or use another folder), if
 * another run writes there, or if nothing can be written there.
 */
export class Checkpoints implements Callback {
  /** The name under which its state would be saved. */
  readonly name = "Checkpoints";
  /** After all callbacks whose state a checkpoint holds. */
  readonly order = 90;
  /** The others would write the same. */
  readonly firstRankOnly = true;
  readonly #options: CheckpointsOptions;
  #saved: string | null = null;
  #lock: OpenFile | null = null;

  /** Checkpoints in `folder`, which is made where it does not exist. */
  constructor(readonly folder: string, options: CheckpointsOptions = {}) {
    if (typeof folder !== "string") {
      throw new TypeError(`Cannot keep checkpoints in ${describe(folder)}: give the folder's path, then the options`);
    }
    checkMonitor("make Checkpoints", options, ["monitor", "mode", "everyEpochs", "everySteps", "keepLast", "warn"]);
    const { everyEpochs = 1, everySteps = Infinity, keepLast = 3, warn = console.warn } = options;
    if (typeof warn !== "function") throw new TypeError(`Cannot warn by ${describe(warn)}: give a function`);
    for (const [name, count] of Object.entries({ everyEpochs, everySteps, keepLast })) {
      if ((Number.isInteger(count) || count === Infinity) && count > 0) continue;
      throw new RangeError(`Cannot set ${name} to ${shown(count)}: expected a whole number of at least 1`);
    }
    this.#options = options;
  }

  /** Refuses a folder with checkpoints of another run, one in which another run writes, and one in which nothing can be written. */
  async beforeFit({ step, history }: Learner): Promise<void> {
    this.#saved = null;
    await this.open();
    await this.#refuseOthers(step);
    await beginHistory(this.folder, history);
  }

  /** Makes the folder and locks it until `cleanUp`; a run that resumes does so before it reads. */
  async open(): Promise<void> {
    await foldersIn(this.folder); // refuses a file in its place
    this.#lock ??= await openFolder(this.folder);
  }

  /** Locks the folder and returns the state to continue from; `null` where there is no checkpoint. */
  async resume(): Promise<LearnerState | null> {
    await this.open();
    return await this.load();
  }

  /** Unlocks the folder. */
  cleanUp(): void {
    this.#lock?.close();
    this.#lock = null;
  }

  async #refuseOthers(step: number): Promise<void> {
    for (const name of await list(this.folder)) {
      if (stepOf(name) <= step) return;
      if (await read(`${this.folder}/${name}`) instanceof Error) continue; // a damaged one will be written anew
      throw new Error(
        `Cannot train from step ${step} with checkpoints in ${this.folder}: ${name} is there already; ` +
          `go on with fit(epochs, { resume: true }), or take another folder`,
      );
    }
  }

  /** Writes a checkpoint within an epoch, where `everySteps` says so. */
  async afterBatch(learner: Learner): Promise<void> {
    const { training, step, batch, batches, accumulating } = learner;
    const due = step % (this.#options.everySteps ?? Infinity) === 0;
    if (training && due && !accumulating && batch < batches) await this.save(learner);
  }

  /** Adds the epoch to `history.jsonl`, and writes a checkpoint where `everyEpochs` says so. */
  async afterEpoch(learner: Learner): Promise<void> {
    await appendHistory(this.folder, learner.history.at(-1)!);
    if (learner.epoch % (this.#options.everyEpochs ?? 1) === 0) await this.save(learner);
  }

  /** Writes the last checkpoint of a run that was not cancelled. */
  async afterFit(learner: Learner): Promise<void> {
    if (learner.outcome !== "cancelled") await this.save(learner);
  }

  /** Writes a checkpoint now, unless one of this step was just written; then removes those that are not to be kept. */
  async save(learner: Learner): Promise<void> {
    const { epoch, batch, step, history } = learner;
    const epochIsDone = batch === 0 && epoch > 0;
    const name = `step-${`${step}`.padStart(8, "0")}${epochIsDone ? `-epoch-${epoch}` : ""}`;
    if (name === this.#saved) return;
    const score = epochIsDone && history.length > 0 ? scoreOf(learner, this.#options) : null;
    await writeCheckpoint(`${this.folder}/${name}`, learner.stateDict(), Number.isFinite(score) ? score : null);
    this.#saved = name;
    await this.#prune();
  }

  /** The folder of the newest checkpoint, or `null`. */
  async newest(): Promise<string | null> {
    const [name] = await list(this.folder);
    return name === undefined ? null : `${this.folder}/${name}`;
  }

  /** The folder of the best checkpoint by the monitored number, or `null`. */
  async best(): Promise<string | null> {
    const name = await bestOf(this.folder, await list(this.folder));
    return name === null ? null : `${this.folder}/${name}`;
  }

  /** The newest state that can be read, or `null` where none was ever written. */
  async load(): Promise<LearnerState | null> {
    return await loadNewest(this.folder, this.#options.warn ?? console.warn);
  }

  async #prune(): Promise<void> {
    const whole = await list(this.folder);
    const best = await bestOf(this.folder, whole);
    const kept = whole.slice(0, this.#options.keepLast ?? 3);
    const unfinished = (await foldersIn(this.folder)).filter((name) => !whole.includes(name));
    for (const name of [...whole.filter((name) => !kept.includes(name) && name !== best), ...unfinished]) {
      await removeCheckpoint(`${this.folder}/${name}`);
    }
  }
}

/**
 * The state in a checkpoint, or in the newest whole one of a folder of checkpoints: what `fit({ resume })` can continue from without a
 * `Checkpoints` callback, and `learner.loadStateDict` takes.
 *
 * @throws {Error} If there is neither.
 * @throws {SyntaxError} If the checkpoint that was named is damaged.
 */
export async function loadCheckpoint(path: string): Promise<LearnerState> {
  requirePath(path, "read");
  if (await isCheckpoint(path)) return await readCheckpoint(path);
  const state = await loadNewest(path, console.warn);
  if (state === null) {
    throw new Error(`Cannot resume from ${path}: there is no checkpoint, nor a folder of checkpoints`);
  }
  return state;
}

async function loadNewest(folder: string, warn: (message: string) => void): Promise<LearnerState | null> {
  const [problems, unfinished]: string[][] = [[], []];
  for (const name of newestFirst(await foldersIn(folder))) {
    if (!await isCheckpoint(`${folder}/${name}`)) {
      unfinished.push(`Cannot read ${folder}/${name}: it has no manifest.json, it was not written to its end`);
      continue;
    }
    const state = await read(`${folder}/${name}`);
    if (!(state instanceof Error)) {
      [...unfinished, ...problems].forEach((problem) => warn(`${problem}: going on from ${name}`));
      return state;
    }
    problems.push(state.message);
  }
  if (problems.length > 0) {
    throw new Error(`Cannot resume from ${folder}: every checkpoint in it is damaged. ${problems.join(". ")}`);
  }
  unfinished.forEach((problem) => warn(`${problem}: there is none to go on from`)); // killed before its first one
  return null;
}

/** The state in a checkpoint, or what is wrong with it. */
async function read(checkpoint: string): Promise<LearnerState | Error> {
  try {
    return await readCheckpoint(checkpoint);
  } catch (error) {
    if (isDamage(error)) return error;
    throw error;
  }
}

async function bestOf(folder: string, names: readonly string[]): Promise<string | null> {
  let [best, top] = [null as string | null, -Infinity];
  for (const name of names) {
    const score = await scoreIn(`${folder}/${name}`);
    if (score !== null && score > top) [best, top] = [name, score];
  }
  return best;
}

async function scoreIn(checkpoint: string): Promise<number | null> {
  try {
    return (await readFacts(checkpoint)).score;
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

/** The names of checkpoints in `folder` that were written to their end, newest first. */
async function list(folder: string): Promise<string[]> {
  const names = await foldersIn(folder);
  const whole = await Promise.all(names.map((name) => isCheckpoint(`${folder}/${name}`)));
  return newestFirst(names.filter((_, i) => whole[i]));
}

function newestFirst(names: readonly string[]): string[] {
  return names.toSorted((a, b) => stepOf(b) - stepOf(a) || (a < b ? 1 : -1));
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const { readDir } = await files(`keep checkpoints in ${folder}`, IN_BROWSER);
    const names: string[] = [];
    for await (const { name, isDirectory } of readDir(folder)) if (isDirectory && NAME.test(name)) names.push(name);
    return names;
  } catch (error) {
    if (isFailure(error, "NotFound")) return [];
    if (!isFailure(error, "NotADirectory")) throw error;
    throw new Error(`Cannot keep checkpoints in ${folder}: it is a file, name a folder`, { cause: error });
  }
}

function stepOf(name: string): number {
  return Number(NAME.exec(name)![1]);
}
