/** The wasm verbs: each copies its operands into the kernel's memory and its result out of it, or passes what C does not know on to the reference. Of a strided operand the places between the lowest and the highest are copied. */
import type { TypedArray } from "../../dtype.ts";
import type { RowVerbs } from "../along.ts";
import type { Backend, Conv, ConvResult, Strided } from "../backend.ts";
import { allFloat32, CONV_FIELDS, describeConv, MAX_RANK, unwrap } from "../descriptor.ts";
import { nativeLayerNorm, nativeLayerNormBackward, nativeSoftmax, nativeSoftmaxBackward } from "../native/along.ts";
import { nativeBinary, nativeReduce, nativeWhere } from "../native/verbs.ts";
import { checkBatchNorm, checkPlaces, checkPool, describeBatchNorm, describePool, type Pooling } from "../planes.ts";
import { coalesceDims, reference } from "../reference/reference.ts";
import { callWith, forEachRun, type Part, type WasmWorkspace } from "./workspace.ts";

/** The verbs for float32; other dtypes are passed on to the reference. */
export function wasmRows(workspace: WasmWorkspace): RowVerbs {
  const { kernel } = workspace;
  const call = (d: Int32Array, parts: readonly Part[], run: (base: number, at: number[]) => number) =>
    callWith(workspace, d, parts, (_, base, at) => run(base, at));
  return {
    softmax: nativeSoftmax({
      gradus_softmax: (d, x, out) =>
        call(d, [read(x, d[3]), write(out, d[4])], (base, [x, out]) => kernel.gradus_softmax(base, x, out)),
    }),
    softmaxBackward: nativeSoftmaxBackward({
      gradus_softmax_backward: (d, g, y, out) =>
        call(d, [read(g, d[5]), read(y, d[3]), write(out, d[4])], (base, [g, y, out]) => {
          return kernel.gradus_softmax_backward(base, g, y, out);
        }),
    }),
    layerNorm: nativeLayerNorm({
      gradus_layer_norm: (d, x, weight, bias, stats, y) => {
        const cols = d[3] === 0 ? 0 : d[1];
        const parts = [read(x, d[5]), read(weight, cols), read(bias, cols), write(stats, d[6]), write(y, d[5])];
        return call(d, parts, (base, at) => kernel.gradus_layer_norm(base, at[0], at[1], at[2], at[3], at[4]));
      },
    }),
    layerNormBackward: nativeLayerNormBackward({
      gradus_layer_norm_backward: (d, g, x, weight, stats, dx, sums) => {
        const cols = d[3] === 0 ? 0 : d[1];
        const given = [read(g, d[5]), read(x, d[5]), read(weight, cols), read(stats, d[6])];
        const parts = [...given, write(dx, d[4] === 0 ? 0 : d[5]), write(sums, 2 * cols)];
        return call(d, parts, (base, at) => {
          return kernel.gradus_layer_norm_backward(base, at[0], at[1], at[2], at[3], at[4], at[5]);
        });
      },
    }),
  };
}

const read = (data: TypedArray, length: number): Part => ({ data, from: 0, length, use: "read" });
const write = (data: TypedArray, length: number): Part => ({ data, from: 0, length, use: "write" });

// Elements: functions of two arguments, choices by a mask, reductions.

/** Below so many elements plain loops are done before the operands are copied; a choice is one more, and does less. */
const WORTH = 250;
const CHOICE_WORTH = 1500;

/** `binary` for what C has and lies close together; the rest is passed on to the reference. */
export function wasmBinary(workspace: WasmWorkspace): Backend["binary"] {
  const fields: StridedFields = { rank: 1, offset: (i) => 2 + 2 * i, length: (i) => 3 + 2 * i, sizes: 8, strides: 16 };
  const inC = nativeBinary({
    gradus_binary: (d, a, b, out) =>
      callStrided(workspace, d as Int32Array, fields, [a, b, out] as TypedArray[], (base, at) => {
        return workspace.kernel.gradus_binary(base, at[0], at[1], at[2]);
      }),
  });
  return function binary(op, shape, a, b, out) {
    (isWorth(shape, [a, b, out], WORTH) ? inC : reference.binary)(op, shape, a, b, out);
  };
}

