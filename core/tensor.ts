/** The tensor: a typed array with a shape and strides. Methods here only call operations, which are in `ops/`. */
import { registerTensor } from "./memory/allocate.ts";
import { type DType, type TypedArray } from "./dtype.ts";
import { bundleOf, JUPYTER_DISPLAY, type MimeBundle } from "./displayer.ts";
import { formatStorage, formatTensor } from "./format.ts";
import { binary, binaryInto, cast, copyInto, copyOf, type Operand, unary } from "./ops/elementwise.ts";
import { at, type Index, index } from "./ops/index.ts";
import { matmul } from "./ops/linalg.ts";
import * as move from "./ops/movement.ts";
import type { FlattenOptions } from "./ops/movement.ts";
import type { ValuesIndices } from "./ops/gather_sort.ts";
import { argExtreme, cumulate, deviation, extreme, logsumexp, mean, norm, reduce, variance } from "./ops/reduce.ts";
import type { Dims, NormOptions, ReduceOptions, VarianceOptions } from "./ops/reduce.ts";
import { item, nest, type Nested, numberOf, sizeAlong, type Storage, storage } from "./ops/read.ts";
import { type Bound, clamp, type ClampOptions } from "./ops/where.ts";
import { type BackwardOptions, runBackward, setRequiresGrad } from "./record.ts";
import { isRowMajor, listed, sizeOf } from "./shape.ts";
import { TensorMethods } from "./tensor_methods.ts";

/**
 * A strided view of a typed array: element `[i, j]` stands at `offset + i·strides[0] + j·strides[1]` of `data`.
 *
 * Make one with `tensor`, `zeros`, `randn`, …; views share `data`, arithmetic makes new memory, methods that end in `_` write.
 *
 * For gradients there are `requiresGrad` (whether operations are recorded), `g` (the gradient; `null` before `backward()`; `grad` is the
 * same) and `node` (the recorded operation that made it, PyTorch's `grad_fn`).
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const m = tensor([[1, 2, 3], [4, 5, 6]]);
 * assertEquals(m.t().strides, [1, 3]);
 * assertEquals(m.at(":", 1).toArray(), [2, 5]);
 * assertEquals(m.mul(2).sum(0).toArray(), [10, 14, 18]);
 * ```
 */
export class Tensor extends TensorMethods {
  /** A tensor over existing memory; the shape and strides must stay within it. Use `tensor()` or `fromData()` instead. */
  constructor(
    /** The elements, shared with every view of them. Their buffer may hold other tensors too: `slice()` them to transfer it. */
    readonly data: TypedArray,
    /** Sizes along each dimension. */
    readonly shape: readonly number[],
    /** Strides along each dimension, in elements. */
    readonly strides: readonly number[],
    /** Where the first element stands in `data`. */
    readonly offset: number,
    /** The dtype of the elements. */
    readonly dtype: DType,
    /** How often the memory was written in place; all views of it share the count. */
    readonly version: { count: number } = { count: 0 },
  ) {
    super();
  }

  /**
   * Computes the gradient of this value with respect to every leaf that requires one, and adds it to the leaf's `.g`. With `createGraph`
   * that can be differentiated itself, by another `backward()` or by `autograd.grad()`.
   */
  backward(options: BackwardOptions = {}): void {
    runBackward(this, options);
  }
  /** Sets whether operations on this tensor are recorded. Throws a TypeError for integers, which can have no gradient. */
  requiresGrad_(required = true): this {
    return setRequiresGrad(this, required);
  }
  /** A view of the same memory without history: no gradient flows through it. */
  detach(): Tensor {
    return move.detached(this);
  }

  /** How many dimensions there are. */
  get ndim(): number {
    return this.shape.length;
  }
  /** How many elements there are. */
  numel(): number {
    return sizeOf(this.shape);
  }
  /** The size along `dim`. */
  size(dim: number): number {
    return sizeAlong(this, dim);
  }
  /** The strides along each dimension: what `view`, `t` and `expand` change instead of moving elements. */
  stride(): number[] {
    return [...this.strides];
  }
  /** The whole memory behind the view, in order; several views may share it. */
  storage(): Storage {
    return storage(this, formatStorage);
  }
  /** Whether the elements stand in row-major order without gaps. */
  isContiguous(): boolean {
    return isRowMajor(this.shape, this.strides);
  }
  /** The only element, as a number. Throws a RangeError if there are more or none. */
  item(): number {
    return item(this);
  }
  /** The elements as nested arrays; bools as booleans. */
  toArray(): Nested {
    return nest(this);
  }
  /** The printed form, as PyTorch prints it. */
  override toString(): string {
    return formatTensor(this);
  }
  /** What `JSON.stringify` writes: nested arrays. */
  toJSON(): Nested {
    return nest(this);
  }
  /** The number for operators such as `>` and `*`, if it has one element; else a TypeError that names `gt` and `mul`. */
  [Symbol.toPrimitive](hint: string): string | number {
    return hint === "string" ? this.toString() : numberOf(this);
  }
  /** How `console.log` shows a tensor. */
  [Symbol.for("Deno.customInspect")](): string {
    return formatTensor(this);
  }
  /** How a notebook shows a tensor: its text, or with `@gradus/gradus/display` also a picture. */
  [JUPYTER_DISPLAY](): MimeBundle | Promise<MimeBundle> {
    return bundleOf(this);
  }

