/** The native verbs: each writes its sizes into a descriptor and calls C, or passes what C does not know on to the reference. */
import type { Backend, BinaryOp, Gemm, ReduceOp, Strided, UnaryOp } from "../backend.ts";
import { badRow, checkTable } from "../checks.ts";
import {
  allFloat32,
  checkStrided,
  CONV_FIELDS,
  describeConv,
  describeGemm,
  describeStrided,
  dtypeCode,
  GEMM_FIELDS,
  MAX_RANK,
  unwrap,
} from "../descriptor.ts";
import { type Buffer, type Functions, NOTHING } from "./open_library.ts";
import {
  checkBatchNorm,
  checkPlaces,
  checkPool,
  checkResample,
  describeBatchNorm,
  describePool,
  describeResample,
} from "../planes.ts";
import { coalesceDims, reference } from "../reference/reference.ts";
import { memoryGone, type TypedArray } from "../../dtype.ts";

type Doubles = Float64Array<ArrayBuffer>;

const gemmDescriptor = new Int32Array(GEMM_FIELDS.length);

/** `gemm` for float32 and float64; other dtypes are passed on to the reference. */
export function nativeGemm({ gradus_gemm, gradus_dgemm }: Functions): Backend["gemm"] {
  /** The activation is that of the plain loops, which take a function of float64 too. */
  function dgemm(d: Gemm, a: Doubles, b: Doubles, c: Doubles, bias: Doubles | null): void {
    const { activation = "none", ...product } = d;
    describeGemm(gemmDescriptor, product, a.length, b.length, c.length, bias === null ? null : bias.length);
    const code = gradus_dgemm(gemmDescriptor, a, b, c, bias ?? NOTHING);
    if (code !== 0) unwrap(code, "multiply");
    if (activation === "none") return;
    const out = { data: c, offset: d.cOffset, strides: [d.cRow, d.cCol] };
    reference.unary(activation, [d.m, d.n], out, out, 0, 0);
  }

  return function gemm(d, a, b, c, bias) {
    if (isFloat64(a) && isFloat64(b) && isFloat64(c) && (bias === null || isFloat64(bias))) {
      return dgemm(d, a, b, c, bias);
    }
    if (!allFloat32(a, b, c, bias)) return reference.gemm(d, a, b, c, bias);
    describeGemm(gemmDescriptor, d, a.length, b.length, c.length, bias === null ? null : bias.length);
    const code = gradus_gemm(gemmDescriptor, a as Buffer, b as Buffer, c as Buffer, (bias ?? NOTHING) as Buffer);
    if (code !== 0) unwrap(code, "multiply");
  };
}

/** The functions of one argument that C has, with their codes in `kernels.h`. */
export const UNARY_OPS: Readonly<Partial<Record<UnaryOp, number>>> = {
  ...{ copy: 0, neg: 1, abs: 2, sign: 3, exp: 4, expm1: 5, log: 6, log1p: 7, sqrt: 8, rsqrt: 9, reciprocal: 10 },
  ...{ square: 11, tanh: 12, sigmoid: 13, relu: 14, erf: 15, floor: 16, ceil: 17, round: 18, clamp: 19, not: 20 },
  ...{ hardtanh: 21, leakyRelu: 22, elu: 23, gelu: 24, geluTanh: 25, silu: 26, mish: 27, softplus: 28 },
};

/** The functions of two arguments that C has, with their codes; the results of those from `eq` on are bytes. */
export const BINARY_OPS: Readonly<Partial<Record<BinaryOp, number>>> = {
  ...{ add: 0, sub: 1, mul: 2, div: 3, maximum: 4, minimum: 5 },
  ...{ eq: 6, ne: 7, lt: 8, le: 9, gt: 10, ge: 11 },
};

const [FLOAT32, INT32, UINT8] = [0, 1, 2];

const UNARY_SIZES = 10;
const unaryDescriptor = new Int32Array(UNARY_SIZES + 3 * MAX_RANK);
const unaryFloats = new Float32Array(unaryDescriptor.buffer);

