/** Many dimensions to one. */
import { requireTensor } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";
import { Module } from "./module.ts";

/** Joins dimensions into one: [batch, …] becomes [batch, features] unless told otherwise. */
export class Flatten extends Module {
  /** From dimension 1 to the last unless told. */
  constructor(readonly startDim: number = 1, readonly endDim: number = -1) {
    super();
  }

  /** x under its new shape. */
  forward(x: Tensor): Tensor {
    requireTensor(x, "flatten");
    return x.flatten(this.startDim, this.endDim);
  }

  /** PyTorch's words. */
  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}
