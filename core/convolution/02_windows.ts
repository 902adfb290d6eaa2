/**
 * Rung 2, windows. Idea: a window of the image is a view of it with other strides, so that all windows together are one view.
 * What changed: the loops became two tensor operations, a product of everything with everything and a sum.
 * What it bought: 550 to 700 times on native, 46 ms became 66 µs. But the product is as large as the number of multiplications.
 */
import type { Tensor } from "../tensor.ts";
import { checkConvolution } from "./check_convolution.ts";

/** `(windows * w).sum()` over channels and kernel. */
export function windows(x: Tensor, w: Tensor): Tensor {
  const { o, c, r, s } = checkConvolution(x, w);
  const views = x.unfold(2, r, 1).unfold(3, s, 1).unsqueeze(1); // [n, 1, c, h, w, r, s]
  return views.mul(w.reshape(o, c, 1, 1, r, s)).sum([2, 5, 6]);
}
