/**
 * The interface of a back end: the few verbs that compute numbers, on which every operation in `core/ops` is built.
 *
 * A verb sees sizes, strides and typed arrays, never a tensor or a gradient. It never allocates its result, and its caller has
 * checked the shapes. A back end that implements one verb is `{ ...reference, name, gemm }`.
 */
import type { TypedArray } from "../dtype.ts";
import type { Attention, AttentionGradients, AttentionOperands, Recurrent } from "./sequences.ts";
import type { BatchNorm, Pooling, Resampling } from "./planes.ts";
import type { AlongVerbs, RowVerbs } from "./along.ts";
import type { BinaryOp, UnaryOp } from "./reference/formulas.ts";

export type { BinaryOp, UnaryOp };

/** A back end by name; `auto` takes the fastest one that is available. */
export type BackendName = "native" | "wasm" | "reference" | "auto";

/** Elements laid out by strides: element `i, j, …` of `data` stands at `offset + i·strides[0] + j·strides[1] + …`. */
export interface Strided {
  /** The elements, shared with every other view of them. */
  readonly data: TypedArray;
  /** Where the first element stands. */
  readonly offset: number;
  /** Steps between neighbours along each dimension, in elements. */
  readonly strides: readonly number[];
}

/** Activations that a product can be fused with; their derivative is computed from the output. */
export type Activation = "none" | "relu" | "sigmoid" | "tanh";

/** Their codes in `kernels.h`. */
export const ACTIVATIONS: Readonly<Record<Activation, number>> = { none: 0, relu: 1, sigmoid: 2, tanh: 3 };

/** Activations whose derivative is computed from the input. `logSigmoid` is `−softplus(−x)`, and `selu` an `elu`. */
export type InputActivation =
  | "clamp"
  | "hardtanh"
  | "leakyRelu"
  | "elu"
  | "gelu"
  | "geluTanh"
  | "silu"
  | "mish"
  | "softplus";

/** The codes in `kernels.h` of those whose derivative C has. */
export const INPUT_ACTIVATIONS: Readonly<Partial<Record<InputActivation, number>>> = {
  ...{ clamp: 4, hardtanh: 5, leakyRelu: 6, elu: 7, gelu: 8, geluTanh: 9, silu: 10, mish: 11, softplus: 12 },
};

/**
 * One matrix product `C = activation(A·B + bias + beta·C)`, where A is [m, k], B is [k, n], C is [m, n] and bias is [n] or absent.
 *
 * Every matrix has a row stride and a column stride, so that a transposed operand is not copied. With `beta` 0 the old C is never
 * read: a NaN in it does not survive.
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
  /** A's row stride: from a row to the next. */
  aRow: number;
  /** A's column stride. */
  aCol: number;
  /** Where B's first element stands. */
  bOffset: number;
  /** B's row stride. */
  bRow: number;
  /** B's column stride. */
  bCol: number;
  /** Where C's first element stands. */
  cOffset: number;
  /** C's row stride. */
  cRow: number;
  /** C's column stride. */
  cCol: number;
  /** Where the bias begins; unused without one. */
  biasOffset: number;
  /** The bias's stride; unused without one. */
  biasStride: number;
  /** 0 overwrites C, 1 adds to it. */
  beta: 0 | 1;
  /**
   * What is applied to the sum; the bits are those of `unary` applied afterwards.
   *
   * @default {"none"}
   */
  activation?: Activation;
}

/**
 * One convolution, for each of its groups
 * `y[n, o, i, j] = Σ_{c, r, s} x[n, c, i·strideH + r·dilationH − padTop, j·strideW + s·dilationW − padLeft] · w[o, c, r, s]`,
 * where x outside of its sizes adds nothing. In one dimension `h`, `kh` and `oh` are 1.
 *
 * x is [n, groups·cIn, h, w], the weight [groups·cOut, cIn, kh, kw], y [n, groups·cOut, oh, ow]; each has an offset and four strides.
 */
