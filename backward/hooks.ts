/** What may be asked of a gradient on its way: to be looked at, changed, or kept. */
import { requireTensor } from "../core/arguments.ts";
import { sameShape, show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

/** What is done with a gradient on its way; it may answer another one. */
export type GradHook = (g: Tensor) => Tensor | void;

const hooks = new WeakMap<Tensor, Set<{ hook: GradHook }>>();
const retained = new WeakSet<Tensor>();

/**
 * Calls `hook` with the complete gradient of `x` whenever one comes back; returns a function that takes the hook away.
 *
 * @throws {Error} If `x` requires no gradient, so that none can come.
 */
export function registerHook(x: Tensor, hook: GradHook): () => void {
  requireGradient(x, "register a hook on");
  const entry = { hook }; // the same function may be registered twice, and taken away once
  const list = hooks.get(x) ?? new Set();
  hooks.set(x, list.add(entry));
  return () => void list.delete(entry);
}

/**
 * Asks for the gradient of an intermediate value: after `backward()` it stands in its `.g`.
 *
 * @throws {Error} If `x` requires no gradient, so that none can come.
 */
export function retainGrad(x: Tensor): Tensor {
  requireGradient(x, "retain the gradient of");
  retained.add(x);
  return x;
}

function requireGradient(x: Tensor, verb: string): void {
  requireTensor(x, verb);
  if (x.requiresGrad) return;
  throw new Error(`Cannot ${verb} a tensor of shape ${show(x.shape)}: it does not require a gradient`);
}

/** Whether code from outside will see the gradient of `x` on its way. */
export function hasHooks(x: Tensor): boolean {
  return hooks.has(x);
}

/** Whether the gradient of the intermediate value `x` is to stay in its `.g`. */
export function isRetained(x: Tensor): boolean {
  return retained.has(x);
}

/** The gradient of `x` after its hooks have seen it. */
export function hooked(x: Tensor, g: Tensor): Tensor {
  for (const { hook } of hooks.get(x) ?? []) {
    const answer = hook(g) ?? g;
    requireTensor(answer, "use the answer of a hook,");
    if (!sameShape(answer.shape, x.shape)) {
      throw new RangeError(
        `Cannot use the gradient that a hook answered: it has shape ${show(answer.shape)}, its value ${show(x.shape)}`,
      );
    }
    if (answer !== g) g = answer.to(x.dtype).clone(); // the hook may keep its own
  }
  return g;
}
