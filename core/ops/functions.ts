/**
 * Functions of numbers as functions of tensors, element by element: `exp(x)` is `x.exp()`, and `atan2(a, b)` is `a.atan2(b)`; and reductions
 * as functions. All are PyTorch's, by the same names.
 */
import { checkOptions, requireTensor } from "../arguments.ts";
import { isFloating } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { binary, cast, type Operand, operand, unary } from "./elementwise.ts";
import { detached } from "./movement.ts";
import { argExtreme } from "./reduce.ts";
import type { Dims, NormOptions, ReduceOptions, VarianceOptions } from "./reduce.ts";
import { where } from "./where.ts";

/** `|x|`. */
export function abs(x: Tensor): Tensor {
  return unary("abs", x);
}

/** `eˣ`. */
export function exp(x: Tensor): Tensor {
  return unary("exp", x);
}

/** `eˣ − 1`, exact for small x. */
export function expm1(x: Tensor): Tensor {
  return unary("expm1", x);
}

/** `2ˣ`. */
export function exp2(x: Tensor): Tensor {
  return unary("exp2", x);
}

/** `ln x`. */
export function log(x: Tensor): Tensor {
  return unary("log", x);
}

/** `ln(1 + x)`, exact for small x. */
export function log1p(x: Tensor): Tensor {
  return unary("log1p", x);
}

/** `log₂ x`. */
export function log2(x: Tensor): Tensor {
  return unary("log2", x);
}

/** `log₁₀ x`. */
export function log10(x: Tensor): Tensor {
  return unary("log10", x);
}

/** `√x`. */
export function sqrt(x: Tensor): Tensor {
  return unary("sqrt", x);
}

/** `1 / √x`. */
export function rsqrt(x: Tensor): Tensor {
  return unary("rsqrt", x);
}

/** `1 / x`. */
export function reciprocal(x: Tensor): Tensor {
  return unary("reciprocal", x);
}

/** `x²`. */
export function square(x: Tensor): Tensor {
  return unary("square", x);
}

/** `−x`. */
export function neg(x: Tensor): Tensor {
  return unary("neg", x);
}

/** `−1`, `0` or `1`. */
export function sign(x: Tensor): Tensor {
  return unary("sign", x);
}

/** The sine of x in radians. */
export function sin(x: Tensor): Tensor {
  return unary("sin", x);
}

/** The cosine of x in radians. */
export function cos(x: Tensor): Tensor {
  return unary("cos", x);
}

/** The tangent of x in radians. */
export function tan(x: Tensor): Tensor {
  return unary("tan", x);
}

/** The angle in [−π/2, π/2] whose sine is x. */
export function asin(x: Tensor): Tensor {
  return unary("asin", x);
}

/** The angle in [0, π] whose cosine is x. */
export function acos(x: Tensor): Tensor {
  return unary("acos", x);
}

/** The angle in (−π/2, π/2) whose tangent is x. */
export function atan(x: Tensor): Tensor {
  return unary("atan", x);
}

/** `(eˣ − e⁻ˣ) / 2`. */
export function sinh(x: Tensor): Tensor {
  return unary("sinh", x);
}

/** `(eˣ + e⁻ˣ) / 2`. */
export function cosh(x: Tensor): Tensor {
  return unary("cosh", x);
}

/** `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`. */
export function tanh(x: Tensor): Tensor {
  return unary("tanh", x);
}

/** `1 / (1 + e⁻ˣ)`. */
export function sigmoid(x: Tensor): Tensor {
  return unary("sigmoid", x);
}

/** `max(x, 0)`. */
export function relu(x: Tensor): Tensor {
  return unary("relu", x);
}

/** The error function `2/√π · ∫₀ˣ e^(−t²) dt`. */
export function erf(x: Tensor): Tensor {
  return unary("erf", x);
}

/** `⌊x⌋`: the largest integer that is not above x. */
export function floor(x: Tensor): Tensor {
  return unary("floor", x);
}

