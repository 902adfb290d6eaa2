/**
 * Compares a kernel that was just compiled with the reference, since compilers have bugs (clang 19's code for AVX-512 was wrong). It runs
 * once for each compilation, not when a kernel comes from the cache.
 */
import {
  type Activation,
  ACTIVATIONS,
  type Backend,
  type BinaryOp,
  type ConvResult,
  INPUT_ACTIVATIONS,
  type ReduceOp,
  type UnaryOp,
} from "../backend.ts";
import { BINARY_OPS, REDUCE_OPS, UNARY_OPS } from "./verbs.ts";
import type { BatchNorm, Pooling, Resampling, Windows } from "../planes.ts";
import { CELL_GATES, type CellKind, partsOf, type Recurrent, rowsOf } from "../sequences.ts";
import { reference } from "../reference/reference.ts";
import type { TypedArray } from "../../dtype.ts";

/** Calls a verb and returns all that it wrote. */
type Trial = (verbs: Backend) => TypedArray[];

/** More than five AVX-512 vectors, and no multiple of any vector's length. */
const LENGTH = 83;

/** The first difference from the reference, in a few words; `null` where there is none. */
export function selfTest(verbs: Backend): string | null {
  for (const [name, trial] of trials()) {
    const [found, expected] = [trial(verbs), trial(reference)];
    for (let part = 0; part < expected.length; part++) {
      const at = expected[part].findIndex((value, i) => !near(found[part][i], value));
      if (at >= 0) return `${name} gives ${found[part][at]} for ${expected[part][at]}`;
    }
  }
  return null;
}

// Far above the rounding of approximations and of sums in another order, far below the errors of wrong code.
function near(found: number, expected: number): boolean {
  return Object.is(found, expected) || Math.abs(found - expected) <= 1e-5 * Math.abs(expected) + 2e-6;
}

function* trials(): Iterable<[string, Trial]> {
  for (const op of keys(UNARY_OPS)) yield [op, unary(op)];
  for (const from of [Uint8Array, Int32Array, Float32Array]) yield [`a copy of ${from.name}`, copy(from)];
  for (const op of keys(BINARY_OPS)) yield [op, binary(op)];
  for (const op of keys(REDUCE_OPS)) yield [op, reduce(op)];
  for (const op of keys({ ...ACTIVATIONS, ...INPUT_ACTIVATIONS })) {
    yield [`the derivative of ${op}`, activationBackward(op)];
  }
  for (const size of [[1, 1, 1], [3, 40, 17], [50, 64, 70], [7, 500, 5], [130, 150, 133], [20, 1100, 40]] as const) {
    for (const activation of keys(ACTIVATIONS)) {
      yield [`the product of ${size.join("×")}`, gemm(size, activation)];
    }
    yield [`the product of ${size.join("×")} in float64`, gemm(size, "none", Float64Array)];
  }
  for (const result of ["y", "x", "w"] as const) {
    for (const size of CONVOLUTIONS) yield [`a convolution's ${result} of ${size.join("×")}`, conv(result, size)];
  }
  yield ["where", where];
  yield ["gather", gather];
  for (const cols of [10, 70]) yield ["cross-entropy", crossEntropy(cols)];
  for (const cols of [5, 83, 300]) yield [`softmax and layer normalisation of ${cols}`, rows(cols)];
  for (const n of [7, 83, 700]) yield [`what goes along ${n} elements`, along(n)];
  for (const kind of ["sgd", "adam"] as const) yield [kind, update(kind)];
  yield* planeTrials(spread);
  for (const causal of [null, 3]) yield ["attention", attention(causal)];
}

function keys<K extends string>(table: Readonly<Partial<Record<K, number>>>): K[] {
  return Object.keys(table) as K[];
}

/** Finite numbers of both signs, some of them whole or halves. */
function spread(length: number, size = 4): Float32Array {
  return Float32Array.from({ length }, (_, i) => size * ((i * 37 % 101) / 50 - 1));
}

/** The same, with special values and others that formulas fail for. */
function awkward(): Float32Array {
  const x = spread(LENGTH);
  x.set([NaN, Infinity, -Infinity, 0, 1, -1, 2.5, -2.5, 1e-38, 1e-7, -1e-7, 60, -60, 8388609], 3);
  return x;
}

