/** The wasm verbs of planes and channels: their copies cost less than plain loops over windows and channels. */
import type { Backend } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { checkBatchNorm, checkPlaces, checkPool, describeBatchNorm, describePool, type Pooling } from "../planes.ts";
import { reference } from "../reference/reference.ts";
import type { TypedArray } from "../../dtype.ts";
import type { WasmWorkspace } from "./workspace.ts";

/** `pool` for float32; other dtypes are passed on to the reference. */
export function wasmPool({ kernel, reserve }: WasmWorkspace): Backend["pool"] {
  return function pool(d, x, out, at): void {
    if (!areFloat32(x, out)) return reference.pool(d, x, out, at);
    checkPool(d, x, out, at);
    const [pixels, results] = sizesOf(d);
    const described = describePool(d, pixels, results, at === null ? null : results);
    const [base, atX, atOut, atPlaces] = reserve([described.byteLength, 4 * pixels, 4 * results, 4 * results]);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, described.length).set(described);
    new Float32Array(heap, atX, pixels).set(x.subarray(0, pixels));
    unwrap(kernel.gradus_pool(base, atX, atOut, atPlaces), "pool");
    out.set(new Float32Array(heap, atOut, results));
    at?.set(new Int32Array(heap, atPlaces, results));
  };
}

/** `poolBackward` for float32; other dtypes are passed on to the reference. */
export function wasmPoolBackward({ kernel, reserve }: WasmWorkspace): Backend["poolBackward"] {
  return function poolBackward(d, g, at, dx): void {
    if (!areFloat32(g, dx)) return reference.poolBackward(d, g, at, dx);
    checkPool(d, dx, g, at);
    if (d.op === "max" && at === null) checkPlaces(d, at);
    const [pixels, results] = sizesOf(d);
    const described = describePool(d, pixels, results, at === null ? null : results);
    const [base, atG, atPlaces, atOut] = reserve([described.byteLength, 4 * results, 4 * results, 4 * pixels]);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, described.length).set(described);
    new Float32Array(heap, atG, results).set(g.subarray(0, results));
    if (at !== null) new Int32Array(heap, atPlaces, results).set(at.subarray(0, results));
    const code = kernel.gradus_pool_backward(base, atG, atPlaces, atOut);
    if (code !== 0 && d.op === "max") checkPlaces(d, at); // which says what is wrong
    unwrap(code, "pool");
    dx.set(new Float32Array(heap, atOut, pixels));
  };
}

/** `batchNorm` for float32; other dtypes are passed on to the reference. */
export function wasmBatchNorm({ kernel, reserve }: WasmWorkspace): Backend["batchNorm"] {
  return function batchNorm(d, x, stats, y): void {
    if (!areFloat32(x, stats, y)) return reference.batchNorm(d, x, stats, y);
    checkBatchNorm(d, stats, { x, y });
    const size = d.n * d.c * d.l;
    const described = describeBatchNorm(d, true);
    const [base, atX, atStats] = reserve([described.byteLength, 4 * size, 16 * d.c]);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, described.length).set(described);
    const [image, measured] = [new Float32Array(heap, atX, size), new Float32Array(heap, atStats, 4 * d.c)];
    image.set(x.subarray(0, size));
    measured.set(stats.subarray(0, 4 * d.c));
    unwrap(kernel.gradus_batch_norm(base, atX, atStats, atX), "normalise");
    stats.set(measured);
    y.set(image);
  };
}

/** `batchNormBackward` for float32; other dtypes are passed on to the reference. */
export function wasmBatchNormBackward({ kernel, reserve }: WasmWorkspace): Backend["batchNormBackward"] {
  return function batchNormBackward(d, g, x, y, stats, dx, dw, db): void {
    if (!areFloat32(g, x, stats, dw, db, dx ?? x)) {
      return reference.batchNormBackward(d, g, x, y, stats, dx, dw, db);
    }
    checkBatchNorm(d, stats, { g, x, y, dx }, { dw, db });
    const size = d.n * d.c * d.l;
    const described = describeBatchNorm(d, dx !== null);
    const lengths = [described.byteLength, 4 * size, 4 * size, 16 * d.c, 4 * d.c, 4 * d.c];
    const [base, atG, atX, atStats, atDw, atDb] = reserve(lengths);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, described.length).set(described);
    new Float32Array(heap, atG, size).set(g.subarray(0, size));
    new Float32Array(heap, atX, size).set(x.subarray(0, size));
    new Float32Array(heap, atStats, 4 * d.c).set(stats.subarray(0, 4 * d.c));
    unwrap(kernel.gradus_batch_norm_backward(base, atG, atX, atStats, atG, atDw, atDb), "normalise");
    dx?.set(new Float32Array(heap, atG, size));
    dw.set(new Float32Array(heap, atDw, d.c));
    db.set(new Float32Array(heap, atDb, d.c));
  };
}

/** How many elements the images and the windows of a pooling have. */
function sizesOf({ planes, h, w, rows, cols }: Pooling): [pixels: number, results: number] {
  return [planes * h * w, planes * rows.begin.length * cols.begin.length];
}

function areFloat32(...arrays: readonly TypedArray[]): boolean {
  return arrays.every((x) => x instanceof Float32Array);
}