/** `where` for what C has and lies close together; the rest is passed on to the reference. */
export function wasmWhere(workspace: WasmWorkspace): Backend["where"] {
  const sizes = 9;
  const fields: StridedFields = {
    rank: 0,
    offset: (i) => 1 + i,
    length: (i) => 5 + i,
    sizes,
    strides: sizes + MAX_RANK,
  };
  const inC = nativeWhere({
    gradus_where: (d, mask, a, b, out) =>
      callStrided(workspace, d, fields, [mask, a, b, out], (base, at) => {
        return workspace.kernel.gradus_where(base, at[0], at[1], at[2], at[3]);
      }),
  });
  return function where(shape, mask, a, b, out) {
    (isWorth(shape, [mask, a, b, out], CHOICE_WORTH) ? inC : reference.where)(shape, mask, a, b, out);
  };
}

/** `reduce` for what C has and lies close together; the rest is passed on to the reference. */
export function wasmReduce(workspace: WasmWorkspace): Backend["reduce"] {
  const inC = nativeReduce({
    gradus_reduce: (d, x, out) => {
      const { from, length } = reachOf([d[8], d[1], d[3]], [d[9], d[2], d[4]], d[5]);
      const parts: Part[] = [{ data: x, from, length, use: "read" }, {
        data: out,
        from: 0,
        length: d[1] * d[8],
        use: "write",
      }];
      return callWith(workspace, d, parts, (ints, base, at) => {
        ints[5] -= from, ints[6] = length;
        return workspace.kernel.gradus_reduce(base, at[0], at[1]);
      });
    },
  });
  return function reduce(op, reduction, x, offset, out) {
    const shape = [...reduction.kept, ...reduction.reduced];
    const strides = [...reduction.keptStrides, ...reduction.reducedStrides];
    const close = reachOf(shape, strides, offset).length <= 2 * sizeOf(shape);
    (close ? inC : reference.reduce)(op, reduction, x, offset, out);
  };
}

/** Where a descriptor has what it says of its operands: the rank, the sizes, and of each an offset, a length and strides. */
interface StridedFields {
  rank: number;
  offset: (operand: number) => number;
  length: (operand: number) => number;
  sizes: number;
  strides: number;
}

/** Calls C with copies of strided operands, the last of which is the result. */
function callStrided(
  workspace: WasmWorkspace,
  d: Int32Array,
  fields: StridedFields,
  operands: readonly TypedArray[],
  call: (base: number, at: number[]) => number,
): number {
  const rank = d[fields.rank];
  const shape = d.subarray(fields.sizes, fields.sizes + rank);
  const size = sizeOf(shape);
  const parts = operands.map((data, i) => {
    const strides = d.subarray(fields.strides + i * MAX_RANK);
    const { from, length } = reachOf(shape, strides, d[fields.offset(i)]);
    const use = i < operands.length - 1 ? "read" : length === size ? "write" : "change"; // what lies between its elements stays
    return { data, from, length, use } as const;
  });
  return callWith(workspace, d, parts, (ints, base, at) => {
    parts.forEach(({ from, length }, i) => {
      ints[fields.offset(i)] -= from, ints[fields.length(i)] = length;
    });
    return call(base, at);
  });
}

/** The places of a strided operand: the lowest, and how many there are up to the highest. */
export function reachOf(
  shape: ArrayLike<number>,
  strides: ArrayLike<number>,
  offset: number,
): { from: number; length: number } {
  let [low, high] = [offset, offset];
  for (let i = 0; i < shape.length; i++) {
    const reach = (shape[i] - 1) * strides[i];
    if (reach < 0) low += reach;
    else high += reach;
  }
  return { from: low, length: high - low + 1 };
}

/** Whether there is enough to do, and not much between the elements that would be copied for nothing. */
function isWorth(shape: readonly number[], operands: readonly Strided[], least: number): boolean {
  const size = sizeOf(shape);
  return size >= least && operands.every((x) => reachOf(shape, x.strides, x.offset).length <= 2 * size);
}

function sizeOf(shape: ArrayLike<number>): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
}

// Convolutions, of which dense copies are made.

/** An array of a convolution: its sizes, and where it stands in its buffer. */
interface Place {
  data: TypedArray;
  shape: readonly number[];
  offset: number;
  strides: readonly number[];
}

/** Below so many multiply-adds JavaScript is done before the operands are copied. */
const CONV_WORTH = 500;

const [X, W, Y, BIAS] = (["X_OFFSET", "W_OFFSET", "Y_OFFSET", "BIAS_OFFSET"] as const).map((f) =>
  CONV_FIELDS.indexOf(f)
);

