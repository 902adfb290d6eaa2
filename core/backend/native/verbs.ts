/** The verbs through the native library: each writes its sizes into a descriptor, and passes on what C does not know to the reference loops. */
import type { Backend, BinaryOp, Fold, Gemm, ReduceOp, Strided, UnaryOp } from "../backend.ts";
import { badRow, checkTable } from "../checks.ts";
import {
  allFloat32,
  checkStrided,
  describeGemm,
  describeWalk,
  GEMM_FIELDS,
  kindOf,
  unwrap,
  WALK_RANK,
} from "../descriptor.ts";
import { type Buffer, NOTHING, type Symbols } from "./symbols.ts";
import { joinDims, reference } from "../reference/reference.ts";
import { memoryGone, type TypedArray } from "../../dtype.ts";

const gemmDescriptor = new Int32Array(GEMM_FIELDS.length);

/** `gemm` for float32; other kinds are passed on to the reference loops. */
export function nativeGemm({ gradus_gemm }: Symbols): Backend["gemm"] {
  return function gemm(d: Gemm, a: TypedArray, b: TypedArray, c: TypedArray, bias: TypedArray | null): void {
    if (!allFloat32(a, b, c, bias)) return reference.gemm(d, a, b, c, bias);
    describeGemm(gemmDescriptor, d, a.length, b.length, c.length, bias === null ? null : bias.length);
    const code = gradus_gemm(gemmDescriptor, a as Buffer, b as Buffer, c as Buffer, (bias ?? NOTHING) as Buffer);
    if (code !== 0) unwrap(code, "multiply");
  };
}

// Element-wise verbs through the native library; what it does not know is passed on to the reference loops.

/** The functions of one argument that C has, by the numbers in `kernels.h`. */
export const UNARY_OPS: Readonly<Partial<Record<UnaryOp, number>>> = {
  ...{ copy: 0, neg: 1, abs: 2, sign: 3, exp: 4, expm1: 5, log: 6, log1p: 7, sqrt: 8, rsqrt: 9, reciprocal: 10 },
  ...{ square: 11, tanh: 12, sigmoid: 13, relu: 14, erf: 15, floor: 16, ceil: 17, round: 18, clamp: 19, not: 20 },
  ...{ hardtanh: 21, leakyRelu: 22, elu: 23, gelu: 24, geluTanh: 25, silu: 26, mish: 27, softplus: 28 },
};

/** The functions of two arguments that C has; those from `eq` on answer in bytes. */
export const BINARY_OPS: Readonly<Partial<Record<BinaryOp, number>>> = {
  ...{ add: 0, sub: 1, mul: 2, div: 3, maximum: 4, minimum: 5 },
  ...{ eq: 6, ne: 7, lt: 8, le: 9, gt: 10, ge: 11 },
};

const [FLOAT32, INT32, UINT8] = [0, 1, 2];

const MAP_SIZES = 10;
const mapDescriptor = new Int32Array(MAP_SIZES + 3 * WALK_RANK);
const mapFloats = new Float32Array(mapDescriptor.buffer);

/** `map` for float32, and copies from bytes and to and from int32. */
export function nativeUnary({ gradus_map }: Symbols): Backend["unary"] {
  return function map(
    op: UnaryOp,
    shape: readonly number[],
    x: Strided,
    out: Strided,
    low: number,
    high: number,
  ): void {
    const code = UNARY_OPS[op];
    const [from, to] = [kindOf(x.data), kindOf(out.data)];
    if (code === undefined || !mapTakes(op, from, to)) return reference.unary(op, shape, x, out, low, high);
    const d = mapDescriptor;
    const rank = describeWalk(d, MAP_SIZES, shape, x.strides, out.strides, null);
    if (rank < 0) return reference.unary(op, shape, x, out, low, high);
    if (rank === 0) return;
    checkStrided("map", "x", shape, x);
    checkStrided("map", "the result", shape, out);
    d[0] = code, d[1] = rank, mapFloats[2] = low, mapFloats[3] = high;
    d[4] = from, d[5] = x.offset, d[6] = x.data.length;
    d[7] = to, d[8] = out.offset, d[9] = out.data.length;
    const status = gradus_map(d, x.data as Buffer, out.data as Buffer);
    if (status !== 0) unwrap(status, "map");
  };
}

