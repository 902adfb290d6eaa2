/** Layers as functions: their parameters are arguments. */
import { type Context, Function } from "../../../backward/function.ts";
import { embeddingBackward } from "../../../backward/rules/movement.ts";
import { checkOptions, type OptionTypes, requireTensor } from "../../../core/arguments.ts";
import { fromData } from "../../../core/create.ts";
import { allocate, isFloating } from "../../../core/dtype.ts";
import { linear as product } from "../../../core/ops/linalg.ts";
import { elements } from "../../../core/ops/movement.ts";
import { defaultGenerator, type Generator } from "../../../core/random/generator.ts";
import { fillDropout, type FloatArray } from "../../../core/random/torch_streams.ts";
import { resolveDim, show, sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";

/**
 * `x @ weightᵀ + bias`: x [batch, in], weight [out, in] as PyTorch has it, bias [out].
 *
 * @throws {RangeError} If the sizes do not fit together.
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return product(x, weight, bias, { transposed: true });
}

/** The options of `dropout`. */
export interface DropoutOptions {
  /**
   * The probability that an element becomes 0.
   *
   * @default {0.5}
   */
  p?: number;
  /**
   * Whether anything is dropped at all.
   *
   * @default {true}
   */
  training?: boolean;
  /**
   * The generator to draw from; `manualSeed` seeds the default one.
   *
   * @default {defaultGenerator}
   */
  generator?: Generator;
}

const DROPOUT: OptionTypes<DropoutOptions> = { p: "number", training: "boolean" };

/**
 * Zeroes each element with probability p and multiplies the others by `1 / (1 − p)`, so that the expectation stays.
 *
 * Source: Srivastava et al., "Dropout" (2014). The same seed drops what PyTorch drops.
 *
 * @throws {RangeError} If p lies outside [0, 1].
 * @throws {TypeError} If x is of an integer kind.
 */
export function dropout(x: Tensor, options: DropoutOptions = {}): Tensor {
  return drop("dropout()", x, options, () => x.shape);
}

/**
 * Zeroes each channel of x [batch, channels, rows, columns] or [batch, channels, length] with probability p and multiplies the others by
 * `1 / (1 − p)`.
 *
 * Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks" (2015). The same seed drops what PyTorch drops.
 *
 * @throws {RangeError} If p lies outside [0, 1], or x has another rank.
 * @throws {TypeError} If x is of an integer kind.
 */
export function dropout2d(x: Tensor, options: DropoutOptions = {}): Tensor {
  return drop("dropout2d()", x, options, () => {
    if (x.ndim === 3 || x.ndim === 4) return x.shape.map((n, d) => (d < 2 ? n : 1));
    throw new RangeError(`Cannot drop channels of ${show(x.shape)}: expected [batch, channels, rows, columns]`);
  });
}

/** x times a mask of the shape that `maskShape` says, which is broadcast. */
function drop(name: string, x: Tensor, options: DropoutOptions, maskShape: () => readonly number[]): Tensor {
  requireTensor(x, `take ${name} of`);
  checkOptions(`take ${name}`, options, ["p", "training", "generator"], DROPOUT);
  const { p = 0.5, training = true, generator = defaultGenerator } = options;
  if (!(p >= 0 && p <= 1)) throw new RangeError(`Cannot drop with probability ${p}: it must lie from 0 to 1`);
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot drop from a ${x.dtype} tensor: cast it with float()`);
  const shape = maskShape();
  if (!training || p === 0) return x;
  const kept = allocate(x.dtype, sizeOf(shape));
  fillDropout(generator, kept as FloatArray, p);
  return x.mul(fromData(kept, shape));
}

/** The options of `embedding`. */
export interface EmbeddingOptions {
  /**
   * The row that gets no gradient; negative ones count from the end.
   *
   * @default {null}
   */
  paddingIdx?: number | null;
}

/**
 * The rows of `weight` [rows, width] that `indices` (any shape, integers) name: [...indices.shape, width].
 *
 * @throws {RangeError} If an index is not a row; they count from 0 alone, as in PyTorch.
 * @throws {TypeError} If the indices are not integers.
 */
export function embedding(indices: Tensor, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  requireTensor(indices, "look up rows by");
  requireTensor(weight, "look up rows of");
  checkOptions("take embedding()", options, ["paddingIdx"]);
  const { paddingIdx = null } = options;
  const padding = paddingIdx === null ? null : resolveDim(paddingIdx, weight.shape[0], "pad with");
  return EmbeddingFunction.apply(weight, indices, padding);
}

/** A context that also keeps which rows were looked up. */
interface RowsContext extends Context {
  rows: Int32Array;
  padding: number | null;
}

class EmbeddingFunction extends Function {
  static forward(ctx: RowsContext, weight: Tensor, indices: Tensor, padding: number | null): Tensor {
    if (indices.dtype === "bool") throw new TypeError("Cannot look up rows by a bool tensor: use integers");
    ctx.rows = Int32Array.from(elements(indices));
    const before = ctx.rows.find((row) => row < 0);
    if (before !== undefined) {
      throw new RangeError(`Cannot look up row ${before} of ${show(weight.shape)}: rows count from 0`);
    }
    const out = weight.index(indices);
    ctx.saveForBackward(weight);
    ctx.padding = padding;
    return out;
  }
  static backward(ctx: RowsContext, g: Tensor): [dw: Tensor] {
    const [weight] = ctx.savedTensors;
    return embeddingBackward(g, weight.shape, ctx.rows, ctx.padding);
  }
}
