/** What a run shows of itself: a bar while an epoch runs, a line when it is over. */
import { checkOptions } from "../../../core/arguments.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";
import { Progress, type ProgressOutput, standardError } from "./progress.ts";
import type { EpochRecord } from "./recorder.ts";

/** Where progress is shown. */
export interface ShowProgressOptions {
  /** Where the bar is drawn, if it is a terminal; standard error unless told. */
  out?: ProgressOutput;
  /** Takes the line of each epoch; `console.log` unless told. */
  print?: (line: string) => void;
  /** Makes that line of an epoch's record; {@linkcode describeEpoch} unless told. */
  line?: (record: EpochRecord, epochs: number) => string;
}

/** Shows a bar with loss, rate and remaining time on a terminal, and prints a line an epoch. */
export class ShowProgress implements Callback {
  /** After the record. */
  readonly order = 30;
  readonly #out: ProgressOutput;
  readonly #print: (line: string) => void;
  readonly #line: (record: EpochRecord, epochs: number) => string;
  #bar: Progress | null = null;

  /** Shown on standard error and printed to standard output unless told. */
  constructor(options: ShowProgressOptions = {}) {
    checkOptions("make ShowProgress", options, ["out", "print", "line"]);
    const { out = standardError(), print = console.log, line = describeEpoch } = options;
    [this.#out, this.#print, this.#line] = [out, print, line];
  }

  /** Begins a bar. */
  beforeTrain({ epoch, epochs, batches }: Learner): void {
    this.#bar = new Progress(epochLabel(epoch + 1, epochs), batches, this.#out);
  }

  /** Draws it. */
  afterBatch({ training, batch, loss }: Learner): void {
    if (training && this.#out.terminal) this.#bar?.update(batch, `loss ${loss.item().toFixed(4)}`);
  }

  /** Prints the line. */
  afterEpoch({ history, epochs }: Learner): void {
    this.#bar?.clear();
    this.#print(this.#line(history[history.length - 1], epochs));
  }

  /** Takes the bar away, whatever happened. */
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
