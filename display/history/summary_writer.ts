/** Writes event files, which TensorBoard shows. */
import { describe, requirePath, requireTensor, shown } from "../../core/arguments.ts";
import { isFloating } from "../../core/dtype.ts";
import { files, type OpenFile } from "../../core/host/files.ts";
import { makeFolder } from "../../core/io/atomic_write.ts";
import { elements } from "../../core/ops/movement.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { eventOf, fileVersion, type HistogramCounts, type PngPicture, type SummaryValue } from "./events.ts";
import { framed } from "./records.ts";

/** Buckets of a histogram, of equal width from the least element to the greatest. */
const BUCKETS = 30;

/**
 * Writes scalars, histograms and pictures into an event file of a folder; PyTorch's `SummaryWriter`. `tensorboard --logdir FOLDER` shows them.
 *
 * What is added is kept until `flush()` writes it, whole records at a time.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { SummaryWriter } from "@gradus/gradus/display";
 * import { assertMatch } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const writer = new SummaryWriter(folder);
 * writer.addScalar("loss", 0.5, 1);
 * writer.addHistogram("weights", tensor([0.1, -0.2]), 1);
 * await writer.flush();
 * for await (const { name } of Deno.readDir(folder)) assertMatch(name, /^events\.out\.tfevents\.\d+\./);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class SummaryWriter {
  #path: string | null = null;
  #waiting: (Uint8Array | Promise<Uint8Array>)[] = [];
  #writing: Promise<void> = Promise.resolve();

  /** A writer into `folder`, which is made where it does not exist, with a file of its own. */
  constructor(readonly folder: string) {
    requirePath(folder, "write");
  }

  /** Adds a number at a step. */
  addScalar(tag: string, value: number, step: number): void {
    if (typeof value !== "number") throw new TypeError(`Cannot add the scalar ${describe(value)}: give a number`);
    this.#add({ tag, scalar: value }, step);
  }

  /** Adds how the elements of a tensor are spread, in 30 buckets of equal width; those that are NaN or infinite are left out. */
  addHistogram(tag: string, values: Tensor, step: number): void {
    requireTensor(values, "add the histogram of");
    this.#add({ tag, histogram: countsOf(values) }, step);
  }

  /**
   * Adds a picture [h, w], or [c, h, w] with 1, 3 or 4 channels: bytes as they are, floats from 0 to 1. Floats that reach beyond are
   * scaled, the least to black and the greatest to white.
   *
   * @throws {RangeError} If it is of another shape.
   */
  addImage(tag: string, picture: Tensor, step: number): void {
    requireTensor(picture, "add the picture");
    const { pixels, ...sizes } = pixelsOf(picture);
    const [time, at] = [now(), checkedPlace(tag, step)];
    const png = import("fast-png").then(({ encode }) => encode({ ...sizes, data: pixels, depth: 8 }), noEncoder);
    this.#waiting.push(png.then((png) => framed(eventOf({ tag, image: { ...sizes, png } as PngPicture }, at, time))));
  }

  #add(value: SummaryValue, step: number): void {
    this.#waiting.push(framed(eventOf(value, checkedPlace(value.tag, step), now())));
  }

  /** Writes what was added since the last time, and leaves the file closed. */
  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const write = async () => await this.#write(await Promise.all(waiting));
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
  }

  async #write(records: readonly Uint8Array[]): Promise<void> {
    const { open } = await files(`write events into ${this.folder}`, "keep the history, and save it elsewhere");
    const isNew = this.#path === null;
    if (isNew) await makeFolder(this.folder);
    this.#path ??= `${this.folder}/events.out.tfevents.${Math.floor(now())}.gradus.${crypto.randomUUID()}`;
    const file = await open(this.#path, { append: true, create: true });
    try {
      await writeAll(file, isNew ? [framed(fileVersion(now())), ...records] : records);
    } finally {
      file.close();
    }
  }
}

const now = () => Date.now() / 1000;

function noEncoder(cause: unknown): never {
  throw new Error("Cannot add a picture: install fast-png, which writes PNG", { cause });
}

function checkedPlace(tag: string, step: number): number {
  if (typeof tag !== "string") throw new TypeError(`Cannot add under the tag ${describe(tag)}: give a text`);
  if (Number.isSafeInteger(step)) return step;
  throw new RangeError(`Cannot add at step ${shown(step)}: give a whole number`);
}

/** Several records in one piece: who reads meanwhile finds whole ones. */
async function writeAll(file: OpenFile, records: readonly Uint8Array[]): Promise<void> {
  const bytes = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0));
  records.reduce((at, record) => (bytes.set(record, at), at + record.length), 0);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

function countsOf(values: Tensor): HistogramCounts {
  const found = Float64Array.from(elements(values.detach().double())).filter(Number.isFinite);
  const min = found.reduce((a, b) => Math.min(a, b), Infinity), max = found.reduce((a, b) => Math.max(a, b), -Infinity);
  const [num, width] = [found.length, (max - min) / BUCKETS || 1];
  if (num === 0) return { min: 0, max: 0, num, sum: 0, sumSquares: 0, limits: [0], counts: [0] };
  const counts: number[] = Array(BUCKETS).fill(0);
  for (const x of found) counts[Math.min(BUCKETS - 1, Math.floor((x - min) / width))]++;
  return {
    ...{ min, max, num, sum: found.reduce((a, b) => a + b, 0), sumSquares: found.reduce((a, b) => a + b * b, 0) },
    limits: [min, ...counts.map((_, i) => i === BUCKETS - 1 && max > min ? max : min + (i + 1) * width)], // the first is empty
    counts: [0, ...counts],
  };
}

function pixelsOf(picture: Tensor): { width: number; height: number; channels: 1 | 3 | 4; pixels: Uint8Array } {
  const x = picture.detach(), planes = x.ndim === 2 ? x.unsqueeze(0) : x;
  const [channels, height, width] = planes.shape;
  if (planes.ndim !== 3 || ![1, 3, 4].includes(channels) || height * width === 0) {
    throw new RangeError(
      `Cannot add a picture of shape ${show(picture.shape)}: give [h, w], or [c, h, w] with 1, 3 or 4 channels`,
    );
  }
  const values = elements(planes.permute(1, 2, 0).double());
  const [low, high] = isFloating(x.dtype) ? rangeOf(values) : [0, 255];
  const pixels = Uint8Array.from(
    values,
    (v) => Math.round(255 * Math.min(1, Math.max(0, (Number(v) - low) / (high - low)))),
  );
  return { width, height, channels: channels as 1 | 3 | 4, pixels };
}

/** The numbers that are black and white: 0 and 1, unless the picture reaches beyond. */
function rangeOf(values: ArrayLike<number | bigint>): [low: number, high: number] {
  let [low, high] = [0, 1];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, Number(values[i]));
    high = Math.max(high, Number(values[i]));
  }
  return low < 0 || high > 1 ? [low, high] : [0, 1];
}
