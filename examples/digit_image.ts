/** From a picture of any size to what MNIST's networks were shown: 28×28, light ink on dark, the ink's centre in the middle. */
import type { GreyImage } from "./png.ts";

const SIZE = 28;
const BOX = 20; // MNIST's digits fit into a box of 20×20

/**
 * The picture as MNIST has it; one of 28×28 with dark corners is taken as it is.
 *
 * Source: LeCun et al., "The MNIST database": scaled into 20×20, then placed by the centre of its mass.
 */
export function toDigit(image: GreyImage, name = "the picture"): Uint8Array {
  const { width, height } = image;
  const ink = border(image) > 127 ? inverted(image) : image;
  const ready = width === SIZE && height === SIZE && ink === image;
  return Uint8Array.from(ready ? ink.levels : centred(scaled(cropped(ink, name))), Math.round);
}

function border({ width, height, levels }: GreyImage): number {
  const edge = levels.filter((_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row === 0 || column === 0 || row === height - 1 || column === width - 1;
  });
  return edge.reduce((sum, level) => sum + level, 0) / edge.length;
}

function inverted({ width, height, levels }: GreyImage): GreyImage {
  return { width, height, levels: levels.map((level) => 255 - level) };
}

/** The part with ink: whatever is lighter than a quarter of the lightest. */
function cropped({ width, height, levels }: GreyImage, name: string): GreyImage {
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
function scaled(image: GreyImage): GreyImage {
  const factor = Math.max(image.width, image.height) / BOX;
  const [width, height] = [image.width, image.height].map((size) => Math.max(1, Math.round(size / factor)));
  const [fx, fy] = [image.width / width, image.height / height];
  const at = (_: unknown, i: number) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return meanOver(image, column * fx, (column + 1) * fx, row * fy, (row + 1) * fy);
  };
  return { width, height, levels: Float32Array.from({ length: width * height }, at) };
}

function meanOver({ width, levels }: GreyImage, left: number, right: number, top: number, bottom: number): number {
  let [sum, area] = [0, 0];
  for (let row = Math.floor(top); row < bottom; row++) {
    for (let column = Math.floor(left); column < right; column++) {
      const part = covered(column, left, right) * covered(row, top, bottom);
      sum += part * (levels[row * width + column] ?? 0);
      area += part;
    }
  }
  return sum / area;
}

/** How much of the cell from `cell` to `cell + 1` lies between two bounds. */
function covered(cell: number, from: number, to: number): number {
  return Math.max(0, Math.min(cell + 1, to) - Math.max(cell, from));
}

function centred({ width, height, levels }: GreyImage): Float32Array {
  const mass = levels.reduce((sum, level) => sum + level, 0);
  const centre = (along: (i: number) => number) =>
    levels.reduce((sum, level, i) => sum + level * (along(i) + 0.5), 0) / mass;
  const place = (middle: number, size: number) => Math.max(0, Math.min(SIZE - size, Math.round(SIZE / 2 - middle)));
  const left = place(centre((i) => i % width), width);
  const top = place(centre((i) => Math.floor(i / width)), height);
  const out = new Float32Array(SIZE * SIZE);
  levels.forEach((level, i) => out[(top + Math.floor(i / width)) * SIZE + left + (i % width)] = level);
  return out;
}
