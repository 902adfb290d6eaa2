/** Comparisons of whole tensors: equal, or equal within a tolerance. */
import { checkOptions, type OptionTypes, requireTensor } from "./arguments.ts";
import { elements, expand } from "./ops/movement.ts";
import { broadcastShapes, sameShape, show } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** The tolerance `|a − b| ≤ atol + rtol·|b|`. */
export interface Tolerance {
  /**
   * The relative part.
   *
   * @default {1e-5}
   */
  rtol?: number;
  /**
   * The absolute part.
   *
   * @default {1e-8}
   */
  atol?: number;
  /**
   * Whether NaN equals NaN.
   *
   * @default {false}
   */
  equalNan?: boolean;
}

const KINDS: OptionTypes<Tolerance> = { rtol: "number", atol: "number", equalNan: "boolean" };

/**
 * Whether every `|a − b| ≤ atol + rtol·|b|`, with broadcasting; the defaults are PyTorch's.
 *
 * @example
 * ```ts
 * import { allclose, tensor } from "@gradus/gradus";
 * import { assert } from "@std/assert";
 *
 * assert(allclose(tensor([1, 2]), tensor([1, 2.00001])));
 * assert(!allclose(tensor([1, 2]), tensor([1, 2.001])));
 * ```
 */
export function allclose(
  a: Tensor,
  b: Tensor,
  tolerance: Tolerance = {},
): boolean {
  requireTensor(a, "compare");
  requireTensor(b, "compare");
  checkOptions("compare", tolerance, ["rtol", "atol", "equalNan"], KINDS);
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = tolerance;
  const shape = broadcastShapes(a.shape, b.shape, "compare");
  const [p, q] = [elements(expand(a, shape)), elements(expand(b, shape))];
  return p.every((x: number, i: number) =>
    x === q[i] || Math.abs(x - q[i]) <= atol + rtol * Math.abs(q[i]) && Number.isFinite(q[i]) ||
    (equalNan && Number.isNaN(x) && Number.isNaN(q[i]))
  );
}

/** `allclose` with rtol 1e-3 and atol 1e-5, the tolerance of fast.ai's course. */
export function near(a: Tensor, b: Tensor): boolean {
  return allclose(a, b, { rtol: 1e-3, atol: 1e-5 });
}

/**
 * Throws unless two tensors, numbers or arrays of numbers are equal: fast.ai's `test_eq`.
 *
 * @example
 * ```ts
 * import { tensor, testEq } from "@gradus/gradus";
 *
 * const m = tensor([[1, 2], [3, 4]]);
 * testEq(m.shape, [2, 2]);
 * testEq(m.t().t(), m);
 * ```
 * @throws {Error} If they differ; the message shows both.
 */
export function testEq<T extends Tensor | number | readonly number[]>(a: T, b: T): void {
  const same = isTensor(a) && isTensor(b) ? equalTensors(a, b) : equalNested(a, b);
  if (!same) throw new Error(`Not equal:\n${a}\n${b}`);
}

function equalNested(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((x, i) => equalNested(x, b[i]));
}

function isTensor(x: unknown): x is Tensor {
  return typeof x === "object" && x !== null && "strides" in x;
}

function equalTensors(a: Tensor, b: Tensor): boolean {
  if (!sameShape(a.shape, b.shape)) return false;
  const right = elements(b);
  return elements(a).every((x: number, i: number) => x === right[i]);
}

/**
 * Throws unless every element of `x` lies within `tolerance` of 0: fast.ai's `test_near_zero`.
 *
 * @throws {Error} If one does not; the message says how far away it is.
 */
export function testNearZero(x: Tensor, tolerance = 1e-3): void {
  requireTensor(x, "compare with 0");
  const far = elements(x).find((v: number) => !(Math.abs(v) <= tolerance));
  if (far !== undefined) {
    throw new Error(`Not near zero: found ${far} in a tensor of shape ${show(x.shape)}, tolerance ${tolerance}`);
  }
}