export interface Conv {
  /** Images. */
  n: number;
  /** Groups: the channels of each see nothing of the others. */
  groups: number;
  /** Channels of x in one group. */
  cIn: number;
  /** Channels of y in one group. */
  cOut: number;
  /** Rows of x. */
  h: number;
  /** Columns of x. */
  w: number;
  /** Rows of the kernel. */
  kh: number;
  /** Columns of the kernel. */
  kw: number;
  /** Rows of y. */
  oh: number;
  /** Columns of y. */
  ow: number;
  /** Rows of x from one window to the next. */
  strideH: number;
  /** Columns of x from one window to the next. */
  strideW: number;
  /** Rows of zeros above x. */
  padTop: number;
  /** Columns of zeros to the left of x. */
  padLeft: number;
  /** Rows of x from one row of the kernel to the next. */
  dilationH: number;
  /** Columns of x from one column of the kernel to the next. */
  dilationW: number;
  /** Where x's first element stands. */
  xOffset: number;
  /** x's stride from an image to the next. */
  xN: number;
  /** From a channel. */
  xC: number;
  /** From a row. */
  xH: number;
  /** From a column. */
  xW: number;
  /** Where the weight's first element stands. */
  wOffset: number;
  /** The weight's stride from a channel of y to the next. */
  wO: number;
  /** From a channel of x. */
  wC: number;
  /** From a row. */
  wH: number;
  /** From a column. */
  wW: number;
  /** Where y's first element stands. */
  yOffset: number;
  /** y's stride from an image to the next. */
  yN: number;
  /** From a channel. */
  yC: number;
  /** From a row. */
  yH: number;
  /** From a column. */
  yW: number;
  /** Where the bias begins; unused without one. */
  biasOffset: number;
  /** The bias's stride; unused without one. */
  biasStride: number;
  /**
   * What is applied to the result where that is y or x; the bits are those of `unary` applied afterwards.
   *
   * @default {"none"}
   */
  activation?: Activation;
}

/** Which of a convolution's three arrays is computed from the other two. */
export type ConvResult = "y" | "x" | "w";

/** Reductions, by name; `argmax` and `argmin` give the first index. */
export type ReduceOp = "sum" | "prod" | "max" | "min" | "argmax" | "argmin" | "any" | "all";

/** The dimensions of a reduction's operand, split: for each place along `kept`, one result from all elements along `reduced`. */
export interface Reduction {
  /** Sizes of the result, which is row-major. */
  readonly kept: readonly number[];
  /** The operand's strides along `kept`. */
  readonly keptStrides: readonly number[];
  /** Sizes of the elements that become one result. */
  readonly reduced: readonly number[];
  /** The operand's strides along `reduced`. */
  readonly reducedStrides: readonly number[];
}

/** The optimisers that {@linkcode Backend.update} knows. */
export type UpdateKind = "sgd" | "adam";

/**
 * An optimiser's settings by their place in the array that {@linkcode Backend.update} reads; booleans are 0 or 1.
 *
 * `step` counts from 1. For `sgd` it only tells whether this is the first step, on which momentum's buffer becomes the gradient itself.
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

/** One parameter, its gradient and its optimiser's buffers: dense arrays of one length. */
export interface UpdateSlot {
  /** The parameter θ. */
  p: TypedArray;
  /** Its gradient. */
  g: TypedArray;
  /** Momentum's buffer, or Adam's running average of g; `null` for SGD without momentum. */
  m: TypedArray | null;
  /** Adam's running average of g². */
  v: TypedArray | null;
}

