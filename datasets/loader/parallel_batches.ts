/** Batches that several ranks share: one order for all, and of each batch a part for each. */
import { requireSame } from "../../core/messages/require_same.ts";
import { thrownByAll, world } from "../../core/messages/world.ts";

/**
 * The order that rank 0 drew, on every rank: nobody has to tell the loaders which epoch it is.
 *
 * @throws {RangeError} If batches cannot be shared evenly.
 * @throws {Error} On every rank, if another has other data.
 */
export function orderOfFirst(order: Int32Array, batchSize: number): Int32Array {
  const { size } = world();
  if (batchSize % size !== 0) {
    const cure = `give a batchSize that is a multiple of ${size}`;
    throw thrownByAll(new RangeError(`Cannot share batches of ${batchSize} samples among ${size} ranks: ${cure}`));
  }
  requireSame("the data", `${order.length} samples in batches of ${batchSize}`);
  const shared = Int32Array.from(order);
  world().broadcast(shared, 0);
  return shared;
}

/**
 * This rank's part of a batch's samples: rank r has the rows from r · n / ranks on, so that all parts one after another are the batch. A
 * short batch is made even by samples of the order's beginning, as PyTorch's `DistributedSampler` does.
 */
export function partOfRank(rows: Int32Array, order: Int32Array): Int32Array {
  const { rank, size } = world(), n = Math.ceil(rows.length / size);
  const whole = Int32Array.from({ length: n * size }, (_, i) => rows[i] ?? order[(i - rows.length) % order.length]);
  return whole.subarray(rank * n, (rank + 1) * n);
}