/** `conv` for float32; other dtypes, and what is very small, are passed on to the reference. */
export function wasmConv({ kernel, reserve }: WasmWorkspace, unary: Backend["unary"]): Backend["conv"] {
  const local = new Int32Array(CONV_FIELDS.length);
  /** By the plain loops, and the activation by `unary`, whose bits it must have. */
  const small: Backend["conv"] = (result, { activation = "none", ...d }, x, w, y, bias) => {
    reference.conv(result, d, x, w, y, bias);
    if (activation === "none" || result === "w") return;
    const { shape, ...out } = placesOf(d, x, w, y)[RESULTS.indexOf(result)];
    unary(activation, shape, out, out, 0, 0);
  };
  return function conv(result, d, x, w, y, bias) {
    const work = d.n * d.groups * d.cIn * d.cOut * d.kh * d.kw * d.oh * d.ow;
    if (!allFloat32(x, w, y, bias)) return reference.conv(result, d, x, w, y, bias);
    if (!(work >= CONV_WORTH)) return small(result, d, x, w, y, bias);
    // Checked here against the caller's buffers; below, places are replaced by those of the copies.
    describeConv(local, result, d, x, w, y, bias);
    const places = placesOf(d, x, w, y);
    const channels = d.groups * (result === "x" ? d.cIn : d.cOut);
    const lengths = [...places.map(({ shape }) => sizeOf(shape)), channels];
    const [base, ...at] = reserve([local.byteLength, ...lengths.map((length) => 4 * length)]);
    const heap = kernel.memory.buffer;
    const copies = at.map((address, i) => new Float32Array(heap, address, lengths[i]));
    [X, W, Y].forEach((field, i) => describeCopy(local, field, places[i].shape, lengths[i]));
    local[BIAS] = 0, local[BIAS + 1] = 1, local[BIAS + 2] = channels;
    new Int32Array(heap, base, local.length).set(local);
    const own = RESULTS.indexOf(result);
    places.forEach((place, i) => i !== own && gather(place, copies[i]));
    const line = bias && { data: bias, shape: [channels], offset: d.biasOffset, strides: [d.biasStride] };
    if (line !== null && result !== "w") gather(line, copies[3]);
    unwrap(kernel.gradus_conv(base, at[0], at[1], at[2], at[3]), "convolve");
    scatter(places[own], copies[own]);
    if (line !== null && result === "w") scatter(line, copies[3]);
  };
}

const RESULTS: readonly ConvResult[] = ["x", "w", "y"];

function placesOf(d: Conv, x: TypedArray, w: TypedArray, y: TypedArray): Place[] {
  const [cIn, cOut] = [d.groups * d.cIn, d.groups * d.cOut];
  return [
    { data: x, shape: [d.n, cIn, d.h, d.w], offset: d.xOffset, strides: [d.xN, d.xC, d.xH, d.xW] },
    { data: w, shape: [cOut, d.cIn, d.kh, d.kw], offset: d.wOffset, strides: [d.wO, d.wC, d.wH, d.wW] },
    { data: y, shape: [d.n, cOut, d.oh, d.ow], offset: d.yOffset, strides: [d.yN, d.yC, d.yH, d.yW] },
  ];
}

/** Replaces an array in the descriptor by its dense copy. */
function describeCopy(into: Int32Array, field: number, shape: readonly number[], length: number): void {
  into[field] = 0, into[field + 5] = length;
  for (let i = 3, step = 1; i >= 0; step *= shape[i--]) into[field + 1 + i] = step;
}

function gather({ data, shape, offset, strides }: Place, copy: Float32Array): void {
  forEachRun(coalesceDims(shape, [strides]), 0, offset, copy.length, (start, step, place, count) => {
    if (step === 1) copy.set(data.subarray(start, start + count), place);
    else for (let i = 0; i < count; i++) copy[place + i] = data[start + i * step];
  });
}

function scatter({ data, shape, offset, strides }: Place, copy: Float32Array): void {
  forEachRun(coalesceDims(shape, [strides]), 0, offset, copy.length, (start, step, place, count) => {
    if (step === 1) data.set(copy.subarray(place, place + count), start);
    else for (let i = 0; i < count; i++) data[start + i * step] = copy[place + i];
  });
}

// Planes and channels.