/** A back end: one implementation of every verb. */
export interface Backend extends AlongVerbs, RowVerbs {
  /** Which one this is. */
  readonly name: Exclude<BackendName, "auto">;
  /** `C = activation(A·B + bias + beta·C)`. */
  gemm(d: Gemm, a: TypedArray, b: TypedArray, c: TypedArray, bias: TypedArray | null): void;
  /**
   * Computes one of a convolution's arrays from the other two; what was in it is never read.
   *
   * - `y`: the convolution, plus the bias of each channel of y; then the activation
   * - `x`: the gradient of x by that of y (the transposed convolution), plus the bias of each channel of x; then the activation
   * - `w`: the gradient of the weight by x and the gradient of y; unless `bias` is null, the sum of y over all but its channels is
   *   written into it
   *
   * No two elements of the result may share a place.
   */
  conv(result: ConvResult, d: Conv, x: TypedArray, w: TypedArray, y: TypedArray, bias: TypedArray | null): void;
  /** `out = op(x)` over `shape`; `low` and `high` are what {@linkcode UnaryOp} says of the operation. */
  unary(op: UnaryOp, shape: readonly number[], x: Strided, out: Strided, low: number, high: number): void;
  /** `out = a op b` over `shape`; broadcasting is a stride of 0. */
  binary(op: BinaryOp, shape: readonly number[], a: Strided, b: Strided, out: Strided): void;
  /** `out = a` where the mask is other than 0, else b, over `shape`. */
  where(shape: readonly number[], mask: Strided, a: Strided, b: Strided, out: Strided): void;
  /** `out[i] = op(x[i, …])` for every place `i` along `kept`; `out` is row-major and begins at `out[0]`. */
  reduce(op: ReduceOp, reduction: Reduction, x: TypedArray, offset: number, out: TypedArray): void;
  /**
   * Copies rows `index[i]` of `x` (each `width` dense elements from `offset + index[i]·stride`) one after the other into `out`. With
   * `table`, each byte `b` is replaced by the float `table[b]`.
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
   * The derivative of `op`, all dense [rows, cols]: `out = g ⊙ op′`, and `db[j] = Σᵢ out[i, j]` unless `db` is null.
   *
   * For an {@linkcode Activation} `y` is the output of `op`, and `op′` is 0 for relu where `y ≤ 0` and else 1, `y(1 − y)` for sigmoid,
   * `1 − y²` for tanh. For an {@linkcode InputActivation} `y` is the input, and `low` and `high` are as in `unary`. `out` may be `g` itself;
   * with `none`, which does not read `y`, it may be null.
   */
  activationBackward(
    op: Activation | InputActivation,
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
   * Pools x [planes, h, w] into `out` [planes, rows, columns]. For `max`, `at` gets each maximum's index within its plane, `h · w` places,
   * unless it is null: the first of equal ones; a NaN counts as larger than any number, and the last one wins. A window that covers
   * nothing gives −∞ at index −1, or a mean of 0.
   */
  pool(d: Pooling, x: TypedArray, out: TypedArray, at: Int32Array | null): void;
  /** The gradient of x by g, that of the result; for `max` it goes to the places `at`. `dx` is overwritten. */
  poolBackward(d: Pooling, g: TypedArray, at: Int32Array | null, dx: TypedArray): void;
  /** Takes each element of `out` [planes, rows, columns] from up to four of x [planes, h, w]. */
  resample(d: Resampling, x: TypedArray, out: TypedArray): void;
  /** The gradient of x by g, that of the result: what each element of x gave, added up. `dx` is overwritten. */
  resampleBackward(d: Resampling, g: TypedArray, dx: TypedArray): void;
  /**
   * `y = activation((x − mean) / √(variance + ε) · weight + bias)` for each channel. `stats` [4, c] holds mean, biased variance, weight
   * and bias, in the dtype of x; in training the first two are written.
   */
  batchNorm(d: BatchNorm, x: TypedArray, stats: TypedArray, y: TypedArray): void;
  /**
   * The gradients of x, weight and bias by g, that of y. With `ĝ = g` where the activation let it pass and else 0, `x̂` the normalised x and
   * `m = n · l`: `db = Σĝ`, `dw = Σĝ·x̂`, and `dx = weight / √(variance + ε) · (ĝ − db / m − x̂ · dw / m)`, in evaluation without the last two
   * terms. `dx` may be null, and y where there is no activation.
   */
  batchNormBackward(
    d: BatchNorm,
    g: TypedArray,
    x: TypedArray,
    y: TypedArray | null,
    stats: TypedArray,
    dx: TypedArray | null,
    dw: TypedArray,
    db: TypedArray,
  ): void;
  /**
   * Takes all steps of a recurrent layer: each adds the product of the state before it and the weight, transposed [H, G · H], to its gates,
   * which hold those of its input and biases, applies the activations, and writes the next state. Of a GRU the gate that takes the product
   * for n holds nothing at first: `bias` [H], or 0, is added there. The first states stand in `states`.
   */
  recurrent(
    d: Recurrent,
    gates: TypedArray,
    weight: TypedArray,
    bias: TypedArray | null,
    states: TypedArray,
  ): void;
  /**
   * The gradients of the gates before their activations, `dgates`, and of the first states, by g, those of all `states`; `gates` are what
   * `recurrent` left, and the weight is [G · H, H].
   */
  recurrentBackward(
    d: Recurrent,
    g: TypedArray,
    gates: TypedArray,
    weight: TypedArray,
    states: TypedArray,
    dgates: TypedArray,
    dfirst: TypedArray,
  ): void;
  /**
   * `y = softmax(scale · q kᵀ + mask) v` for each head; a query that sees nothing gets zeros. The logarithms of the sums go into `aux`,
   * whose factors, if it has some, the weights are multiplied by.
   */
  attention(d: Attention, read: AttentionOperands): void;
  /** The gradients of q, k and v by that of y; what was in them is overwritten, or for dk and dv added to. */
  attentionBackward(d: Attention, read: AttentionOperands, back: AttentionGradients): void;
  /**
   * One step of an optimiser over all its parameters, with settings in the order of {@linkcode UPDATE_SETTINGS}.
   *
   * - both: `g ← −g` to maximise, then `g ← g + λθ` unless the decay is decoupled
   * - `sgd`: `b ← g` on the first step, later `b ← μb + (1 − τ)g`; `g ← g + μb` with Nesterov, else `g ← b`; `θ ← θ − γg`
   * - `adam`: `θ ← θ(1 − γλ)` if decoupled; `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)g²`, then
   *   `θ ← θ − γ/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)`
   *
   * Pass the same `slots` array each time: the back end keeps a table of addresses for it. Its entries may change.
   */
  update(kind: UpdateKind, settings: Float64Array, slots: readonly UpdateSlot[]): void;
}

/** The result of opening a back end: the back end if it is available, and the reason why or why not. */
export interface Opened {
  /** Absent where this back end is not available. */
  backend?: Backend;
  /** In one sentence. */
  reason: string;
  /** Measures the peak of multiply-adds on one core, in GFLOP/s; takes a few milliseconds. */
  peak?: () => number;
  /** Unloads the library; its verbs must not be called again. */
  close?: () => void;
}
