/** How samples become a batch. */
import { fromData, tensor } from "../core/create.ts";
import { sameShape, show } from "../core/shape.ts";
import { allocate } from "../core/dtype.ts";
import { elements } from "../core/ops/movement.ts";
import { Tensor } from "../core/tensor.ts";

/** What {@linkcode stack} makes of samples of type `T`: tensors and numbers become tensors, arrays and objects keep their form. */
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
export function stack<T>(samples: readonly T[]): Batch<T> {
  return stackAny(samples) as Batch<T>;
}

function stackAny(samples: readonly unknown[]): unknown {
  const [first] = samples;
  if (first instanceof Tensor) return stackTensors(samples as Tensor[]);
  if (typeof first === "number") return stackNumbers(samples as number[]);
  if (typeof first === "boolean") return tensor(samples as boolean[]);
  if (Array.isArray(first)) return stackArrays(samples as unknown[][]);
  if (typeof first !== "object" || first === null) return samples;
  const entries = Object.keys(first).map((
    key,
  ) => [key, stackAny(samples.map((s) => (s as Record<string, unknown>)[key]))]);
  return Object.fromEntries(entries);
}

function stackNumbers(samples: readonly number[]): Tensor {
  const whole = samples.every((value) => (value | 0) === value);
  return tensor([...samples], { dtype: whole ? "int32" : "float32" });
}

function stackArrays(samples: readonly (readonly unknown[])[]): unknown[] {
  const odd = samples.find(({ length }) => length !== samples[0].length);
  if (odd) throw new RangeError(`Cannot stack samples of ${samples[0].length} and of ${odd.length} parts`);
  return samples[0].map((_, i) => stackAny(samples.map((sample) => sample[i])));
}

function stackTensors(samples: readonly Tensor[]): Tensor {
  const { shape, dtype } = samples[0];
  const size = samples[0].numel();
  const out = allocate(dtype, samples.length * size);
  samples.forEach((sample, i) => {
    if (!sameShape(sample.shape, shape)) {
      throw new RangeError(
        `Cannot stack ${show(shape)} and ${show(sample.shape)}: pad sample ${i}, or give a collate of your own`,
      );
    }
    if (sample.dtype !== dtype) throw new TypeError(`Cannot stack ${dtype} and ${sample.dtype}: convert sample ${i}`);
    out.set(elements(sample), i * size);
  });
  return fromData(out, [samples.length, ...shape], dtype);
}
