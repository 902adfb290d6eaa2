/** The native verbs of rows: softmax and layer normalisation. */
import type { TypedArray } from "../../dtype.ts";
import type { Backend } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { layerNorm, layerNormBackward, softmax, softmaxBackward } from "../reference/rows.ts";
import { checkLayerNorm, checkSoftmax, describeLayerNorm, describeSoftmax } from "../rows.ts";
import { type Buffer, type Functions, NOTHING } from "./symbols.ts";

/** `softmax` for float32; other dtypes are passed on to the reference. */
export function nativeSoftmax({ gradus_softmax }: Pick<Functions, "gradus_softmax">): Backend["softmax"] {
  return function (d, x, y) {
    if (!areFloat32(x, y)) return softmax(d, x, y);
    checkSoftmax(d, { x, y });
    unwrap(gradus_softmax(describeSoftmax(d), x as Buffer, y as Buffer), "take the softmax");
  };
}

/** `softmaxBackward` for float32; other dtypes are passed on to the reference. */
export function nativeSoftmaxBackward(
  { gradus_softmax_backward }: Pick<Functions, "gradus_softmax_backward">,
): Backend["softmaxBackward"] {
  return function (d, g, y, dx) {
    if (!areFloat32(g, y, dx)) return softmaxBackward(d, g, y, dx);
    checkSoftmax(d, { g, y, dx });
    const code = gradus_softmax_backward(describeSoftmax(d), g as Buffer, y as Buffer, dx as Buffer);
    unwrap(code, "differentiate the softmax");
  };
}

/** `layerNorm` for float32; other dtypes are passed on to the reference. */
export function nativeLayerNorm({ gradus_layer_norm }: Pick<Functions, "gradus_layer_norm">): Backend["layerNorm"] {
  return function (d, x, weight, bias, stats, y) {
    if (!areFloat32(x, weight, bias, stats, y)) return layerNorm(d, x, weight, bias, stats, y);
    checkLayerNorm(d, stats, { x, y }, { weight, bias });
    const described = describeLayerNorm(d, weight !== null, true);
    const given = [x, weight ?? NOTHING, bias ?? NOTHING, stats, y] as [Buffer, Buffer, Buffer, Buffer, Buffer];
    unwrap(gradus_layer_norm(described, ...given), "normalise");
  };
}

/** `layerNormBackward` for float32; other dtypes are passed on to the reference. */
export function nativeLayerNormBackward(
  { gradus_layer_norm_backward }: Pick<Functions, "gradus_layer_norm_backward">,
): Backend["layerNormBackward"] {
  return function (d, g, x, weight, stats, dx, dw, db) {
    const known = areFloat32(g, x, weight, stats, dx, dw, db) && weight !== null === (dw !== null || db !== null);
    if (!known) return layerNormBackward(d, g, x, weight, stats, dx, dw, db);
    checkLayerNorm(d, stats, { g, x, dx }, { weight, dw, db });
    const sums = new Float64Array(weight === null ? 1 : 2 * d.cols);
    const described = describeLayerNorm(d, weight !== null, dx !== null);
    const given = [g, x, weight ?? NOTHING, stats, dx ?? NOTHING] as [Buffer, Buffer, Buffer, Buffer, Buffer];
    unwrap(gradus_layer_norm_backward(described, ...given, sums), "normalise");
    dw?.set(sums.subarray(0, d.cols));
    db?.set(sums.subarray(d.cols));
  };
}

function areFloat32(...arrays: readonly (TypedArray | null)[]): boolean {
  return arrays.every((x) => x === null || x instanceof Float32Array);
}
