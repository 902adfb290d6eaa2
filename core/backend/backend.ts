/**
 * The seam: what the arithmetic above asks of the machine below.
 *
 * A verb sees sizes, strides and typed arrays, never a class or a gradient. It never allocates its result, and its caller has
 * checked the shapes. A partial back end is `{ ...reference, name, gemm }`.
 */
import type { Numbers } from "../dtype.ts";

/** Elements laid out by strides: element `i, j, …` of `data` stands at `offset + i·strides[0] + j·strides[1] + …`. */
export interface Strided {
  /** The elements, shared with every other view of them. */
  readonly data: Numbers;
  /** Where the first element stands. */
  readonly offset: number;
  /** Steps between neighbours along each dimension, in elements. */
  readonly strides: readonly number[];
}

/**
 * One matrix product `C = A·B + bias + beta·C`, where A is [m, k], B is [k, n], C is [m, n] and bias is [n] or absent.
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
}

/** Element-wise functions of one argument, by name; `clamp` and `leakyRelu` take parameters. */
export type MapOp =
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
  | "clamp"
  | "not";

/** Element-wise functions of two arguments, by name. */
export type ZipOp =
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

/** The verbs of the machine. */
export interface Backend {
  /** Which one this is. */
  readonly name: "reference" | "wasm" | "native";
  /** `C = A·B + bias + beta·C`. */
  gemm(d: Gemm, a: Numbers, b: Numbers, c: Numbers, bias: Numbers | null): void;
  /** `out = op(x)` over `shape`; `low` and `high` are the bounds of `clamp`. */
  map(op: MapOp, shape: readonly number[], x: Strided, out: Strided, low: number, high: number): void;
  /** `out = a op b` over `shape`; broadcasting is a stride of 0. */
  zip(op: ZipOp, shape: readonly number[], a: Strided, b: Strided, out: Strided): void;
  /** `out[kept] = op over folded of x`, the result written densely from `out[0]`. */
  reduce(op: ReduceOp, fold: Fold, x: Numbers, offset: number, out: Numbers): void;
  /** Rows `index[i]` of `x` (each `width` dense elements from `offset + index·stride`) one after the other into `out`. */
  gather(x: Numbers, offset: number, stride: number, width: number, index: Int32Array, out: Numbers): void;
}
