/** What a step back by hand reads and leaves: the gradient of its output, the values its forward step saw, and its results. */
import { requireTensor } from "../core/arguments.ts";
import { leaveGradient, peekGradient } from "../core/gradient_slot.ts";
import { show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

/**
 * The gradient in `out.g`, which whatever used `out` must have filled before.
 *
 * @throws {Error} If it is still empty.
 */
export function upstream(out: Tensor): Tensor {
  requireTensor(out, "go back through");
  const g = peekGradient(out);
  if (g === null) {
    throw new Error(
      `Cannot go back through a value of shape ${
        show(out.shape)
      }: it has no gradient yet, run backward() on what used it first`,
    );
  }
  return g;
}

/**
 * Leaves the gradients that a rule answers in the `.g` of the tensors they belong to, in order; where it made none, what stands there
 * stays.
 *
 * Nobody else holds them, so that their memory is used again once they are replaced without having been read.
 */
export function leave(tensors: readonly Tensor[], rule: () => readonly (Tensor | null)[]): void {
  for (const x of tensors) requireTensor(x, "leave a gradient on");
  rule().forEach((g, i) => {
    if (g !== null) leaveGradient(tensors[i], g);
  });
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
