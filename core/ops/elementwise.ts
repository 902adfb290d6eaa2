/** Element-wise operations: shapes are broadcast and dtypes promoted here, numbers computed by the back end. */
import { describe, requireTensor } from "../arguments.ts";
import type { BinaryOp, Strided, UnaryOp } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import {
  checkDType,
  checkedConvert,
  type DType,
  isFloating,
  overlap,
  promote,
  promoteRanked,
  promoteScalar,
} from "../dtype.ts";
import { GradientSlot } from "../gradient_slot.ts";
import { newEmpty, scalar } from "../memory/allocate.ts";
import { bumpVersion, record } from "../record.ts";
import { broadcastShapes, broadcastStrides, sameShape, type Shape, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** The right operand of a binary operation. */
export type Operand = Tensor | number | boolean;

/** Functions of integers that give integers; all others give floats. */
const KEEP_INTEGERS = new Set<UnaryOp>([
  "copy",
  "neg",
  "abs",
  "sign",
  "square",
  "relu",
  "floor",
  "ceil",
  "round",
  "trunc",
  "clamp",
  "hardtanh",
]);

const COMPARE = new Set<BinaryOp>(["eq", "ne", "lt", "le", "gt", "ge", "and", "or"]);

/** Functions of two numbers whose results are fractions, also of integers. */
const FRACTIONS = new Set<BinaryOp>(["div", "atan2", "hypot"]);

/**
 * `op(x)`, element by element; {@linkcode UnaryOp} says what `low` and `high` are for the operation.
 *
 * @throws {TypeError} If x is not a tensor, or one of the two is not a number.
 */
export function unary(op: UnaryOp, x: Tensor, low = 0, high = 0): Tensor {
  if (!(x instanceof GradientSlot)) requireTensor(x, `take ${op}() of`); // asked first, so that no text is made for nothing
  if (typeof low !== "number" || typeof high !== "number") {
    throw new TypeError(`Cannot take ${op}() with ${describe(typeof low === "number" ? high : low)}: give a number`);
  }
  const out = newEmpty(x.shape, unaryDType(op, x.dtype, low, high));
  const from = isFloating(out.dtype) ? cast(x, out.dtype) : x;
  backend().unary(op, x.shape, from, out, low, high);
  return record(op, out, [from], { low, high });
}

function unaryDType(op: UnaryOp, dtype: DType, low: number, high: number): DType {
  if (op === "not") return "bool";
  if (op === "copy" || isFloating(dtype)) return dtype;
  if (op === "neg" && dtype === "bool") {
    throw new TypeError("Cannot negate a bool tensor: use logicalNot() to invert it, or int() first");
  }
  if (!KEEP_INTEGERS.has(op)) return "float32";
  if (op === "square") return promoteScalar(dtype, 2);
  return op === "clamp" || op === "hardtanh" ? clampDType(dtype, low, high) : dtype;
}

/** Finite bounds promote the dtype as numbers do; an infinite one is no bound. */
function clampDType(dtype: DType, low: number, high: number): DType {
  const bounds = [low, high].filter((bound) => Math.abs(bound) !== Infinity);
  const promoted = bounds.reduce<DType>(promoteScalar, dtype);
  for (const bound of bounds) checkedConvert(bound, promoted);
  return promoted;
}

/** `a op b` with broadcasting, both converted to their common dtype; a plain number takes the dtype of `a`. */
export function binary(op: BinaryOp, a: Tensor, b: Operand): Tensor {
  requireTensor(a, VERBS[op] ?? op);
  // A number that the dtype of `a` cannot hold can still be compared with it, as it is.
  const exact = COMPARE.has(op) && typeof b === "number" && !isFloating(a.dtype);
  const beside = FRACTIONS.has(op) ? promote(a.dtype, "float32") : a.dtype; // a quotient is a float
  const right = exact ? scalar(b, "float64") : operand(b, beside, VERBS[op] ?? op);
  const common = promoteRanked(a.dtype, a.shape.length, right.dtype, right.shape.length);
  const dtype = FRACTIONS.has(op) ? promote(common, "float32") : common;
  const shape = sameShape(a.shape, right.shape) ? a.shape : broadcastShapes(a.shape, right.shape, VERBS[op] ?? op);
  const uncast = exact || (COMPARE.has(op) && !isFloating(dtype));
  const [p, q] = uncast ? [a, right] : [cast(a, dtype), cast(right, dtype)];
  if (!isFloating(dtype)) checkIntegers(op, dtype, p, b, q);
  const out = newEmpty(shape, COMPARE.has(op) ? "bool" : dtype);
  backend().binary(binaryOpFor(op, dtype), shape, spread(p, shape), spread(q, shape), out);
  return record(op, out, [p, q]);
}

/** The back end's operation for a dtype: the sum of two bools is `or`. */
function binaryOpFor(op: BinaryOp, dtype: DType): BinaryOp {
  if (dtype !== "bool") return op;
  if (op === "sub") throw new TypeError("Cannot subtract bool tensors: use ne() for exclusive or, or int() first");
  return op === "add" ? "or" : op;
}

/** Refuses what has no integer result: negative powers, and remainders by 0. */
function checkIntegers(op: BinaryOp, dtype: DType, a: Tensor, b: Operand, right: Tensor): void {
  if (op === "pow" && typeof b === "number" && b < 0) {
    throw new RangeError(
      `Cannot raise ${dtype} to the power ${b}: the results are fractions, cast it first with float()`,
    );
  }
  if ((op === "remainder" || op === "fmod") && a.numel() > 0 && binary("eq", right, 0).any().item() === 1) {
    throw new RangeError(
      `Cannot take the remainder of ${dtype} by 0: it has no answer, cast it first with float() for NaN`,
    );
  }
}

/** What errors call an operation. */
const VERBS: Partial<Record<BinaryOp, string>> = {
  sub: "subtract",
  mul: "multiply",
  div: "divide",
  pow: "raise",
  maximum: "take the maximum of",
  minimum: "take the minimum of",
  remainder: "take the remainder of",
  fmod: "take the remainder of",
  atan2: "take the angle of",
  hypot: "take the hypotenuse of",
  and: "combine",
  or: "combine",
  eq: "compare",
  ne: "compare",
  lt: "compare",
  le: "compare",
  gt: "compare",
  ge: "compare",
};

/** The elements converted to `dtype`: floats are cut toward zero for integers, anything but 0 becomes `true` for bool. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  checkDType(dtype);
  if (dtype === "bool") return binary("ne", x, 0);
  const out = newEmpty(x.shape, dtype);
  backend().unary("copy", x.shape, x, out, 0, 0);
  return record("cast", out, [x]);
}

/**
 * The operand as a tensor; a number becomes one of rank 0, of the dtype that it has beside a tensor of dtype `beside`.
 *
 * @throws {RangeError} If that dtype cannot hold it.
 */
export function operand(b: Operand, beside: DType, verb: string): Tensor {
  if (typeof b === "number" || typeof b === "boolean") return scalar(Number(b), promoteScalar(beside, b));
  requireTensor(b, verb);
  return b;
}

/** `x` broadcast to `shape`: strides of 0 where it is repeated. */
export function spread(x: Tensor, shape: Shape): Strided {
  if (sameShape(x.shape, shape)) return x;
  return { data: x.data, offset: x.offset, strides: broadcastStrides(x.shape, x.strides, shape) };
}

// In-place operations.

/** `a = a op b` in place, computed in the common dtype; `b` broadcasts to `a`, and `a` keeps its dtype. */
export function binaryInto<T extends Tensor>(op: BinaryOp, a: T, b: Operand): T {
  const verb = VERBS[op] ?? op;
  const beside = op === "div" ? promote(a.dtype, "float32") : a.dtype;
  const given = operand(b, beside, verb);
  const dtype = promoteRanked(beside, a.shape.length, given.dtype, given.shape.length);
  const right = rightOperand(isFloating(dtype) ? cast(given, dtype) : given, a, verb);
  if ((isFloating(dtype) && !isFloating(a.dtype)) || (dtype !== "bool" && a.dtype === "bool")) {
    const cure = isFloating(dtype) ? "float()" : "int()";
    throw new TypeError(
      `Cannot ${verb} in place: a result of dtype ${dtype} does not fit a tensor of dtype ${a.dtype}, cast it with ${cure}`,
    );
  }
  bumpVersion(a, right, verb);
  backend().binary(binaryOpFor(op, dtype), a.shape, a, spread(right, a.shape), a);
  return a;
}

/** `out = x` in place, broadcast to its shape and converted to its dtype. */
export function copyInto<T extends Tensor>(out: T, x: Operand): T {
  const constant = typeof x === "number" || typeof x === "boolean"; // which may be written into expanded tensors too
  const given = constant ? scalar(Number(x), out.dtype) : rightOperand(operand(x, out.dtype, "copy"), out, "copy");
  const from = out.dtype === "bool" ? cast(given, "bool") : given;
  bumpVersion(out, from, "copy");
  backend().unary("copy", out.shape, spread(from, out.shape), out, 0, 0);
  return out;
}

/** Checks that `x` broadcasts to `out`; returns it, or a copy if `out` overlaps it and writing would change what is still to be read. */
function rightOperand(x: Tensor, out: Tensor, verb: string): Tensor {
  const shape = sameShape(out.shape, x.shape) ? out.shape : broadcastShapes(out.shape, x.shape, `${verb} in place`);
  if (!sameShape(shape, out.shape)) {
    throw new RangeError(
      `Cannot ${verb} ${show(x.shape)} into ${show(out.shape)}: the result ${show(shape)} is larger than its place`,
    );
  }
  if (out.strides.some((step, d) => step === 0 && out.shape[d] > 1)) {
    throw new RangeError(
      `Cannot ${verb} into an expanded tensor: its elements of shape ${show(out.shape)} share memory, clone() it first`,
    );
  }
  return overlap(x.data, out.data) && !sameView(x, out) ? copyOf(x) : x;
}

function sameView(a: Tensor, b: Tensor): boolean {
  return a.dtype === b.dtype && a.data.byteOffset === b.data.byteOffset && a.offset === b.offset &&
    sameShape(a.shape, b.shape) &&
    sameShape(a.strides, b.strides);
}

/** A row-major copy in memory of its own. */
export function copyOf(x: Tensor): Tensor {
  const out = newEmpty(x.shape, x.dtype);
  backend().unary("copy", x.shape, x, out, 0, 0);
  return record("copy", out, [x], { low: 0, high: 0 });
}
