/** Element-wise verbs through the native library; what it does not know is passed on to the reference loops. */
import type { Numbers } from "../../dtype.ts";
import type { Backend, MapOp, Strided, ZipOp } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { reference } from "../reference/reference.ts";
import type { Buffer, Symbols } from "./symbols.ts";
import { checkStrided, describeWalk, kindOf, WALK_RANK } from "../walk_descriptor.ts";

/** The functions of one argument that C has, by the numbers in `kernels.h`. */
export const MAP_OPS: Readonly<Partial<Record<MapOp, number>>> = {
  ...{ copy: 0, neg: 1, abs: 2, sign: 3, exp: 4, expm1: 5, log: 6, log1p: 7, sqrt: 8, rsqrt: 9, reciprocal: 10 },
  ...{ square: 11, tanh: 12, sigmoid: 13, relu: 14, erf: 15, floor: 16, ceil: 17, round: 18, clamp: 19, not: 20 },
  ...{ hardtanh: 21, leakyRelu: 22, elu: 23, gelu: 24, geluTanh: 25, silu: 26, mish: 27, softplus: 28 },
};

/** The functions of two arguments that C has; those from `eq` on answer in bytes. */
export const ZIP_OPS: Readonly<Partial<Record<ZipOp, number>>> = {
  ...{ add: 0, sub: 1, mul: 2, div: 3, maximum: 4, minimum: 5 },
  ...{ eq: 6, ne: 7, lt: 8, le: 9, gt: 10, ge: 11 },
};

const [FLOAT32, INT32, UINT8] = [0, 1, 2];

const MAP_SIZES = 10;
const mapDescriptor = new Int32Array(MAP_SIZES + 3 * WALK_RANK);
const mapFloats = new Float32Array(mapDescriptor.buffer);

/** `map` for float32, and copies from bytes and to and from int32. */
export function nativeMap({ gradus_map }: Symbols): Backend["map"] {
  return function map(op: MapOp, shape: readonly number[], x: Strided, out: Strided, low: number, high: number): void {
    const code = MAP_OPS[op];
    const [from, to] = [kindOf(x.data), kindOf(out.data)];
    if (code === undefined || !mapTakes(op, from, to)) return reference.map(op, shape, x, out, low, high);
    const d = mapDescriptor;
    const rank = describeWalk(d, MAP_SIZES, shape, x.strides, out.strides, null);
    if (rank < 0) return reference.map(op, shape, x, out, low, high);
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
function mapTakes(op: MapOp, from: number, to: number): boolean {
  if (op === "not") return from === FLOAT32 && to === UINT8;
  if (op !== "copy") return from === FLOAT32 && to === FLOAT32;
  if (from === UINT8) return to === FLOAT32;
  return (from === FLOAT32 || from === INT32) && (to === FLOAT32 || to === INT32);
}

const ZIP_SIZES = 8;
const zipDescriptor = new Int32Array(ZIP_SIZES + 4 * WALK_RANK);

/** `zip` for float32; comparisons answer in bytes. */
export function nativeZip({ gradus_zip }: Symbols): Backend["zip"] {
  return function zip(op: ZipOp, shape: readonly number[], a: Strided, b: Strided, out: Strided): void {
    if (op === "pow" && isNumber(shape, b, 2)) [op, b] = ["mul", a];
    const code = ZIP_OPS[op];
    if (code === undefined || !zipTakes(code, a.data, b.data, out.data)) return reference.zip(op, shape, a, b, out);
    const d = zipDescriptor;
    const rank = describeWalk(d, ZIP_SIZES, shape, a.strides, b.strides, out.strides);
    if (rank < 0) return reference.zip(op, shape, a, b, out);
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

function zipTakes(code: number, a: Numbers, b: Numbers, out: Numbers): boolean {
  return a instanceof Float32Array && b instanceof Float32Array &&
    (code < ZIP_OPS.eq! ? out instanceof Float32Array : out instanceof Uint8Array);
}

/** Whether an operand is the same number everywhere. */
function isNumber(shape: readonly number[], x: Strided, value: number): boolean {
  if (x.data[x.offset] !== value) return false;
  for (let i = 0; i < shape.length; i++) if (shape[i] !== 1 && x.strides[i] !== 0) return false;
  return true;
}
