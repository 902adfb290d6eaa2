/** Pixels: what tensors look like as pictures, and as files of PNG. */
import { encode } from "fast-png";
import { requireTensor } from "../../core/arguments.ts";
import { elements } from "../../core/ops/movement.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** Pixels, row by row: a grey level each, or red, green and blue. */
export interface Picture {
  /** Pixels of a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** 1 for grey, 3 for colours. */
  readonly channels: 1 | 3;
  /** Levels from 0 to 255. */
  readonly data: Uint8Array;
}

/** The bytes of a PNG file. */
export function encodePicture({ width, height, channels, data }: Picture): Uint8Array {
  return encode({ width, height, channels, data, depth: 8 });
}

/** A picture as an address that holds it. */
export function dataUrl(picture: Picture): string {
  return `data:image/png;base64,${base64(encodePicture(picture))}`;
}

/** Bytes as text. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** Pictures of one size. */
export interface Pictures {
  /** As many as are shown. */
  readonly all: readonly Picture[];
  /** How many there are. */
  readonly count: number;
  /** The level that is black, and the one that is white. */
  readonly range: readonly [low: number, high: number];
  /** How many levels are NaN or infinite; they show black. */
  readonly odd: number;
}

/** How the shape of a tensor is read as pictures: [n, channels, height, width], or `null` where it is none. */
export function pictureShape(shape: readonly number[]): readonly [n: number, c: number, h: number, w: number] | null {
  if (shape.some((size) => size === 0)) return null;
  if (shape.length === 2) return [1, 1, shape[0], shape[1]];
  if (shape.length === 4) return shape[1] === 1 || shape[1] === 3 ? [shape[0], shape[1], shape[2], shape[3]] : null;
  if (shape.length !== 3) return null;
  const [first, height, width] = shape;
  return first === 1 || first === 3 ? [1, first, height, width] : [first, 1, height, width];
}

/**
 * The pictures in a tensor: [height, width], [channels, height, width] with 1 or 3 channels, [n, height, width], or
 * [n, channels, height, width]. The least level is black and the largest white, in all of them the same, unless `range` says otherwise.
 *
 * @throws {RangeError} If the shape is another.
 */
export function picturesOf(x: Tensor, most: number, range?: readonly [number, number]): Pictures {
  requireTensor(x, "show pictures of");
  const sizes = pictureShape(x.shape);
  if (sizes === null) {
    throw new RangeError(
      `Cannot show pictures of ${
        show(x.shape)
      }: expected [height, width], [n, height, width] or [n, channels, height, width] with 1 or 3 channels`,
    );
  }
  const [count, channels, height, width] = sizes;
  const levels = elements(x.detach().reshape([count, channels, height, width]).slice(0, 0, Math.min(count, most)));
  const { low, high, odd } = extremes(levels);
  const ends: readonly [number, number] = range ?? [low, high];
  const size = channels * height * width;
  const all = Array.from({ length: Math.min(count, most) }, (_, i) => ({
    ...{ width, height, channels: channels as 1 | 3 },
    data: pixels(levels, i * size, [channels, height * width], ends),
  }));
  return { all, count, range: ends, odd };
}

function extremes(levels: ArrayLike<number>): { low: number; high: number; odd: number } {
  let [low, high, odd] = [Infinity, -Infinity, 0];
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i];
    if (!Number.isFinite(level)) odd++;
    else [low, high] = [Math.min(low, level), Math.max(high, level)];
  }
  return low > high ? { low: 0, high: 0, odd } : { low, high, odd };
}

/** The levels of one picture, channel after channel, as its pixels. */
function pixels(
  levels: ArrayLike<number>,
  at: number,
  [channels, size]: readonly [number, number],
  [low, high]: readonly [number, number],
): Uint8Array {
  const scale = high > low ? 255 / (high - low) : 0;
  return Uint8Array.from({ length: channels * size }, (_, i) => {
    const level = levels[at + (i % channels) * size + Math.floor(i / channels)];
    const value = Math.round((level - low) * scale);
    return Number.isFinite(level) ? Math.min(255, Math.max(0, value)) : 0;
  });
}

/** Each pixel as a square of `times` by `times`: so that a small picture stays sharp wherever it is shown. */
export function enlarged({ width, height, channels, data }: Picture, times: number): Picture {
  const row = width * times;
  const large = new Uint8Array(row * height * times * channels);
  for (let y = 0; y < height * times; y++) {
    for (let x = 0; x < row; x++) {
      const from = (Math.floor(y / times) * width + Math.floor(x / times)) * channels;
      for (let c = 0; c < channels; c++) large[(y * row + x) * channels + c] = data[from + c];
    }
  }
  return { width: row, height: height * times, channels, data: large };
}

/** Pictures of one size in rows of `columns`, a grey line between them. */
export function tiled(all: readonly Picture[], columns: number): Picture {
  const [{ width, height, channels }] = all;
  const rows = Math.ceil(all.length / columns);
  const [wide, high] = [columns * (width + 1) - 1, rows * (height + 1) - 1];
  const data = new Uint8Array(wide * high * channels).fill(128);
  all.forEach((picture, i) => {
    const [left, top] = [(i % columns) * (width + 1), Math.floor(i / columns) * (height + 1)];
    for (let y = 0; y < height; y++) {
      data.set(
        picture.data.subarray(y * width * channels, (y + 1) * width * channels),
        ((top + y) * wide + left) * channels,
      );
    }
  });
  return { width: wide, height: high, channels, data };
}
