/**
 * What a tensor can do beside the essential: methods that are functions too, as in PyTorch. `Tensor`, which has the others, is derived from
 * this class; each method calls the function of its name in `ops/`.
 */
import { GradientSlot } from "./gradient_slot.ts";
import * as along from "./ops/gather_sort.ts";
import type { AlongOptions, IndexAddOptions, SortOptions, TopkOptions, ValuesIndices } from "./ops/gather_sort.ts";
import * as arrange from "./ops/arrange.ts";
import type { Diagonal, DiagonalOptions, Dim, RollDims } from "./ops/arrange.ts";
import { binary, copyInto, type Operand, unary } from "./ops/elementwise.ts";
import * as functions from "./ops/functions.ts";
import type { ValueOptions } from "./ops/functions.ts";
import * as indexing from "./ops/index.ts";
import type { Index, IndexPutOptions } from "./ops/index.ts";
import * as linalg from "./ops/linalg.ts";
import type { AddmmOptions } from "./ops/linalg.ts";
import { amax, amin, cumulate, diff } from "./ops/reduce.ts";
import type { DiffOptions, Dims, ReduceOptions } from "./ops/reduce.ts";
import * as statistics from "./ops/statistics.ts";
import type {
  BincountOptions,
  CovOptions,
  QuantileInterpolation,
  QuantileOptions,
  UniqueOptions,
  UniqueResult,
} from "./ops/statistics.ts";
import { asStrided, slidingWindows } from "./ops/windows/strided.ts";
import { maskedFill, nanToNum, type NanToNumOptions, nonzero } from "./ops/where.ts";
import * as random from "./random/distributions.ts";
import type { GeneratorOptions, MultinomialOptions } from "./random/distributions.ts";
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
  /** The error function `2/√π · ∫₀ˣ e^(−t²) dt` */
  erf(this: Tensor): Tensor {
    return unary("erf", this);
  }
  /** `1 / x` */
  reciprocal(this: Tensor): Tensor {
    return unary("reciprocal", this);
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

  /** At most so many parts of equal size along `dim`, as views */
  chunk(this: Tensor, chunks: number, dim?: Dim): Tensor[] {
    return arrange.chunk(this, chunks, dim);
  }
  /** Parts of a size, or of these sizes, along `dim`, as views */
  split(this: Tensor, size: number | readonly number[], dim?: Dim): Tensor[] {
    return arrange.split(this, size, dim);
  }
  /** The slices along `dim`, without it, as views */
  unbind(this: Tensor, dim?: Dim): Tensor[] {
    return arrange.unbind(this, dim);
  }
  /** A view with the dimensions `from` moved to the places `to` */
  movedim(this: Tensor, from: number | readonly number[], to: number | readonly number[]): Tensor {
    return arrange.movedim(this, from, to);
  }
  /** A copy with the order of these dimensions reversed, of all where none is named */
  flip(this: Tensor, ...dims: number[] | [readonly number[]]): Tensor {
    return arrange.flip(this, ...dims);
  }
  /** The elements moved on along dimensions, the last ones to the beginning */
  roll(this: Tensor, shifts: number | readonly number[], dims?: RollDims): Tensor {
    return arrange.roll(this, shifts, dims);
  }
  /** A copy turned by `k` quarters from the first of two dimensions to the second */
  rot90(this: Tensor, k?: number, dims?: readonly [number, number]): Tensor {
    return arrange.rot90(this, k, dims);
  }
  /** A copy repeated so often along each dimension, further numbers for new leading ones */
  repeat(this: Tensor, ...times: number[] | [readonly number[]]): Tensor {
    return arrange.repeat(this, ...times);
  }
  /** `repeat` where missing numbers, those of the first dimensions, are 1 */
  tile(this: Tensor, ...times: number[] | [readonly number[]]): Tensor {
    return arrange.tile(this, ...times);
  }
  /** Each slice along `dim` repeated, or without it each element */
  repeatInterleave(this: Tensor, repeats: number | readonly number[] | Tensor, dim?: Dim): Tensor {
    return arrange.repeatInterleave(this, repeats, dim);
  }
  /** The lower triangle: 0 above diagonal `k`, which is counted upwards */
  tril(this: Tensor, k?: Diagonal): Tensor {
    return arrange.tril(this, k);
  }
  /** The upper triangle: 0 below diagonal `k` */
  triu(this: Tensor, k?: Diagonal): Tensor {
    return arrange.triu(this, k);
  }
  /** The diagonal of two dimensions, as a view with it as the last one */
  diagonal(this: Tensor, offset?: number | DiagonalOptions, dim1?: number, dim2?: number): Tensor {
    return arrange.diagonal(this, offset, dim1, dim2);
  }
  /** The diagonal of a matrix; of a vector the matrix that has it there */
  diag(this: Tensor, offset?: number): Tensor {
    return arrange.diag(this, offset);
  }
  /** `Σ x[i, i]` of a matrix */
  trace(this: Tensor): Tensor {
    return arrange.trace(this);
  }

  /** The places of what is other than 0, int32 [places, dimensions] */
  nonzero(this: Tensor): Tensor {
    return nonzero(this);
  }
  /** The elements where a mask is true */
  maskedSelect(this: Tensor, mask: Tensor): Tensor {
    return indexing.maskedSelect(this, mask);
  }
  /** A copy with a number, or an element, where a mask is true */
  maskedFill(this: Tensor, mask: Tensor, value: Operand): Tensor {
    return maskedFill(this, mask, value);
  }
  /** A number, or an element, where a mask is true, in place */
  maskedFill_(this: Tensor, mask: Tensor, value: Operand): Tensor {
    return copyInto(this, maskedFill(this, mask, value));
  }
  /** A copy with values where the indices point: `x[i, 1:] = v` is `x.indexPut([i, "1:"], v)` */
  indexPut(this: Tensor, indices: readonly (Index | Tensor)[], values: Operand, options?: IndexPutOptions): Tensor {
    return indexing.indexPut(this, indices, values, options);
  }
  /** The values written where the indices point, in place: `x[i, 1:] = v` */
  indexPut_(this: Tensor, indices: readonly (Index | Tensor)[], values: Operand, options?: IndexPutOptions): Tensor {
    return indexing.indexPutInto(this, indices, values, options);
  }

  /** `y[i, j] = x[index[i, j], j]` along dimension 0, and so along others */
  gather(this: Tensor, dim: number, index: Tensor): Tensor {
    return along.gather(this, dim, index);
  }
  /** A copy with `y[index[i, j], j] = source[i, j]` along dimension 0, and so along others */
  scatter(this: Tensor, dim: number, index: Tensor, source: Operand): Tensor {
    return along.scatter(this, dim, index, source);
  }
  /** `scatter` in place */
  scatter_(this: Tensor, dim: number, index: Tensor, source: Operand): Tensor {
    return copyInto(this, along.scatter(this, dim, index, source));
  }
  /** A copy to which the source is added where `scatter` would put it */
  scatterAdd(this: Tensor, dim: number, index: Tensor, source: Operand): Tensor {
    return along.scatterAdd(this, dim, index, source);
  }
  /** `scatterAdd` in place */
  scatterAdd_(this: Tensor, dim: number, index: Tensor, source: Operand): Tensor {
    return copyInto(this, along.scatterAdd(this, dim, index, source));
  }
  /** The slices along `dim` that an index names */
  indexSelect(this: Tensor, dim: number, index: Tensor): Tensor {
    return along.indexSelect(this, dim, index);
  }
  /** A copy to whose slices `index[i]` along `dim` the slices i of a source are added */
  indexAdd(this: Tensor, dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions): Tensor {
    return along.indexAdd(this, dim, index, source, options);
  }
  /** `indexAdd` in place */
  indexAdd_(this: Tensor, dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions): Tensor {
    return copyInto(this, along.indexAdd(this, dim, index, source, options));
  }
  /** The elements in order along `dim`, and their indices; NaN counts as the largest */
  sort(this: Tensor, dim?: number | SortOptions, descending?: boolean): ValuesIndices {
    return along.sort(this, dim, descending);
  }
  /** The indices that sort along `dim` */
  argsort(this: Tensor, dim?: number | SortOptions, descending?: boolean): Tensor {
    return along.argsort(this, dim, descending);
  }
  /** The k largest elements along `dim`, the largest first, or the smallest */
  topk(this: Tensor, k: number, dim?: number | TopkOptions, largest?: boolean): ValuesIndices {
    return along.topk(this, k, dim, largest);
  }
  /** The k-th smallest element along `dim`, counted from 1 */
  kthvalue(this: Tensor, k: number, dim?: number | AlongOptions, keepdim?: boolean): ValuesIndices {
    return along.kthvalue(this, k, dim, keepdim);
  }
  /** The median of all elements, the lower of two. */
  median(this: Tensor): Tensor;
  /** The medians along `dim`, and where they stand. */
  median(this: Tensor, dim: number | AlongOptions, keepdim?: boolean): ValuesIndices;
  median(this: Tensor, dim?: number | AlongOptions, keepdim?: boolean): Tensor | ValuesIndices {
    return statistics.median(this, dim as number, keepdim);
  }
  /** The elements below which a part q of all lies, of all or along `dim` */
  quantile(
    this: Tensor,
    q: number | readonly number[] | Tensor,
    dim?: number | QuantileOptions,
    keepdim?: boolean,
    interpolation?: QuantileInterpolation,
  ): Tensor {
    return statistics.quantile(this, q, dim, keepdim, interpolation);
  }
  /** The values of all elements in order, each once. */
  unique(this: Tensor): Tensor;
  /** The same with where each element is among them, and how often each is there. */
  unique(this: Tensor, options: UniqueOptions): UniqueResult;
  unique(this: Tensor, options?: UniqueOptions): Tensor | UniqueResult {
    return statistics.unique(this, options as UniqueOptions);
  }
  /** How often each whole number from 0 stands in a vector */
  bincount(this: Tensor, options?: BincountOptions): Tensor {
    return statistics.bincount(this, options);
  }
  /** How many elements lie in each of so many equal parts of [min, max] */
  histc(this: Tensor, bins?: number, min?: number, max?: number): Tensor {
    return statistics.histc(this, bins, min, max);
  }
  /** The covariances of variables, the rows of a matrix */
  cov(this: Tensor, options?: CovOptions): Tensor {
    return statistics.cov(this, options);
  }
  /** The correlations of variables, the rows of a matrix */
  corrcoef(this: Tensor): Tensor {
    return statistics.corrcoef(this);
  }

  /** The running maxima along `dim`, and where each stands, the last of equal ones */
  cummax(this: Tensor, dim: Dim): ValuesIndices {
    return along.cummax(this, dim);
  }
  /** The running minima along `dim`, and where each stands, the last of equal ones */
  cummin(this: Tensor, dim: Dim): ValuesIndices {
    return along.cummin(this, dim);
  }
  /** The running products `y[i] = x[0] · … · x[i]` along `dim` */
  cumprod(this: Tensor, dim: number | { dim?: number }): Tensor {
    return cumulate("cumprod", this, dim);
  }
  /** The differences of neighbours along `dim`, n times over */
  diff(this: Tensor, n?: number | DiffOptions, dim?: number): Tensor {
    return diff(this, n, dim);
  }
  /** The largest element over dimensions; equal ones share the gradient */
  amax(this: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean): Tensor {
    return amax(this, dim, keepdim);
  }
  /** The smallest element over dimensions; equal ones share the gradient */
  amin(this: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean): Tensor {
    return amin(this, dim, keepdim);
  }

  /** The windows of `size` along `dim`, one every `step`, as a view: `dim` counts them, and a new last dimension goes over each. */
  unfold(this: Tensor, dim: number, size: number, step: number): Tensor {
    return slidingWindows(this, dim, size, step);
  }
  /** A view of any sizes and strides over the same memory; gradients add up where elements stand more than once. */
  asStrided(this: Tensor, size: readonly number[], strides: readonly number[], offset?: number): Tensor {
    return asStrided(this, size, strides, offset);
  }

  /** `Σ a[i] · b[i]` of two vectors */
  dot(this: Tensor, b: Tensor): Tensor {
    return linalg.dot(this, b);
  }
  /** A matrix times a vector */
  mv(this: Tensor, b: Tensor): Tensor {
    return linalg.mv(this, b);
  }
  /** A matrix times a matrix */
  mm(this: Tensor, b: Tensor): Tensor {
    return linalg.mm(this, b);
  }
  /** The products of two batches of matrices */
  bmm(this: Tensor, b: Tensor): Tensor {
    return linalg.bmm(this, b);
  }
  /** `beta · x + alpha · a @ b` of matrices */
  addmm(this: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions): Tensor {
    return linalg.addmm(this, a, b, options);
  }
  /** `beta · x + alpha · a @ b` of batches of matrices */
  baddbmm(this: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions): Tensor {
    return linalg.baddbmm(this, a, b, options);
  }
  /** `y[i, j] = a[i] · b[j]` of two vectors */
  outer(this: Tensor, b: Tensor): Tensor {
    return linalg.outer(this, b);
  }
  /** The Kronecker product: each element in turn times all of b */
  kron(this: Tensor, b: Tensor): Tensor {
    return linalg.kron(this, b);
  }
  /** x with finite numbers in the place of NaN, ∞ and −∞ */
  nanToNum(this: Tensor, options?: NanToNumOptions): Tensor {
    return nanToNum(this, options);
  }

  /** Every element becomes one of the uniform distribution on [from, to). */
  uniform_(this: Tensor, from?: number, to?: number, options?: GeneratorOptions): Tensor {
    return random.uniformInto(this, from, to, options);
  }
  /** Every element becomes one of a normal distribution. */
  normal_(this: Tensor, mean?: number, std?: number, options?: GeneratorOptions): Tensor {
    return random.normalInto(this, mean, std, options);
  }
  /** Every element becomes one of the exponential distribution of rate λ. */
  exponential_(this: Tensor, lambda?: number, options?: GeneratorOptions): Tensor {
    return random.exponentialInto(this, lambda, options);
  }
  /** Every element becomes e to the power of one of a normal distribution. */
  logNormal_(this: Tensor, mean?: number, std?: number, options?: GeneratorOptions): Tensor {
    return random.logNormalInto(this, mean, std, options);
  }
  /** Every element becomes 1 with probability p, and 0 otherwise. */
  bernoulli_(this: Tensor, p?: number, options?: GeneratorOptions): Tensor {
    return random.bernoulliInto(this, p, options);
  }
  /** 1 with the probability of each element, and 0 otherwise */
  bernoulli(this: Tensor, options?: GeneratorOptions): Tensor {
    return random.bernoulli(this, options);
  }
  /** `n` indices drawn by the weights of a vector, or of each row */
  multinomial(this: Tensor, n: number, replacement?: boolean | MultinomialOptions): Tensor {
    return random.multinomial(this, n, replacement);
  }
}
