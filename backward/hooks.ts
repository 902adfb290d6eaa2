/** Hooks on gradients, and gradients of intermediate values. */
import { describe, requireTensor } from "../core/arguments.ts";
import { sameShape, show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

/** Called with a gradient during the backward pass; what it returns replaces the gradient. */
export type GradHook = (g: Tensor) => Tensor | void;

const hooks = new WeakMap<Tensor, Set<{ hook: GradHook }>>();
const leafHooks = new WeakMap<Tensor, Set<{ hook: (x: Tensor) => void }>>();
let ends: (() => void)[] = [];
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
 * Calls `hook` with the leaf `x` in every backward pass, once its gradient of that pass has been added to `x.g`; returns a function that
 * removes the hook. PyTorch's `register_post_accumulate_grad_hook`.
 *
 * @throws {Error} If `x` does not require a gradient, or is no leaf.
 */
export function registerPostAccumulateGradHook(x: Tensor, hook: (x: Tensor) => void): () => void {
  requireGradient(x, "register a hook on");
  if (x.node !== null) {
    throw new Error(`Cannot register a hook on a tensor of shape ${show(x.shape)}: it is no leaf, take registerHook()`);
  }
  if (typeof hook !== "function") throw new TypeError(`Cannot call ${describe(hook)} as a hook: give a function`);
  const entry = { hook };
  const list = leafHooks.get(x) ?? new Set();
  leafHooks.set(x, list.add(entry));
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

/** Whether hooks wait for the gradient that is left on the leaf `x`. */
export function hasLeafHooks(x: Tensor): boolean {
  return leafHooks.has(x);
}

/** Runs the hooks that waited for the gradient of the leaf `x`. */
export function gradientLeft(x: Tensor): void {
  for (const { hook } of leafHooks.get(x) ?? []) hook(x);
}

/** Calls `body` once, when the pass that runs has left all gradients; called by a hook. PyTorch's `queue_callback`. */
export function atEndOfPass(body: () => void): void {
  ends.push(body);
}

/** Calls what waited for the end of the pass. */
export function passEnded(): void {
  const waiting = ends;
  ends = [];
  for (const body of waiting) body();
}