const dense = (data: TypedArray) => ({ data, offset: 0, strides: [1] });

function unary(op: UnaryOp): Trial {
  return (verbs) => {
    const [x, out] = [awkward(), op === "not" ? new Uint8Array(LENGTH) : new Float32Array(LENGTH)];
    verbs.unary(op, [LENGTH], dense(x), dense(out), 0.25, 1.5);
    return [out];
  };
}

function copy(from: Uint8ArrayConstructor | Int32ArrayConstructor | Float32ArrayConstructor): Trial {
  return (verbs) => {
    const x = new from(LENGTH).map((_, i) => i * 3);
    const [out, transposed] = [
      from === Float32Array ? new Int32Array(LENGTH) : new Float32Array(LENGTH),
      new Float32Array(80),
    ];
    verbs.unary("copy", [LENGTH], dense(x), dense(out), 0, 0);
    const columns = { data: x, offset: 1, strides: [1, 10] };
    verbs.unary("copy", [10, 8], columns, { ...dense(transposed), strides: [8, 1] }, 0, 0);
    return [out, transposed];
  };
}

function binary(op: BinaryOp): Trial {
  return (verbs) => {
    const [a, b] = [awkward(), spread(LENGTH, 3).reverse()];
    b.set(a.subarray(40, 50), 40); // some are equal
    const out = BINARY_OPS[op]! < BINARY_OPS.eq! ? new Float32Array(LENGTH) : new Uint8Array(LENGTH);
    const single = out.slice();
    verbs.binary(op, [LENGTH], dense(a), dense(b), dense(out));
    verbs.binary(op, [LENGTH], dense(a), { data: b, offset: 7, strides: [0] }, dense(single));
    return [out, single];
  };
}

function reduce(op: ReduceOp): Trial {
  return (verbs) => {
    const [x, made] = [spread(7 * LENGTH, 1.1), op.startsWith("arg") ? Int32Array : Float32Array];
    const [rows, columns] = [new made(7), new made(LENGTH)];
    verbs.reduce(op, { kept: [7], keptStrides: [LENGTH], reduced: [LENGTH], reducedStrides: [1] }, x, 0, rows);
    verbs.reduce(op, { kept: [LENGTH], keptStrides: [1], reduced: [7], reducedStrides: [LENGTH] }, x, 0, columns);
    return [rows, columns];
  };
}

function activationBackward(op: Parameters<Backend["activationBackward"]>[0]): Trial {
  return (verbs) => {
    const [g, y, out, db] = [
      spread(4 * LENGTH, 1),
      spread(4 * LENGTH),
      new Float32Array(4 * LENGTH),
      new Float32Array(LENGTH),
    ];
    verbs.activationBackward(op, 4, LENGTH, g, y, out, db, 0.25, 1.5);
    return [out, db];
  };
}

// With a bias and beta 1: A and C row-major, column-major, and C with gaps.
function gemm(
  [m, k, n]: readonly [number, number, number],
  activation: Activation,
  kind: Float32ArrayConstructor | Float64ArrayConstructor = Float32Array,
): Trial {
  return (verbs) => {
    const [a, b, bias] = [spread(m * k, 0.3), spread(k * n, 0.3), spread(n, 1)].map((x) => kind.from(x));
    return [[k, 1, n, 1], [1, m, 1, m], [k, 1, 2 * n, 2]].map(([aRow, aCol, cRow, cCol]) => {
      const c = kind.from(spread(2 * m * n, 1));
      const places = { aOffset: 0, bOffset: 0, cOffset: 0, biasOffset: 0, biasStride: 1, beta: 1 } as const;
      verbs.gemm({ m, k, n, aRow, aCol, bRow: n, bCol: 1, cRow, cCol, activation, ...places }, a, b, c, bias);
      return c;
    });
  };
}

/** Channels of x and y, columns, stride, and groups: with lanes along channels and along pixels. */
const CONVOLUTIONS = [[20, 37, 19, 1, 1], [3, 5, 40, 2, 1], [1, 1, 23, 1, 6], [1, 8, 14, 2, 1]] as const;

