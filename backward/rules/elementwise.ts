/**
 * Derivatives of element-wise functions.
 *
 * A rule of several inputs reads only what the required gradients need: the other inputs may be written in place. A rule that sends
 * the gradient to one input or another does so by `where`, never by multiplying by 0 and 1: `g` may be infinite, and ∞ · 0 is NaN.
 * Formulas that the stages of `layers/` call too are functions of their own; the tables have a line for every operation.
 */
import { notDifferentiable, type Rule, type Rules } from "./rule.ts";
import type { BinaryOp, InputActivation, UnaryOp } from "../../core/backend/backend.ts";
import { newZeros } from "../../core/memory/allocate.ts";
import { unary } from "../../core/ops/elementwise.ts";
import { activationBackward } from "../../core/ops/fused.ts";
import { where } from "../../core/ops/where.ts";
import type { DerivedActivation } from "../../core/record.ts";
import type { Tensor } from "../../core/tensor.ts";

/** `y = max(x, 0)`, so `dx = 0` where `x ≤ 0`, else `g`, also where x is NaN. */
export function reluBackward(g: Tensor, x: Tensor): [dx: Tensor] {
  return [activationBackward("relu", g, x)];
}

/** `y = 1 / (1 + e⁻ˣ)`, so `dx = g · y · (1 − y)`. */
export function sigmoidBackward(g: Tensor, y: Tensor): [dx: Tensor] {
  return [activationBackward("sigmoid", g, y)];
}

/** `y = tanh x`, so `dx = g · (1 − y²)`. */
export function tanhBackward(g: Tensor, y: Tensor): [dx: Tensor] {
  return [activationBackward("tanh", g, y)];
}

/** `y = aᵇ`, so `da = g · b · a^(b − 1)`, which is 0 for b = 0, and `db = g · y · ln a`, which is 0 for a = 0 and b ≥ 0. */
function powBackward(
  g: Tensor,
  a: Tensor,
  b: Tensor,
  y: Tensor,
  needsInputGrad: readonly boolean[],
): (Tensor | null)[] {
  return [
    needsInputGrad[0] ? where(b.eq(0), 0, g.mul(b.mul(a.pow(b.sub(b.ne(0)))))) : null,
    needsInputGrad[1] ? where(a.eq(0).logicalAnd(b.ge(0)), 0, g.mul(y.mul(a.log()))) : null,
  ];
}

/** `y = max(a, b)`, or min: the one that is not y gets 0, equal ones get half of `g` each, and beside NaN both get `g`. */
function maximumBackward(
  g: Tensor,
  aLost: Tensor,
  bLost: Tensor,
  equal: Tensor,
  needsInputGrad: readonly boolean[],
): (Tensor | null)[] {
  const shared = where(equal, g.div(2), g);
  return [needsInputGrad[0] ? where(aLost, 0, shared) : null, needsInputGrad[1] ? where(bLost, 0, shared) : null];
}

const zeroGradient = (g: Tensor) => [newZeros(g.shape, g.dtype)];

/**
 * The integer n of `y = a − n·b`, so that `db = −n · g`. Found from y, because `a / b` may round up to the next integer. It is −1 where
 * y is b itself, as for −1 and ∞, and ±∞ for b of 0.
 */
function quotient(...values: [a: Tensor, b: Tensor, y: Tensor]): Tensor {
  const [a, b, y] = values.map((x) => x.detach()); // n does not change with them
  return where(y.eq(b), -1, where(y.eq(y), a.sub(y).div(b).round(), a.div(b)));
}

/** The rules of activations, and of `clamp`: one call of a back end's verb each, by the formula that stands above it. */
const activationRules: Rules<InputActivation> = {
  // y = min(max(x, low), high): dx = g between the bounds and on them, else 0
  clamp: byInput("clamp"),
  // the same y: dx = g between the bounds, else 0, on them too
  hardtanh: byInput("hardtanh"),
  // y = x where x > 0, else s · x: dx = g, or s · g
  leakyRelu: byInput("leakyRelu"),
  // y = γx where x > 0, else γα(eˣ − 1): dx = γ · g, or γα · eˣ · g
  elu: byInput("elu"),
  // y = x · Φ(x): dx = g · (Φ(x) + x · e^(−x²/2) / √(2π))
  gelu: byInput("gelu"),
  // y = x · σ(u) with u = √(8/π)(x + κx³): dx = g · (σ(u) + x · σ(u)σ(−u) · √(8/π)(1 + 3κx²))
  geluTanh: byInput("geluTanh"),
  // y = x · σ(x): dx = g · σ(x)(1 + x · σ(−x))
  silu: byInput("silu"),
  // y = x · t with t = tanh(ln(1 + eˣ)): dx = g · (t + x · σ(x)(1 − t²))
  mish: byInput("mish"),
  // y = ln(1 + e^(βx)) / β: dx = g · σ(βx); where βx is past the threshold, y = x and dx = g
  softplus: byInput("softplus"),
};