/** `unary` for float32, and copies from bytes and to and from int32. */
export function nativeUnary({ gradus_unary }: Functions): Backend["unary"] {
  return function unary(op, shape, x, out, low, high) {
    const code = UNARY_OPS[op];
    const [from, to] = [dtypeCode(x.data), dtypeCode(out.data)];
    if (code === undefined || !takesUnary(op, from, to)) return reference.unary(op, shape, x, out, low, high);
    const d = unaryDescriptor;
    const rank = describeStrided(d, UNARY_SIZES, shape, x.strides, out.strides, null);
    if (rank < 0) return reference.unary(op, shape, x, out, low, high);
    if (rank === 0) return;
    checkStrided(`take ${op}`, "x", shape, x);
    checkStrided(`take ${op}`, "the result", shape, out);
    d[0] = code, d[1] = rank, unaryFloats[2] = low, unaryFloats[3] = high;
    d[4] = from, d[5] = x.offset, d[6] = x.data.length;
    d[7] = to, d[8] = out.offset, d[9] = out.data.length;
    const status = gradus_unary(d, x.data as Buffer, out.data as Buffer);
    if (status !== 0) unwrap(status, `take ${op}`);
  };
}

/** Whether C has the function for these dtype codes. */
function takesUnary(op: UnaryOp, from: number, to: number): boolean {
  if (op === "not") return from === FLOAT32 && to === UINT8;
  if (op !== "copy") return from === FLOAT32 && to === FLOAT32;
  if (from === UINT8) return to === FLOAT32;
  return (from === FLOAT32 || from === INT32) && (to === FLOAT32 || to === INT32);
}

const BINARY_SIZES = 8;
const binaryDescriptor = new Int32Array(BINARY_SIZES + 4 * MAX_RANK);

/** `binary` for float32; the results of comparisons are bytes. */
export function nativeBinary({ gradus_binary }: Pick<Functions, "gradus_binary">): Backend["binary"] {
  return function binary(op, shape, a, b, out) {
    if (op === "pow" && isNumber(shape, b, 2)) [op, b] = ["mul", a];
    const code = BINARY_OPS[op];
    if (code === undefined || !takesBinary(code, a.data, b.data, out.data)) {
      return reference.binary(op, shape, a, b, out);
    }
    const d = binaryDescriptor;
    const rank = describeStrided(d, BINARY_SIZES, shape, a.strides, b.strides, out.strides);
    if (rank < 0) return reference.binary(op, shape, a, b, out);
    if (rank === 0) return;
    checkStrided(op, "the left operand", shape, a);
    checkStrided(op, "the right operand", shape, b);
    checkStrided(op, "the result", shape, out);
    d[0] = code, d[1] = rank;
    d[2] = a.offset, d[3] = a.data.length;
    d[4] = b.offset, d[5] = b.data.length;
    d[6] = out.offset, d[7] = out.data.length;
    const status = gradus_binary(d, a.data as Buffer, b.data as Buffer, out.data as Buffer);
    if (status !== 0) unwrap(status, op);
  };
}

function takesBinary(code: number, a: TypedArray, b: TypedArray, out: TypedArray): boolean {
  return a instanceof Float32Array && b instanceof Float32Array &&
    (code < BINARY_OPS.eq! ? out instanceof Float32Array : out instanceof Uint8Array);
}

/** Whether an operand is the same number everywhere. */
function isNumber(shape: readonly number[], x: Strided, value: number): boolean {
  if (x.data[x.offset] !== value) return false;
  for (let i = 0; i < shape.length; i++) if (shape[i] !== 1 && x.strides[i] !== 0) return false;
  return true;
}

// The fields of `where`'s descriptor: the rank, the offsets and lengths of four operands, the sizes, and the strides of the four.
const [OFFSETS, LENGTHS, SIZES, STRIDES] = [1, 5, 9, 9 + MAX_RANK];
const whereDescriptor = new Int32Array(STRIDES + 4 * MAX_RANK);

