/**
 * The seam: what the arithmetic above asks of the machine below.
 *
 * A verb sees sizes, strides and typed arrays, never a class or a gradient. It never allocates its result, and its caller has
 * checked the shapes. A partial back end is `{ ...reference, name, gemm }`.
 */
import type { TypedArray } from "../dtype.ts";

/** Elements laid out by strides: element `i, j, …` of `data` stands at `offset + i·strides[0] + j·strides[1] + …`. */
export interface Strided {
  /** The elements, shared with every other view of them. */
  readonly data: TypedArray;
  /** Where the first element stands. */
  readonly offset: number;
  /** Steps between neighbours along each dimension, in elements. */
  readonly strides: readonly number[];
}

/** What a product may end in, and what a gate leads back through by its result. */
export type Activation = "none" | "relu" | "sigmoid" | "tanh";

/** The activations by the numbers that `kernels.h` gives them. */
export const ACTIVATIONS: Readonly<Record<Activation, number>> = { none: 0, relu: 1, sigmoid: 2, tanh: 3 };

/** What a gate leads back through by its argument. `logSigmoid` is `−softplus(−x)`, and `selu` an `elu`. */
export type Slope = "clamp" | "hardtanh" | "leakyRelu" | "elu" | "gelu" | "geluTanh" | "silu" | "mish" | "softplus";

/** The slopes by the numbers that `kernels.h` gives them. */
export const SLOPES: Readonly<Record<Slope, number>> = {
  ...{ clamp: 4, hardtanh: 5, leakyRelu: 6, elu: 7, gelu: 8, geluTanh: 9, silu: 10, mish: 11, softplus: 12 },
};

/**
 * One matrix product `C = activation(A·B + bias + beta·C)`, where A is [m, k], B is [k, n], C is [m, n] and bias is [n] or absent.
 *
 * Every matrix carries a row stride and a column stride, so a transposed operand costs nothing.
 * With `beta` 0 the old C is never read: a NaN there does not survive.
 */
export interface Gemm {
  /** Rows of A and C. */
  m: number;
  /** Columns of A, rows of B. */
  k: number;
  /** Columns of B and C. */
  n: number;
  /** Where A's first element stands. */
  aOffset: number;
  /** A's step from a row to the next. */
  aRow: number;
  /** A's step from a column to the next. */
  aCol: number;
  /** Where B's first element stands. */
  bOffset: number;
  /** B's step from a row to the next. */
  bRow: number;
  /** B's step from a column to the next. */
  bCol: number;
  /** Where C's first element stands. */
  cOffset: number;
  /** C's step from a row to the next. */
  cRow: number;
  /** C's step from a column to the next. */
  cCol: number;
  /** Where the bias begins; unused without one. */
  biasOffset: number;
  /** The bias's step; unused without one. */
  biasStride: number;
  /** 0 overwrites C, 1 adds to it. */
  beta: 0 | 1;
  /** What the finished sum goes through; the bits are those of `map` afterwards. None unless told. */
  activation?: Activation;
}

/**
 * Element-wise functions of one argument, by name. Some take two numbers, `low` and `high`: the bounds of `clamp` and `hardtanh`, the
 * slope of `leakyRelu` below 0, α and the scale of `elu`, β and the threshold of `softplus`.
 */
export type UnaryOp =
  | "copy"
  | "neg"
  | "abs"
  | "sign"
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sqrt"
  | "rsqrt"
  | "reciprocal"
  | "square"
  | "sin"
  | "cos"
  | "tanh"
  | "sigmoid"
  | "relu"
  | "erf"
  | "floor"
  | "ceil"
  | "round"
  | "not"
  | Slope;

/** Element-wise functions of two arguments, by name. */
export type BinaryOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "pow"
  | "maximum"
  | "minimum"
  | "remainder"
  | "fmod"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "and"
  | "or";

/** What a group of elements is folded to; `argmax` and `argmin` give the first index. */
export type ReduceOp = "sum" | "prod" | "max" | "min" | "argmax" | "argmin" | "any" | "all";

/** How a reduction walks its operand: results along `kept`, each folded from the elements along `folded`. */
export interface Fold {
  /** Sizes of the result, which is row-major. */
  readonly kept: readonly number[];
  /** The operand's steps along `kept`. */
  readonly keptStrides: readonly number[];
  /** Sizes of the group that becomes one result. */
  readonly folded: readonly number[];
  /** The operand's steps along `folded`. */
  readonly foldedStrides: readonly number[];
}

/** The rules by which {@linkcode Backend.update} moves parameters. */
export type UpdateKind = "sgd" | "adam";

/**
 * An optimiser's settings by their place in the array that {@linkcode Backend.update} reads; switches are 0 or 1.
 *
 * `step` counts from 1. For `sgd` it only tells the first step, on which momentum's buffer is born as the gradient itself.
 */
