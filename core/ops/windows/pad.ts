/** Padding with a constant: elements before and after each dimension, or fewer. */
import { newEmpty } from "../../memory/allocate.ts";
import { backend } from "../../backend/choose.ts";
import { record } from "../../record.ts";
import { show } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";
import { detached, narrow } from "../movement.ts";

/**
 * x with `before[d]` and `after[d]` elements of `value` around dimension d; negative numbers take elements away.
 *
 * @throws {RangeError} If more is taken away than there is.
 */
export function padConstant(x: Tensor, before: readonly number[], after: readonly number[], value: number): Tensor {
  const shape = x.shape.map((size, d) => before[d] + size + after[d]);
  if (shape.some((size) => size < 0)) {
    throw new RangeError(`Cannot pad ${show(x.shape)} to ${show(shape)}: more is taken away than there is`);
  }
  const out = newEmpty(shape, x.dtype);
  if (before.some((n) => n > 0) || after.some((n) => n > 0)) out.fill_(value);
  copyCommon(detached(x), out, before);
  return record("pad", out, [x], { before, after });
}

/** Copies the elements of x that have a place in `out`, where x begins at `before`. */
function copyCommon(x: Tensor, out: Tensor, before: readonly number[]): void {
  let to = out;
  for (let d = 0; d < before.length; d++) {
    const [from, start] = [Math.max(-before[d], 0), Math.max(before[d], 0)];
    const length = Math.max(0, Math.min(x.shape[d] - from, out.shape[d] - start));
    if (length === 0) return;
    x = narrow(x, d, from, length);
    to = narrow(to, d, start, length);
  }
  backend().unary("copy", x.shape, x, to, 0, 0);
}
