/**
 * The wasm verbs of elements: functions of two arguments, choices by a mask, and reductions. What the native verbs would hand to C is
 * copied into the kernel's memory: of each operand the places between the lowest and the highest that it touches.
 */
import type { Backend, Strided } from "../backend.ts";
import { nativeBinary, nativeReduce, nativeWhere } from "../native/verbs.ts";
import { reference } from "../reference/reference.ts";
import { MAX_RANK } from "../descriptor.ts";
import type { TypedArray } from "../../dtype.ts";
import { callWith, type Part, type WasmWorkspace } from "./workspace.ts";

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
      const { from, length } = reachOf([d[1], d[3]], [d[2], d[4]], d[5]);
      const parts: Part[] = [{ data: x, from, length, use: "read" }, {
        data: out,
        from: 0,
        length: d[1],
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
function reachOf(
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