/** `pool` for float32; other dtypes are passed on to the reference. */
export function wasmPool({ kernel, reserve }: WasmWorkspace): Backend["pool"] {
  return function pool(d, x, out, at): void {
    if (!areFloat32(x, out)) return reference.pool(d, x, out, at);
    checkPool(d, x, out, at);
    const [pixels, results] = sizesOf(d);
    const described = describePool(d, pixels, results, at === null ? null : results);
    const [base, atX, atOut, atPlaces] = reserve([described.byteLength, 4 * pixels, 4 * results, 4 * results]);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, described.length).set(described);
    new Float32Array(heap, atX, pixels).set(x.subarray(0, pixels));
    unwrap(kernel.gradus_pool(base, atX, atOut, atPlaces), "pool");
    out.set(new Float32Array(heap, atOut, results));
    at?.set(new Int32Array(heap, atPlaces, results));
  };
}

/** `poolBackward` for float32; other dtypes are passed on to the reference. */
export function wasmPoolBackward({ kernel, reserve }: WasmWorkspace): Backend["poolBackward"] {
  return function poolBackward(d, g, at, dx): void {
    if (!areFloat32(g, dx)) return reference.poolBackward(d, g, at, dx);
    checkPool(d, dx, g, at);
    if (d.op === "max" && at === null) checkPlaces(d, at);
    const [pixels, results] = sizesOf(d);
    const described = describePool(d, pixels, results, at === null ? null : results);
    const [base, atG, atPlaces, atOut] = reserve([described.byteLength, 4 * results, 4 * results, 4 * pixels]);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, described.length).set(described);
    new Float32Array(heap, atG, results).set(g.subarray(0, results));
    if (at !== null) new Int32Array(heap, atPlaces, results).set(at.subarray(0, results));
    const code = kernel.gradus_pool_backward(base, atG, atPlaces, atOut);
    if (code !== 0 && d.op === "max") checkPlaces(d, at); // which says what is wrong
    unwrap(code, "pool");
    dx.set(new Float32Array(heap, atOut, pixels));
  };
}

/** `batchNorm` for float32; other dtypes are passed on to the reference. */
export function wasmBatchNorm({ kernel, reserve }: WasmWorkspace): Backend["batchNorm"] {
  return function batchNorm(d, x, stats, y): void {
    if (!areFloat32(x, stats, y)) return reference.batchNorm(d, x, stats, y);
    checkBatchNorm(d, stats, { x, y });
    const size = d.n * d.c * d.l;
    const described = describeBatchNorm(d, true);
    const [base, atX, atStats] = reserve([described.byteLength, 4 * size, 16 * d.c]);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, described.length).set(described);
    const [image, measured] = [new Float32Array(heap, atX, size), new Float32Array(heap, atStats, 4 * d.c)];
    image.set(x.subarray(0, size));
    measured.set(stats.subarray(0, 4 * d.c));
    unwrap(kernel.gradus_batch_norm(base, atX, atStats, atX), "normalise");
    stats.set(measured);
    y.set(image);
  };
}

/** `batchNormBackward` for float32; other dtypes are passed on to the reference. */
export function wasmBatchNormBackward({ kernel, reserve }: WasmWorkspace): Backend["batchNormBackward"] {
  return function batchNormBackward(d, g, x, y, stats, dx, dw, db): void {
    if (!areFloat32(g, x, stats, dw, db, dx ?? x)) {
      return reference.batchNormBackward(d, g, x, y, stats, dx, dw, db);
    }
    checkBatchNorm(d, stats, { g, x, y, dx }, { dw, db });
    const size = d.n * d.c * d.l;
    const described = describeBatchNorm(d, dx !== null);
    const lengths = [described.byteLength, 4 * size, 4 * size, 16 * d.c, 4 * d.c, 4 * d.c];
    const [base, atG, atX, atStats, atDw, atDb] = reserve(lengths);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, described.length).set(described);
    new Float32Array(heap, atG, size).set(g.subarray(0, size));
    new Float32Array(heap, atX, size).set(x.subarray(0, size));
    new Float32Array(heap, atStats, 4 * d.c).set(stats.subarray(0, 4 * d.c));
    unwrap(kernel.gradus_batch_norm_backward(base, atG, atX, atStats, atG, atDw, atDb), "normalise");
    dx?.set(new Float32Array(heap, atG, size));
    dw.set(new Float32Array(heap, atDw, d.c));
    db.set(new Float32Array(heap, atDb, d.c));
  };
}

/** How many elements the images and the windows of a pooling have. */
function sizesOf({ planes, h, w, rows, cols }: Pooling): [pixels: number, results: number] {
  return [planes * h * w, planes * rows.begin.length * cols.begin.length];
}

function areFloat32(...arrays: readonly TypedArray[]): boolean {
  return arrays.every((x) => x instanceof Float32Array);
}
