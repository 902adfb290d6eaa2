/** Pictures as numbers that networks like. */
import { backend } from "../core/backend/choose.ts";
import { arange, zeros } from "../core/create.ts";
import { isFloating } from "../core/dtype.ts";
import { elements } from "../core/ops/movement.ts";
import { Tensor } from "../core/tensor.ts";

/** The mean and deviation that values have before, to become 0 and 1. */
export interface Normalization {
  /** The mean; of bytes, of their 255th part. */
  readonly mean: number;
  /** The standard deviation, likewise. */
  readonly std: number;
}

/**
 * A function that gives `(x / 255 − mean) / std` of bytes, `(x − mean) / std` of other numbers, as a new tensor: float32,
 * unless x is float64.
 */
export function normalizer({ mean, std }: Normalization): (x: Tensor) => Tensor {
  const shift = (x: Tensor) => x.sub_(mean).div_(std);
  const fromBytes = (x: Tensor) => shift(x.float().div_(255));
  const table = fromBytes(arange(0, 256, 1, { dtype: "uint8" })).data;
  // A byte has but 256 values: where no kernel turns bytes into floats, one look-up takes a fortieth of the time of four passes.
  const byBytes = (x: Tensor) => backend().name === "native" ? fromBytes(x) : lookUp(x, table);
  return (x) => x.dtype === "uint8" ? byBytes(x) : shift(isFloating(x.dtype) ? x.clone() : x.float());
}

function lookUp(x: Tensor, table: ArrayLike<number>): Tensor {
  const bytes = elements(x), out = zeros(x.shape);
  for (let i = 0; i < bytes.length; i++) out.data[i] = table[bytes[i]];
  return out;
}

/**
 * A batch whose first tensor has gone through `normalize`: the batch itself, or the first of an array.
 *
 * @throws {TypeError} if the batch does not begin with a tensor
 */
export function normalizeBatch(batch: unknown, normalize: (x: Tensor) => Tensor): unknown {
  if (batch instanceof Tensor) return normalize(batch);
  if (Array.isArray(batch) && batch[0] instanceof Tensor) return [normalize(batch[0]), ...batch.slice(1)];
  throw new TypeError("Cannot normalize a batch that does not begin with a tensor: leave it to collate");
}