function conv(result: ConvResult, [cIn, cOut, w, stride, groups]: (typeof CONVOLUTIONS)[number]): Trial {
  return (verbs) => {
    const [n, h, k, ow] = [2, 7, 3, Math.floor((w - 1) / stride) + 1], oh = Math.floor((h - 1) / stride) + 1;
    const [x, weight] = [spread(n * groups * cIn * h * w, 0.3), spread(groups * cOut * cIn * k * k, 0.3)];
    const [y, bias] = [spread(n * groups * cOut * oh * ow, 0.3), spread(groups * Math.max(cIn, cOut), 1)];
    const sizes = { n, groups, cIn, cOut, h, w, kh: k, kw: k, oh, ow, padTop: 1, padLeft: 1 };
    const windows = { strideH: stride, strideW: stride, dilationH: 1, dilationW: 1, activation: "tanh" } as const;
    const places = { xOffset: 0, xN: groups * cIn * h * w, xC: h * w, xH: w, xW: 1, biasOffset: 0, biasStride: 1 };
    const weights = { wOffset: 0, wO: cIn * k * k, wC: k * k, wH: k, wW: 1 };
    const results = { yOffset: 0, yN: groups * cOut * oh * ow, yC: oh * ow, yH: ow, yW: 1 };
    verbs.conv(result, { ...sizes, ...windows, ...places, ...weights, ...results }, x, weight, y, bias);
    return [x, weight, y, bias];
  };
}

const where: Trial = (verbs) => {
  const [mask, out] = [new Uint8Array(LENGTH).map((_, i) => i % 3), new Float32Array(LENGTH)];
  verbs.where([LENGTH], dense(mask), dense(spread(LENGTH)), dense(spread(LENGTH, 9)), dense(out));
  return [out];
};

const gather: Trial = (verbs) => {
  const index = Int32Array.of(4, 0, 6);
  const results = [Uint8Array, Int32Array, Float32Array].map((kind) => {
    const [x, out] = [new kind(7 * 11).map((_, i) => i), new kind(3 * 11)];
    verbs.gather(x, 0, 11, 11, index, out);
    return out;
  });
  const [bytes, table, out] = [new Uint8Array(7 * 11).map((_, i) => 3 * i), spread(256), new Float32Array(3 * 11)];
  verbs.gather(bytes, 0, 11, 11, index, out, table);
  return [...results, out];
};

function crossEntropy(cols: number): Trial {
  return (verbs) => {
    const [z, targets] = [spread(19 * cols), new Int32Array(19).map((_, i) => (i * 7) % cols)];
    const dz = new Float32Array(19 * cols);
    return [Float64Array.of(verbs.crossEntropy(19, cols, z, targets, dz)), dz];
  };
}

function update(kind: "sgd" | "adam"): Trial {
  return (verbs) => {
    const settings = Float64Array.of(0.1, 0.9, 0.1, 1, 0.01, 0, 0.9, 0.99, 1e-8, 0, 2);
    const [p, g, m] = [spread(LENGTH), spread(LENGTH, 1).reverse(), spread(LENGTH, 0.5)];
    const v = spread(LENGTH, 1).map((x) => x * x);
    verbs.update(kind, settings, [{ p, g, m, v: kind === "adam" ? v : null }]);
    return [p, m, v];
  };
}

/** More rows than a block, and more columns, with a mask and factors. */
function attention(causal: number | null): Trial {
  const [rows, cols, width, values] = [70, 133, 19, 21],
    d = { batch: 1, heads: 2, rows, cols, width, values, scale: 0.1, causal };
  const of = (data: TypedArray, row: number, offset = 0) => ({ data, offset, strides: [0, data.length / 2, row, 1] });
  return (verbs) => {
    const [q, k, v] = [spread(2 * rows * width), spread(2 * cols * width, 3), spread(2 * cols * values)];
    const [mask, aux] = [spread(2 * rows * cols, 1), spread(2 * rows * (cols + 1), 1)];
    const [y, g] = [new Float32Array(2 * rows * values), spread(2 * rows * values, 1)];
    const out = new Float32Array(q.length + k.length + v.length);
    const read = { q: of(q, width), k: of(k, width), v: of(v, values), mask: of(mask, cols), aux, hasKeep: true };
    const into = (like: TypedArray, row: number, offset: number) => ({ ...of(like, row, offset), data: out });
    const places = { dq: into(q, width, 0), dk: into(k, width, q.length), dv: into(v, values, q.length + k.length) };
    verbs.attention(d, { ...read, y: of(y, values) });
    verbs.attentionBackward(d, { ...read, y: of(y, values) }, { g: of(g, values), ...places, add: false });
    return [y, aux, out];
  };
}

