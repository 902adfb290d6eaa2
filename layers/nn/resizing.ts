/** Images of another size, as modules: each calls its function in `nn.functional`. */
import { pythonic } from "../../core/format.ts";
import { asPair, type NumberOrPair } from "../../core/ops/windows/sizes.ts";
import type { Tensor } from "../../core/tensor.ts";
import * as F from "./functional/resize.ts";
import { Module } from "./module.ts";

/**
 * Images at another size, as `functional.interpolate` computes them.
 *
 * @example
 * ```ts
 * import { nn, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const upsample = new nn.Upsample({ scaleFactor: 2 });
 * assertEquals(upsample.call(zeros([8, 3, 14, 14])).shape, [8, 3, 28, 28]);
 * assertEquals(`${upsample}`, "Upsample(scale_factor=2.0, mode=nearest)");
 * ```
 */
export class Upsample extends Module {
  /** A layer that gives images of `size`, or `scaleFactor` times as large ones. */
  constructor(
    /** To which size, and how. */
    readonly options: F.InterpolateOptions,
  ) {
    super();
    F.checkInterpolate("make Upsample", options);
  }
  /** [batch, channels, rows, columns] at another size. */
  forward(x: Tensor): Tensor {
    return F.interpolate(x, this.options);
  }
  /** `scale_factor=2.0, mode=nearest`, for the printed form. */
  override extraRepr(): string {
    const { size = null, scaleFactor = null, mode = "nearest" } = this.options;
    return `${
      scaleFactor === null ? `size=${pythonic(size)}` : `scale_factor=${factorRepr(scaleFactor)}`
    }, mode=${mode}`;
  }
}

function factorRepr(factor: NumberOrPair): string {
  return typeof factor === "number"
    ? pythonic(factor, "float")
    : `(${factor.map((n) => pythonic(n, "float")).join(", ")})`;
}

/** Channels become pixels, as `functional.pixelShuffle` computes it. */
export class PixelShuffle extends Module {
  /** A layer that gives images `upscaleFactor` times as high and wide. */
  constructor(
    /** How much larger they become. */
    readonly upscaleFactor: number,
  ) {
    super();
    asPair("make PixelShuffle", "upscaleFactor", upscaleFactor, 1, 1);
  }
  /** [batch, channels · r², rows, columns] becomes [batch, channels, rows · r, columns · r]. */
  forward(x: Tensor): Tensor {
    return F.pixelShuffle(x, this.upscaleFactor);
  }
  /** `upscale_factor=2`, for the printed form. */
  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/** Zeros around images, as `functional.pad` puts them there. */
export class ZeroPad2d extends Module {
  /** How many columns left and right, and rows above and below; negative numbers take some away. */
  readonly padding: readonly [left: number, right: number, top: number, bottom: number];

  /**
   * A layer that puts `padding` zeros on each side, or as many as four numbers say: left, right, top, bottom.
   *
   * @throws {TypeError} If it is neither a number nor four.
   */
  constructor(padding: number | readonly [left: number, right: number, top: number, bottom: number]) {
    super();
    const sides = typeof padding === "number" ? Array<number>(4).fill(padding) : padding;
    if (!Array.isArray(sides) || sides.length !== 4 || !sides.every(Number.isInteger)) {
      const found = Array.isArray(sides) ? `[${sides.join(", ")}]` : `${padding}`;
      throw new TypeError(
        `Cannot make ZeroPad2d with padding ${found}: give a whole number, or four as in [1, 1, 2, 2]`,
      );
    }
    this.padding = [sides[0], sides[1], sides[2], sides[3]];
  }
  /** [batch, channels, rows, columns] or [channels, rows, columns] with zeros around each image. */
  forward(x: Tensor): Tensor {
    return F.pad(x, this.padding);
  }
  /** `(1, 1, 2, 2)`, for the printed form. */
  override extraRepr(): string {
    return pythonic(this.padding);
  }
}