  /** The same memory under another shape; one size may be -1. Throws a RangeError where only a copy could. */
  view(...shape: number[] | [readonly number[]]): Tensor {
    return move.view(this, listed(shape));
  }
  /** Another shape; a view where strides allow it, else a copy. */
  reshape(...shape: number[] | [readonly number[]]): Tensor {
    return move.reshape(this, listed(shape));
  }
  /** Dimensions `from` to `to` joined into one. */
  flatten(from?: number | FlattenOptions, to?: number): Tensor {
    return move.flatten(this, from, to);
  }
  /** Rows and columns exchanged; rank 2 or less. */
  t(): Tensor {
    return move.t(this);
  }
  /** The same as `t()`, as PyTorch's `T`. */
  get T(): Tensor {
    return move.t(this);
  }
  /** Dimensions `a` and `b` exchanged. */
  transpose(a: number, b: number): Tensor {
    return move.transpose(this, a, b);
  }
  /** Dimensions in the order given. */
  permute(...dims: number[] | [readonly number[]]): Tensor {
    return move.permute(this, listed(dims));
  }
  /** Without dimensions of size 1, or without the one named. */
  squeeze(dim?: number | { dim?: number }): Tensor {
    return move.squeeze(this, dim);
  }
  /** With a new dimension of size 1 at `dim`. */
  unsqueeze(dim: number | { dim?: number }): Tensor {
    return move.unsqueeze(this, dim);
  }
  /** Repeated to a larger shape with stride 0: nothing is copied; -1 keeps a size. */
  expand(...shape: number[] | [readonly number[]]): Tensor {
    return move.expand(this, listed(shape));
  }
  /** Repeated to the shape of `other`. */
  expandAs(other: Tensor): Tensor {
    return move.expandAs(this, other);
  }
  /** `length` neighbours along `dim`, from `start`. */
  narrow(dim: number, start: number, length: number): Tensor {
    return move.narrow(this, dim, start, length);
  }
  /** The elements at `index` along `dim`; the result lacks that dimension. */
  select(dim: number, index: number): Tensor {
    return move.select(this, dim, index);
  }
  /** Every `step`-th element along `dim` from `start` to before `end`. */
  slice(dim: number, start?: number, end?: number, step = 1): Tensor {
    return move.slice(this, dim, start, end, step);
  }
  /** A view by indices as Python writes them: `x[:, None, 1:3]` is `x.at(":", null, "1:3")`. */
  at(...indices: Index[]): Tensor {
    return at(this, indices);
  }
  /** A copy of the rows that an integer tensor picks, or of the places where a mask is true; or by several indices: `x[:, cols]`. */
  index(...by: (Index | Tensor)[]): Tensor {
    return index(this, by);
  }
  /** Itself if row-major, else a row-major copy. */
  contiguous(): Tensor {
    return move.contiguous(this);
  }
  /** A copy in memory of its own. */
  clone(): Tensor {
    return copyOf(this);
  }

  /** The elements converted to another dtype. */
  to(dtype: DType): Tensor {
    return cast(this, dtype);
  }
  /** The elements as float32. */
  float(): Tensor {
    return cast(this, "float32");
  }
  /** The elements as float64. */
  double(): Tensor {
    return cast(this, "float64");
  }
  /** The elements as int32; a fraction is cut off. */
  int(): Tensor {
    return cast(this, "int32");
  }
  /** Whether each element is other than 0. */
  bool(): Tensor {
    return cast(this, "bool");
  }

