/** Which elements are NaN or infinite, and finite ones in their place. */
import { checkOptions, requireTensor } from "../arguments.ts";
import { fromData } from "../create.ts";
import { isFloating } from "../dtype.ts";
import { sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { where } from "./where.ts";

/**
 * Where x is NaN, bool: false everywhere for integers. PyTorch's `torch.isnan`.
 *
 * @example
 * ```ts
 * import { isnan, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(isnan(tensor([1, NaN, Infinity])).toArray(), [false, true, false]);
 * ```
 */
export function isnan(x: Tensor): Tensor {
  requireTensor(x, "take isnan() of");
  const values = x.detach();
  return isFloating(x.dtype) ? values.ne(values) : all(x, 0);
}

/**
 * Where x is ∞ or −∞, bool. PyTorch's `torch.isinf`.
 *
 * @example
 * ```ts
 * import { isinf, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(isinf(tensor([1, NaN, -Infinity])).toArray(), [false, false, true]);
 * ```
 */
export function isinf(x: Tensor): Tensor {
  requireTensor(x, "take isinf() of");
  return isFloating(x.dtype) ? x.detach().abs().eq(Infinity) : all(x, 0);
}

/**
 * Where x is neither NaN nor infinite, bool: true everywhere for integers. PyTorch's `torch.isfinite`.
 *
 * @example
 * ```ts
 * import { isfinite, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(isfinite(tensor([1, NaN, Infinity])).toArray(), [true, false, false]);
 * ```
 */
export function isfinite(x: Tensor): Tensor {
  requireTensor(x, "take isfinite() of");
  return isFloating(x.dtype) ? x.detach().abs().lt(Infinity) : all(x, 1);
}

/** What stands in the place of numbers that are not finite. */
export interface NanToNumOptions {
  /**
   * In the place of NaN.
   *
   * @default {0}
   */
  nan?: number;
  /** In the place of ∞; without it the largest number of the dtype. */
  posinf?: number;
  /** In the place of −∞; without it the smallest. */
  neginf?: number;
}

/** The largest finite number of each dtype that has infinity. */
const LARGEST = { float32: 2 ** 128 - 2 ** 104, float64: Number.MAX_VALUE };

/**
 * x with finite numbers in the place of NaN and infinity, which get a gradient of 0. Integers stay as they are. PyTorch's
 * `torch.nan_to_num`.
 *
 * @example
 * ```ts
 * import { nanToNum, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(nanToNum(tensor([1, NaN, -Infinity]), { nan: 5, neginf: -9 }).toArray(), [1, 5, -9]);
 * ```
 */
export function nanToNum(x: Tensor, options: NanToNumOptions = {}): Tensor {
  requireTensor(x, "take nanToNum() of");
  checkOptions("take nanToNum()", options, ["nan", "posinf", "neginf"], {
    nan: "number",
    posinf: "number",
    neginf: "number",
  });
  if (!isFloating(x.dtype)) return x;
  const largest = LARGEST[x.dtype as keyof typeof LARGEST];
  const { nan = 0, posinf = largest, neginf = -largest } = options;
  const values = x.detach();
  return where(values.eq(Infinity), posinf, where(values.eq(-Infinity), neginf, where(isnan(values), nan, x)));
}

/** The same for each element: 1 for true. */
function all(x: Tensor, value: 0 | 1): Tensor {
  return fromData(new Uint8Array(sizeOf(x.shape)).fill(value), x.shape).ne(0);
}