/** Which kinds C maps to which. */
function mapTakes(op: UnaryOp, from: number, to: number): boolean {
  if (op === "not") return from === FLOAT32 && to === UINT8;
  if (op !== "copy") return from === FLOAT32 && to === FLOAT32;
  if (from === UINT8) return to === FLOAT32;
  return (from === FLOAT32 || from === INT32) && (to === FLOAT32 || to === INT32);
}

const ZIP_SIZES = 8;
const zipDescriptor = new Int32Array(ZIP_SIZES + 4 * WALK_RANK);

/** `zip` for float32; comparisons answer in bytes. */
export function nativeBinary({ gradus_zip }: Symbols): Backend["binary"] {
  return function zip(op: BinaryOp, shape: readonly number[], a: Strided, b: Strided, out: Strided): void {
    if (op === "pow" && isNumber(shape, b, 2)) [op, b] = ["mul", a];
    const code = BINARY_OPS[op];
    if (code === undefined || !zipTakes(code, a.data, b.data, out.data)) return reference.binary(op, shape, a, b, out);
    const d = zipDescriptor;
    const rank = describeWalk(d, ZIP_SIZES, shape, a.strides, b.strides, out.strides);
    if (rank < 0) return reference.binary(op, shape, a, b, out);
    if (rank === 0) return;
    checkStrided(op, "the left operand", shape, a);
    checkStrided(op, "the right operand", shape, b);
    checkStrided(op, "the result", shape, out);
    d[0] = code, d[1] = rank;
    d[2] = a.offset, d[3] = a.data.length;
    d[4] = b.offset, d[5] = b.data.length;
    d[6] = out.offset, d[7] = out.data.length;
    const status = gradus_zip(d, a.data as Buffer, b.data as Buffer, out.data as Buffer);
    if (status !== 0) unwrap(status, op);
  };
}

function zipTakes(code: number, a: TypedArray, b: TypedArray, out: TypedArray): boolean {
  return a instanceof Float32Array && b instanceof Float32Array &&
    (code < BINARY_OPS.eq! ? out instanceof Float32Array : out instanceof Uint8Array);
}

/** Whether an operand is the same number everywhere. */
function isNumber(shape: readonly number[], x: Strided, value: number): boolean {
  if (x.data[x.offset] !== value) return false;
  for (let i = 0; i < shape.length; i++) if (shape[i] !== 1 && x.strides[i] !== 0) return false;
  return true;
}

// The choice by a mask through the native library.

// In the order of kernels.h: the rank, the offsets and lengths of four operands, the sizes, and four times the strides.
const [OFFSETS, LENGTHS, SIZES, STRIDES] = [1, 5, 9, 9 + WALK_RANK];
const whereDescriptor = new Int32Array(STRIDES + 4 * WALK_RANK);

/** `where` for float32; other kinds are passed on to the reference loops. */
export function nativeWhere({ gradus_where }: Symbols): Backend["where"] {
  return function where(shape: readonly number[], mask: Strided, a: Strided, b: Strided, out: Strided): void {
    const operands = [mask, a, b, out];
    const walk = joinDims(shape, operands.map((x) => x.strides));
    const known = mask.data instanceof Uint8Array && [a, b, out].every((x) => x.data instanceof Float32Array);
    if (!known || walk.shape.length > WALK_RANK || shape.includes(0)) return reference.where(shape, mask, a, b, out);
    whereDescriptor[0] = walk.shape.length;
    whereDescriptor.set(walk.shape, SIZES);
    operands.forEach((x, i) => {
      checkStrided("choose between", "an operand", shape, x);
      whereDescriptor[OFFSETS + i] = x.offset, whereDescriptor[LENGTHS + i] = x.data.length;
      whereDescriptor.set(walk.strides[i], STRIDES + i * WALK_RANK);
    });
    const bytes = mask.data as Uint8Array<ArrayBuffer>;
    const status = gradus_where(whereDescriptor, bytes, a.data as Buffer, b.data as Buffer, out.data as Buffer);
    if (status !== 0) unwrap(status, "choose between");
  };
}

// Reductions through the native library: along rows, along columns, or over everything.

