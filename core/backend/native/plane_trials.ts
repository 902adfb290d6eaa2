/** Trials of the verbs of planes and channels, for the comparison of a new kernel with the reference. */
import type { Backend } from "../backend.ts";
import type { BatchNorm, Pooling, Resampling, Windows } from "../planes.ts";
import type { Trial } from "./self_test.ts";

/** Some numbers of both signs: a length, and the largest of them. */
type Spread = (length: number, size?: number) => Float32Array;

/** Poolings by pairs and by windows that overlap, resamplings, and batch normalisations in both layouts. */
export function* planeTrials(spread: Spread): Iterable<[string, Trial]> {
  for (const op of ["max", "avg"] as const) {
    for (const [size, kernel, stride] of [[37, 2, 2], [13, 3, 2], [9, 9, 9]] as const) {
      yield [`${op} pooling by ${kernel}`, pool(spread, op, size, kernel, stride)];
    }
  }
  yield ["resampling", resample(spread)];
  for (const [n, c, l] of [[5, 3, 83], [9, 83, 1], [4, 3, 6]]) {
    for (const training of [true, false]) {
      for (const activation of ["none", "relu"] as const) {
        const d = { n, c, l, training, activation, eps: 1e-3 };
        yield [`batch normalisation of [${n}, ${c}, ${l}]`, batchNorm(spread, d)];
      }
    }
  }
}

function windows(size: number, kernel: number, stride: number): Windows {
  const begin = new Int32Array(Math.floor((size - kernel) / stride) + 1).map((_, i) => i * stride);
  return { begin, end: begin.map((first) => first + kernel), count: begin.map(() => kernel), step: 1 };
}

function pool(spread: Spread, op: Pooling["op"], size: number, kernel: number, stride: number): Trial {
  return (verbs) => {
    const along = windows(size, kernel, stride);
    const d = { op, planes: 3, h: size, w: size, rows: along, cols: along, divisor: 0 };
    const [x, results] = [spread(3 * size * size), 3 * along.begin.length ** 2];
    const [out, dx] = [new Float32Array(results), x.slice()];
    const at = op === "max" ? new Int32Array(results) : null;
    verbs.pool(d, x, out, at);
    verbs.poolBackward(d, spread(results, 1), at, dx);
    return at === null ? [out, dx] : [out, at, dx];
  };
}

function resample(spread: Spread): Trial {
  const low = Int32Array.of(2, 0, 1, 2, 3, 4, 4, 3);
  const taps = { low, high: low.map((i) => Math.min(i + 1, 4)), weight: Float64Array.of(0.25, 0, 0, 0, 0, 0, 0, 0.5) };
  const d: Resampling = { planes: 3, h: 5, w: 5, rows: taps, cols: taps };
  return (verbs) => {
    const [out, dx] = [new Float32Array(3 * 8 * 8), new Float32Array(3 * 5 * 5)];
    verbs.resample(d, spread(dx.length), out);
    verbs.resampleBackward(d, spread(out.length), dx);
    return [out, dx];
  };
}

function batchNorm(spread: Spread, d: BatchNorm): Trial {
  return (verbs: Backend) => {
    const size = d.n * d.c * d.l;
    const [x, g, stats, y, dx] = [spread(size), spread(size, 1).reverse(), spread(4 * d.c, 1), x0(size), x0(size)];
    stats.forEach((v, i) => stats[i] = i >= d.c && i < 2 * d.c ? v * v + 1 : v); // variances
    const [dw, db] = [x0(d.c), x0(d.c)];
    verbs.batchNorm(d, x, stats, y);
    verbs.batchNormBackward(d, g, x, y, stats, dx, dw, db);
    return [stats, y, dx, dw, db];
  };
}

const x0 = (length: number) => new Float32Array(length);