/** `where` for float32; other dtypes are passed on to the reference. */
export function nativeWhere({ gradus_where }: Pick<Functions, "gradus_where">): Backend["where"] {
  return function where(shape, mask, a, b, out) {
    const operands = [mask, a, b, out];
    const loop = coalesceDims(shape, operands.map((x) => x.strides));
    const known = mask.data instanceof Uint8Array && [a, b, out].every((x) => x.data instanceof Float32Array);
    if (!known || loop.shape.length > MAX_RANK || shape.includes(0)) return reference.where(shape, mask, a, b, out);
    whereDescriptor[0] = loop.shape.length;
    whereDescriptor.set(loop.shape, SIZES);
    operands.forEach((x, i) => {
      checkStrided("choose between", "an operand", shape, x);
      whereDescriptor[OFFSETS + i] = x.offset, whereDescriptor[LENGTHS + i] = x.data.length;
      whereDescriptor.set(loop.strides[i], STRIDES + i * MAX_RANK);
    });
    const bytes = mask.data as Uint8Array<ArrayBuffer>;
    const status = gradus_where(whereDescriptor, bytes, a.data as Buffer, b.data as Buffer, out.data as Buffer);
    if (status !== 0) unwrap(status, "choose between");
  };
}

/** The reductions that C has, with their codes in `kernels.h`. */
export const REDUCE_OPS: Readonly<Partial<Record<ReduceOp, number>>> = {
  ...{ sum: 0, prod: 1, max: 2, min: 3, argmax: 4, argmin: 5 },
};

const reduceDescriptor = new Int32Array(10);

/** `reduce` for float32 along the rows or columns of matrices, or over everything; the rest is passed on to the reference. */
export function nativeReduce({ gradus_reduce }: Pick<Functions, "gradus_reduce">): Backend["reduce"] {
  return function reduce(op, reduction, x, offset, out) {
    const code = REDUCE_OPS[op];
    const matrices = code === undefined || !takesReduce(op, x, out) ? null : matricesOf(reduction);
    if (matrices === null) return reference.reduce(op, reduction, x, offset, out);
    checkReach(op, matrices, offset, x.length);
    const { outer, kept, reduced, strides } = matrices;
    if (out.length < outer * kept) {
      throw new RangeError(`Cannot take the ${op}: ${outer * kept} results need more room than ${out.length}`);
    }
    const d = reduceDescriptor;
    d[0] = code!, d[1] = kept, d[2] = strides[1], d[3] = reduced, d[4] = strides[2];
    d[5] = offset, d[6] = x.length, d[7] = out.length, d[8] = outer, d[9] = strides[0];
    const status = gradus_reduce(d, x as Buffer, out as Buffer);
    if (status !== 0) unwrap(status, op);
  };
}

/** `outer` matrices of [kept, reduced], and the strides of the three. */
interface Matrices {
  outer: number;
  kept: number;
  reduced: number;
  strides: readonly [outer: number, kept: number, reduced: number];
}

/** The dimensions of a reduction as those that C walks, as few outer ones as possible; `null` where they cannot be. */
function matricesOf({ kept, keptStrides, reduced, reducedStrides }: Parameters<Backend["reduce"]>[1]): Matrices | null {
  const [folded, along] = [size(reduced), evenStep(reduced, reducedStrides)];
  if (folded === 0 || Number.isNaN(along)) return null;
  for (let rank = 0; rank <= kept.length; rank++) {
    const head = evenStep(kept, keptStrides, 0, rank), outer = size(kept, 0, rank);
    const tail = evenStep(kept, keptStrides, rank), inner = size(kept, rank);
    if (outer * inner === 0 || Number.isNaN(head)) return null;
    const isMatrix = tail === 1 || along === 1 || inner === 1 || folded === 1;
    if (isMatrix && !Number.isNaN(tail)) return { outer, kept: inner, reduced: folded, strides: [head, tail, along] };
  }
  return null;
}

