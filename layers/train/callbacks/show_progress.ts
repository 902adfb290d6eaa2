/** The progress of a run: a bar during an epoch, a line after it. */
import { checkOptions, describe, requireNumber } from "../../../core/arguments.ts";
import { terminal } from "../../../core/host/host.ts";
import { type NotebookOutput, notebookOutput } from "../../../core/host/notebook.ts";
import type { Callback } from "./callback.ts";
import type { EpochRecord } from "./recorder.ts";
import type { Learner } from "../learner.ts";

/** The options of {@linkcode ShowProgress}. */
export interface ShowProgressOptions {
  /**
   * Where the bar is drawn, if that is a terminal.
   *
   * @default {standardError(), in a notebook an output of the cell}
   */
  out?: ProgressOutput;
  /**
   * Prints the line of an epoch.
   *
   * @default {console.log, in a notebook a line above the bar}
   */
  print?: (line: string) => void;
  /**
   * Makes that line from the record of the epoch.
   *
   * @default {describeEpoch}
   */
  line?: (record: EpochRecord, epochs: number) => string;
}

/** Shows a bar with loss, rate and remaining time on a terminal or in a notebook, and prints a line an epoch. */
export class ShowProgress implements Callback {
  /** After the record. */
  readonly order = 30;
  /** The others would write the same. */
  readonly firstRankOnly = true;
  readonly #given: Pick<ShowProgressOptions, "out" | "print">;
  readonly #line: (record: EpochRecord, epochs: number) => string;
  #notebook: NotebookProgress | null = null;
  #out!: ProgressOutput;
  #print: (line: string) => void = console.log;
  #bar: Progress | null = null;

