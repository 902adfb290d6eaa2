/** `where()`, a choice between two values, element by element; and which elements are NaN or infinite. */
import { byName, checkOptions, requireTensor } from "../arguments.ts";
import { backend } from "../backend/choose.ts";
import { isFloating, promote, promoteRanked, type TypedArray } from "../dtype.ts";
import { newEmpty, wrap } from "../memory/allocate.ts";
import { binary, cast, type Operand, operand, spread, unary } from "./elementwise.ts";
import { detached, elements } from "./movement.ts";
import { record } from "../record.ts";
import { broadcastShapes, rowMajor, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/**
 * `a` where the condition is true and `b` elsewhere, broadcast; what is not chosen gets a gradient of 0, also if the gradient of the
 * result is infinite or NaN.
 *
 * That 0 is multiplied by the derivatives of the functions that made the value. Where one is infinite or NaN, as that of `√x` at 0 and
 * below, the product is NaN, as in PyTorch: apply `where` to the argument of such a function too, not only to its result.
 *
 * Two numbers make float32, as `tensor` does, and two booleans bool. PyTorch's `torch.where`.
 *
 * @example
 * ```ts
 * import { tensor, where } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([-1, 0, 4]).requiresGrad_();
 * const y = where(x.gt(0), x.sqrt(), 0);
 * assertEquals(y.toArray(), [0, 0, 2]);
 * y.sum().backward();
 * assertEquals(x.g?.toArray(), [NaN, NaN, 0.25]); // 0 · NaN, 0 · ∞, 1 / (2√4)
 *
 * const z = tensor([-1, 0, 4]).requiresGrad_();
 * where(z.gt(0), where(z.gt(0), z, 1).sqrt(), 0).sum().backward();
 * assertEquals(z.g?.toArray(), [0, 0, 0.25]);
 * ```
 * @throws {TypeError} If the condition's dtype is not bool.
 * @throws {RangeError} If the shapes do not broadcast.
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  requireTensor(condition, "choose by");
  if (condition.dtype !== "bool") {
    throw new TypeError(
      `Cannot choose by a ${condition.dtype} tensor of shape ${
        show(condition.shape)
      }: use a bool mask, as gt(0) or bool() gives`,
    );
  }
  const [p, q] = sides(a, b);
  const shape = broadcastShapes(condition.shape, broadcastShapes(p.shape, q.shape, VERB), VERB);
  const out = newEmpty(shape, promoteRanked(p.dtype, p.shape.length, q.dtype, q.shape.length));
  backend().where(shape, spread(condition, shape), spread(p, shape), spread(q, shape), out);
  return record("where", out, [condition, p, q]);
}

const VERB = "choose between";

/** Both values as tensors; a number takes the dtype of the tensor beside it. */
function sides(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a === "object") {
    requireTensor(a, VERB);
    return [a, operand(b, a.dtype, VERB)];
  }
  if (typeof b === "object") return sides(b, a).reverse() as [Tensor, Tensor];
  const beside = typeof a === "boolean" && typeof b === "boolean" ? "bool" : "float32";
  return [operand(a, beside, VERB), operand(b, beside, VERB)];
}

/** A bound of `clamp`: a number or a tensor, which is broadcast, or none. */
export type Bound = Tensor | number | null | undefined;

/** The bounds of `clamp` by name. */
export interface ClampOptions {
  /** The lower bound. */
  min?: Bound;
  /** The upper bound. */
  max?: Bound;
}

/**
 * `min(max(x, low), high)`; without one of the two the other holds alone. Where they cross the upper one wins. Each element's gradient goes
 * to x between the bounds and on them, else to the bound. PyTorch's `torch.clamp`.
 *
 * @example
 * ```ts
 * import { clamp, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([-2, 0, 2]);
 * assertEquals(clamp(x, -1, 1).toArray(), [-1, 0, 1]);
 * assertEquals(clamp(x, { max: tensor([0, -1, 5]) }).toArray(), [-2, -1, 2]);
 * ```
 */
export function clamp(x: Tensor, low?: Bound | ClampOptions, high?: Bound): Tensor {
  requireTensor(x, "clamp");
  const options = byName<ClampOptions>("clamp", low, ["min", "max"]);
  if (options !== null) return clamp(x, options.min, options.max);
  const [least, most] = [(low as Bound) ?? -Infinity, high ?? Infinity];
  if (typeof least === "number" && typeof most === "number") return unary("clamp", x, least, most);
  const raised = typeof least === "number" ? unary("clamp", x, least, Infinity) : bounded(x, least, "lt");
  return typeof most === "number" ? unary("clamp", raised, -Infinity, most) : bounded(raised, most, "gt");
}

/** `bound` where x lies beyond it. */
function bounded(x: Tensor, bound: Tensor, side: "lt" | "gt"): Tensor {
  requireTensor(bound, "clamp by");
  const edge = detached(bound);
  return where(binary(side, detached(x), edge).logicalOr(edge.ne(edge)), bound, x); // a bound of NaN wins
}

/**
 * A copy of x with a number, or the element of a tensor of rank 0, where a mask, broadcast, is true. PyTorch's `torch.masked_fill`.
 *
 * @example
 * ```ts
 * import { maskedFill, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([1, -2, 3]);
 * assertEquals(maskedFill(x, x.lt(0), 0).toArray(), [1, 0, 3]);
 * ```
 * @throws {TypeError} If the mask is not bool, or the dtype of x cannot hold the value.
 * @throws {RangeError} If the value has dimensions.
 */
export function maskedFill(x: Tensor, mask: Tensor, value: Operand): Tensor {
  requireTensor(x, "fill by a mask");
  const fill = operand(x.dtype === "bool" && typeof value === "number" ? value !== 0 : value, x.dtype, "fill with");
  if (fill.shape.length > 0) {
    throw new RangeError(`Cannot fill with a tensor of shape ${show(fill.shape)}: give a number`);
  }
  if (promote(fill.dtype, x.dtype) !== x.dtype && !(isFloating(fill.dtype) && isFloating(x.dtype))) {
    throw new TypeError(`Cannot fill a ${x.dtype} tensor with a ${fill.dtype}: cast one of them first`);
  }
  return where(mask, cast(fill, x.dtype), x);
}

/** The numbers of the elements that are other than 0. */
export function placesWhere(values: TypedArray): Int32Array {
  const places = new Int32Array(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) places[count++] = i; // NaN counts
  return places.slice(0, count);
}

/** The places of what is other than 0, int32 [places, dimensions], in row-major order. PyTorch's `torch.nonzero`. */
export function nonzero(x: Tensor): Tensor {
  requireTensor(x, "find what is not 0 in");
  const places = placesWhere(elements(x));
  const [rank, steps] = [x.shape.length, rowMajor(x.shape)];
  const found = new Int32Array(places.length * rank);
  places.forEach((place, k) => {
    for (let d = 0; d < rank; d++) found[k * rank + d] = Math.floor(place / steps[d]) % x.shape[d];
  });
  return wrap(found, [places.length, rank], "int32");
}

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
  return wrap(new Uint8Array(sizeOf(x.shape)).fill(value), x.shape, "bool");
}
