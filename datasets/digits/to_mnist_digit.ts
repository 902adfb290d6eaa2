/** Pictures of any size as networks that learned MNIST were shown them. */
import { requireTensor } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { elements } from "../../core/ops/movement.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type Picture, resized } from "../formats/resized.ts";

const SIZE = 28;
const BOX = 20; // the digits of MNIST fit into a box of 20×20

/**
 * A picture of a digit, grey levels 0 to 255 of shape [height, width], prepared as MNIST's were: light ink on black, scaled into
 * 20×20, and placed in 28×28 by the centre of its mass. Dark ink on light paper is inverted; a picture of 28×28 with dark edges is
 * taken as it is.
 *
 * @param name What to call the picture in errors
 * @returns uint8 [28, 28]
 * @throws {RangeError} if the picture is not of two dimensions, or is of one shade
 * @see {@link http://yann.lecun.com/exdb/mnist/} by LeCun, Cortes and Burges, who describe the preparation
 *
 * @example
 * ```ts
 * import { zeros } from "@gradus/gradus";
 * import { toMnistDigit } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const picture = zeros([100, 80]);
 * picture.at("10:90", "10:30").fill_(255); // a bar at the left
 * const digit = toMnistDigit(picture);
 * assertEquals(digit.shape, [28, 28]);
 * assertEquals(digit.at(14, "11:18").toArray(), [0, 255, 255, 255, 255, 255, 0]); // is now in the middle
 * ```
 */
export function toMnistDigit(picture: Tensor, name: string = "the picture"): Tensor {
  requireTensor(picture, "make a digit of");
  const [height, width] = picture.shape;
  if (picture.ndim !== 2 || width * height === 0) {
    throw new RangeError(`Cannot make a digit of [${picture.shape}]: expected grey levels of shape [height, width]`);
  }
  const image = { width, height, levels: Float32Array.from(elements(picture)) };
  const ink = edgeLevel(image) > 127 ? inverted(image) : image;
  const isReady = width === SIZE && height === SIZE && ink === image;
  const levels = isReady ? ink.levels : centred(scaled(cropped(ink, name)));
  return fromData(Uint8Array.from(levels, Math.round), [SIZE, SIZE]);
}

/** The mean level of the pixels at the edges. */
function edgeLevel({ width, height, levels }: Picture): number {
  const edge = levels.filter((_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row === 0 || column === 0 || row === height - 1 || column === width - 1;
  });
  return edge.reduce((sum, level) => sum + level, 0) / edge.length;
}

function inverted({ width, height, levels }: Picture): Picture {
  return { width, height, levels: levels.map((level) => 255 - level) };
}

/** The part with ink: whatever is lighter than a quarter of the lightest. */
function cropped({ width, height, levels }: Picture, name: string): Picture {
  const least = levels.reduce((a, b) => Math.max(a, b), 0) / 4;
  let [left, right, top, bottom] = [width, -1, height, -1];
  levels.forEach((level, i) => {
    if (level <= least) return;
    const [row, column] = [Math.floor(i / width), i % width];
    [left, right] = [Math.min(left, column), Math.max(right, column)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
  });
  if (right < 0) throw new RangeError(`Cannot find a digit in ${name}: it is of one shade`);
  const [w, h] = [right - left + 1, bottom - top + 1];
  const at = (_: unknown, i: number) => levels[(top + Math.floor(i / w)) * width + left + (i % w)];
  return { width: w, height: h, levels: Float32Array.from({ length: w * h }, at) };
}

/** The longer side becomes 20; each new pixel is the mean of what it covers. */
function scaled(picture: Picture): Picture {
  const factor = Math.max(picture.width, picture.height) / BOX;
  const [width, height] = [picture.width, picture.height].map((size) => Math.max(1, Math.round(size / factor)));
  return resized(picture, width, height);
}

/** The levels in 28×28, with the centre of their mass in the middle, or as near to it as they fit. */
function centred({ width, height, levels }: Picture): Float32Array {
  const mass = levels.reduce((sum, level) => sum + level, 0);
  const centre = (coordinate: (i: number) => number) =>
    levels.reduce((sum, level, i) => sum + level * (coordinate(i) + 0.5), 0) / mass;
  const place = (middle: number, size: number) => Math.max(0, Math.min(SIZE - size, Math.round(SIZE / 2 - middle)));
  const left = place(centre((i) => i % width), width);
  const top = place(centre((i) => Math.floor(i / width)), height);
  const out = new Float32Array(SIZE * SIZE);
  levels.forEach((level, i) => out[(top + Math.floor(i / width)) * SIZE + left + (i % width)] = level);
  return out;
}
