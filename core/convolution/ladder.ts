/**
 * The ladder of convolutions: five implementations, from the definition to the back end's own. The header of each says what it bought over
 * the one below on native: medians of 21 rounds in turns, of three programs, one thread, on a machine that others used too; times are
 * those of the quietest program. 30 November 2026.
 */
import type { Tensor } from "../tensor.ts";
import { loops } from "./01_loops.ts";
import { windows } from "./02_windows.ts";
import { einsumWindows } from "./03_einsum.ts";
import { unfolded } from "./04_unfold.ts";
import { kernel } from "./05_kernel.ts";

/** One implementation of the convolution. */
export interface ConvolutionRung {
  /** Its number and name, as its file is called. */
  readonly name: string;
  /** `x ⋆ w` without padding, for float32 images x [n, c, height, width] and kernels w [o, c, rows, columns], on the back end in use. */
  readonly convolve: (x: Tensor, w: Tensor) => Tensor;
}

/**
 * The rungs, slowest first.
 *
 * @example
 * ```ts
 * import { ones, tensor } from "@gradus/gradus";
 * import { convolutionLadder } from "@gradus/gradus/ladder";
 * import { assertEquals } from "@std/assert";
 *
 * const [image, sum] = [tensor([[[[1, 2], [3, 4]]]]), ones([1, 1, 2, 2])];
 * for (const { convolve } of convolutionLadder) assertEquals(convolve(image, sum).item(), 10);
 * ```
 */
export const convolutionLadder: readonly ConvolutionRung[] = [
  { name: "01_loops", convolve: loops },
  { name: "02_windows", convolve: windows },
  { name: "03_einsum", convolve: einsumWindows },
  { name: "04_unfold", convolve: unfolded },
  { name: "05_kernel", convolve: kernel },
];
