/** Where a token stands, added to what it is: vectors that are learned, or given by sines. */
import { checkOptions, requireSizes, requireTensor } from "../../core/arguments.ts";
import { zeros } from "../../core/create.ts";
import type { DType } from "../../core/dtype.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { sinusoidalPositions } from "./functional/attention.ts";
import { normal_ } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** The options of {@linkcode LearnedPositions}. */
export interface LearnedPositionsOptions {
  /**
   * The dtype of the table.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/**
 * Adds a learned vector to each token by its position. Rows are drawn from N(0, 1), as those of an `Embedding`, which this is.
 *
 * @example
 * ```ts
 * import { nn, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const positions = new nn.LearnedPositions(8, 4);
 * assertEquals(positions.call(zeros([2, 3, 4]), 5).at(1, 0).toArray(), positions.weight.at(5).toArray());
 * ```
 */
export class LearnedPositions extends Module<[x: Tensor, from?: number]> {
  /** [maxLength, width] */
  weight: Parameter;

  /** A table for `maxLength` positions. */
  constructor(
    /** How many positions there are. */
    readonly maxLength: number,
    /** How many values a token has. */
    readonly width: number,
    options: LearnedPositionsOptions = {},
  ) {
    super();
    checkOptions("make LearnedPositions", options, ["dtype"]);
    requireSizes("make LearnedPositions", { maxLength, width });
    this.weight = new Parameter(zeros([maxLength, width], { dtype: options.dtype ?? "float32" }));
    this.resetParameters();
  }

  /** Draws the table again. */
  resetParameters(): void {
    normal_(this.weight);
  }

  /**
   * x [batch, length, width] with its positions, the first of which is `from`.
   *
   * @throws {RangeError} If there are no such positions.
   */
  forward(x: Tensor, from = 0): Tensor {
    requireWidth(x, this.width, from);
    const length = x.shape.at(-2)!;
    if (from + length > this.maxLength) {
      throw new RangeError(
        `Cannot add positions ${from} to ${from + length - 1} to ${show(x.shape)}: there are ${this.maxLength} of them`,
      );
    }
    return x.add(this.weight.narrow(0, from, length));
  }

  /** `8, 4`, for the printed form. */
  override extraRepr(): string {
    return `${this.maxLength}, ${this.width}`;
  }
}

/**
 * Adds a vector of sines to each token by its position: {@linkcode functional.sinusoidalPositions}. There is nothing to learn, and no
 * longest text.
 *
 * @example
 * ```ts
 * import { nn, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new nn.SinusoidalPositions(4).call(zeros([1, 3, 4])).at(0, 0).toArray(), [0, 1, 0, 1]);
 * ```
 */
export class SinusoidalPositions extends Module<[x: Tensor, from?: number]> {
  /** Vectors for tokens of `width` values. */
  constructor(
    /** How many values a token has. */
    readonly width: number,
  ) {
    super();
    requireSizes("make SinusoidalPositions", { width });
  }

  /** x [batch, length, width] with its positions, the first of which is `from`. */
  forward(x: Tensor, from = 0): Tensor {
    requireWidth(x, this.width, from);
    return x.add(sinusoidalPositions(x.shape.at(-2)!, this.width, { from, dtype: x.dtype }));
  }

  /** `4`, for the printed form. */
  override extraRepr(): string {
    return `${this.width}`;
  }
}

function requireWidth(x: Tensor, width: number, from: number): void {
  requireTensor(x, "add positions to");
  requireSizes("add positions", { from });
  if (x.ndim >= 2 && x.shape.at(-1) === width) return;
  throw new RangeError(`Cannot add positions to ${show(x.shape)}: expected [batch, length, ${width}]`);
}
