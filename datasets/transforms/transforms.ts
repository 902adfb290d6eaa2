/**
 * Pictures changed at random while they are learned from, so that a network never sees the same one twice: each transform takes a
 * batch [n, …, height, width] and gives a new one. Each picture is changed in its own way, by numbers from the seeded stream.
 */
import { checkOptions, describe } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { allocate, checkedConvert } from "../../core/dtype.ts";
import { defaultGenerator } from "../../core/random/generator.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import {
  picturesOf,
  type RandomTransformOptions,
  requireGenerator,
  requireProbability,
  type Transform,
} from "./transform.ts";

/** The options of {@linkcode randomCrop}. */
export interface RandomCropOptions extends RandomTransformOptions {
  /**
   * Height and width of what is cut out; one number for both.
   *
   * @default {"those of the pictures"}
   */
  size?: number | readonly [height: number, width: number];
  /**
   * How many pixels are put around a picture first: above and below, left and right; one number for both.
   *
   * @default {0}
   */
  padding?: number | readonly [rows: number, columns: number];
  /**
   * The value of these pixels.
   *
   * @default {0}
   */
  fill?: number;
}

/**
 * A transform that cuts a window out of each picture, at a place drawn for each, after `padding` pixels of `fill` were put around it.
 *
 * For each picture two whole numbers are drawn, its row and its column, also where there is one place only.
 *
 * @throws {RangeError} if a size is not a whole number; when called, if the window is larger than the padded pictures
 *
 * @example
 * ```ts
 * import { manualSeed, ones } from "@gradus/gradus";
 * import { randomCrop } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(1);
 * const x = ones([64, 1, 28, 28]);
 * assertEquals(randomCrop({ padding: 4 })(x).shape, [64, 1, 28, 28]);
 * assertEquals(randomCrop({ size: 24 })(x).shape, [64, 1, 24, 24]);
 * ```
 */
export function randomCrop(options: RandomCropOptions = {}): Transform {
  checkOptions("crop", options, ["size", "padding", "fill", "generator"], { fill: "number" });
  const { padding = 0, fill = 0, generator = defaultGenerator } = options;
  requireGenerator("crop", generator);
  const size = options.size === undefined ? null : pair("crop", "size", options.size, 1);
  const [rows, columns] = pair("crop", "padding", padding, 0);
  return (x) => {
    const { h, w } = picturesOf(x, "crop");
    const [height, width] = size ?? [h, w];
    const [down, right] = [h + 2 * rows - height, w + 2 * columns - width];
    if (down < 0 || right < 0) {
      const padded = `${show([h, w])} with padding ${show([rows, columns])}`;
      throw new RangeError(
        `Cannot crop ${show([height, width])} out of ${padded}: give a smaller size or more padding`,
      );
    }
    const place = () => [generator.nextBelow(down + 1) - rows, generator.nextBelow(right + 1) - columns] as const;
    return windows(x, height, width, fill, place);
  };
}

/** The options of {@linkcode randomShift}. */
export interface RandomShiftOptions extends RandomTransformOptions {
  /**
   * The most pixels that a picture moves: up or down, left or right; one number for both.
   *
   * @default {2}
   */
  most?: number | readonly [rows: number, columns: number];
  /**
   * The value of the pixels that it leaves behind.
   *
   * @default {0}
   */
  fill?: number;
}

/**
 * A transform that moves each picture by whole pixels, drawn for each: what leaves at one side is lost, and `fill` comes in at the
 * other. It is {@linkcode randomCrop} with a padding of `most`.
 *
 * @throws {RangeError} if `most` is not a whole number
 *
 * @example
 * ```ts
 * import { manualSeed, tensor } from "@gradus/gradus";
 * import { randomShift } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(2);
 * const x = tensor([[[1, 2, 3]], [[4, 5, 6]]]); // two pictures of one row
 * assertEquals(randomShift({ most: [0, 1] })(x).toArray(), [[[0, 1, 2]], [[0, 4, 5]]]);
 * ```
 */