/** `⌈x⌉`: the smallest integer that is not below x. */
export function ceil(x: Tensor): Tensor {
  return unary("ceil", x);
}

/** The nearest integer; halves go to the even one. */
export function round(x: Tensor): Tensor {
  return unary("round", x);
}

/** x without its fraction: the nearest integer toward 0. */
export function trunc(x: Tensor): Tensor {
  return unary("trunc", x);
}

/** `x − trunc(x)`, which has the sign of x. */
export function frac(x: Tensor): Tensor {
  return binary("sub", x, trunc(x));
}

/** The larger of a and b. */
export function maximum(a: Tensor, b: Operand): Tensor {
  return binary("maximum", a, b);
}

/** The smaller of a and b. */
export function minimum(a: Tensor, b: Operand): Tensor {
  return binary("minimum", a, b);
}

/**
 * The angle in [−π, π] of the point (b, a): `atan(a / b)` in the right quadrant.
 *
 * @example
 * ```ts
 * import { atan2, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const angles = atan2(tensor([0, 3]), tensor([-2, 0])).mul(180 / Math.PI);
 * assertEquals(angles.round().toArray(), [180, 90]);
 * ```
 */
export function atan2(a: Tensor, b: Operand): Tensor {
  return binary("atan2", a, b);
}

/** `√(a² + b²)`, without overflow. */
export function hypot(a: Tensor, b: Operand): Tensor {
  return binary("hypot", a, b);
}

/** `a + b`. */
export function add(a: Tensor, b: Operand): Tensor {
  return binary("add", a, b);
}

/** `a − b`. */
export function sub(a: Tensor, b: Operand): Tensor {
  return binary("sub", a, b);
}

/** `a · b`, element by element. */
export function mul(a: Tensor, b: Operand): Tensor {
  return binary("mul", a, b);
}

/** `a / b`; integers give a float. */
export function div(a: Tensor, b: Operand): Tensor {
  return binary("div", a, b);
}

/** `aᵇ`. */
export function pow(a: Tensor, b: Operand): Tensor {
  return binary("pow", a, b);
}

/** `a mod b` with the sign of b, as in Python. */
export function remainder(a: Tensor, b: Operand): Tensor {
  return binary("remainder", a, b);
}

/** `a mod b` with the sign of a, as in C. */
export function fmod(a: Tensor, b: Operand): Tensor {
  return binary("fmod", a, b);
}

/** `a = b`, bool. */
export function eq(a: Tensor, b: Operand): Tensor {
  return binary("eq", a, b);
}

/** `a ≠ b`, bool. */
export function ne(a: Tensor, b: Operand): Tensor {
  return binary("ne", a, b);
}

/** `a < b`, bool. */
export function lt(a: Tensor, b: Operand): Tensor {
  return binary("lt", a, b);
}

/** `a ≤ b`, bool. */
export function le(a: Tensor, b: Operand): Tensor {
  return binary("le", a, b);
}

/** `a > b`, bool. */
export function gt(a: Tensor, b: Operand): Tensor {
  return binary("gt", a, b);
}

/** `a ≥ b`, bool. */
export function ge(a: Tensor, b: Operand): Tensor {
  return binary("ge", a, b);
}

/** Whether both are other than 0. */
export function logicalAnd(a: Tensor, b: Operand): Tensor {
  return binary("and", a, b);
}

/** Whether either is other than 0. */
export function logicalOr(a: Tensor, b: Operand): Tensor {
  return binary("or", a, b);
}

/** Whether it is 0. */
export function logicalNot(x: Tensor): Tensor {
  return unary("not", x);
}

/** `ln(eᵃ + eᵇ)`, without overflow. */
export function logaddexp(a: Tensor, b: Operand): Tensor {
  requireTensor(a, "add the exponentials of");
  const p = isFloating(a.dtype) ? a : cast(a, "float32");
  const q = operand(b, p.dtype, "add the exponentials of");
  const top = detached(p.maximum(q)); // any constant gives the same result and gradient
  const finite = where(top.abs().lt(Infinity), top, 0);
  return p.sub(finite).exp().add(q.sub(finite).exp()).log().add(finite);
}