  /** By default the bar is drawn on standard error, and lines are printed to standard output. */
  constructor(options: ShowProgressOptions = {}) {
    checkOptions("make ShowProgress", options, ["out", "print", "line"], { print: "function", line: "function" });
    const { out, line = describeEpoch } = options;
    if (out !== undefined && typeof out?.write !== "function") {
      throw new TypeError(`Cannot show progress on ${describe(out)}: give { terminal, write }, or leave it out`);
    }
    [this.#given, this.#line] = [options, line];
  }

  /** Finds out where to draw: each run in a notebook has an output of its own. */
  beforeFit(): void {
    const notebook = notebookOutput();
    this.#notebook = notebook && new NotebookProgress(notebook);
    this.#out = this.#given.out ?? this.#notebook ?? standardError();
    this.#print = this.#given.print ?? this.#notebook?.print ?? console.log;
  }

  /** Begins a bar. */
  beforeTrain({ epoch, epochs, batches }: Learner): void {
    this.#bar = new Progress(epochLabel(epoch + 1, epochs), batches, this.#out);
  }

  /** Draws the bar. */
  afterBatch({ training, batch, loss }: Learner): void {
    if (training && this.#out.terminal) this.#bar?.update(batch, `loss ${loss.item().toFixed(4)}`);
  }

  /** Prints the line. */
  afterEpoch({ history, epochs }: Learner): void {
    this.#bar?.clear();
    this.#print(this.#line(history[history.length - 1], epochs));
  }

  /** Waits until a notebook has been told everything. */
  async afterFit(): Promise<void> {
    await this.#notebook?.shown;
  }

  /** Removes the bar, also after an error. */
  cleanUp(): void {
    this.#bar?.clear();
    this.#bar = null;
  }
}

/** A record as a line: `epoch 1/5  loss 0.3021  valid 0.1511  accuracy 0.9540`; metrics of several numbers are left out. */
export function describeEpoch({ epoch, trainLoss, validLoss, metrics }: EpochRecord, epochs: number): string {
  const numbers = Object.entries(metrics).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return [
    epochLabel(epoch, epochs),
    `loss ${trainLoss.toFixed(4)}`,
    ...(validLoss === undefined ? [] : [`valid ${validLoss.toFixed(4)}`]),
    ...numbers.map(([name, value]) => `${name} ${value.toFixed(4)}`),
  ].join("  ");
}

function epochLabel(epoch: number, epochs: number): string {
  return `epoch ${`${epoch}`.padStart(`${epochs}`.length)}/${epochs}`;
}

// The bar itself, which is drawn over itself on a terminal.

/** Where a {@linkcode Progress} is drawn. */
export interface ProgressOutput {
  /** Whether it is a terminal, where a line can be drawn over. */
  readonly terminal: boolean;
  /** How many characters fit in a line of the terminal; 80 where it is absent. */
  readonly columns?: number;
  /** Writes text as it is. */
  write(text: string): void;
}

/** The same in a notebook: one output of the cell, with the lines so far and the bar below them. */
class NotebookProgress implements ProgressOutput {
  readonly terminal = true;
  readonly #lines: string[] = [];
  #bar = "";
  /** When the last change has been shown. */
  shown: Promise<void> = Promise.resolve();

  constructor(readonly output: NotebookOutput) {}

  write(text: string): void {
    this.#bar = text.replace("\r\x1b[K", ""); // the line is replaced as a whole
    this.#show();
  }

  readonly print = (line: string): void => {
    this.#lines.push(line);
    this.#show();
  };

  #show(): void {
    const text = [...this.#lines, ...(this.#bar === "" ? [] : [this.#bar])].join("\n");
    this.shown = this.output.show({ "text/plain": text });
  }
}

/** Standard error; a browser has none, and nothing is written. */
export function standardError(): ProgressOutput {
  return terminal("stderr");
}

const WIDTH = 24; // characters of the bar, where there is room
const EVERY = 100; // milliseconds between two drawings

/**
 * A progress bar with rate and remaining time.
 *
 * @example
 * ```ts
 * import { Progress } from "@gradus/gradus/train";
 * import { assertStringIncludes } from "@std/assert";
 *
 * let text = "";
 * const bar = new Progress("epoch 1/5", 100, { terminal: true, write: (part) => text += part });
 * bar.update(50, "loss 0.31");
 * assertStringIncludes(text, "50%");
 * ```
 */
export class Progress {
  #started = performance.now();
  #drawn = -Infinity;

  /** A bar for `total` steps, shown on `out`. */
  constructor(readonly label: string, readonly total: number, readonly out: ProgressOutput = standardError()) {
    requireNumber(total, "show progress of");
  }

  /** Shows that `done` steps are done; nothing where `out` is not a terminal. */
  update(done: number, note = ""): void {
    const now = performance.now();
    if (!this.out.terminal || (now - this.#drawn < EVERY && done < this.total)) return;
    this.#drawn = now;
    const seconds = (now - this.#started) / 1000;
    const rate = done / Math.max(seconds, 1e-9);
    const part = Math.min(done / this.total, 1);
    const percent = `${Math.floor(100 * part)}%`.padStart(4);
    const left = formatSeconds(Math.max(this.total - done, 0) / Math.max(rate, 1e-9));
    this.#write(part, `${percent} ${rate.toFixed(0)}/s, ${left} left ${note}`);
  }

  /** Writes one line, whatever its length, for one that wraps cannot be drawn over: first the bar is shortened, then the text. */
  #write(part: number, text: string): void {
    const columns = (this.out.columns ?? 80) - 1; // in the last column the cursor may have wrapped already
    const width = Math.max(0, Math.min(WIDTH, columns - this.label.length - 1 - text.length));
    const filled = Math.round(width * part);
    const bar = "█".repeat(filled) + "░".repeat(width - filled);
    this.out.write(`\r\x1b[K${`${this.label} ${bar}${text}`.slice(0, columns)}`);
  }

  /** Removes the bar. */
  clear(): void {
    if (this.out.terminal) this.out.write("\r\x1b[K");
  }
}

/**
 * A bar for each file of a download, for the `onProgress` of `loadMnist` and its like: shown on a terminal, in kilobytes; a file whose
 * length the server does not tell has none.
 *
 * @param out Where it is drawn: by default standard error
 *
 * @example
 * ```ts ignore
 * const { train } = await loadMnist({ onProgress: showDownload() });
 * ```
 */
export function showDownload(
  out: ProgressOutput = standardError(),
): (progress: { readonly name: string; readonly received: number; readonly total: number | null }) => void {
  let [bar, shown] = [null as Progress | null, ""];
  return ({ name, received, total }) => {
    if (total === null) return;
    if (name !== shown) [bar, shown] = [new Progress(`${name}, kB`, Math.ceil(total / 1000), out), name];
    bar?.update(Math.floor(received / 1000));
    if (received === total) bar?.clear();
  };
}

/** Seconds as people read them: `4.2 s`, `1:05`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
