/** Element-wise operations: shapes broadcast and kinds promoted here, numbers computed by the back end. */
import { blank, scalar } from "../allocate.ts";
import type { MapOp, Strided, ZipOp } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import { checkDType, type DType, isFloating, promoteRanked, promoteScalar } from "../dtype.ts";
import { GradientSlot } from "../gradient_slot.ts";
import { record } from "../record.ts";
import { broadcastShapes, broadcastStrides, sameShape, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** What stands on the right of an infix operation. */
export type Operand = Tensor | number | boolean;

/** These keep an integer an integer; every other function of one argument answers in floating point. */
const KEEP_INTEGERS = new Set<MapOp>([
  "copy",
  "neg",
  "abs",
  "sign",
  "square",
  "relu",
  "floor",
  "ceil",
  "round",
  "clamp",
]);

const COMPARE = new Set<ZipOp>(["eq", "ne", "lt", "le", "gt", "ge", "and", "or"]);

/** `op(x)`, element by element. */
export function map(op: MapOp, x: Tensor, low = 0, high = 0): Tensor {
  const out = blank(x.shape, mapKind(op, x.dtype, low, high));
  backend().map(op, x.shape, x, out, low, high);
  return record(op, out, [x], { low, high });
}

function mapKind(op: MapOp, dtype: DType, low: number, high: number): DType {
  if (op === "not") return "bool";
  if (op === "copy" || isFloating(dtype)) return dtype;
  if (op === "neg" && dtype === "bool") {
    throw new TypeError("Cannot negate a bool tensor: use logicalNot() to invert it, or int() first");
  }
  if (!KEEP_INTEGERS.has(op)) return "float32";
  const bounds = op === "clamp" ? [low, high].filter(Number.isFinite) : [];
  return bounds.reduce<DType>(promoteScalar, dtype);
}

/** `a op b` with broadcasting; a plain number takes the kind of `a` where that holds it. */
export function zip(op: ZipOp, a: Tensor, b: Operand): Tensor {
  // A number that the kind of `a` cannot hold must not wrap before it is compared.
  const exact = COMPARE.has(op) && typeof b === "number" && !isFloating(a.dtype);
  const right = exact ? scalar(b, "float64") : operand(a, b, VERBS[op] ?? op);
  const dtype = promoteRanked(a.dtype, a.shape.length, right.dtype, right.shape.length);
  if (!isFloating(dtype)) checkWhole(op, dtype, b, right);
  const shape = sameShape(a.shape, right.shape) ? a.shape : broadcastShapes(a.shape, right.shape, VERBS[op] ?? op);
  const out = blank(shape, COMPARE.has(op) ? "bool" : op === "div" && !isFloating(dtype) ? "float32" : dtype);
  backend().zip(zipFor(op, dtype), shape, spread(a, shape), spread(right, shape), out);
  return record(op, out, [a, right]);
}

/** The operation on a kind: the sum of two bools is whether either is true. */
export function zipFor(op: ZipOp, dtype: DType): ZipOp {
  if (dtype !== "bool") return op;
  if (op === "sub") throw new TypeError("Cannot subtract bool tensors: use ne() for exclusive or, or int() first");
  return op === "add" ? "or" : op;
}

/** Refuses what has no answer in whole numbers. */
function checkWhole(op: ZipOp, dtype: DType, b: Operand, right: Tensor): void {
  if (op === "pow" && typeof b === "number" && b < 0) {
    throw new RangeError(
      `Cannot raise ${dtype} to the power ${b}: the results are fractions, cast it first with float()`,
    );
  }
  if ((op === "remainder" || op === "fmod") && zip("eq", right, 0).any().item() === 1) {
    throw new RangeError(
      `Cannot take the remainder of ${dtype} by 0: it has no answer, cast it first with float() for NaN`,
    );
  }
}

/** What an operation is called in a message. */
export const VERBS: Partial<Record<ZipOp, string>> = {
  sub: "subtract",
  mul: "multiply",
  div: "divide",
  pow: "raise",
  maximum: "take the maximum of",
  minimum: "take the minimum of",
  remainder: "take the remainder of",
  fmod: "take the remainder of",
  and: "combine",
  or: "combine",
  eq: "compare",
  ne: "compare",
  lt: "compare",
  le: "compare",
  gt: "compare",
  ge: "compare",
};

/** The same elements as another kind; floats lose their fraction toward zero, and anything but 0 becomes `true`. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  checkDType(dtype);
  if (dtype === "bool") return zip("ne", x, 0);
  const out = blank(x.shape, dtype);
  backend().map("copy", x.shape, x, out, 0, 0);
  return record("cast", out, [x]);
}

/** A number becomes a tensor of rank 0 in the kind it takes beside `a`. */
export function operand(a: Tensor, b: Operand, verb: string): Tensor {
  if (typeof b === "number" || typeof b === "boolean") return scalar(Number(b), promoteScalar(a.dtype, b));
  requireTensor(b, verb);
  return b;
}

/**
 * Refuses what untyped code may pass for a tensor.
 *
 * @throws {TypeError} If it is none.
 */
export function requireTensor(x: Tensor, verb: string): void {
  if (x instanceof GradientSlot) return;
  const found = Array.isArray(x) ? "an array" : x === undefined || x === null ? `${x}` : `a ${typeof x}`;
  throw new TypeError(`Cannot ${verb} ${found}: it is no tensor, make one with tensor([…]) first`);
}

/** `x` read as if it had the larger shape. */
export function spread(x: Tensor, shape: Shape): Strided {
  if (sameShape(x.shape, shape)) return x;
  return { data: x.data, offset: x.offset, strides: broadcastStrides(x.shape, x.strides, shape) };
}
