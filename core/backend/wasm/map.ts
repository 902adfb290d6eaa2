/** Functions of one argument through wasm: those that take JavaScript longer than the copies. */
import type { Backend, MapOp, Strided } from "../backend.ts";
import { floatBits, unwrap } from "../descriptor.ts";
import { eachRow, joinDims, type Walk } from "../reference/loops.ts";
import { MAP_OPS } from "../native/elementwise.ts";
import { reference } from "../reference/reference.ts";
import { checkStrided } from "../walk_descriptor.ts";
import { SLOW_ACTIVATIONS } from "./gate.ts";
import type { WasmRoom } from "./room.ts";

const SLOW: ReadonlySet<MapOp> = new Set([
  ...["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf"] as const,
  ...SLOW_ACTIVATIONS,
]);

/** `map` for these functions of float32; everything else is passed on to the reference loops. */
export function wasmMap({ kernel, place }: WasmRoom): Backend["map"] {
  const local = new Int32Array(34);
  return function map(op: MapOp, shape: readonly number[], x: Strided, out: Strided, low: number, high: number): void {
    const [from, to] = [x.data, out.data];
    const known = SLOW.has(op) && from instanceof Float32Array && to instanceof Float32Array;
    if (!known || shape.includes(0)) return reference.map(op, shape, x, out, low, high);
    checkStrided("map", "x", shape, x);
    checkStrided("map", "the result", shape, out);
    const n = shape.reduce((product, size) => product * size, 1);
    const [base, at] = place([local.byteLength, 4 * n]);
    // One dense dimension, over itself: kinds are all float32, offsets 0.
    local[0] = MAP_OPS[op]!, local[1] = 1, local[2] = floatBits(low), local[3] = floatBits(high);
    local[6] = n, local[9] = n;
    local[10] = n, local[18] = 1, local[26] = 1;
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, local.length).set(local);
    const dense = new Float32Array(heap, at, n);
    const walk = joinDims(shape, [x.strides, out.strides]);
    eachRun(walk, 0, x.offset, n, (start, step, place, count) => {
      if (step === 1) dense.set(from.subarray(start, start + count), place);
      else for (let i = 0; i < count; i++) dense[place + i] = from[start + i * step];
    });
    unwrap(kernel.gradus_map(base, at, at), "map");
    eachRun(walk, 1, out.offset, n, (start, step, place, count) => {
      if (step === 1) to.set(dense.subarray(place, place + count), start);
      else for (let i = 0; i < count; i++) to[start + i * step] = dense[place + i];
    });
  };
}

/** Calls `run` for each run of one operand: where it starts, its step, its place in the dense copy, its length. */
function eachRun(
  walk: Walk,
  operand: number,
  offset: number,
  size: number,
  run: (start: number, step: number, place: number, count: number) => void,
): void {
  const [count, step] = [walk.shape.at(-1)!, walk.strides[operand].at(-1)!];
  let place = 0;
  if (size === 0) return;
  eachRow({ shape: walk.shape, strides: [walk.strides[operand]] }, [offset], ([start]) => {
    run(start, step, place, count);
    place += count;
  });
}