/** The folds that C has, by the numbers in `kernels.h`. */
export const REDUCE_OPS: Readonly<Partial<Record<ReduceOp, number>>> = {
  ...{ sum: 0, prod: 1, max: 2, min: 3, argmax: 4, argmin: 5 },
};

const reduceDescriptor = new Int32Array(8);

/** `reduce` for float32 in these layouts; others, and other kinds, are passed on to the reference loops. */
export function nativeReduce({ gradus_reduce }: Symbols): Backend["reduce"] {
  return function reduce(op: ReduceOp, fold: Fold, x: TypedArray, offset: number, out: TypedArray): void {
    const code = REDUCE_OPS[op];
    const [kept, step] = [size(fold.kept), evenStep(fold.kept, fold.keptStrides)];
    const [folded, along] = [size(fold.folded), evenStep(fold.folded, fold.foldedStrides)];
    const matrix = kept > 0 && folded > 0 && !Number.isNaN(step + along) &&
      (step === 1 || along === 1 || kept === 1 || folded === 1);
    if (code === undefined || !matrix || !reduceTakes(op, x, out)) return reference.reduce(op, fold, x, offset, out);
    checkReach(op, kept, step, folded, along, offset, x.length);
    if (out.length < kept) {
      throw new RangeError(`Cannot take the ${op}: ${kept} results need more room than ${out.length}`);
    }
    const d = reduceDescriptor;
    d[0] = code, d[1] = kept, d[2] = step, d[3] = folded, d[4] = along;
    d[5] = offset, d[6] = x.length, d[7] = out.length;
    const status = gradus_reduce(d, x as Buffer, out as Buffer);
    if (status !== 0) unwrap(status, op);
  };
}

function checkReach(
  op: ReduceOp,
  kept: number,
  step: number,
  folded: number,
  along: number,
  offset: number,
  length: number,
): void {
  const [down, right] = [(kept - 1) * step, (folded - 1) * along];
  const low = offset + Math.min(down, 0) + Math.min(right, 0);
  const high = offset + Math.max(down, 0) + Math.max(right, 0);
  // NaN and fractions fail here as well.
  const sane = [kept, step, folded, along, offset, length].every((n) => (n | 0) === n);
  if (sane && low >= 0 && high < length) return;
  if (length === 0) throw memoryGone();
  throw new RangeError(
    `Cannot take the ${op}: ${kept} × ${folded} elements at offset ${offset} with strides [${step}, ${along}] ` +
      (sane ? `reach from ${low} to ${high} in a buffer of ${length}` : "must be integers below 2147483648"),
  );
}

function reduceTakes(op: ReduceOp, x: TypedArray, out: TypedArray): boolean {
  return x instanceof Float32Array &&
    (op === "argmax" || op === "argmin" ? out instanceof Int32Array : out instanceof Float32Array);
}

function size(shape: readonly number[]): number {
  let product = 1;
  for (let i = 0; i < shape.length; i++) product *= shape[i];
  return product;
}

/** The one step that walks all dimensions in order, or NaN where there is none. */
function evenStep(shape: readonly number[], strides: readonly number[]): number {
  let [step, next] = [0, NaN];
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 1) continue;
    if (Number.isNaN(next)) step = strides[i];
    else if (strides[i] !== next) return NaN;
    next = strides[i] * shape[i];
  }
  return step;
}

// Rows by their number through the native library.

const BAD_INDEX = 4;

const gatherDescriptor = new Int32Array(9);
const answer = new Float64Array(1);

/** `gather` for equal kinds of 1 or 4 bytes, and from bytes to float32; others are passed on to the reference loops. */
export function nativeGather({ gradus_gather }: Symbols): Backend["gather"] {
  return function gather(
    x: TypedArray,
    offset: number,
    stride: number,
    width: number,
    index: Int32Array,
    out: TypedArray,
    table: Float32Array | null = null,
  ): void {
    checkTable(x, out, table);
    const [from, to] = [kindOf(x), kindOf(out)];
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

/** Whether C can hold the numbers; the reference says what is wrong with others. */
function fits(offset: number, stride: number, width: number, length: number): boolean {
  return (offset | 0) === offset && (stride | 0) === stride && (width | 0) === width && width >= 0 &&
    (length | 0) === length;
}
