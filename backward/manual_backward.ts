/** For layers that call their derivatives by hand: the output's gradient, saved values, and gradients left in `.g`. */
import { requireTensor } from "../core/arguments.ts";
import { GradientSlot, peekGradient } from "../core/gradient_slot.ts";
import { show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { bare, Ownership } from "./ownership.ts";

/**
 * The gradient in `out.g`, which the backward step of what used `out` has left there.
 *
 * @throws {Error} If there is none yet.
 */
export function outputGrad(out: Tensor): Tensor {
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

/** What one call counts as of a backward pass: about one layer of many. */
const STEP = 1 / 64;

/**
 * Leaves the gradients that `rule` returns for `args` in the `.g` of `tensors`, in order; `null` leaves a `.g` as it is. No other code has
 * seen these gradients: their memory is used again if they are replaced before anybody reads them.
 */
export function leaveGradients<Args extends readonly (Tensor | null)[]>(
  tensors: readonly Tensor[],
  rule: (...args: Args) => readonly (Tensor | null)[],
  ...args: Args
): void {
  for (const x of tensors) requireTensor(x, "leave a gradient on");
  const blocks = new Ownership();
  blocks.track(() => {
    const gradients = rule(...args.map((x) => x instanceof GradientSlot ? bare(x) : x) as unknown as Args);
    gradients.forEach((g, i) => {
      if (g !== null) blocks.leave(tensors[i], g);
    });
  });
  blocks.releaseAll(STEP);
}

/**
 * A value that a layer saved in its `call()`.
 *
 * @throws {Error} If it was not called yet.
 */
export function requireSaved<T>(value: T | undefined, layer: string): T {
  if (value === undefined) throw new Error(`Cannot go back through ${layer}: it was not called yet, run call() first`);
  return value;
}
