/** Tensors by name, as files of several tensors are given them. */
import { describe, isPlainObject, requireTensor } from "../arguments.ts";
import type { Tensor } from "../tensor.ts";

/** Tensors by name, as a plain object or a map. A name may be anything but `__metadata__`. */
export type NamedTensors = Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;

/**
 * The names and tensors, in their order.
 *
 * @throws {TypeError} If it is no collection of tensors by name: a module, or an object within the object.
 */
export function namedTensors(tensors: NamedTensors): [name: string, tensor: Tensor][] {
  const collection = tensors instanceof Map || isPlainObject(tensors);
  if (!collection) {
    throw new TypeError(
      `Cannot write ${describe(tensors)}: give tensors by name, as in { weight }, or a model's stateDict()`,
    );
  }
  const named = [...(tensors instanceof Map ? tensors : Object.entries(tensors))] as [string, Tensor][];
  for (const [name, tensor] of named) requireTensor(tensor, `write ${JSON.stringify(name)},`);
  return named;
}
