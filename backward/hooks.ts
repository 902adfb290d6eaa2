/** Hooks on gradients, and gradients of intermediate values. */
import { requireTensor } from "../core/arguments.ts";
import { sameShape, show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

/** Called with a gradient during the backward pass; what it returns replaces the gradient. */
export type GradHook = (g: Tensor) => Tensor | void;

const hooks = new WeakMap<Tensor, Set<{ hook: GradHook }>>();
const retained = new WeakSet<Tensor>();

/**
 * Calls `hook` with the gradient of `x` in every backward pass, once it is complete; returns a function that removes the hook. PyTorch's
 * `register_hook`.
 *
 * @throws {Error} If `x` does not require a gradient.
 */
export function registerHook(x: Tensor, hook: GradHook): () => void {
  requireGradient(x, "register a hook on");
  const entry = { hook }; // the same function may be registered twice, and removed once
  const list = hooks.get(x) ?? new Set();
  hooks.set(x, list.add(entry));
  return () => void list.delete(entry);
}

/**
 * Makes `backward()` set the `.g` of `x` although it is not a leaf; PyTorch's `retain_grad`.
 *
 * @throws {Error} If `x` does not require a gradient.
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

/** Whether hooks are registered on `x`. */
export function hasHooks(x: Tensor): boolean {
  return hooks.has(x);
}

/** Whether `retainGrad` was called for `x`. */
export function isRetained(x: Tensor): boolean {
  return retained.has(x);
}

/** The gradient of `x` after its hooks have run. */
export function hooked(x: Tensor, g: Tensor): Tensor {
  for (const { hook } of hooks.get(x) ?? []) {
    const result = hook(g) ?? g;
    requireTensor(result, "use the result of a hook,");
    if (!sameShape(result.shape, x.shape)) {
      throw new RangeError(
        `Cannot use the gradient that a hook returned: it has shape ${show(result.shape)}, its value ${show(x.shape)}`,
      );
    }
    if (result !== g) g = result.to(x.dtype).clone(); // the hook may keep what it returned
  }
  return g;
}
