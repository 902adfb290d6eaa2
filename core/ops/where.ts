/** `where()`: a choice between two values, element by element. */
import { newEmpty } from "../memory/allocate.ts";
import { requireTensor } from "../arguments.ts";
import { backend } from "../backend/choose.ts";
import { promoteRanked } from "../dtype.ts";
import { record } from "../record.ts";
import { broadcastShapes, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type Operand, operand, spread } from "./elementwise.ts";

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