/**
 * `a + weight · (b − a)`: a for a weight of 0, b for 1.
 *
 * @example
 * ```ts
 * import { lerp, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(lerp(tensor([0, 10]), tensor([8, 20]), 0.25).toArray(), [2, 12.5]);
 * ```
 */
export function lerp(a: Tensor, b: Tensor, weight: Operand): Tensor {
  return binary("add", a, binary("sub", b, a).mul(weight));
}

/** The options of `addcmul` and `addcdiv`. */
export interface ValueOptions {
  /**
   * A factor for what is added.
   *
   * @default {1}
   */
  value?: number;
}

/** `x + value · a · b`. */
export function addcmul(x: Tensor, a: Tensor, b: Tensor, options: ValueOptions = {}): Tensor {
  return binary("add", x, scaled("take addcmul()", binary("mul", a, b), options));
}

/** `x + value · a / b`. */
export function addcdiv(x: Tensor, a: Tensor, b: Tensor, options: ValueOptions = {}): Tensor {
  return binary("add", x, scaled("take addcdiv()", binary("div", a, b), options));
}

function scaled(action: string, x: Tensor, options: ValueOptions): Tensor {
  checkOptions(action, options, ["value"], { value: "number" });
  const { value = 1 } = options;
  return value === 1 ? x : x.mul(value);
}

// Reductions and scans.

/** `Σx` over `dim` (one, several, or all). */
export function sum(x: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean): Tensor {
  return tensorOf(x, "sum").sum(dim, keepdim);
}

/** `Πx`. */
export function prod(x: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean): Tensor {
  return tensorOf(x, "prod").prod(dim, keepdim);
}

/** `Σx / n`. */
export function mean(x: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean): Tensor {
  return tensorOf(x, "mean").mean(dim, keepdim);
}

/** `√(Σ(x − x̄)² / (n − correction))`. The variance, `x.var()`, has a name that no function can have; see `varMean`. */
export function std(x: Tensor, dim?: Dims | VarianceOptions, keepdim?: boolean, correction?: number): Tensor {
  return tensorOf(x, "std").std(dim, keepdim, correction);
}

/** `ln Σeˣ`, without overflow. */
export function logsumexp(x: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean): Tensor {
  return tensorOf(x, "logsumexp").logsumexp(dim, keepdim);
}

/** `√Σx²`, or by another p: `norm(x, { p: 1 })`. */
export function norm(x: Tensor, dim?: Dims | NormOptions, keepdim?: boolean): Tensor {
  return tensorOf(x, "norm").norm(dim, keepdim);
}

/** Whether every element is other than 0. */
export function all(x: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean): Tensor {
  return tensorOf(x, "all").all(dim, keepdim);
}

/** Whether some element is other than 0. */
export function any(x: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean): Tensor {
  return tensorOf(x, "any").any(dim, keepdim);
}

/** The first index of the largest element, along `dim` or of all. */
export function argmax(x: Tensor, dim?: number | ReduceOptions, keepdim?: boolean): Tensor {
  return argExtreme("argmax", tensorOf(x, "argmax"), dim, keepdim);
}

/** The first index of the smallest element, along `dim` or of all. */
export function argmin(x: Tensor, dim?: number | ReduceOptions, keepdim?: boolean): Tensor {
  return argExtreme("argmin", tensorOf(x, "argmin"), dim, keepdim);
}

/** The running sums along `dim`. */
export function cumsum(x: Tensor, dim: number | { dim?: number }): Tensor {
  return tensorOf(x, "cumsum").cumsum(dim);
}

/** The running products along `dim`. */
export function cumprod(x: Tensor, dim: number | { dim?: number }): Tensor {
  return tensorOf(x, "cumprod").cumprod(dim);
}

function tensorOf(x: Tensor, name: string): Tensor {
  requireTensor(x, `take ${name}() of`);
  return x;
}
