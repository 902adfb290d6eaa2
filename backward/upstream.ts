/** What a step back needs and may not have yet: the gradient of its output, and the values its forward step saw. */
import { show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

/**
 * The gradient in `out.g`, which whatever used `out` must have filled before.
 *
 * @throws {Error} If it is still empty.
 */
export function upstream(out: Tensor): Tensor {
  if (out.g === null) {
    throw new Error(
      `Cannot go back through a value of shape ${
        show(out.shape)
      }: it has no gradient yet, run backward() on what used it first`,
    );
  }
  return out.g;
}

/**
 * A value that a layer remembered when it was called.
 *
 * @throws {Error} If it was not called yet.
 */
export function remembered<T>(value: T | undefined, layer: string): T {
  if (value === undefined) throw new Error(`Cannot go back through ${layer}: it was not called yet, run call() first`);
  return value;
}
