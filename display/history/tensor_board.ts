/** A run's numbers as event files. */
import { checkOptions, shown } from "../../core/arguments.ts";
import { copyOf } from "../../core/ops/elementwise.ts";
import type { Callback, Learner } from "../../layers/train/train.ts";
import { SummaryWriter } from "./summary_writer.ts";

/** The options of {@linkcode TensorBoard}. */
export interface TensorBoardOptions {
  /**
   * At which steps the loss and the learning rate are written: 1 for each, 10 for every tenth.
   *
   * @default {10}
   */
  every?: number;
  /**
   * Whether the weights and their gradients are written as histograms, once an epoch.
   *
   * @default {true}
   */
  histograms?: boolean;
  /**
   * How many pictures of the first training batch are written.
   *
   * @default {0}
   */
  images?: number;
}

/**
 * Writes a run into event files: `loss/step` and `lr` every few steps; at the end of each epoch `loss/train`, `loss/valid`, the metrics, and
 * histograms of `weights/…` and `gradients/…`. `tensorboard --logdir FOLDER` shows them.
 *
 * @example
 * ```ts
 * import { nn, optim, tensor } from "@gradus/gradus";
 * import { TensorBoard } from "@gradus/gradus/display";
 * import { Learner } from "@gradus/gradus/train";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const model = new nn.Linear(1, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const data = { train: [[tensor([[1]]), tensor([[2]])]] as const };
 * const callbacks = [new TensorBoard(folder)];
 * await new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks }).fit(2);
 * assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 1);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class TensorBoard implements Callback {
  /** After callbacks that change what is written. */
  readonly order: number = 80;
  readonly #options: Required<TensorBoardOptions>;
  #writer: SummaryWriter;

  /** Event files in `folder`, a new one for each run. */
  constructor(readonly folder: string, options: TensorBoardOptions = {}) {
    checkOptions("write for TensorBoard", options, ["every", "histograms", "images"], { histograms: "boolean" });
    const { every = 10, histograms = true, images = 0 } = options;
    for (const [name, count, least] of [["every", every, 1], ["images", images, 0]] as const) {
      if (Number.isInteger(count) && count >= least) continue;
      throw new RangeError(`Cannot write with ${name} ${shown(count)}: give a whole number from ${least}`);
    }
    this.#options = { every, histograms, images };
    this.#writer = new SummaryWriter(folder);
  }

  /** Begins a file. */
  beforeFit(): void {
    this.#writer = new SummaryWriter(this.folder);
  }

  /** Writes the first pictures of a run. */
  beforeBatch({ training, step, x }: Learner): void {
    if (!training || step > 0) return;
    for (let i = 0; i < Math.min(this.#options.images, x.shape[0]); i++) {
      this.#writer.addImage(`images/${i}`, x.select(0, i), 0);
    }
  }

  /** Writes the gradients of an epoch's last step. */
  afterBackward({ batch, batches, model, step, accumulating }: Learner): void {
    if (!this.#options.histograms || batch < batches - 1 || accumulating) return;
    for (const [name, { g }] of model.namedParameters()) {
      if (g !== null) this.#writer.addHistogram(`gradients/${name}`, copyOf(g), step + 1);
    }
  }

  /** Writes loss and learning rate, before a schedule changes it. */
  beforeStep({ loss, step, optimizer }: Learner): void {
    if ((step + 1) % this.#options.every !== 0) return;
    this.#writer.addScalar("loss/step", loss.item(), step + 1);
    this.#writer.addScalar("lr", optimizer.paramGroups[0].lr, step + 1);
  }

  /** Writes the record of the epoch, and the weights. */
  async afterEpoch({ history, model }: Learner): Promise<void> {
    const record = history.at(-1)!, { step, metrics } = record;
    this.#writer.addScalar("loss/train", record.trainLoss, step);
    if (record.validLoss !== undefined) this.#writer.addScalar("loss/valid", record.validLoss, step);
    for (const [name, value] of Object.entries(metrics)) {
      if (typeof value === "number") this.#writer.addScalar(`metrics/${name}`, value, step);
    }
    if (this.#options.histograms) {
      for (const [name, x] of model.namedParameters()) this.#writer.addHistogram(`weights/${name}`, x, step);
    }
    await this.#writer.flush();
  }

  /** Writes what is left. */
  async afterFit(): Promise<void> {
    await this.#writer.flush();
  }
}