export function randomShift(options: RandomShiftOptions = {}): Transform {
  checkOptions("shift", options, ["most", "fill", "generator"], { fill: "number" });
  const { most = 2, fill = 0, generator = defaultGenerator } = options;
  requireGenerator("shift", generator);
  return randomCrop({ padding: pair("shift", "most", most, 0), fill, generator });
}

/** The options of {@linkcode randomFlip}. */
export interface RandomFlipOptions extends RandomTransformOptions {
  /**
   * The probability that a picture is mirrored.
   *
   * @default {0.5}
   */
  p?: number;
}

/**
 * A transform that mirrors each picture with probability p, left to right. One number is drawn for each.
 *
 * @throws {RangeError} if p lies outside [0, 1]
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { randomFlip } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([[[1, 2, 3], [4, 5, 6]]]);
 * assertEquals(randomFlip({ p: 1 })(x).toArray(), [[[3, 2, 1], [6, 5, 4]]]);
 * ```
 */
export function randomFlip(options: RandomFlipOptions = {}): Transform {
  checkOptions("flip", options, ["p", "generator"], { p: "number" });
  const { p = 0.5, generator = defaultGenerator } = options;
  requireGenerator("flip", generator);
  requireProbability("flip", p);
  return (x) => mirrored(x, () => generator.nextFloat() < p);
}

/**
 * The pictures of a batch [n, …, height, width] mirrored, left to right.
 *
 * @throws {RangeError} if x has less than three dimensions
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { horizontalFlip } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(horizontalFlip(tensor([[[1, 2, 3], [4, 5, 6]]])).toArray(), [[[3, 2, 1], [6, 5, 4]]]);
 * ```
 */
export function horizontalFlip(x: Tensor): Tensor {
  return mirrored(x, () => true);
}

/** A window of each picture, whose first row and column `place` says; outside of the picture there is `fill`. */
function windows(
  x: Tensor,
  height: number,
  width: number,
  fill: number,
  place: () => readonly [top: number, left: number],
): Tensor {
  const { from, n, planes, h, w } = picturesOf(x, "crop");
  const out = allocate(x.dtype, n * planes * height * width);
  if (fill !== 0) out.fill(checkedConvert(fill, x.dtype, "fill"));
  for (let i = 0; i < n; i++) {
    const [top, left] = place();
    const [first, last] = [Math.max(0, -left), Math.min(width, w - left)]; // columns of the window within the picture
    for (let plane = i * planes; plane < (i + 1) * planes && first < last; plane++) {
      for (let row = Math.max(0, -top); row < Math.min(height, h - top); row++) {
        const start = (plane * h + top + row) * w + left;
        out.set(from.subarray(start + first, start + last), (plane * height + row) * width + first);
      }
    }
  }
  return fromData(out, [...x.shape.slice(0, -2), height, width], x.dtype);
}

/** Mirrors the pictures for which `isTurned` is true. */
function mirrored(x: Tensor, isTurned: () => boolean): Tensor {
  const { from, n, planes, h, w } = picturesOf(x, "flip");
  const out = from.slice();
  for (let i = 0; i < n; i++) {
    if (!isTurned()) continue;
    for (let row = i * planes * h; row < (i + 1) * planes * h; row++) out.subarray(row * w, (row + 1) * w).reverse();
  }
  return fromData(out, x.shape, x.dtype);
}

function pair(action: string, what: string, given: number | readonly number[], least: number): [number, number] {
  const both = typeof given === "number" ? [given, given] : given;
  if (!Array.isArray(both) || both.length !== 2 || !both.every((size) => typeof size === "number")) {
    throw new TypeError(`Cannot ${action} with ${what} ${describe(given)}: give a number, or two as in [2, 3]`);
  }
  const odd = both.find((size) => !(Number.isInteger(size) && size >= least));
  if (odd === undefined) return both as unknown as [number, number];
  throw new RangeError(`Cannot ${action} with ${what} ${odd}: give a whole number from ${least}`);
}
