/**
 * Rung 5, the kernel. Idea: an image is read where it stands, while the product packs it; no columns are ever written.
 * What changed: one call of the back end's `conv`, with ways of its own for few channels, kernels of 1 × 1 and depthwise ones.
 * What it bought: 2.4 times for 64 filters over 64 channels, 5 to 6 for 16 over 16, 3 for 8 over one, 4 to 8 for a single one, 7 µs over
 * 3 images; the course measured 15.7 µs there.
 */
import { convolution } from "../ops/windows/conv.ts";
import type { Tensor } from "../tensor.ts";
import { checkConvolution } from "./check_convolution.ts";

/** The convolution by the back end. */
export function kernel(x: Tensor, w: Tensor): Tensor {
  checkConvolution(x, w);
  return convolution(2, x, w, null);
}
