/** The native verbs over rows and along a dimension. */
import type { TypedArray } from "../../dtype.ts";
import {
  type AlongVerbs,
  badPlace,
  badTarget,
  checkLayerNorm,
  checkOrder,
  checkPlaces,
  checkScan,
  checkScatter,
  checkSoftmax,
  describeLayerNorm,
  describeSoftmax,
} from "../along.ts";
import type { Backend } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { layerNorm, layerNormBackward, order, scan, scatterAdd, softmax, softmaxBackward } from "../reference/along.ts";
import { type Buffer, type Functions, NOTHING } from "./open_library.ts";

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

type Ints = Int32Array<ArrayBuffer>;

const BAD_INDEX = 4; // the status code for an index that is out of bounds
const answer = new Float64Array(1);

/** The verbs for float32; other dtypes are passed on to the reference. */
export function nativeAlong(functions: Functions): AlongVerbs {
  return {
    places(d, index, out) {
      checkPlaces(d, index, out);
      const described = Int32Array.of(d.outer, d.size, d.count, d.inner, index.length, out.length);
      const code = functions.gradus_places(described, index as Ints, out as Ints, answer);
      if (code === BAD_INDEX) throw badPlace(answer[0], d);
      unwrap(code, "index");
    },
    scatterAdd(g, width, index, out) {
      if (!(g instanceof Float32Array && out instanceof Float32Array)) return scatterAdd(g, width, index, out);
      checkScatter(g, width, index, out);
      const described = Int32Array.of(width, index.length, g.length, index.length, out.length);
      const code = functions.gradus_scatter_add(described, g as Buffer, index as Ints, out as Buffer, answer);
      if (code === BAD_INDEX) throw badTarget(answer[0], out.length / width);
      unwrap(code, "add rows");
    },
    scan(d, x, out) {
      if (!(x instanceof Float32Array && out instanceof Float32Array)) return scan(d, x, out);
      checkScan(d, x, out);
      const described = Int32Array.of(Number(d.products), d.outer, d.count, d.inner, x.length, out.length);
      unwrap(functions.gradus_scan(described, x as Buffer, out as Buffer), "add up");
    },
    order(d, x, out) {
      if (!(x instanceof Float32Array)) return order(d, x, out);
      checkOrder(d, x, out);
      const described = Int32Array.of(d.rows, d.count, Number(d.descending), d.first, x.length, out.length);
      unwrap(functions.gradus_order(described, x as Buffer, out as Ints), "sort");
    },
  };
}
