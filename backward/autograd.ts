/**
 * Gradients, as in `torch.autograd`: functions with a derivative of your own, hooks, and checks against finite differences.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { gradcheck } from "@gradus/gradus/autograd";
 * import { assert } from "@std/assert";
 *
 * assert(gradcheck((x) => x.mul(x).sum(), [tensor([1, 2], { dtype: "float64" })]));
 * ```
 * @module
 */
export { Context, type Differentiable, Function, type Gradients } from "./function.ts";
export { checkRule, gradcheck, type GradcheckOptions } from "./gradcheck.ts";
export { type GradHook, registerHook, retainGrad } from "./hooks.ts";
export { isGradEnabled, noGrad } from "./tape.ts";
export type * from "../core/types.ts";
