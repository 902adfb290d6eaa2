/** How samples become a batch. */
import { tensor } from "../core/create.ts";
import { stack } from "../core/ops/join.ts";
import { Tensor } from "../core/tensor.ts";

/** What {@linkcode collate} makes of samples of type `T`: tensors and numbers become tensors, arrays and objects keep their form. */
export type Batch<T> = T extends Tensor | number | boolean ? Tensor
  : T extends readonly unknown[] | Readonly<Record<string, unknown>> ? { [K in keyof T]: Batch<T[K]> }
  : T;

/**
 * Samples as a batch, PyTorch's `default_collate`: tensors are stacked on a new dimension 0, whole numbers become int32,
 * other numbers float32, booleans bool; arrays and objects are collated by their places and keys, anything else becomes
 * an array.
 *
 * @throws {RangeError} if tensors differ in shape, or arrays in length
 * @throws {TypeError} if tensors differ in kind
 */
export function collate<T>(samples: readonly T[]): Batch<T> {
  return collateAny(samples) as Batch<T>;
}

function collateAny(samples: readonly unknown[]): unknown {
  const [first] = samples;
  if (first instanceof Tensor) return stack(samples as Tensor[]);
  if (typeof first === "number") return collateNumbers(samples as number[]);
  if (typeof first === "boolean") return tensor(samples as boolean[]);
  if (Array.isArray(first)) return collateArrays(samples as unknown[][]);
  if (typeof first !== "object" || first === null) return samples;
  const entries = Object.keys(first).map((
    key,
  ) => [key, collateAny(samples.map((s) => (s as Record<string, unknown>)[key]))]);
  return Object.fromEntries(entries);
}

function collateNumbers(samples: readonly number[]): Tensor {
  const whole = samples.every((value) => (value | 0) === value);
  return tensor([...samples], { dtype: whole ? "int32" : "float32" });
}

function collateArrays(samples: readonly (readonly unknown[])[]): unknown[] {
  const odd = samples.find(({ length }) => length !== samples[0].length);
  if (odd) throw new RangeError(`Cannot stack samples of ${samples[0].length} and of ${odd.length} parts`);
  return samples[0].map((_, i) => collateAny(samples.map((sample) => sample[i])));
}
