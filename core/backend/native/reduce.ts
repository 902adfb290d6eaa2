/** Reductions through the native library: along rows, along columns, or over everything. */
import { memoryGone, type Numbers } from "../../dtype.ts";
import type { Backend, Fold, ReduceOp } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { reference } from "../reference/reference.ts";
import type { Buffer, Symbols } from "./symbols.ts";

/** The folds that C has, by the numbers in `kernels.h`. */
export const REDUCE_OPS: Readonly<Partial<Record<ReduceOp, number>>> = {
  ...{ sum: 0, prod: 1, max: 2, min: 3, argmax: 4, argmin: 5 },
};

const descriptor = new Int32Array(8);

/** `reduce` for float32 in these layouts; others, and other kinds, are passed on to the reference loops. */
export function nativeReduce({ gradus_reduce }: Symbols): Backend["reduce"] {
  return function reduce(op: ReduceOp, fold: Fold, x: Numbers, offset: number, out: Numbers): void {
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
    const d = descriptor;
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

function reduceTakes(op: ReduceOp, x: Numbers, out: Numbers): boolean {
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
