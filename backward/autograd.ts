/**
 * Gradients, as in `torch.autograd`: functions with a derivative of your own, hooks, and checks against finite differences.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { gradcheck, noGrad } from "@gradus/gradus/autograd";
 * import { assertThrows } from "@std/assert";
 *
 * const x = tensor([1, 2], { dtype: "float64" });
 * gradcheck((x) => x.mul(x).sum(), [x]);
 * assertThrows(() => gradcheck((x) => x.mul(noGrad(() => x.add(0))).sum(), [x]), Error, "differs"); // half of it is lost
 * ```
 * @module
 */
export { detectAnomaly } from "./anomaly.ts";
export { Context, type Differentiable, Function, type Gradients } from "./function.ts";
/** Jacobians, Hessians, and their products with vectors: `functional.hessian(f, x)`. */
export * as functional from "./functional.ts";
export { grad, type GradOptions, type Tensors } from "./grad.ts";
export { checkRule, gradcheck, type GradcheckOptions, gradgradcheck } from "./gradcheck.ts";
export { type GradHook, registerHook, registerPostAccumulateGradHook, retainGrad } from "./hooks.ts";
export { isGradEnabled, noGrad } from "./tape.ts";
export type * from "../core/types.ts";
