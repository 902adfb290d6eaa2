/** Inputs with mean 0 and standard deviation 1. */
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import { arange, zeros } from "../../core/create.ts";
import { isFloating } from "../../core/dtype.ts";
import { indexBytes } from "../../core/ops/index.ts";
import { Tensor } from "../../core/tensor.ts";

/** The mean and standard deviation that data have before they are normalized. */
export interface Normalization {
  /** The mean; for uint8 that of `x / 255`. */
  readonly mean: number;
  /** The standard deviation; for uint8 that of `x / 255`. */
  readonly std: number;
}

/**
 * The mean and standard deviation of the numbers in x, or of `x / 255` if it is uint8: what the option `normalize` of a `DataLoader` takes.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { normalizationOf, normalizer } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([1, 2, 3]);
 * assertEquals(normalizationOf(x), { mean: 2, std: 1 });
 * assertEquals(normalizer(normalizationOf(x))(x).toArray(), [-1, 0, 1]);
 * ```
 */
export function normalizationOf(x: Tensor): Normalization {
  requireTensor(x, "take the mean and deviation of");
  const values = x.dtype === "uint8" ? x.float().div_(255) : isFloating(x.dtype) ? x : x.float();
  return { mean: values.mean().item(), std: values.std().item() };
}

/**
 * Normalizes tensors: `(x / 255 − mean) / std` of uint8, `(x − mean) / std` of others, rounded to float32 after each operation.
 */
export class Normalizer {
  readonly #normalization: Normalization;
  /** The result for each of the 256 values of a byte. */
  readonly #table: Float32Array;

  /** A normalizer for data with this mean and standard deviation. */
  constructor(normalization: Normalization) {
    checkOptions("normalize", normalization, ["mean", "std"], { mean: "number", std: "number" });
    this.#normalization = normalization;
    this.#table = this.#shift(arange(0, 256, 1, { dtype: "float32" }).div_(255)).data as Float32Array;
  }

  /** x normalized, as a new tensor: float64 if x is, else float32. */
  all(x: Tensor): Tensor {
    requireTensor(x, "normalize");
    if (x.dtype === "uint8") {
      return indexBytes(x.reshape(1, -1), zeros([1], { dtype: "int32" }), this.#table).view(x.shape);
    }
    return this.#shift(isFloating(x.dtype) ? x.clone() : x.float());
  }

  /** The rows of x that `rows` picks along dimension 0, normalized; bytes become floats while they are copied. */
  rows(x: Tensor, rows: Tensor): Tensor {
    requireTensor(x, "normalize");
    return x.dtype === "uint8" ? indexBytes(x, rows, this.#table) : this.all(x.index(rows));
  }

  #shift(x: Tensor): Tensor {
    const { mean, std } = this.#normalization;
    return x.sub_(mean).div_(std);
  }
}

/** {@linkcode Normalizer.all} as a function. */
export function normalizer(normalization: Normalization): (x: Tensor) => Tensor {
  const one = new Normalizer(normalization);
  return (x) => one.all(x);
}

/**
 * A batch whose first tensor is changed: the batch itself, or the first of an array.
 *
 * @throws {TypeError} if the batch does not begin with a tensor
 */
export function changeBatch<B>(action: string, batch: B, change: (x: Tensor) => Tensor): B {
  if (batch instanceof Tensor) return change(batch) as B;
  if (Array.isArray(batch) && batch[0] instanceof Tensor) return [change(batch[0]), ...batch.slice(1)] as B;
  throw new TypeError(`Cannot ${action} a batch that does not begin with a tensor: leave it to collate`);
}
