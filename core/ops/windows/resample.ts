/** Resampling: the last two dimensions of another size, each element from up to two rows and two columns. */
import { newEmpty } from "../../memory/allocate.ts";
import type { Resampling, Taps } from "../../backend/planes.ts";
import { backend } from "../../backend/choose.ts";
import { record } from "../../record.ts";
import { sizeOf } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";
import { elements } from "../movement.ts";

/** Where the places along each resampled dimension come from: of a sequence [length], or of an image [rows, columns]. */
export type TapsOf = readonly [Taps] | readonly [Taps, Taps];

/** Where the places of one dimension come from, if `from(i)` says it: a place, or a number between two of `size` places. */
export function tapsOf(count: number, size: number, from: (i: number) => number): Taps {
  const taps = { low: new Int32Array(count), high: new Int32Array(count), weight: new Float64Array(count) };
  for (let i = 0; i < count; i++) {
    const place = from(i);
    taps.low[i] = Math.floor(place);
    taps.high[i] = Math.min(taps.low[i] + 1, size - 1);
    taps.weight[i] = place - taps.low[i];
  }
  return taps;
}

/** The last one or two dimensions of x, resampled. */
export function resample(x: Tensor, taps: TapsOf): Tensor {
  const lead = x.shape.slice(0, -taps.length);
  const [rows, cols] = taps.length === 2 ? taps : [tapsOf(1, 1, () => 0), taps[0]];
  const h = taps.length === 2 ? x.shape.at(-2)! : 1;
  const d: Resampling = { planes: sizeOf(lead), h, w: x.shape.at(-1)!, rows, cols };
  const out = newEmpty([...lead, ...taps.map(({ low }) => low.length)], x.dtype);
  backend().resample(d, elements(x), out.data);
  return record("resample", out, [x], d);
}

/** The gradient of what was resampled, of this shape. */
export function resampleGradient(d: Resampling, g: Tensor, shape: readonly number[]): Tensor {
  const dx = newEmpty(shape, g.dtype);
  backend().resampleBackward(d, elements(g), dx.data);
  return dx;
}
