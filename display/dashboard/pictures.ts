/** Tensors as pictures of bytes, for the live page. */
import { elements } from "../../core/ops/movement.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { PagePicture } from "./messages.ts";

/** The most pictures of a layer, and the largest side of one. */
const MOST = 64, SIDE = 256;

/** From this side on a flat row of so many numbers, squared, is taken for a picture. */
const LEAST_SIDE = 8;

/** A sample [c, h, w], [h, w] or flat and square as a picture; `null` where it is none. */
export function pictureOfRow(sample: Tensor): PagePicture | null {
  const planes = planesOf(sample);
  if (planes === null) return null;
  const values = Float64Array.from(elements(planes.detach().double()));
  return pictureOf(values, planes.shape, rangeOf(values));
}

/** The sample as [c, h, w]. */
function planesOf(sample: Tensor): Tensor | null {
  const { shape, ndim } = sample, side = Math.sqrt(sample.numel());
  if (ndim === 3 && [1, 3].includes(shape[0]) && shape[1] > 1 && shape[2] > 1 && Math.max(...shape) <= SIDE) {
    return sample;
  }
  if (ndim === 2 && Math.min(...shape) >= LEAST_SIDE && Math.max(...shape) <= SIDE) return sample.unsqueeze(0);
  return ndim === 1 && Number.isInteger(side) && side >= LEAST_SIDE && side <= SIDE
    ? sample.reshape(1, side, side)
    : null;
}

/** A layer's weights: each kernel a picture, each row of a matrix that is square again too, else the matrix in shades. */
export function picturesOf(weight: Tensor): PagePicture[] {
  const w = weight.detach(), [out] = w.shape, rows = Math.min(out, MOST);
  const side = Math.sqrt(w.numel() / out);
  const isSquare = w.ndim === 2 && Number.isInteger(side) && side >= LEAST_SIDE;
  if (w.ndim === 2 && !isSquare) {
    const part = w.narrow(0, 0, rows).narrow(1, 0, Math.min(w.shape[1], SIDE));
    const values = Float64Array.from(elements(part.double()));
    return [pictureOf(values, [1, ...part.shape], rangeOf(values))];
  }
  const kernels = isSquare ? w.reshape(out, 1, side, side) : w.ndim === 3 ? w.unsqueeze(2) : w;
  const planes = kernels.narrow(0, 0, rows).narrow(1, 0, kernels.shape[1] === 3 ? 3 : 1);
  const values = Float64Array.from(elements(planes.double())), range = rangeOf(values);
  const size = values.length / rows;
  return Array.from(
    { length: rows },
    (_, i) => pictureOf(values.subarray(i * size, (i + 1) * size), planes.shape.slice(1), range),
  );
}

function rangeOf(values: Float64Array): [low: number, high: number] {
  return values.reduce<[number, number]>(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
}

/** Values [c, h, w] as bytes, the least black and the greatest white. */
function pictureOf(
  values: Float64Array,
  shape: readonly number[],
  [low, high]: readonly [number, number],
): PagePicture {
  const [channels, height, width] = shape, bytes = new Uint8Array(values.length), plane = height * width;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < plane; i++) bytes[i * channels + c] = 255 * (values[c * plane + i] - low) / (high - low || 1);
  }
  return { width, height, channels: channels as 1 | 3, pixels: base64(bytes) };
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
