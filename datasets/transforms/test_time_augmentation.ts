/** Predictions that are the mean over several views of a picture. */
import { describe, requireArray, requireTensor } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Transform } from "./transform.ts";
import { horizontalFlip } from "./transforms.ts";

/** A batch as it is, and mirrored. */
const AS_IT_IS_AND_MIRRORED: readonly Transform[] = [(x) => x, horizontalFlip];

/**
 * The mean of what `predict` says of several views of the same pictures x [n, …, height, width]: test-time augmentation. Call it with a
 * model in `eval()`, within `noGrad()`.
 *
 * @param views What makes each view of x; by default x as it is, and x mirrored
 * @throws {RangeError} if there is no view
 *
 * @example
 * ```ts
 * import { type Tensor, tensor } from "@gradus/gradus";
 * import { testTimeAugmentation } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const leftmost = (x: Tensor) => x.at(":", 0, 0);
 * const mean = testTimeAugmentation(leftmost, tensor([[[1, 2, 3]]]));
 * assertEquals(mean.toArray(), [2]); // of 1 and, mirrored, 3
 * ```
 */
export function testTimeAugmentation(
  predict: (x: Tensor) => Tensor,
  x: Tensor,
  views: readonly Transform[] = AS_IT_IS_AND_MIRRORED,
): Tensor {
  if (typeof predict !== "function") {
    throw new TypeError(`Cannot predict by ${describe(predict)}: give a function, (x) => model.call(x)`);
  }
  requireTensor(x, "predict for views of");
  requireArray(views, "take the views", "[(x) => x, horizontalFlip]");
  if (views.length === 0) throw new RangeError("Cannot take the mean over no view: give [(x) => x, horizontalFlip]");
  const [first, ...others] = views.map((view) => predict(view(x)));
  return others.reduce((sum, prediction) => sum.add(prediction), first).div(views.length);
}
