/** Every element-wise function and derivative as a formula on numbers: what all back ends are tested against. */
import type { TypedArray } from "../../dtype.ts";
import type { InputActivation } from "../backend.ts";

/** A function of one argument. */
type Unary = (x: number, low: number, high: number) => number;
/** A function of two arguments. */
type Binary = (a: number, b: number) => number;

const unary = {
  copy: (x) => x,
  neg: (x) => -x,
  abs: Math.abs,
  sign: (x) => Number(x > 0) - Number(x < 0), // 0 for NaN, as in PyTorch
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  square: (x) => x * x,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  exp2: (x) => 2 ** x,
  log2: Math.log2,
  log10: Math.log10,
  tanh: Math.tanh,
  sigmoid,
  relu: (x) => (x < 0 ? 0 : x), // written so that NaN passes through
  erf,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
  trunc: Math.trunc,
  clamp,
  not: (x) => (x === 0 ? 1 : 0),
  hardtanh: clamp,
  leakyRelu: (x, slope) => (x > 0 ? x : x * slope),
  elu: (x, alpha, scale) => scale * (x > 0 ? x : alpha * Math.expm1(x)),
  gelu: (x) => x * normal(x),
  geluTanh: (x) => x * sigmoid(geluInner(x)),
  silu: (x) => x * sigmoid(x),
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  softplus: (x, beta, threshold) => {
    const z = x * beta; // exp() of −|z| cannot overflow
    return z > threshold ? x : (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)))) / beta;
  },
} satisfies Record<string, Unary>;

/**
 * Element-wise functions of one argument, by name. Some have parameters, passed as `low` and `high`: the bounds of `clamp` and
 * `hardtanh`, the slope of `leakyRelu` below 0, α and the scale of `elu`, β and the threshold of `softplus`.
 */
export type UnaryOp = keyof typeof unary;

/** Functions of one argument; {@linkcode UnaryOp} says what `low` and `high` are. */
export const UNARY: Readonly<Record<UnaryOp, Unary>> = unary;

/** Derivatives by the input: `g · f′(x)`. Those of `clamp` and `hardtanh` choose g or 0: `g · 0` would be NaN for an infinite g. */
export const UNARY_BACKWARD: Record<InputActivation, (g: number, x: number, low: number, high: number) => number> = {
  clamp: (g, x, low, high) => (x >= low && x <= high ? g : 0),
  hardtanh: (g, x, low, high) => (x > low && x < high ? g : 0),
  leakyRelu: (g, x, slope) => (x > 0 ? g : g * slope),
  elu: (g, x, alpha, scale) => g * scale * (x > 0 ? 1 : alpha * Math.exp(x)),
  gelu: (g, x) => g * (normal(x) + x * Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)),
  geluTanh: (g, x) => {
    const [s, other] = [sigmoid(geluInner(x)), sigmoid(-geluInner(x))];
    return g * (s + x * s * other * Math.sqrt(8 / Math.PI) * (1 + 3 * 0.044715 * x * x));
  },
  silu: (g, x) => g * sigmoid(x) * (1 + x * sigmoid(-x)),
  mish: (g, x) => {
    const t = Math.tanh(Math.log1p(Math.exp(x)));
    return g * (t + x * sigmoid(x) * (1 - t * t));
  },
  softplus: (g, x, beta, threshold) => (x * beta > threshold ? g : g * sigmoid(x * beta)),
};

function clamp(x: number, low: number, high: number): number {
  const raised = x >= low || Number.isNaN(x) ? x : low; // NaN passes through, and a bound of NaN wins
  return raised <= high || Number.isNaN(raised) ? raised : high; // the upper bound wins where they cross
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** The cumulative distribution function `Φ(x)` of the standard normal. */
function normal(x: number): number {
  return 0.5 + 0.5 * erf(x * Math.SQRT1_2);
}

/** `2u` with `u = √(2/π)(x + 0.044715x³)`, of which GELU takes `½(1 + tanh u) = σ(2u)`. */
function geluInner(x: number): number {
  return Math.sqrt(8 / Math.PI) * (x + 0.044715 * x * x * x);
}

const binary = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: power,
  maximum: Math.max,
  minimum: Math.min,
  remainder: (a, b) => {
    const r = a % b;
    return r !== 0 && r < 0 !== b < 0 ? r + b : r; // the divisor's sign, as Python and PyTorch have it
  },
  fmod: (a, b) => a % b,
  atan2: Math.atan2,
  hypot: Math.hypot,
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0),
  and: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  or: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
} satisfies Record<string, Binary>;

/** Element-wise functions of two arguments, by name. */
export type BinaryOp = keyof typeof binary;

/** Functions of two arguments. */
export const BINARY: Readonly<Record<BinaryOp, Binary>> = binary;

/** `aᵇ` as IEEE 754 has it, where `1ᵇ` and `(−1)^±∞` are 1; JavaScript says NaN. */
function power(a: number, b: number): number {
  if (b === 2) return a * a;
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b);
}

/** What differs for integer results: they wrap modulo 2³², as those of PyTorch do; a float64 past 2⁵³ would lose digits. */
export const INTEGER_BINARY: Partial<Record<BinaryOp, Binary>> = {
  mul: Math.imul,
  pow: integerPower,
};

/** The function of one argument for integer results; a copy into bytes wraps as typed arrays do. */
export function integerUnary(op: UnaryOp, out: TypedArray): Unary {
  if (op === "square") return (x) => Math.imul(x, x);
  return op === "copy" && out instanceof Int32Array ? toInt32 : UNARY[op];
}

/** What lies outside int32, infinities and NaN become its least number, as in x86-64's conversion and so in PyTorch. */
function toInt32(x: number): number {
  return x > -2147483649 && x < 2147483648 ? x : -2147483648;
}

/** `aᵇ` modulo 2³² by repeated squaring; a negative power is the whole part of a fraction. */
function integerPower(a: number, b: number): number {
  if (b < 0) return a === 1 || (a === -1 && b % 2 === 0) ? 1 : a === -1 ? -1 : 0;
  let power = 1;
  for (; b > 0; b >>>= 1, a = Math.imul(a, a)) if (b & 1) power = Math.imul(power, a);
  return power;
}

/** Rounds the magnitude, so that the sign survives on a zero. */
function roundHalfEven(x: number): number {
  const size = Math.abs(x);
  const floor = Math.floor(size);
  const rest = size - floor;
  return Math.sign(x) * (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor);
}

/**
 * The error function `2/√π · ∫₀ˣ e^(−t²) dt`, to about 1e-16 relative.
 *
 * Series for small `|x|` (Abramowitz & Stegun 7.1.6), the continued fraction of erfc for large (7.1.14).
 */
function erf(x: number): number {
  const t = Math.abs(x);
  if (!(t < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  return Math.sign(x) * (t < 2.5 ? erfSeries(t) : 1 - erfcFraction(t));
}

function erfSeries(t: number): number {
  let term = t;
  let sum = t;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= (2 * t * t) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-t * t) * sum;
}

function erfcFraction(t: number): number {
  let f = t;
  for (let n = 60; n >= 1; n--) f = t + n / 2 / f;
  return Math.exp(-t * t) / Math.sqrt(Math.PI) / f;
}
