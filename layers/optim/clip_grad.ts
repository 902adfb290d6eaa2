/** Gradient clipping: a bound for the norm of all gradients, or for each element. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireTensor, shown } from "../../core/arguments.ts";
import { Tensor } from "../../core/tensor.ts";
import { parameterList } from "./settings.ts";

/** The options of {@linkcode clipGradNorm}. */
export interface ClipOptions {
  /**
   * The p of the norm `(Σ|g|ᵖ)^(1/p)`; `Infinity` for the largest element.
   *
   * @default {2}
   */
  normType?: number;
  /**
   * Whether an infinite or NaN norm is an error; else it makes every gradient 0 or NaN.
   *
   * @default {false}
   */
  errorIfNonfinite?: boolean;
}

/**
 * Scales all gradients by `min(1, maxNorm / (‖g‖ + 1e-6))`, in place, so that the norm of all of them together is at most
 * `maxNorm`; returns the norm before. Parameters without a gradient are skipped.
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const w = tensor([3, 4]).requiresGrad_();
 * w.mul(w).mul(0.5).sum().backward();
 * assertEquals(optim.clipGradNorm([w], 1), 5);
 * assertAlmostEquals(w.g!.norm().item(), 1, 1e-5);
 * ```
 * @throws {RangeError} If a bound is out of its range, or the norm is not finite and `errorIfNonfinite` is set.
 */
export function clipGradNorm(
  params: Tensor | Iterable<Tensor>,
  maxNorm: number,
  options: ClipOptions = {},
): number {
  checkOptions("clip gradients", options, ["normType", "errorIfNonfinite"], {
    normType: "number",
    errorIfNonfinite: "boolean",
  });
  const { normType = 2, errorIfNonfinite = false } = options;
  requireBound("the norm", maxNorm);
  if (!(normType > 0)) throw new RangeError(`Cannot take the norm of type ${normType}: expected a number above 0`);
  return noGrad(() => {
    const grads = gradients(params);
    const norm = totalNorm(grads, normType);
    if (errorIfNonfinite && !Number.isFinite(norm)) {
      throw new RangeError(`Cannot clip the gradients: their norm is ${norm}, look for a division by 0 or a large lr`);
    }
    const scale = maxNorm / (norm + 1e-6);
    if (!(scale >= 1)) grads.forEach((g) => g.mul_(scale));
    return norm;
  });
}

/**
 * Clamps every element of every gradient to `−maxValue … maxValue`, in place.
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const w = tensor([3, -0.5]).requiresGrad_();
 * w.mul(w).sum().backward();
 * optim.clipGradValue([w], 2);
 * assertEquals(w.g!.toArray(), [2, -1]);
 * ```
 * @throws {RangeError} If the bound is negative or not a number.
 */
export function clipGradValue(params: Tensor | Iterable<Tensor>, maxValue: number): void {
  requireBound("the values", maxValue);
  noGrad(() => gradients(params).forEach((g) => g.copy_(g.clamp(-maxValue, maxValue))));
}

function requireBound(what: string, bound: number): void {
  if (typeof bound === "number" && bound >= 0) return;
  throw new RangeError(`Cannot clip ${what} of the gradients to ${shown(bound)}: expected a number of at least 0`);
}

/** Each gradient once, also where a parameter is named twice. */
function gradients(params: Tensor | Iterable<Tensor>): Tensor[] {
  const list = params instanceof Tensor ? [params] : parameterList(params, "clip gradients");
  for (const p of list) requireTensor(p, "clip the gradient of");
  return [...new Set(list.flatMap((p) => (p.g === null ? [] : [p.g])))];
}

function totalNorm(grads: readonly Tensor[], p: number): number {
  const norms = grads.filter((g) => g.numel() > 0).map((g) => normOf(g, p));
  if (p === Infinity) return norms.reduce((a, b) => Math.max(a, b), 0);
  return norms.reduce((sum, norm) => sum + norm ** p, 0) ** (1 / p);
}

function normOf(g: Tensor, p: number): number {
  if (p === Infinity) return g.abs().max().item();
  return p === 2 ? g.norm().item() : g.abs().pow(p).sum().item() ** (1 / p);
}
