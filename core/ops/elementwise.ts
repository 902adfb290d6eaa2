/** Element-wise operations: shapes broadcast and kinds promoted here, numbers computed by the back end. */
import { describe, requireTensor } from "../arguments.ts";
import type { BinaryOp, Strided, UnaryOp } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import { checkDType, type DType, held, isFloating, overlap, promote, promoteRanked, promoteScalar } from "../dtype.ts";
import { GradientSlot } from "../gradient_slot.ts";
import { newEmpty, scalar } from "../memory/allocate.ts";
import { bumpVersion, record } from "../record.ts";
import { broadcastShapes, broadcastStrides, sameShape, type Shape, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** What stands on the right of an infix operation. */
export type Operand = Tensor | number | boolean;

/** These keep an integer an integer; every other function of one argument answers in floating point. */
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
  "clamp",
  "hardtanh",
]);

const COMPARE = new Set<BinaryOp>(["eq", "ne", "lt", "le", "gt", "ge", "and", "or"]);

/**
 * `op(x)`, element by element; `low` and `high` are what {@linkcode UnaryOp} says of the operation.
 *
 * @throws {TypeError} If x is no tensor, or one of the two no number.
 */
export function unary(op: UnaryOp, x: Tensor, low = 0, high = 0): Tensor {
  if (!(x instanceof GradientSlot)) requireTensor(x, `take ${op}() of`); // no text is made where all is well
  if (typeof low !== "number" || typeof high !== "number") {
    throw new TypeError(`Cannot take ${op}() with ${describe(typeof low === "number" ? high : low)}: give a number`);
  }
  const out = newEmpty(x.shape, mapKind(op, x.dtype, low, high));
  const from = isFloating(out.dtype) ? cast(x, out.dtype) : x;
  backend().unary(op, x.shape, from, out, low, high);
  return record(op, out, [from], { low, high });
}

function mapKind(op: UnaryOp, dtype: DType, low: number, high: number): DType {
  if (op === "not") return "bool";
  if (op === "copy" || isFloating(dtype)) return dtype;
  if (op === "neg" && dtype === "bool") {
    throw new TypeError("Cannot negate a bool tensor: use logicalNot() to invert it, or int() first");
  }
  if (!KEEP_INTEGERS.has(op)) return "float32";
  if (op === "square") return promoteScalar(dtype, 2);
  return op === "clamp" || op === "hardtanh" ? clampKind(dtype, low, high) : dtype;
}

/** A bound is a number like any other; an infinite one is none. */
function clampKind(dtype: DType, low: number, high: number): DType {
  const bounds = [low, high].filter((bound) => Math.abs(bound) !== Infinity);
  const kind = bounds.reduce<DType>(promoteScalar, dtype);
  for (const bound of bounds) held(bound, kind);
  return kind;
}

/** `a op b` with broadcasting: both become the kind of the two, and then are combined; a plain number takes the kind of `a`. */
export function binary(op: BinaryOp, a: Tensor, b: Operand): Tensor {
  requireTensor(a, VERBS[op] ?? op);
  // What the kind of `a` cannot hold can be compared with it all the same: as it is.
  const exact = COMPARE.has(op) && typeof b === "number" && !isFloating(a.dtype);
  const beside = op === "div" ? promote(a.dtype, "float32") : a.dtype; // what divides is never whole
  const right = exact ? scalar(b, "float64") : operand(b, beside, VERBS[op] ?? op);
  const common = promoteRanked(a.dtype, a.shape.length, right.dtype, right.shape.length);
  const dtype = op === "div" ? promote(common, "float32") : common;
  const shape = sameShape(a.shape, right.shape) ? a.shape : broadcastShapes(a.shape, right.shape, VERBS[op] ?? op);
  const asTheyAre = exact || (COMPARE.has(op) && !isFloating(dtype));
  const [p, q] = asTheyAre ? [a, right] : [cast(a, dtype), cast(right, dtype)];
  if (!isFloating(dtype)) checkWhole(op, dtype, p, b, q);
  const out = newEmpty(shape, COMPARE.has(op) ? "bool" : dtype);
  backend().binary(zipFor(op, dtype), shape, spread(p, shape), spread(q, shape), out);
  return record(op, out, [p, q]);
}

/** The operation on a kind: the sum of two bools is whether either is true. */
export function zipFor(op: BinaryOp, dtype: DType): BinaryOp {
  if (dtype !== "bool") return op;
  if (op === "sub") throw new TypeError("Cannot subtract bool tensors: use ne() for exclusive or, or int() first");
  return op === "add" ? "or" : op;
}

/** Refuses what has no answer in whole numbers. */
function checkWhole(op: BinaryOp, dtype: DType, a: Tensor, b: Operand, right: Tensor): void {
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

/** What an operation is called in a message. */
export const VERBS: Partial<Record<BinaryOp, string>> = {
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
  if (dtype === "bool") return binary("ne", x, 0);
  const out = newEmpty(x.shape, dtype);
  backend().unary("copy", x.shape, x, out, 0, 0);
  return record("cast", out, [x]);
}

/**
 * A number becomes a tensor of rank 0 in the kind it takes beside one of kind `beside`.
 *
 * @throws {RangeError} If that kind cannot hold it.
 */
export function operand(b: Operand, beside: DType, verb: string): Tensor {
  if (typeof b === "number" || typeof b === "boolean") return scalar(Number(b), promoteScalar(beside, b));
  requireTensor(b, verb);
  return b;
}

/** `x` read as if it had the larger shape. */
export function spread(x: Tensor, shape: Shape): Strided {
  if (sameShape(x.shape, shape)) return x;
  return { data: x.data, offset: x.offset, strides: broadcastStrides(x.shape, x.strides, shape) };
}

// Operations that write into a tensor that exists: what optimisers are made of.

/** `a = a op b` in place, computed in the kind of the two; `b` broadcasts to `a`, and `a` keeps its kind. */
export function binaryInto<T extends Tensor>(op: BinaryOp, a: T, b: Operand): T {
  const verb = VERBS[op] ?? op;
  const beside = op === "div" ? promote(a.dtype, "float32") : a.dtype;
  const given = operand(b, beside, verb);
  const kind = promoteRanked(beside, a.shape.length, given.dtype, given.shape.length);
  const right = settled(isFloating(kind) ? cast(given, kind) : given, a, verb);
  if ((isFloating(kind) && !isFloating(a.dtype)) || (kind !== "bool" && a.dtype === "bool")) {
    const cure = isFloating(kind) ? "float()" : "int()";
    throw new TypeError(
      `Cannot ${verb} in place: a result of kind ${kind} does not fit a tensor of kind ${a.dtype}, cast it with ${cure}`,
    );
  }
  bumpVersion(a, right, verb);
  backend().binary(zipFor(op, kind), a.shape, a, spread(right, a.shape), a);
  return a;
}

/** `out = x` in place, broadcast to its shape and cast to its kind. */
export function copyInto<T extends Tensor>(out: T, x: Operand): T {
  const constant = typeof x === "number" || typeof x === "boolean"; // which an element that stands for several may take
  const given = constant ? scalar(Number(x), out.dtype) : settled(operand(x, out.dtype, "copy"), out, "copy");
  const from = out.dtype === "bool" ? cast(given, "bool") : given;
  bumpVersion(out, from, "copy");
  backend().unary("copy", out.shape, spread(from, out.shape), out, 0, 0);
  return out;
}

/** The right operand, known to fit into `out` and safe to read while `out` is written. */
function settled(x: Tensor, out: Tensor, verb: string): Tensor {
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