function checkReach(op: ReduceOp, { outer, kept, reduced, strides }: Matrices, offset: number, length: number): void {
  const reaches = [(outer - 1) * strides[0], (kept - 1) * strides[1], (reduced - 1) * strides[2]];
  const low = offset + Math.min(reaches[0], 0) + Math.min(reaches[1], 0) + Math.min(reaches[2], 0);
  const high = offset + Math.max(reaches[0], 0) + Math.max(reaches[1], 0) + Math.max(reaches[2], 0);
  // NaN and fractions fail here as well.
  const sane = isInt32(outer) && isInt32(kept) && isInt32(reduced) && strides.every(isInt32) && isInt32(offset) &&
    isInt32(length);
  if (sane && low >= 0 && high < length) return;
  if (length === 0) throw memoryGone();
  throw new RangeError(
    `Cannot take the ${op}: ${outer} × ${kept} × ${reduced} elements at offset ${offset} with strides [${
      strides.join(", ")
    }] ` + (sane ? `reach from ${low} to ${high} in a buffer of ${length}` : "must be integers below 2147483648"),
  );
}

function isInt32(n: number): boolean {
  return (n | 0) === n;
}

function takesReduce(op: ReduceOp, x: TypedArray, out: TypedArray): boolean {
  return x instanceof Float32Array &&
    (op === "argmax" || op === "argmin" ? out instanceof Int32Array : out instanceof Float32Array);
}

function size(shape: readonly number[], from = 0, end = shape.length): number {
  let product = 1;
  for (let i = from; i < end; i++) product *= shape[i];
  return product;
}

/** The stride of dimensions taken as one, in row-major order; NaN where they cannot be. */
function evenStep(shape: readonly number[], strides: readonly number[], from = 0, end = shape.length): number {
  let [step, next] = [0, NaN];
  for (let i = end - 1; i >= from; i--) {
    if (shape[i] === 1) continue;
    if (Number.isNaN(next)) step = strides[i];
    else if (strides[i] !== next) return NaN;
    next = strides[i] * shape[i];
  }
  return step;
}

const BAD_INDEX = 4; // the status code for an index that is out of bounds

const gatherDescriptor = new Int32Array(9);
const answer = new Float64Array(1);

/** `gather` for equal dtypes of 1 or 4 bytes, and from bytes to float32; others are passed on to the reference. */
export function nativeGather({ gradus_gather }: Functions): Backend["gather"] {
  return function gather(x, offset, stride, width, index, out, table = null) {
    checkTable(x, out, table);
    const [from, to] = [dtypeCode(x), dtypeCode(out)];
    const widens = from === UINT8 && out instanceof Float32Array;
    const known = widens || (from >= 0 && from === to);
    if (!known || !fits(offset, stride, width, x.length)) {
      return reference.gather(x, offset, stride, width, index, out, table);
    }
    if (index.length * width > out.length) {
      throw new RangeError(
        `Cannot gather ${index.length} rows of ${width} elements: the result has room for ${out.length}`,
      );
    }
    const d = gatherDescriptor;
    d[0] = from, d[1] = to, d[2] = offset, d[3] = stride, d[4] = width, d[5] = index.length;
    d[6] = x.length, d[7] = out.length;
    d[8] = table === null ? 0 : table.length;
    const by = index as Int32Array<ArrayBuffer>;
    const code = gradus_gather(d, x as Buffer, by, (table ?? NOTHING) as Buffer, out as Buffer, answer);
    if (code === BAD_INDEX) throw badRow(answer[0], offset, stride, width, x.length);
    if (code !== 0) unwrap(code, "gather");
  };
}

/** Whether the numbers are 32-bit integers; others are passed on to the reference, which says what is wrong with them. */
function fits(offset: number, stride: number, width: number, length: number): boolean {
  return (offset | 0) === offset && (stride | 0) === stride && (width | 0) === width && width >= 0 &&
    (length | 0) === length;
}

const descriptor = new Int32Array(CONV_FIELDS.length);

/** `conv` for float32; other dtypes are passed on to the reference. */
export function nativeConv({ gradus_conv }: Functions): Backend["conv"] {
  return function conv(result, d, x, w, y, bias) {
    if (!allFloat32(x, w, y, bias)) return reference.conv(result, d, x, w, y, bias);
    describeConv(descriptor, result, d, x, w, y, bias);
    const code = gradus_conv(descriptor, x as Buffer, w as Buffer, y as Buffer, (bias ?? NOTHING) as Buffer);
    if (code !== 0) unwrap(code, "convolve");
  };
}

