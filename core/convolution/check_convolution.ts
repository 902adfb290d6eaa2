/** The sizes of a convolution, and the checks that all rungs share. */
import { requireTensor } from "../arguments.ts";
import { bySize, windowsThatFit } from "../ops/windows/sizes.ts";
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** The sizes of `x ⋆ w`. */
interface ConvolutionSizes {
  /** Images. */
  n: number;
  /** Channels of x. */
  c: number;
  /** Channels of the result. */
  o: number;
  /** Rows and columns of the kernel. */
  r: number;
  s: number;
  /** Rows and columns of the result. */
  h: number;
  w: number;
}

/**
 * The sizes of `x ⋆ w`: x is [n, c, height, width], w is [o, c, r, s].
 *
 * @throws {RangeError} If one has another rank, the channels differ, or the kernel is larger than the images.
 * @throws {TypeError} If one is not float32, the dtype of all rungs.
 */
export function checkConvolution(x: Tensor, w: Tensor): ConvolutionSizes {
  requireTensor(x, "convolve");
  requireTensor(w, "convolve by");
  if (x.ndim !== 4 || w.ndim !== 4 || x.shape[1] !== w.shape[1]) {
    throw new RangeError(
      `Cannot convolve ${show(x.shape)} by ${
        show(w.shape)
      }: expected images [n, c, height, width] and kernels [o, c, rows, columns]`,
    );
  }
  if (x.dtype !== "float32" || w.dtype !== "float32") {
    throw new TypeError(
      `Cannot convolve ${x.dtype} by ${w.dtype} on the ladder: its rungs are for float32, use float()`,
    );
  }
  const [[n, c, height, width], [o, , r, s]] = [x.shape, w.shape];
  const [one, none] = [[1, 1], [0, 0]] as const;
  const refuse = (why: string) =>
    new RangeError(`Cannot convolve ${show(x.shape)} with a kernel of ${bySize([r, s], 2)}: ${why}`);
  const place = { stride: one, dilation: one, before: none, after: none };
  const [rows, columns] = windowsThatFit([height, width], [r, s], place, refuse);
  return { n, c, o, r, s, h: rows, w: columns };
}