  /** `a + b` */
  add(b: Operand): Tensor {
    return binary("add", this, b);
  }
  /** `a − b` */
  sub(b: Operand): Tensor {
    return binary("sub", this, b);
  }
  /** `a · b`, element by element */
  mul(b: Operand): Tensor {
    return binary("mul", this, b);
  }
  /** `a / b`; integers give a float */
  div(b: Operand): Tensor {
    return binary("div", this, b);
  }
  /** `a ^ b` */
  pow(b: Operand): Tensor {
    return binary("pow", this, b);
  }
  /** The larger of `a` and `b` */
  maximum(b: Operand): Tensor {
    return binary("maximum", this, b);
  }
  /** The smaller of `a` and `b` */
  minimum(b: Operand): Tensor {
    return binary("minimum", this, b);
  }
  /** `a = b` */
  eq(b: Operand): Tensor {
    return binary("eq", this, b);
  }
  /** `a ≠ b` */
  ne(b: Operand): Tensor {
    return binary("ne", this, b);
  }
  /** `a < b` */
  lt(b: Operand): Tensor {
    return binary("lt", this, b);
  }
  /** `a ≤ b` */
  le(b: Operand): Tensor {
    return binary("le", this, b);
  }
  /** `a > b` */
  gt(b: Operand): Tensor {
    return binary("gt", this, b);
  }
  /** `a ≥ b` */
  ge(b: Operand): Tensor {
    return binary("ge", this, b);
  }
  /** `a mod b` with the sign of `b`, as in Python */
  remainder(b: Operand): Tensor {
    return binary("remainder", this, b);
  }
  /** `a mod b` with the sign of `a`, as in C */
  fmod(b: Operand): Tensor {
    return binary("fmod", this, b);
  }
  /** Whether both are other than 0 */
  logicalAnd(b: Operand): Tensor {
    return binary("and", this, b);
  }
  /** Whether either is other than 0 */
  logicalOr(b: Operand): Tensor {
    return binary("or", this, b);
  }
  /** Whether it is 0 */
  logicalNot(): Tensor {
    return unary("not", this);
  }
  /** The matrix product `a @ b`: [m, k] by [k, n] is [m, n]; leading dimensions broadcast. */
  matmul(b: Tensor): Tensor {
    return matmul(this, b);
  }

  /** `−x` */
  neg(): Tensor {
    return unary("neg", this);
  }
  /** `|x|` */
  abs(): Tensor {
    return unary("abs", this);
  }
  /** `eˣ` */
  exp(): Tensor {
    return unary("exp", this);
  }
  /** `ln x` */
  log(): Tensor {
    return unary("log", this);
  }
  /** `√x` */
  sqrt(): Tensor {
    return unary("sqrt", this);
  }
  /** `−1`, `0` or `1` */
  sign(): Tensor {
    return unary("sign", this);
  }
  /** `eˣ − 1`, exact for small x */
  expm1(): Tensor {
    return unary("expm1", this);
  }
  /** `ln(1 + x)`, exact for small x */
  log1p(): Tensor {
    return unary("log1p", this);
  }
  /** `1 / √x` */
  rsqrt(): Tensor {
    return unary("rsqrt", this);
  }
  /** `x²` */
  square(): Tensor {
    return unary("square", this);
  }
  /** The sine of x in radians */
  sin(): Tensor {
    return unary("sin", this);
  }
  /** The cosine of x in radians */
  cos(): Tensor {
    return unary("cos", this);
  }
  /** `⌊x⌋`: the largest integer that is not above x */
  floor(): Tensor {
    return unary("floor", this);
  }
  /** `⌈x⌉`: the smallest integer that is not below x */
  ceil(): Tensor {
    return unary("ceil", this);
  }
  /** The nearest integer; halves go to the even one, as in IEEE 754 */
  round(): Tensor {
    return unary("round", this);
  }
  /** `1 / (1 + e⁻ˣ)` */
  sigmoid(): Tensor {
    return unary("sigmoid", this);
  }
  /** `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)` */
  tanh(): Tensor {
    return unary("tanh", this);
  }
  /** `max(x, 0)` */
  relu(): Tensor {
    return unary("relu", this);
  }
  /** `min(max(x, low), high)`; without one of the two, `null` or `{ max: 1 }`, the other holds alone; bounds may be tensors */
  clamp(low?: Bound | ClampOptions, high?: Bound): Tensor {
    return clamp(this, low, high);
  }
  /** `max(x, low)` */
  clampMin(low: number): Tensor {
    return unary("clamp", this, low, Infinity);
  }