// Planes and channels: pooling, resampling, batch normalisation.

const NO_PLACES = new Int32Array(1);

/** `pool` for float32; other dtypes are passed on to the reference. */
export function nativePool({ gradus_pool }: Functions): Backend["pool"] {
  return function pool(d, x, out, at): void {
    if (!isFloat32(x) || !isFloat32(out)) return reference.pool(d, x, out, at);
    checkPool(d, x, out, at);
    const described = describePool(d, x.length, out.length, at?.length ?? null);
    const code = gradus_pool(described, x, out, (at ?? NO_PLACES) as Int32Array<ArrayBuffer>);
    if (code !== 0) unwrap(code, "pool");
  };
}

/** `poolBackward` for float32; other dtypes are passed on to the reference. */
export function nativePoolBackward({ gradus_pool_backward }: Functions): Backend["poolBackward"] {
  return function poolBackward(d, g, at, dx): void {
    if (!isFloat32(g) || !isFloat32(dx)) return reference.poolBackward(d, g, at, dx);
    checkPool(d, dx, g, at);
    if (d.op === "max" && at === null) checkPlaces(d, at);
    const described = describePool(d, dx.length, g.length, at?.length ?? null);
    const code = gradus_pool_backward(described, g, (at ?? NO_PLACES) as Int32Array<ArrayBuffer>, dx);
    if (code === BAD_INDEX) checkPlaces(d, at); // which says what is wrong
    if (code !== 0) unwrap(code, "pool");
  };
}

/** `resample` for float32; other dtypes are passed on to the reference. */
export function nativeResample({ gradus_resample }: Functions): Backend["resample"] {
  return function resample(d, x, out): void {
    if (!isFloat32(x) || !isFloat32(out)) return reference.resample(d, x, out);
    checkResample(d, x, out);
    unwrap(gradus_resample(describeResample(d, x.length, out.length), x, out), "resample");
  };
}

/** `resampleBackward` for float32; other dtypes are passed on to the reference. */
export function nativeResampleBackward({ gradus_resample_backward }: Functions): Backend["resampleBackward"] {
  return function resampleBackward(d, g, dx): void {
    if (!isFloat32(g) || !isFloat32(dx)) return reference.resampleBackward(d, g, dx);
    checkResample(d, dx, g);
    unwrap(gradus_resample_backward(describeResample(d, dx.length, g.length), g, dx), "resample");
  };
}

/** `batchNorm` for float32; other dtypes are passed on to the reference. */
export function nativeBatchNorm({ gradus_batch_norm }: Functions): Backend["batchNorm"] {
  return function batchNorm(d, x, stats, y): void {
    if (!isFloat32(x) || !isFloat32(stats) || !isFloat32(y)) return reference.batchNorm(d, x, stats, y);
    checkBatchNorm(d, stats, { x, y });
    unwrap(gradus_batch_norm(describeBatchNorm(d, true), x, stats, y), "normalise");
  };
}

/** `batchNormBackward` for float32; other dtypes are passed on to the reference. */
export function nativeBatchNormBackward({ gradus_batch_norm_backward }: Functions): Backend["batchNormBackward"] {
  return function batchNormBackward(d, g, x, y, stats, dx, dw, db): void {
    const known = isFloat32(g) && isFloat32(x) && isFloat32(stats) && (dx === null || isFloat32(dx)) &&
      isFloat32(dw) && isFloat32(db);
    if (!known) return reference.batchNormBackward(d, g, x, y, stats, dx, dw, db);
    checkBatchNorm(d, stats, { g, x, y, dx }, { dw, db });
    const described = describeBatchNorm(d, dx !== null);
    unwrap(gradus_batch_norm_backward(described, g, x, stats, dx ?? NOTHING, dw, db), "normalise");
  };
}

function isFloat64(x: TypedArray): x is Doubles {
  return x instanceof Float64Array;
}

function isFloat32(x: TypedArray): x is Buffer {
  return x instanceof Float32Array;
}
