/** Images of another size, as functions: padding, interpolation, and channels that become pixels. */
import {
  checkOptions,
  describe,
  requireArray,
  requireChoice,
  requireNumber,
  requireTensor,
  shown,
} from "../../../core/arguments.ts";
import type { Taps } from "../../../core/backend/planes.ts";
import { isFloating } from "../../../core/dtype.ts";
import { padConstant, resample, type TapsOf, tapsOf } from "../../../core/ops/windows/planes.ts";
import { asPair, type NumberOrPair } from "../../../core/ops/windows/sizes.ts";
import { show } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { INTERPOLATE, INTERPOLATE_MODES, PAD_MODES } from "../known_options.ts";

/** The options of `pad`. */
export interface PadOptions {
  /**
   * What padding holds: a constant, the elements next to the edge in reverse (`"reflect"`), the edge itself (`"replicate"`), or the
   * elements at the other edge (`"circular"`).
   *
   * @default {"constant"}
   */
  mode?: "constant" | "reflect" | "replicate" | "circular";
  /**
   * The constant.
   *
   * @default {0}
   */
  value?: number;
}

/**
 * x with elements around it: two numbers for each dimension, before and after, the last dimension first. Negative numbers take elements
 * away. All modes but `"constant"` pad the last one or two dimensions, of floats.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const { pad } = nn.functional;
 * const x = tensor([[1, 2, 3]]);
 * assertEquals(pad(x, [1, -1]).toArray(), [[0, 1, 2]]);
 * assertEquals(pad(x, [2, 1], { mode: "reflect" }).toArray(), [[3, 2, 1, 2, 3, 2]]);
 * assertEquals(pad(x, [0, 0, 1, 0], { value: 9 }).toArray(), [[9, 9, 9], [1, 2, 3]]);
 * ```
 * @throws {RangeError} If the numbers are not whole or do not come in pairs, there are too many, or the elements do not suffice for them.
 */
export function pad(x: Tensor, padding: readonly number[], options: PadOptions = {}): Tensor {
  checkOptions("take pad()", options, ["mode", "value"]);
  requireTensor(x, "take pad() of");
  requireArray(padding, "take pad() with padding", "[1, 1]");
  const { mode = "constant", value = 0 } = options;
  requireChoice("take pad()", "mode", mode, PAD_MODES);
  requireNumber(value, "take pad() with value");
  const dims = mode === "constant" ? x.ndim : Math.min(x.ndim, 2);
  if (padding.length % 2 !== 0 || padding.length > 2 * dims || !padding.every(Number.isInteger)) {
    throw new RangeError(
      `Cannot pad ${show(x.shape)} by [${padding.map(shown).join(", ")}]: expected two whole numbers for each of its ` +
        `last ${dims} dimensions or fewer, the last one first`,
    );
  }
  if (mode !== "constant") return padding.length === 0 ? x : padByItself(x, padding, mode);
  const side = (after: 0 | 1) => x.shape.map((_, d) => padding[2 * (x.ndim - 1 - d) + after] ?? 0);
  return padConstant(x, side(0), side(1), value);
}

type OwnMode = Exclude<PadOptions["mode"], "constant" | undefined>;

function padByItself(x: Tensor, padding: readonly number[], mode: OwnMode): Tensor {
  requireFloats(x, "pad", mode);
  const along = (fromEnd: 1 | 2) => paddedTaps(x, fromEnd, padding[2 * fromEnd - 2], padding[2 * fromEnd - 1], mode);
  return resample(x, padding.length === 2 ? [along(1)] : [along(2), along(1)]);
}

/** Where the places of a padded dimension come from. */
function paddedTaps(x: Tensor, fromEnd: number, before: number, after: number, mode: OwnMode): Taps {
  const size = x.shape[x.ndim - fromEnd], count = before + size + after;
  const most = mode === "reflect" ? size - 1 : mode === "circular" ? size : Infinity;
  if (Math.max(before, after) > most || size === 0 || count < 0) {
    throw new RangeError(
      `Cannot pad ${show(x.shape)} by [${before}, ${after}] with mode ${mode}: dimension ${
        x.ndim - fromEnd
      } has ${size} elements`,
    );
  }
  return tapsOf(count, size, (i) => sourceOf(i - before, size, mode));
}

function sourceOf(place: number, size: number, mode: OwnMode): number {
  if (mode === "replicate") return Math.min(Math.max(place, 0), size - 1);
  if (mode === "circular") return (place + size) % size;
  return place < 0 ? -place : place < size ? place : 2 * (size - 1) - place;
}

function requireFloats(x: Tensor, verb: string, mode: string): void {
  if (!isFloating(x.dtype)) {
    throw new TypeError(`Cannot ${verb} a ${x.dtype} tensor with mode ${mode}: cast it with float()`);
  }
}

/** The options of `interpolate`. */
export interface InterpolateOptions {
  /**
   * Rows and columns of the result; a number is both.
   *
   * @default {null} for `scaleFactor` times those of the image
   */
  size?: NumberOrPair | null;
  /**
   * How much larger the result is.
   *
   * @default {null} for `size`
   */
  scaleFactor?: NumberOrPair | null;
  /**
   * Whether an element is the nearest one, or the mean of up to four by their distances.
   *
   * @default {"nearest"}
   */
  mode?: "nearest" | "bilinear";
  /**
   * Whether the corners of both images are the same points; else their edges are. Only for `"bilinear"`.
   *
   * @default {false}
   */
  alignCorners?: boolean;
}

