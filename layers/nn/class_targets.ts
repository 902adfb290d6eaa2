/** Targets of a classification: which class each row belongs to, and how much that row counts. */
import { wrap } from "../../core/memory/allocate.ts";
import { requireTensor } from "../../core/arguments.ts";
import { allocate } from "../../core/dtype.ts";
import { elements } from "../../core/ops/movement.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** Which class each of n rows belongs to, ready for use. */
export interface ClassTargets {
  /** The classes [n], as int32; 0 for a row that is ignored. */
  readonly columns: Tensor;
  /** How much each row counts [n]: the weight of its class, 0 for a row that is ignored. */
  readonly weights: Tensor;
  /** Which rows are ignored. */
  readonly ignored: readonly number[];
  /** What a mean divides by: the sum of the weights. */
  readonly total: number;
}

/**
 * Reads the targets [n] of `classes` classes.
 *
 * @throws {RangeError} If a target is no class.
 */
export function readTargets(
  targets: Tensor,
  classes: number,
  like: Tensor,
  weight: Tensor | null,
  ignoreIndex: number,
): ClassTargets {
  const columns = Int32Array.from(elements(targets));
  const weights = allocate(like.dtype, columns.length);
  const ofClass = weight === null ? null : elements(weight);
  const ignored: number[] = [];
  let total = 0;
  columns.forEach((column, row) => {
    if (column === ignoreIndex) {
      columns[row] = 0;
      ignored.push(row);
      return;
    }
    if (column < 0 || column >= classes) throw outOfBounds(column, classes, ignoreIndex);
    total += weights[row] = ofClass === null ? 1 : ofClass[column];
  });
  return {
    columns: wrap(columns, [columns.length], "int32"),
    weights: wrap(weights, [columns.length], like.dtype),
    ignored,
    total,
  };
}

function outOfBounds(target: number, classes: number, ignoreIndex: number): RangeError {
  return new RangeError(
    `Cannot take the loss of target ${target}: it is out of bounds, expected 0 to ${
      classes - 1
    }, or ${ignoreIndex} to ignore it`,
  );
}

/** Refuses a weight that is not one number a class. */
export function checkClassWeight(weight: Tensor | null, classes: number): void {
  if (weight !== null) requireTensor(weight, "weight classes by");
  if (weight === null || (weight.ndim === 1 && weight.shape[0] === classes)) return;
  throw new RangeError(
    `Cannot weight ${classes} classes by ${show(weight.shape)}: give one weight a class, [${classes}]`,
  );
}
