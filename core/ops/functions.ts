/** Element-wise functions that are written as functions: less common than the methods of a tensor, and as primitive. */
import type { Tensor } from "../tensor.ts";
import { map, type Operand, zip } from "./elementwise.ts";

/** −1, 0 or 1. */
export function sign(x: Tensor): Tensor {
  return map("sign", x);
}

/** `eˣ − 1`, exact for small x. */
export function expm1(x: Tensor): Tensor {
  return map("expm1", x);
}

/** `ln(1 + x)`, exact for small x. */
export function log1p(x: Tensor): Tensor {
  return map("log1p", x);
}

/** `1 / √x`. */
export function rsqrt(x: Tensor): Tensor {
  return map("rsqrt", x);
}

/** `1 / x`. */
export function reciprocal(x: Tensor): Tensor {
  return map("reciprocal", x);
}

/** `x²`. */
export function square(x: Tensor): Tensor {
  return map("square", x);
}

/** The sine of x in radians. */
export function sin(x: Tensor): Tensor {
  return map("sin", x);
}

/** The cosine of x in radians. */
export function cos(x: Tensor): Tensor {
  return map("cos", x);
}

/** The error function `2/√π · ∫₀ˣ e^(−t²) dt`. */
export function erf(x: Tensor): Tensor {
  return map("erf", x);
}

/** The nearest whole number below. */
export function floor(x: Tensor): Tensor {
  return map("floor", x);
}

/** The nearest whole number above. */
export function ceil(x: Tensor): Tensor {
  return map("ceil", x);
}

/** The nearest whole number; halves go to the even one, as in IEEE 754. */
export function round(x: Tensor): Tensor {
  return map("round", x);
}

/** `a mod b` with the sign of `b`, as in Python. */
export function remainder(a: Tensor, b: Operand): Tensor {
  return zip("remainder", a, b);
}

/** `a mod b` with the sign of `a`, as in C. */
export function fmod(a: Tensor, b: Operand): Tensor {
  return zip("fmod", a, b);
}

/** Whether both are other than 0. */
export function logicalAnd(a: Tensor, b: Operand): Tensor {
  return zip("and", a, b);
}

/** Whether either is other than 0. */
export function logicalOr(a: Tensor, b: Operand): Tensor {
  return zip("or", a, b);
}

/** Whether it is 0. */
export function logicalNot(x: Tensor): Tensor {
  return map("not", x);
}
