/** How samples become a batch. */
import { isPlainObject, requireArray } from "../../core/arguments.ts";
import { fromData, tensor } from "../../core/create.ts";
import type { Numbers } from "../../core/dtype.ts";
import { stack } from "../../core/ops/join.ts";
import { Tensor } from "../../core/tensor.ts";

/**
 * What {@linkcode collate} makes of samples of type `T`: tensors, typed arrays and numbers become tensors, arrays and plain objects
 * keep their form, anything else becomes an array.
 */
export type Batch<T> = T extends Tensor | Numbers | number | boolean ? Tensor
  : T extends readonly unknown[] | Readonly<Record<string, unknown>> ? { [K in keyof T]: Batch<T[K]> }
  : T[];

/**
 * Samples as a batch, PyTorch's `default_collate`: tensors and typed arrays are stacked on a new dimension 0 and keep their kind,
 * numbers become float32, as `tensor` makes them, and booleans bool; arrays and plain objects are collated by their places and
 * keys, anything else becomes an array. A batch's kind never depends on the values in it: classes are declared integers by
 * `tensor(3, { dtype: "int32" })`, or by an `Int32Array`.
 *
 * @example
 * ```ts
 * import { collate, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const label = (c: number) => tensor(c, { dtype: "int32" });
 * const [x, y] = collate([[new Float32Array([0, 1]), label(3)], [new Float32Array([2, 3]), label(7)]] as const);
 * assertEquals([x.toArray(), y.toArray(), y.dtype], [[[0, 1], [2, 3]], [3, 7], "int32"]);
 * ```
 * @throws {RangeError} if tensors differ in shape, or arrays in length
 * @throws {TypeError} if there is no tensor of a typed array's kind, or the samples are no array
 */
export function collate<T>(samples: readonly T[]): Batch<T> {
  requireArray(samples, "make a batch of", "[sample, …]");
  return collateAny(samples) as Batch<T>;
}

function collateAny(samples: readonly unknown[]): unknown {
  const [first] = samples;
  if (first instanceof Tensor) return stack(samples as Tensor[]);
  if (ArrayBuffer.isView(first)) return stack((samples as Numbers[]).map((row) => fromData(row, [row.length])));
  if (typeof first === "number" || typeof first === "boolean") return tensor([...samples] as number[]);
  if (Array.isArray(first)) return collateArrays(samples as unknown[][]);
  return isPlainObject(first) ? collateObjects(samples as Record<string, unknown>[]) : samples;
}

function collateArrays(samples: readonly (readonly unknown[])[]): unknown[] {
  const odd = samples.find(({ length }) => length !== samples[0].length);
  if (odd) throw new RangeError(`Cannot stack samples of ${samples[0].length} and of ${odd.length} parts`);
  return samples[0].map((_, i) => collateAny(samples.map((sample) => sample[i])));
}

function collateObjects(samples: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const keys = Object.keys(samples[0]);
  return Object.fromEntries(keys.map((key) => [key, collateAny(samples.map((sample) => sample[key]))]));
}
