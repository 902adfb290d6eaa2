/** Operations that write into a tensor that exists: what optimisers are made of. */
import { blank, scalar } from "../memory/allocate.ts";
import type { ZipOp } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import { isFloating, overlap, promote, promoteRanked } from "../dtype.ts";
import { edited, record } from "../record.ts";
import { broadcastShapes, sameShape, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { cast, type Operand, operand, spread, VERBS, zipFor } from "./elementwise.ts";

/** `a = a op b` in place, computed in the kind of the two; `b` broadcasts to `a`, and `a` keeps its kind. */
export function zipInto<T extends Tensor>(op: ZipOp, a: T, b: Operand): T {
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
  edited(a, right, verb);
  backend().zip(zipFor(op, kind), a.shape, a, spread(right, a.shape), a);
  return a;
}

/** `out = x` in place, broadcast to its shape and cast to its kind. */
export function copyInto<T extends Tensor>(out: T, x: Operand): T {
  const constant = typeof x === "number" || typeof x === "boolean"; // which an element that stands for several may take
  const given = constant ? scalar(Number(x), out.dtype) : settled(operand(x, out.dtype, "copy"), out, "copy");
  const from = out.dtype === "bool" ? cast(given, "bool") : given;
  edited(out, from, "copy");
  backend().map("copy", out.shape, spread(from, out.shape), out, 0, 0);
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
  const out = blank(x.shape, x.dtype);
  backend().map("copy", x.shape, x, out, 0, 0);
  return record("copy", out, [x], { low: 0, high: 0 });
}
