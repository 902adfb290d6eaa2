/** Random zeros in training. */
import type { Tensor } from "../../core/tensor.ts";
import { describe } from "../../core/arguments.ts";
import { dropout } from "./functional_layer.ts";
import { Module } from "./module.ts";

/** In training, zeroes each element with probability p and scales the others by `1 / (1 − p)`; passes everything in `eval()`. */
export class Dropout extends Module {
  /**
   * With a probability of ½ unless told.
   *
   * @throws {RangeError} If p lies outside [0, 1].
   * @throws {TypeError} If p is no number.
   */
  constructor(readonly p: number = 0.5) {
    super();
    if (typeof p !== "number") throw new TypeError(`Cannot drop with probability ${describe(p)}: give a number`);
    if (!(p >= 0 && p <= 1)) throw new RangeError(`Cannot drop with probability ${p}: it must lie from 0 to 1`);
  }

  /** x with some elements dropped. */
  forward(x: Tensor): Tensor {
    return dropout(x, { p: this.p, training: this.training });
  }

  /** PyTorch's words. */
  override extraRepr(): string {
    return `p=${this.p}, inplace=False`;
  }
}