  /** `Σx` over `dim` (one, several, or all) */
  sum(dim?: Dims | ReduceOptions, keepdim = false): Tensor {
    return reduce("sum", this, dim, keepdim);
  }
  /** The running sums `y[i] = x[0] + … + x[i]` along `dim` */
  cumsum(dim: number | { dim?: number }): Tensor {
    return cumulate("cumsum", this, dim);
  }
  /** `Πx` */
  prod(dim?: Dims | ReduceOptions, keepdim = false): Tensor {
    return reduce("prod", this, dim, keepdim);
  }
  /** `Σx / n` */
  mean(dim?: Dims | ReduceOptions, keepdim = false): Tensor {
    return mean(this, dim, keepdim);
  }
  /** `Σ(x − x̄)² / (n − correction)` */
  var(dim?: Dims | VarianceOptions, keepdim = false, correction = 1): Tensor {
    return variance(this, dim, keepdim, correction);
  }
  /** The root of `var` */
  std(dim?: Dims | VarianceOptions, keepdim = false, correction = 1): Tensor {
    return deviation(this, dim, keepdim, correction);
  }
  /** The largest element of all. Throws a RangeError where there is none. */
  max(): Tensor;
  /** The largest along `dim`, and its first index. */
  max(dim: number, keepdim?: boolean): ValuesIndices;
  /** The same by name. */
  max(options: { dim: number; keepdim?: boolean }): ValuesIndices;
  max(dim?: number | ReduceOptions, keepdim = false): Tensor | ValuesIndices {
    return dim === undefined ? reduce("max", this, dim) : extreme("max", this, dim, keepdim);
  }
  /** The smallest element of all. Throws a RangeError where there is none. */
  min(): Tensor;
  /** The smallest along `dim`, and its first index. */
  min(dim: number, keepdim?: boolean): ValuesIndices;
  /** The same by name. */
  min(options: { dim: number; keepdim?: boolean }): ValuesIndices;
  min(dim?: number | ReduceOptions, keepdim = false): Tensor | ValuesIndices {
    return dim === undefined ? reduce("min", this, dim) : extreme("min", this, dim, keepdim);
  }
  /** The first index of the largest element, along `dim` or of all in row-major order */
  argmax(dim?: number, keepdim?: boolean): Tensor;
  /** The same by name. */
  argmax(options: { dim?: number; keepdim?: boolean }): Tensor;
  argmax(dim?: number | ReduceOptions, keepdim?: boolean): Tensor {
    return argExtreme("argmax", this, dim, keepdim);
  }
  /** The first index of the smallest element, along `dim` or of all in row-major order */
  argmin(dim?: number, keepdim?: boolean): Tensor;
  /** The same by name. */
  argmin(options: { dim?: number; keepdim?: boolean }): Tensor;
  argmin(dim?: number | ReduceOptions, keepdim?: boolean): Tensor {
    return argExtreme("argmin", this, dim, keepdim);
  }
  /** `√Σx²`: the Frobenius norm of a matrix. The first argument is `dim`; PyTorch's is p, which goes by name: `norm({ p: 1, dim: 0 })`. */
  norm(dim?: Dims | NormOptions, keepdim = false): Tensor {
    return norm(this, dim, keepdim);
  }
  /** `ln Σeˣ`, without overflow */
  logsumexp(dim?: Dims | ReduceOptions, keepdim = false): Tensor {
    return logsumexp(this, dim, keepdim);
  }
  /** Whether every element is other than 0 */
  all(dim?: Dims | ReduceOptions, keepdim = false): Tensor {
    return reduce("all", this, dim, keepdim);
  }
  /** Whether some element is other than 0 */
  any(dim?: Dims | ReduceOptions, keepdim = false): Tensor {
    return reduce("any", this, dim, keepdim);
  }

  /** `a += b` in place */
  add_(b: Operand): this {
    return binaryInto("add", this, b);
  }
  /** `a −= b` in place */
  sub_(b: Operand): this {
    return binaryInto("sub", this, b);
  }
  /** `a ·= b` in place */
  mul_(b: Operand): this {
    return binaryInto("mul", this, b);
  }
  /** `a /= b` in place */
  div_(b: Operand): this {
    return binaryInto("div", this, b);
  }
  /** Every element becomes 0. */
  zero_(): this {
    return copyInto(this, 0);
  }
  /** Every element becomes `value`. */
  fill_(value: number | boolean): this {
    return copyInto(this, value);
  }
  /** Every element becomes that of `x`, broadcast to this shape and converted to this dtype. */
  copy_(x: Operand): this {
    return copyInto(this, x);
  }
}

registerTensor((...parts) => new Tensor(...parts), Tensor.prototype, TensorMethods.prototype);
