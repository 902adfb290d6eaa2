/** Handwritten-like digits from a seed: a data set that needs no file and no network. */
import { checkOptions } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { runAtOnce, type Steps } from "../../core/event_loop.ts";
import { Generator } from "../../core/random/generator.ts";
import { DigitCanvas } from "./digit_hand.ts";
import { writeDigit } from "./digit_hand.ts";
import type { ImageDataset, LabelledImages } from "../named/image_dataset.ts";

/** How many digits, and which. */
export interface DigitsOptions {
  /** Digits to learn from; 12,000 when absent. */
  train?: number;
  /** Digits to judge by; 2,000 when absent. */
  test?: number;
  /** Equal seeds give equal digits; 0 when absent. */
  seed?: number;
}

const SIDE = 28;

/** Digits written at a time, so that the event loop can turn in between. */
const STEP = 64;

/**
 * Digits of 28 × 28 pixels, written by a program: strokes in several styles, each turned, slanted, stretched, shifted
 * and wobbled by chance. Laid out as {@linkcode loadMnist} lays out MNIST.
 *
 * The two parts come from streams of their own, so that a longer `train` leaves `test` as it was. All are written in one go, 20 µs
 * each; {@linkcode loadMnist} lets the event loop turn meanwhile.
 *
 * @throws {RangeError} if a count is negative or not an integer, or `seed` is not an integer
 *
 * @example
 * ```ts
 * import { digits } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = digits({ train: 100, test: 10, seed: 1 });
 * assertEquals(train.images.shape, [100, 28, 28]);
 * ```
 */
export function digits(options: DigitsOptions = {}): ImageDataset {
  return runAtOnce(writingDigits(options));
}

/** The same in steps. */
export function* writingDigits(options: DigitsOptions): Steps<ImageDataset> {
  checkOptions("write digits", options, ["train", "test", "seed"]);
  const { train = 12_000, test = 2_000, seed = 0 } = options;
  return {
    name: "digits",
    source: `built-in generator, seed ${seed}`,
    train: yield* write(train, 2 * seed),
    test: yield* write(test, 2 * seed + 1),
  };
}

function* write(count: number, seed: number): Steps<LabelledImages> {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`Cannot write ${count} digits: count them from 0`);
  }
  const random = new Generator(seed), canvas = new DigitCanvas(SIDE);
  const images = new Uint8Array(count * SIDE * SIDE), labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = random.nextBelow(10);
    writeDigit(labels[i], canvas, random, images, i * SIDE * SIDE);
    if (i % STEP === 0) yield;
  }
  return { images: fromData(images, [count, SIDE, SIDE]), labels: fromData(labels, [count]) };
}