/**
 * `d = h · f′(y)` of an activation f, so `dh = g · f′(y)`, one pass again, and `dy = g · h · f″(y)` with the second derivative below; of an
 * activation that has none, whose slope changes only where it is not one number, there is no dy.
 */
const activationBackwardRule: Rule<"activationBackward"> = (g, step) => {
  const { settings: { op, low, high }, needsInputGrad } = step;
  const dh = needsInputGrad[0] ? activationBackward(op, g, step.b, low, high) : null;
  const second = SECOND[op];
  if (!needsInputGrad[1] || second === null) return [dh, null];
  return [dh, g.mul(step.a).mul(second(step.b, low, high))];
};

/** The second derivative by what `activationBackward` is given: of sigmoid and tanh the derivative of `f′` by the output. */
const SECOND: Readonly<
  Record<DerivedActivation, ((x: Tensor, low: number, high: number) => Tensor) | null>
> = {
  relu: null,
  clamp: null,
  hardtanh: null,
  leakyRelu: null,
  // f′ = y(1 − y)
  sigmoid: (y) => y.mul(-2).add(1),
  // f′ = 1 − y²
  tanh: (y) => y.mul(-2),
  // f′ = γαeˣ where x ≤ 0; where x > 0, which eˣ must not overflow for, it is γ
  elu: (x, alpha, scale) => where(x.gt(0), 0, x.clamp(-Infinity, 0).exp().mul(alpha * scale)),
  // f′ = Φ + xφ, and φ′ = −xφ: f″ = φ(2 − x²)
  gelu: (x) => x.square().mul(-0.5).exp().div(Math.sqrt(2 * Math.PI)).mul(x.square().neg().add(2)),
  // f = xσ(u): f″ = σ′(2u′ + xu″) + xσ″u′², with σ′ = σ(1 − σ) and σ″ = σ′(1 − 2σ)
  geluTanh: (x) => {
    const c = Math.sqrt(8 / Math.PI), cubic = 0.044715;
    const s = x.add(x.pow(3).mul(cubic)).mul(c).sigmoid();
    const [du, ddu] = [x.square().mul(3 * cubic).add(1).mul(c), x.mul(6 * cubic * c)];
    const bend = x.mul(s.mul(-2).add(1)).mul(du.square()); // x · σ″ / σ′ · u′²
    return slopeOf(s).mul(du.mul(2).add(x.mul(ddu)).add(bend));
  },
  // f = xσ: f″ = σ′(2 + x(1 − 2σ))
  silu: (x) => {
    const s = x.sigmoid();
    return slopeOf(s).mul(x.mul(s.mul(-2).add(1)).add(2));
  },
  // f = xt with t = tanh(ln(1 + eˣ)): t′ = σ(1 − t²), t″ = (1 − t²)(σ′ − 2tσ²), f″ = 2t′ + xt″
  mish: (x) => {
    const [s, t] = [x.sigmoid(), unary("softplus", x, 1, Infinity).tanh()];
    const bend = slopeOf(s).sub(t.mul(s.square()).mul(2));
    return t.square().neg().add(1).mul(s.mul(2).add(x.mul(bend)));
  },
  // f′ = σ(βx): f″ = βσ(1 − σ), and 0 past the threshold
  softplus: (x, beta, threshold) => where(x.mul(beta).gt(threshold), 0, slopeOf(x.mul(beta).sigmoid()).mul(beta)),
};

/** `σ′ = σ(1 − σ)`. */
function slopeOf(s: Tensor): Tensor {
  return s.mul(s.neg().add(1));
}

