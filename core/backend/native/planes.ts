/** The native verbs of planes and channels: pooling, resampling, batch normalisation. */
import {
  checkBatchNorm,
  checkPlaces,
  checkPool,
  checkResample,
  describeBatchNorm,
  describePool,
  describeResample,
} from "../planes.ts";
import type { TypedArray } from "../../dtype.ts";
import type { Backend } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { reference } from "../reference/reference.ts";
import { type Buffer, type Functions, NOTHING } from "./symbols.ts";

const NO_PLACES = new Int32Array(1);
const BAD_INDEX = 4;

/** `pool` for float32; other dtypes are passed on to the reference. */
export function nativePool({ gradus_pool }: Functions): Backend["pool"] {
  return function pool(d, x, out, at): void {
    if (!isFloat32(x) || !isFloat32(out)) return reference.pool(d, x, out, at);
    checkPool(d, x, out, at);
    const described = describePool(d, x.length, out.length, at?.length ?? null);
    const code = gradus_pool(described, x, out, (at ?? NO_PLACES) as Int32Array<ArrayBuffer>);
    if (code !== 0) unwrap(code, "pool");
  };
}

/** `poolBackward` for float32; other dtypes are passed on to the reference. */
export function nativePoolBackward({ gradus_pool_backward }: Functions): Backend["poolBackward"] {
  return function poolBackward(d, g, at, dx): void {
    if (!isFloat32(g) || !isFloat32(dx)) return reference.poolBackward(d, g, at, dx);
    checkPool(d, dx, g, at);
    if (d.op === "max" && at === null) checkPlaces(d, at);
    const described = describePool(d, dx.length, g.length, at?.length ?? null);
    const code = gradus_pool_backward(described, g, (at ?? NO_PLACES) as Int32Array<ArrayBuffer>, dx);
    if (code === BAD_INDEX) checkPlaces(d, at); // which says what is wrong
    if (code !== 0) unwrap(code, "pool");
  };
}

/** `resample` for float32; other dtypes are passed on to the reference. */
export function nativeResample({ gradus_resample }: Functions): Backend["resample"] {
  return function resample(d, x, out): void {
    if (!isFloat32(x) || !isFloat32(out)) return reference.resample(d, x, out);
    checkResample(d, x, out);
    unwrap(gradus_resample(describeResample(d, x.length, out.length), x, out), "resample");
  };
}

/** `resampleBackward` for float32; other dtypes are passed on to the reference. */
export function nativeResampleBackward({ gradus_resample_backward }: Functions): Backend["resampleBackward"] {
  return function resampleBackward(d, g, dx): void {
    if (!isFloat32(g) || !isFloat32(dx)) return reference.resampleBackward(d, g, dx);
    checkResample(d, dx, g);
    unwrap(gradus_resample_backward(describeResample(d, dx.length, g.length), g, dx), "resample");
  };
}

/** `batchNorm` for float32; other dtypes are passed on to the reference. */
export function nativeBatchNorm({ gradus_batch_norm }: Functions): Backend["batchNorm"] {
  return function batchNorm(d, x, stats, y): void {
    if (!isFloat32(x) || !isFloat32(stats) || !isFloat32(y)) return reference.batchNorm(d, x, stats, y);
    checkBatchNorm(d, stats, { x, y });
    unwrap(gradus_batch_norm(describeBatchNorm(d, true), x, stats, y), "normalise");
  };
}

/** `batchNormBackward` for float32; other dtypes are passed on to the reference. */
export function nativeBatchNormBackward({ gradus_batch_norm_backward }: Functions): Backend["batchNormBackward"] {
  return function batchNormBackward(d, g, x, y, stats, dx, dw, db): void {
    const known = isFloat32(g) && isFloat32(x) && isFloat32(stats) && (dx === null || isFloat32(dx)) &&
      isFloat32(dw) && isFloat32(db);
    if (!known) return reference.batchNormBackward(d, g, x, y, stats, dx, dw, db);
    checkBatchNorm(d, stats, { g, x, y, dx }, { dw, db });
    const described = describeBatchNorm(d, dx !== null);
    unwrap(gradus_batch_norm_backward(described, g, x, stats, dx ?? NOTHING, dw, db), "normalise");
  };
}

function isFloat32(x: TypedArray): x is Buffer {
  return x instanceof Float32Array;
}