export const UPDATE_SETTINGS = {
  lr: 0,
  momentum: 1,
  dampening: 2,
  nesterov: 3,
  weightDecay: 4,
  maximize: 5,
  beta1: 6,
  beta2: 7,
  eps: 8,
  decoupled: 9,
  step: 10,
} as const;

/** The name of one of an optimiser's settings. */
export type UpdateSetting = keyof typeof UPDATE_SETTINGS;

/** One parameter and what its optimiser remembers of it: dense arrays of one length. */
export interface UpdateSlot {
  /** The parameter θ. */
  p: TypedArray;
  /** Its gradient. */
  g: TypedArray;
  /** Momentum's buffer, or Adam's average of g; `null` for plain descent. */
  m: TypedArray | null;
  /** Adam's average of g². */
  v: TypedArray | null;
}

/** The verbs of the machine. */
export interface Backend {
  /** Which one this is. */
  readonly name: "reference" | "wasm" | "native";
  /** `C = activation(A·B + bias + beta·C)`. */
  gemm(d: Gemm, a: TypedArray, b: TypedArray, c: TypedArray, bias: TypedArray | null): void;
  /** `out = op(x)` over `shape`; `low` and `high` are what {@linkcode UnaryOp} says of the operation. */
  unary(op: UnaryOp, shape: readonly number[], x: Strided, out: Strided, low: number, high: number): void;
  /** `out = a op b` over `shape`; broadcasting is a stride of 0. */
  binary(op: BinaryOp, shape: readonly number[], a: Strided, b: Strided, out: Strided): void;
  /** `out = a` where the mask is other than 0, else b, over `shape`. */
  where(shape: readonly number[], mask: Strided, a: Strided, b: Strided, out: Strided): void;
  /** `out[kept] = op over folded of x`, the result written densely from `out[0]`. */
  reduce(op: ReduceOp, fold: Fold, x: TypedArray, offset: number, out: TypedArray): void;
  /**
   * Rows `index[i]` of `x` (each `width` dense elements from `offset + index·stride`) one after the other into `out`. Bytes
   * become floats on the way by `table`, which has one for each of the 256; without it the numbers stay.
   */
  gather(
    x: TypedArray,
    offset: number,
    stride: number,
    width: number,
    index: Int32Array,
    out: TypedArray,
    table?: Float32Array | null,
  ): void;
  /**
   * The way back through `op(x)`, all dense [rows, cols]: `out = g ⊙ op′`, and `db[j] = Σᵢ out[i, j]` unless it is null.
   *
   * Of an activation `y` is the result, of a slope the argument, with `low` and `high` as in `map`.
   *
   * `op′` is written through y: 1 for relu but where `y ≤ 0`, `y(1 − y)` for sigmoid, `1 − y²` for tanh. `out` may be `g` itself; with `none`,
   * which does not read `y`, it may be null.
   */
  activationBackward(
    op: Activation | Slope,
    rows: number,
    cols: number,
    g: TypedArray,
    y: TypedArray,
    out: TypedArray | null,
    db: TypedArray | null,
    low?: number,
    high?: number,
  ): void;
  /**
   * The mean over the rows of `−ln softmax(z)[target]` for dense logits z [rows, cols]; of no rows it is NaN. Its gradient
   * `(softmax(z) − onehot) / rows` goes into `dz` unless that is null; it may be `z` itself.
   *
   * @throws {RangeError} If a target is not one of 0 … cols − 1.
   */
  crossEntropy(rows: number, cols: number, z: TypedArray, targets: Int32Array, dz: TypedArray | null): number;
  /**
   * One step of an optimiser over all its parameters, with settings in the order of {@linkcode UPDATE_SETTINGS}.
   *
   * - both: `g ← −g` to maximise, then `g ← g + λθ` unless the decay is decoupled
   * - `sgd`: `b ← g` on the first step, later `b ← μb + (1 − τ)g`; `g ← g + μb` with Nesterov, else `g ← b`; `θ ← θ − γg`
   * - `adam`: `θ ← θ(1 − γλ)` if decoupled; `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)g²`, then
   *   `θ ← θ − γ/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)`
   *
   * Give the same `slots` array each time: what is worked out for it is kept. Its entries may change.
   */
  update(kind: UpdateKind, settings: Float64Array, slots: readonly UpdateSlot[]): void;
}

// What came of opening a back end.

/** A back end if it can be had here, and in one sentence why or why not. */
export interface Opened {
  /** Absent where this back end cannot be had. */
  backend?: Backend;
  /** One sentence for people. */
  reason: string;
  /** Measures what one core can multiply and add at most, in GFLOP/s; takes a few milliseconds. */
  peak?: () => number;
  /** Unloads the library; its verbs must not be called again. A process that keeps its back end never needs it. */
  close?: () => void;
}
