/** How a loss for each element, or each row, becomes the loss of a batch. */
import { requireTensor } from "../../core/arguments.ts";
import { sameShape, show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** `"mean"` over everything, the `"sum"`, or `"none"`: each loss by itself. */
export type Reduction = "mean" | "sum" | "none";

/** What every loss may be told. */
export interface LossOptions {
  /** How the losses are put together; the mean unless told. */
  reduction?: Reduction;
}

/**
 * The losses put together; `total` is what a mean divides by, their number unless told. A mean over nothing, where that is 0, is NaN,
 * as in PyTorch, and sends a gradient of 0 back: a batch in which nothing counts must not spoil what it was made from.
 *
 * @throws {TypeError} If there is no such reduction.
 */
export function reduced(losses: Tensor, reduction: Reduction = "mean", total: number = losses.numel()): Tensor {
  switch (reduction) {
    case "mean":
      return total === 0 ? meanOfNothing(losses.sum()) : losses.sum().div(total);
    case "sum":
      return losses.sum();
    case "none":
      return losses;
    default:
      throw new TypeError(`Cannot reduce losses by ${reduction}: expected "mean", "sum" or "none"`);
  }
}

function meanOfNothing(sum: Tensor): Tensor {
  return sum.mul(0).add(sum.item() / 0);
}

/** Refuses to compare tensors that only broadcasting could pair. */
export function checkPair(loss: string, prediction: Tensor, target: Tensor): void {
  requireTensor(prediction, `take ${loss}() of`);
  requireTensor(target, `take ${loss}() with the target`);
  if (sameShape(prediction.shape, target.shape)) return;
  throw new RangeError(
    `Cannot take the ${loss} of predictions ${show(prediction.shape)} and targets ${
      show(target.shape)
    }: the shapes differ, and broadcasting would pair predictions with targets of others; use view(), squeeze() or unsqueeze()`,
  );
}
