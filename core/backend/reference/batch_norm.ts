/** Batch normalisation as plain loops: what every back end must agree with. Sums are carried in float64. */
import type { Backend } from "../backend.ts";
import type { BatchNorm } from "../planes.ts";
import { checkBatchNorm } from "../plane_checks.ts";
import type { TypedArray } from "../../dtype.ts";

/** Calls `visit` with the place of each element of one channel. */
function forEachPlace({ n, c, l }: BatchNorm, channel: number, visit: (place: number) => void): void {
  for (let i = 0; i < n; i++) {
    const first = (i * c + channel) * l;
    for (let at = first; at < first + l; at++) visit(at);
  }
}

/** Normalises each channel; in training by the mean and variance that it has, which go into `stats`. */
export function batchNorm(d: BatchNorm, x: TypedArray, stats: TypedArray, y: TypedArray): void {
  checkBatchNorm(d, stats, { x, y });
  for (let channel = 0; channel < d.c; channel++) {
    if (d.training) measure(d, x, channel, stats);
    const [mean, variance, weight, bias] = [0, 1, 2, 3].map((row) => stats[row * d.c + channel]);
    const scale = weight / Math.sqrt(variance + d.eps);
    forEachPlace(d, channel, (at) => {
      y[at] = (x[at] - mean) * scale + bias;
      if (d.activation === "relu" && y[at] < 0) y[at] = 0;
    });
  }
}

function measure(d: BatchNorm, x: TypedArray, channel: number, stats: TypedArray): void {
  const count = d.n * d.l;
  let [sum, squares] = [0, 0];
  forEachPlace(d, channel, (at) => sum += x[at]);
  const mean = sum / count;
  forEachPlace(d, channel, (at) => squares += (x[at] - mean) ** 2);
  stats[channel] = mean;
  stats[d.c + channel] = squares / count;
}

/** The gradients of x, weight and bias. */
export const batchNormBackward: Backend["batchNormBackward"] = (d, g, x, y, stats, dx, dw, db) => {
  checkBatchNorm(d, stats, { g, x, y, dx }, { dw, db });
  // Chosen, not multiplied: 0 · NaN would be NaN where y is 0. Where y itself is NaN, g passes.
  const passed = d.activation === "relu" ? (at: number) => (y![at] <= 0 ? 0 : g[at]) : (at: number) => g[at];
  for (let channel = 0; channel < d.c; channel++) {
    const [mean, variance, weight] = [0, 1, 2].map((row) => stats[row * d.c + channel]);
    const inverse = 1 / Math.sqrt(variance + d.eps);
    const count = d.n * d.l;
    let [sum, dot] = [0, 0];
    forEachPlace(d, channel, (at) => {
      sum += passed(at);
      dot += passed(at) * (x[at] - mean) * inverse;
    });
    [db[channel], dw[channel]] = [sum, dot];
    if (dx === null) continue;
    const slope = (at: number) => d.training ? passed(at) - (sum + (x[at] - mean) * inverse * dot) / count : passed(at);
    forEachPlace(d, channel, (at) => dx[at] = weight * inverse * slope(at));
  }
};
