/** Pooling: the maximum or the mean of each window over the last one or two dimensions. */
import { newEmpty } from "../../memory/allocate.ts";
import type { Pooling, Windows } from "../../backend/planes.ts";
import { backend } from "../../backend/choose.ts";
import { record } from "../../record.ts";
import { sizeOf } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";
import { detached, elements } from "../movement.ts";
import { singleWindow } from "./windows_along.ts";

/** The windows along each pooled dimension: of a sequence [length], or of an image [rows, columns]. */
export type WindowsOf = readonly [Windows] | readonly [Windows, Windows];

/** The maximum of each window, the first of equal ones; its place in its plane, where that is asked for or a gradient will need it. */
export function maxPool(
  x: Tensor,
  windows: WindowsOf,
  withIndices: boolean,
): { values: Tensor; indices: Tensor | null } {
  const d = pooling("max", x, windows, 0);
  const out = newEmpty(pooledShape(x, windows), x.dtype);
  const indices = withIndices || x.requiresGrad ? newEmpty(out.shape, "int32") : null;
  backend().pool(d, elements(x), out.data, indices === null ? null : indices.data as Int32Array);
  const values = indices === null ? out : record("maxPool", out, [x, indices], d);
  return { values, indices };
}

/** The sum of each window over its divisor: the number given, or for 0 what its windows count. */
export function avgPool(x: Tensor, windows: WindowsOf, divisor = 0): Tensor {
  const d = pooling("avg", x, windows, divisor);
  const out = newEmpty(pooledShape(x, windows), x.dtype);
  backend().pool(d, elements(x), out.data, null);
  return record("avgPool", out, [x], d);
}

/** The gradient of what was pooled, of this shape; `at` holds the places of maxima. */
export function poolGradient(d: Pooling, g: Tensor, shape: readonly number[], at: Tensor | null): Tensor {
  const dx = newEmpty(shape, g.dtype);
  backend().poolBackward(d, elements(g), at === null ? null : elements(detached(at)) as Int32Array, dx.data);
  return dx;
}

function pooling(op: Pooling["op"], x: Tensor, windows: WindowsOf, divisor: number): Pooling {
  const planes = sizeOf(x.shape.slice(0, -windows.length));
  const [rows, cols] = windows.length === 2 ? windows : [singleWindow(), windows[0]];
  return { op, planes, h: windows.length === 2 ? x.shape.at(-2)! : 1, w: x.shape.at(-1)!, rows, cols, divisor };
}

function pooledShape(x: Tensor, windows: WindowsOf): number[] {
  return [...x.shape.slice(0, -windows.length), ...windows.map(({ begin }) => begin.length)];
}