/**
 * Images x [batch, channels, rows, columns] at another size.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const { interpolate } = nn.functional;
 * const x = tensor([[[[1, 3]]]]);
 * assertEquals(interpolate(x, { scaleFactor: 2 }).toArray(), [[[[1, 1, 3, 3], [1, 1, 3, 3]]]]);
 * assertEquals(interpolate(x, { size: [1, 3], mode: "bilinear", alignCorners: true }).toArray(), [[[[1, 2, 3]]]]);
 * ```
 * @throws {RangeError} If x has another rank or no elements, the result would have none, or not exactly one of the sizes is given.
 * @throws {TypeError} If x is of an integer dtype, or corners are to be aligned with the nearest elements.
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  checkInterpolate("take interpolate()", options);
  requireTensor(x, "take interpolate() of");
  const { size = null, scaleFactor = null, mode = "nearest", alignCorners = false } = options;
  if (x.ndim !== 4) {
    throw new RangeError(`Cannot interpolate ${show(x.shape)}: expected [batch, channels, rows, columns]`);
  }
  requireFloats(x, "interpolate", mode);
  const scales = scaleFactor === null ? [null, null] : scalesOf("take interpolate()", scaleFactor);
  const sizes = size === null
    ? scales.map((scale, d) => Math.floor(x.shape[2 + d] * scale!))
    : asPair("take interpolate()", "size", size, 2, 1);
  if (x.shape[2] < 1 || x.shape[3] < 1 || sizes[0] < 1 || sizes[1] < 1) {
    throw new RangeError(
      `Cannot interpolate images of [${x.shape[2]}, ${x.shape[3]}] to ${
        show(sizes)
      }: both must have an element at least`,
    );
  }
  const along = (d: 0 | 1) => interpolatedTaps(x.shape[2 + d], sizes[d], scales[d], mode, alignCorners);
  return resample(x, [along(0), along(1)] satisfies TapsOf);
}

/** Checks the options of `interpolate`. Throws an error that names the one that is wrong. */
export function checkInterpolate(action: string, options: InterpolateOptions): void {
  checkOptions(action, options, INTERPOLATE, { alignCorners: "boolean" });
  const { size = null, scaleFactor = null, mode = "nearest", alignCorners } = options;
  requireChoice(action, "mode", mode, INTERPOLATE_MODES);
  if ((size === null) === (scaleFactor === null)) {
    throw new RangeError(`Cannot ${action} with ${size === null ? "neither" : "both"}: give size or scaleFactor`);
  }
  if (size !== null) asPair(action, "size", size, 2, 1);
  if (scaleFactor !== null) scalesOf(action, scaleFactor);
  if (mode === "nearest" && alignCorners !== undefined) {
    throw new TypeError(`Cannot ${action} with alignCorners ${alignCorners}: give it with mode "bilinear" only`);
  }
}

function scalesOf(action: string, scale: NumberOrPair): readonly [number, number] {
  const pair = typeof scale === "number" ? [scale, scale] as const : scale;
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((n) => typeof n === "number")) {
    throw new TypeError(`Cannot ${action} with scaleFactor ${describe(scale)}: give a number, or a pair as in [2, 3]`);
  }
  if (!pair.every((n) => n > 0 && n < Infinity)) {
    throw new RangeError(`Cannot ${action} with scaleFactor [${pair.join(", ")}]: give numbers above 0`);
  }
  return [pair[0], pair[1]];
}

/** Where the places of an interpolated dimension come from: PyTorch's, which computes the nearest in float32. */
function interpolatedTaps(
  size: number,
  count: number,
  scale: number | null,
  mode: "nearest" | "bilinear",
  alignCorners: boolean,
): Taps {
  const step = scale === null ? size / count : 1 / scale;
  if (mode === "nearest") {
    const single = Math.fround(step);
    return tapsOf(count, size, (i) => Math.min(Math.floor(Math.fround(i * single)), size - 1));
  }
  if (count === size) return tapsOf(count, size, (i) => i); // whatever the scale, as in PyTorch
  const last = (place: number) => Math.min(place, size - 1);
  if (!alignCorners) return tapsOf(count, size, (i) => last(Math.max((i + 0.5) * step - 0.5, 0)));
  const between = count > 1 ? (size - 1) / (count - 1) : 0;
  return tapsOf(count, size, (i) => last(i * between));
}

/**
 * Channels become pixels: x [batch, channels · r², rows, columns] becomes [batch, channels, rows · r, columns · r], also without a batch;
 * r² channels fill each block of r × r pixels.
 *
 * Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network" (2016).
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([[[1]], [[2]], [[3]], [[4]]]);
 * assertEquals(nn.functional.pixelShuffle(x, 2).toArray(), [[[1, 2], [3, 4]]]);
 * ```
 * @throws {RangeError} If the channels do not divide by r².
 */
export function pixelShuffle(x: Tensor, upscaleFactor: number): Tensor {
  requireTensor(x, "take pixelShuffle() of");
  const [, r] = asPair("take pixelShuffle()", "upscaleFactor", upscaleFactor, 1, 1);
  const [channels, rows, columns] = x.shape.slice(-3);
  if (x.ndim < 3 || channels % (r * r) !== 0) {
    throw new RangeError(
      `Cannot shuffle ${
        show(x.shape)
      } by ${r}: expected [batch, channels, rows, columns], with channels that divide by ${r * r}`,
    );
  }
  const [lead, d] = [x.shape.slice(0, -3), x.ndim - 3];
  const parts = x.reshape(...lead, channels / (r * r), r, r, rows, columns);
  const order = [...lead.keys(), d, d + 3, d + 1, d + 4, d + 2];
  return parts.permute(...order).reshape(...lead, channels / (r * r), rows * r, columns * r);
}
