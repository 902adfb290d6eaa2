/**
 * What a tensor can do beside the essential: methods that are functions too, as in PyTorch. `Tensor`, which has the others, is derived from
 * this class; each method calls the function of its name in `ops/`.
 */
import { GradientSlot } from "./gradient_slot.ts";
import * as arrange from "./ops/arrange.ts";
import type { Dim } from "./ops/arrange.ts";
import { binary, copyInto, type Operand, unary } from "./ops/elementwise.ts";
import * as functions from "./ops/functions.ts";
import type { ValueOptions } from "./ops/functions.ts";
import * as indexing from "./ops/index.ts";
import type { Index, IndexPutOptions } from "./ops/index.ts";
import { maskedFill } from "./ops/where.ts";
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
  roll(this: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
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
  tril(this: Tensor, k?: number): Tensor {
    return arrange.tril(this, k);
  }
  /** The upper triangle: 0 below diagonal `k` */
  triu(this: Tensor, k?: number): Tensor {
    return arrange.triu(this, k);
  }
  /** The diagonal of two dimensions, as a view with it as the last one */
  diagonal(this: Tensor, offset?: number, dim1?: number, dim2?: number): Tensor {
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
    return indexing.nonzero(this);
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
}
