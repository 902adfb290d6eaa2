/** What a step back by hand reads and leaves: the gradient of its output, the values its forward step saw, and its results. */
import { requireTensor } from "../core/arguments.ts";
import { GradientSlot, peekGradient } from "../core/gradient_slot.ts";
import { show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { bare, Ownership } from "./ownership.ts";

/**
 * The gradient in `out.g`, which whatever used `out` must have filled before.
 *
 * @throws {Error} If it is still empty.
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

/** A part of a way back: about a layer of many. */
const STEP = 1 / 64;

/**
 * Leaves what `rule` answers to `args` in the `.g` of the tensors it belongs to, in order; where it answers `null`, what stands there
 * stays. Nobody else holds these gradients, so that their memory is used again once they are replaced without having been read.
 */
export function leaveGradients<Args extends readonly (Tensor | null)[]>(
  tensors: readonly Tensor[],
  rule: (...args: Args) => readonly (Tensor | null)[],
  ...args: Args
): void {
  for (const x of tensors) requireTensor(x, "leave a gradient on");
  const memory = new Ownership();
  memory.own(() => {
    const gradients = rule(...args.map((x) => x instanceof GradientSlot ? bare(x) : x) as unknown as Args);
    gradients.forEach((g, i) => {
      if (g !== null) memory.leave(tensors[i], g);
    });
  });
  memory.end(STEP);
}

/**
 * A value that a layer remembered when it was called.
 *
 * @throws {Error} If it was not called yet.
 */
export function requireSaved<T>(value: T | undefined, layer: string): T {
  if (value === undefined) throw new Error(`Cannot go back through ${layer}: it was not called yet, run call() first`);
  return value;
}