/** Some numbers of both signs: a length, and the largest of them. */
/** Places, sums at places, running sums and orders. */
function along(n: number): Trial {
  return (verbs) => {
    const x = spread(5 * n), index = new Int32Array(5 * n).map((_, i) => (i * 37) % (2 * n) - n);
    const [places, order, sums] = [index.slice(), index.slice(), x.slice()];
    verbs.places({ outer: 1, size: n, count: n, inner: 5, dim: 0 }, index, places);
    verbs.scatterAdd(x, 1, places, sums);
    verbs.order({ rows: 5, count: n, descending: true, first: n }, x, order);
    const found: TypedArray[] = [places, sums, order];
    const few = new Int32Array(5 * n);
    verbs.order({ rows: 5, count: n, descending: false, first: 3 }, x, few);
    found.push(Int32Array.from({ length: 15 }, (_, i) => few[Math.floor(i / 3) * n + i % 3]));
    for (const inner of [1, 5]) {
      const running = x.slice();
      verbs.scan({ products: false, outer: 5 / inner, count: n, inner }, x, running);
      found.push(running);
    }
    return found;
  };
}

/** Both of rows, and their derivatives. */
function rows(cols: number): Trial {
  return (verbs) => {
    const [x, g, weight] = [spread(33 * cols), spread(33 * cols, 1), spread(cols)];
    const [y, dx, stats] = [new Float32Array(33 * cols), new Float32Array(33 * cols), new Float32Array(66)];
    const found: TypedArray[] = [];
    for (const log of [false, true]) {
      const d = { log, rows: 33, cols };
      verbs.softmax(d, x, y);
      verbs.softmaxBackward(d, g, y, dx);
      found.push(y.slice(), dx.slice());
    }
    const d = { rows: 33, cols, eps: 1e-5 };
    for (const scale of [weight, null]) {
      const [dw, db] = [0, 1].map(() => scale && new Float32Array(cols));
      verbs.layerNorm(d, x, scale, scale, stats, y);
      verbs.layerNormBackward(d, g, x, scale, stats, dx, dw, db);
      found.push(y.slice(), dx.slice(), ...(dw === null ? [] : [dw, db!]));
    }
    return found;
  };
}

type Spread = (length: number, size?: number) => Float32Array;

/** Poolings by pairs and by windows that overlap, resamplings, and batch normalisations in both layouts. */
function* planeTrials(spread: Spread): Iterable<[string, Trial]> {
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
  for (const cell of ["tanh", "relu", "lstm", "gru"] as const) {
    for (const reverse of [false, true]) yield [`steps of ${cell}`, recurrent(spread, cell, reverse)];
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

/** Sequences of several lengths, with more values than a vector. */
function recurrent(spread: Spread, cell: CellKind, reverse: boolean): Trial {
  return (verbs: Backend) => {
    const d: Recurrent = { cell, hidden: 37, sequences: 9, batchSizes: [9, 8, 8, 3], reverse };
    const { made, kept } = CELL_GATES[cell], states = partsOf(d) * (rowsOf(d) + d.sequences) * d.hidden;
    const weight = spread(made * d.hidden ** 2).map((v) => v / d.hidden);
    const [gates, all, g] = [spread(rowsOf(d) * kept * d.hidden, 1), spread(states, 2), spread(states, 3)];
    const [dgates, dfirst] = [x0(gates.length), x0(partsOf(d) * d.sequences * d.hidden)];
    verbs.recurrent(d, gates, weight, spread(d.hidden, 4), all);
    verbs.recurrentBackward(d, g, gates, weight, all, dgates, dfirst);
    return [gates, all, dgates, dfirst];
  };
}

const x0 = (length: number) => new Float32Array(length);
