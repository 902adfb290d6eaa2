/** A choice between two values, element by element. */
import { blank, scalar } from "../allocate.ts";
import { promoteRanked } from "../dtype.ts";
import { record } from "../record.ts";
import { broadcastShapes, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type Operand, operand, requireTensor } from "./elementwise.ts";
import { detached, elements, expand } from "./movement.ts";

/**
 * `a` where the condition is true and `b` elsewhere, broadcast; what is not chosen sends no gradient back, not even NaN.
 *
 * Two numbers make float32, as `tensor` does, and two booleans bool. PyTorch's `torch.where`.
 *
 * @example
 * ```ts
 * import { tensor, where } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([-1, 0, 4]);
 * assertEquals(where(x.gt(0), x.sqrt(), 0).toArray(), [0, 0, 2]);
 * ```
 * @throws {TypeError} If the condition is not of kind bool.
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
  const out = blank(shape, promoteRanked(p.dtype, p.shape.length, q.dtype, q.shape.length));
  const [chosen, yes, no] = [condition, p, q].map((x) => elements(expand(detached(x), shape)));
  for (let i = 0; i < chosen.length; i++) out.data[i] = chosen[i] !== 0 ? yes[i] : no[i];
  return record("where", out, [condition, p, q]);
}

const VERB = "choose between";

/** Both values as tensors; a number takes the kind of the tensor beside it. */
function sides(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a === "object") {
    requireTensor(a, VERB);
    return [a, operand(a, b, VERB)];
  }
  if (typeof b === "object") return sides(b, a).reverse() as [Tensor, Tensor];
  const beside = scalar(0, typeof a === "boolean" && typeof b === "boolean" ? "bool" : "float32");
  return [operand(beside, a, VERB), operand(beside, b, VERB)];
}
