/** The sizes of a product, and the checks that all rungs share. */
import { requireTensor } from "../arguments.ts";
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/**
 * The sizes of `a @ b`: a is [m, k], b is [k, n].
 *
 * @throws {RangeError} If one is not a matrix or the inner sizes differ.
 * @throws {TypeError} If one is not float32, the dtype of all rungs.
 */
export function checkProduct(a: Tensor, b: Tensor): { m: number; k: number; n: number } {
  requireTensor(a, "multiply");
  requireTensor(b, "multiply by");
  if (a.ndim !== 2 || b.ndim !== 2 || a.shape[1] !== b.shape[0]) {
    throw new RangeError(`Cannot multiply ${show(a.shape)} by ${show(b.shape)}: expected matrices [m, k] and [k, n]`);
  }
  if (a.dtype !== "float32" || b.dtype !== "float32") {
    throw new TypeError(
      `Cannot multiply ${a.dtype} by ${b.dtype} on the ladder: its rungs are for float32, use float()`,
    );
  }
  return { m: a.shape[0], k: a.shape[1], n: b.shape[1] };
}
