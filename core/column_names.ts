/** The names of a table's columns, which its tensors keep for messages: a NaN is found sooner in "price" than in column 7. */
import { describe, requireArray, requireTensor } from "./arguments.ts";
import type { Tensor } from "./tensor.ts";

const NAMES = new WeakMap<Tensor, readonly string[]>();

/**
 * Names the columns of x [rows, columns], and returns it: a `Learner` then says by name where a NaN came from. `fromCsv`, `readArff` and
 * `TableSchema` name those of what they give, and a `TensorDataset` those of its batches; other tensors made of them, such as rows
 * that were chosen by `index()`, have to be named again.
 *
 * @throws {RangeError} If there are not as many names as columns.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { columnNames, nameColumns } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const x = nameColumns(tensor([[30, 1], [50, 2]]), ["area", "rooms"]);
 * const train = nameColumns(x.index(tensor([1], { dtype: "int32" })), columnNames(x)!);
 * assertEquals(columnNames(train), ["area", "rooms"]);
 * ```
 */
export function nameColumns(x: Tensor, names: readonly string[]): Tensor {
  requireTensor(x, "name the columns of");
  requireArray(names, "name columns by", '["area", "rooms"]');
  const odd = names.find((name) => typeof name !== "string");
  if (odd !== undefined) throw new TypeError(`Cannot name a column ${describe(odd)}: give a text`);
  if (x.ndim !== 2 || x.shape[1] !== names.length) {
    throw new RangeError(`Cannot name the columns of [${x.shape}] by ${names.length} names: expected [rows, columns]`);
  }
  NAMES.set(x, names);
  return x;
}

/** The names of the columns of x, `null` where it has none. */
export function columnNames(x: Tensor): readonly string[] | null {
  return NAMES.get(x) ?? null;
}