/** The rules of functions of one argument. */
export const unaryRules: Rules<UnaryOp | "activationBackward"> = {
  copy: (g) => [g],
  neg: (g) => [g.neg()],
  abs: (g, { a }) => [g.mul(a.sign())],
  sign: zeroGradient,
  exp: (g, { y }) => [g.mul(y)],
  expm1: (g, { y }) => [g.mul(y.add(1))],
  log: (g, { a }) => [g.div(a)],
  log1p: (g, { a }) => [g.div(a.add(1))],
  sqrt: (g, { y }) => [g.div(y.mul(2))],
  rsqrt: (g, { y }) => [g.mul(y.pow(3)).mul(-0.5)],
  reciprocal: (g, { y }) => [g.mul(y).mul(y).neg()],
  square: (g, { a }) => [g.mul(a).mul(2)],
  sin: (g, { a }) => [g.mul(a.cos())],
  cos: (g, { a }) => [g.mul(a.sin()).neg()],
  tan: (g, { y }) => [g.mul(y.square().add(1))],
  asin: (g, { a }) => [g.div(a.square().neg().add(1).sqrt())],
  acos: (g, { a }) => [g.div(a.square().neg().add(1).sqrt()).neg()],
  atan: (g, { a }) => [g.div(a.square().add(1))],
  sinh: (g, { a }) => [g.mul(unary("cosh", a))],
  cosh: (g, { a }) => [g.mul(unary("sinh", a))],
  exp2: (g, { y }) => [g.mul(y).mul(Math.LN2)],
  log2: (g, { a }) => [g.div(a.mul(Math.LN2))],
  log10: (g, { a }) => [g.div(a.mul(Math.LN10))],
  tanh: (g, { y }) => tanhBackward(g, y),
  sigmoid: (g, { y }) => sigmoidBackward(g, y),
  relu: (g, { a }) => reluBackward(g, a),
  erf: (g, { a }) => [g.mul(a.mul(a).neg().exp()).mul(2 / Math.sqrt(Math.PI))],
  floor: zeroGradient,
  ceil: zeroGradient,
  round: zeroGradient,
  trunc: zeroGradient,
  ...activationRules,
  not: notDifferentiable,
  activationBackward: activationBackwardRule,
};

/** The rules of functions of two arguments. */
export const binaryRules: Rules<BinaryOp> = {
  add: (g) => [g, g],
  sub: (g) => [g, g.neg()],
  mul: (g, step) => [step.needsInputGrad[0] ? g.mul(step.b) : null, step.needsInputGrad[1] ? g.mul(step.a) : null],
  div: (g, step) => [g.div(step.b), step.needsInputGrad[1] ? g.mul(step.y.div(step.b)).neg() : null],
  pow: (g, { a, b, y, needsInputGrad }) => powBackward(g, a, b, y, needsInputGrad),
  maximum: (g, { a, b, needsInputGrad }) => maximumBackward(g, a.lt(b), a.gt(b), a.eq(b), needsInputGrad),
  minimum: (g, { a, b, needsInputGrad }) => maximumBackward(g, a.gt(b), a.lt(b), a.eq(b), needsInputGrad),
  remainder: (g, { a, b, y }) => [g, g.mul(quotient(a, b, y)).neg()],
  fmod: (g, { a, b, y }) => [g, g.mul(quotient(a, b, y)).neg()],
  // y = the angle of the point (b, a): da = g · b / (a² + b²), db = −g · a / (a² + b²)
  atan2: (g, step) => {
    const { needsInputGrad: [first, second], a, b } = step;
    const part = g.div(a.square().add(b.square()));
    return [first ? part.mul(b) : null, second ? part.mul(a).neg() : null];
  },
  // y = √(a² + b²): da = g · a / y, db = g · b / y
  hypot: (g, step) => [
    step.needsInputGrad[0] ? g.mul(step.a.div(step.y)) : null,
    step.needsInputGrad[1] ? g.mul(step.b.div(step.y)) : null,
  ],
  eq: notDifferentiable,
  ne: notDifferentiable,
  lt: notDifferentiable,
  le: notDifferentiable,
  gt: notDifferentiable,
  ge: notDifferentiable,
  and: notDifferentiable,
  or: notDifferentiable,
};

/** `dx = g · op′(x)`, computed from the input. */
function byInput<K extends InputActivation>(op: K): Rule<K> {
  return (g, { a, settings: { low, high } }) => [activationBackward(op, g, a, low, high)];
}
