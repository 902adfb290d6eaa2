/** Rectangles of pictures, written over at random. */
import { checkOptions, describe, shown } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { checkedConvert, isFloating, type TypedArray } from "../../core/dtype.ts";
import { defaultGenerator, type Generator } from "../../core/random/generator.ts";
import { fillNormal } from "../../core/random/torch_streams.ts";
import {
  picturesOf,
  type RandomTransformOptions,
  requireGenerator,
  requireProbability,
  type Transform,
} from "./transform.ts";

/** The options of {@linkcode randomErase}. */
export interface RandomEraseOptions extends RandomTransformOptions {
  /**
   * The probability that something is erased in a picture.
   *
   * @default {0.5}
   */
  p?: number;
  /**
   * The least and the greatest part of the picture that is erased.
   *
   * @default {[0.02, 0.33]}
   */
  scale?: readonly [least: number, greatest: number];
  /**
   * The least and the greatest ratio of the rectangle's height to its width.
   *
   * @default {[0.3, 3.3]}
   */
  ratio?: readonly [least: number, greatest: number];
  /**
   * What is written there: a value, or `"noise"` of mean 0 and standard deviation 1, as normalised pictures have them.
   *
   * @default {0}
   */
  value?: number | "noise";
}

/** How often a rectangle is drawn that may be too large, as in torchvision. */
const TRIES = 10;

/**
 * A transform that writes over a rectangle in each picture with probability p, so that a network cannot rely on one part of it. Its
 * part of the picture is drawn evenly from `scale`, the logarithm of its height by its width evenly from that of `ratio`.
 *
 * A rectangle that is not smaller than the picture in both directions is drawn again; after ten of them the picture stays as it is.
 *
 * Source: Zhong et al., "Random Erasing Data Augmentation" (2017); torchvision's `RandomErasing`.
 *
 * @throws {RangeError} if a setting is out of its range
 * @throws {TypeError} when called, if there is to be noise and x is of an integer dtype
 *
 * @example
 * ```ts
 * import { manualSeed, ones } from "@gradus/gradus";
 * import { randomErase } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(1);
 * const erased = randomErase({ p: 1, scale: [0.25, 0.25], ratio: [1, 1] })(ones([1, 8, 8]));
 * assertEquals(erased.sum().item(), 64 - 16); // a square of a quarter
 * ```
 */
export function randomErase(options: RandomEraseOptions = {}): Transform {
  checkOptions("erase", options, ["p", "scale", "ratio", "value", "generator"], { p: "number" });
  const { p = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3], value = 0, generator = defaultGenerator } = options;
  requireGenerator("erase", generator);
  requireProbability("erase", p);
  requireRange("scale", scale, 1);
  requireRange("ratio", ratio, Infinity);
  if (typeof value !== "number" && value !== "noise") {
    throw new TypeError(`Cannot erase with value ${describe(value)}: give a number, or "noise"`);
  }
  return (x) => {
    const { from, n, planes, h, w } = picturesOf(x, "erase");
    if (value === "noise" && !isFloating(x.dtype)) {
      throw new TypeError(`Cannot erase with noise in a ${x.dtype} tensor: cast it with float() or normalize it first`);
    }
    const level = value === "noise" ? 0 : checkedConvert(value, x.dtype, "value");
    const to = from.slice();
    for (let i = 0; i < n; i++) {
      const size = generator.nextFloat() < p ? rectangle(h, w, scale, ratio, generator) : null;
      if (size === null) continue;
      const noise = value === "noise" ? new Float32Array(planes * size[0] * size[1]) : null;
      if (noise !== null) fillNormal(generator, noise);
      const corner = [generator.nextBelow(h - size[0] + 1), generator.nextBelow(w - size[1] + 1)] as const;
      const picture = to.subarray(i * planes * h * w, (i + 1) * planes * h * w);
      overwrite(picture, h, w, corner, size, noise ?? level);
    }
    return fromData(to, x.shape, x.dtype);
  };
}

/** Height and width of what is erased, or `null` where ten were too large. */
function rectangle(
  h: number,
  w: number,
  scale: readonly [number, number],
  ratio: readonly [number, number],
  generator: Generator,
): [height: number, width: number] | null {
  const between = (low: number, high: number) => low + (high - low) * generator.nextFloat();
  for (let i = 0; i < TRIES; i++) {
    const area = h * w * between(...scale);
    const tall = Math.exp(between(Math.log(ratio[0]), Math.log(ratio[1])));
    const [height, width] = [Math.sqrt(area * tall), Math.sqrt(area / tall)].map(Math.round);
    if (height < h && width < w) return [height, width];
  }
  return null;
}

/** Writes a level, or noise, over the same rectangle of each plane of a picture. */
function overwrite(
  picture: TypedArray,
  h: number,
  w: number,
  [top, left]: readonly [number, number],
  [height, width]: readonly [number, number],
  ink: number | Float32Array,
): void {
  for (let plane = 0, at = 0; plane < picture.length; plane += h * w) {
    for (let row = top; row < top + height; row++, at += width) {
      const start = plane + row * w + left;
      if (typeof ink === "number") picture.fill(ink, start, start + width);
      else picture.set(ink.subarray(at, at + width), start);
    }
  }
}

function requireRange(what: string, range: readonly [number, number], most: number): void {
  if (!Array.isArray(range) || range.length !== 2) {
    throw new TypeError(
      `Cannot erase with ${what} ${shown(range)}: give the least and the greatest, as in [0.02, 0.33]`,
    );
  }
  const [low, high] = range;
  if (low > 0 && low <= high && high <= most && high < Infinity) return;
  throw new RangeError(
    `Cannot erase with ${what} [${low}, ${high}]: expected 0 < least ≤ greatest${most === 1 ? " ≤ 1" : ""}`,
  );
}
