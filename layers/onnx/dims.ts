/** Sizes of which some depend on the batch: found by comparing what a model does with two batches. */
import { type Shape, show } from "../../core/shape.ts";

/** Sizes; −1 stands for the batch, −2 for twice the batch, and so on. */
export type Dims = readonly number[];

/**
 * The sizes that a shape has for any batch, by those for two: of `batches[0]` and `batches[1]` rows.
 *
 * @throws {RangeError} If one of them is neither the same nor a multiple of the batch.
 */
export function dimsOf(shapes: readonly [Shape, Shape], batches: readonly [number, number], what: () => string): Dims {
  const [first, second] = shapes;
  const refuse = () =>
    new RangeError(
      `Cannot export ${what()} for a batch of any size: it is ${show(first)} for ${batches[0]} rows and ` +
        `${show(second)} for ${batches[1]}; give { dynamicBatch: false } for batches like the example`,
    );
  if (first.length !== second.length) throw refuse();
  return first.map((n, d) => {
    if (n === second[d]) return n;
    const times = n / batches[0];
    if (!Number.isInteger(times) || second[d] !== times * batches[1]) throw refuse();
    return -times;
  });
}

/** Whether two lists of sizes are the same. */
export function sameDims(a: Dims, b: Dims): boolean {
  return a.length === b.length && a.every((n, d) => n === b[d]);
}
