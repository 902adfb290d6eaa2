/**
 * What a tensor can do beside the essential: methods that are functions too, as in PyTorch. `Tensor`, which has the others, is derived from
 * this class; each method calls the function of its name in `ops/`.
 */
import { GradientSlot } from "./gradient_slot.ts";
import { binary, type Operand, unary } from "./ops/elementwise.ts";
import * as functions from "./ops/functions.ts";
import type { ValueOptions } from "./ops/functions.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Methods of every tensor that are functions of `@gradus/gradus` as well.
 *
 * @example
 * ```ts
 * import { atan2, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([2.5, -2.5]);
 * assertEquals(x.trunc().toArray(), [2, -2]);
 * assertEquals(x.atan2(1).toArray(), atan2(x, 1).toArray());
 * ```
 */
export abstract class TensorMethods extends GradientSlot {
  /** The tangent of x in radians */
  tan(this: Tensor): Tensor {
    return unary("tan", this);
  }
  /** The angle in [−π/2, π/2] whose sine is x */
  asin(this: Tensor): Tensor {
    return unary("asin", this);
  }
  /** The angle in [0, π] whose cosine is x */
  acos(this: Tensor): Tensor {
    return unary("acos", this);
  }
  /** The angle in (−π/2, π/2) whose tangent is x */
  atan(this: Tensor): Tensor {
    return unary("atan", this);
  }
  /** `(eˣ − e⁻ˣ) / 2` */
  sinh(this: Tensor): Tensor {
    return unary("sinh", this);
  }
  /** `(eˣ + e⁻ˣ) / 2` */
  cosh(this: Tensor): Tensor {
    return unary("cosh", this);
  }
  /** `2ˣ` */
  exp2(this: Tensor): Tensor {
    return unary("exp2", this);
  }
  /** `log₂ x` */
  log2(this: Tensor): Tensor {
    return unary("log2", this);
  }
  /** `log₁₀ x` */
  log10(this: Tensor): Tensor {
    return unary("log10", this);
  }
  /** x without its fraction: the nearest integer toward 0 */
  trunc(this: Tensor): Tensor {
    return unary("trunc", this);
  }
  /** `x − trunc(x)`, which has the sign of x */
  frac(this: Tensor): Tensor {
    return functions.frac(this);
  }
  /** The angle in [−π, π] of the point (b, a): `atan(a / b)` in the right quadrant */
  atan2(this: Tensor, b: Operand): Tensor {
    return binary("atan2", this, b);
  }
  /** `√(a² + b²)`, without overflow */
  hypot(this: Tensor, b: Operand): Tensor {
    return binary("hypot", this, b);
  }
  /** `ln(eᵃ + eᵇ)`, without overflow */
  logaddexp(this: Tensor, b: Operand): Tensor {
    return functions.logaddexp(this, b);
  }
  /** `x + weight · (b − x)` */
  lerp(this: Tensor, b: Tensor, weight: Operand): Tensor {
    return functions.lerp(this, b, weight);
  }
  /** `x + value · a · b` */
  addcmul(this: Tensor, a: Tensor, b: Tensor, options?: ValueOptions): Tensor {
    return functions.addcmul(this, a, b, options);
  }
  /** `x + value · a / b` */
  addcdiv(this: Tensor, a: Tensor, b: Tensor, options?: ValueOptions): Tensor {
    return functions.addcdiv(this, a, b, options);
  }
}
