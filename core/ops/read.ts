/** What is read out of a tensor: a single number, nested arrays, or the memory behind a view. */
import { type DType, memoryGone, type TypedArray } from "../dtype.ts";
import { resolveDim, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { elements } from "./movement.ts";

/** A number or boolean, or arrays of them to any depth. */
export type Nested = number | boolean | readonly Nested[];

/** The memory behind a view, as it lies. */
export interface Storage {
  /** The typed array itself. */
  readonly data: TypedArray;
  /** How many elements it holds. */
  readonly length: number;
  /** The printed form, as in PyTorch: an element a line, then dtype and size. */
  toString(): string;
}

/** The memory of `x` with its printed form. */
export function storage(x: Tensor, print: (data: TypedArray, dtype: DType) => string): Storage {
  const { data, dtype } = x;
  const toString = () => print(data, dtype);
  return { data, length: data.length, toString, ...{ [Symbol.for("Deno.customInspect")]: toString } };
}

/** The size of `x` along `dim`. */
export function sizeAlong(x: Tensor, dim: number): number {
  if (x.shape.length === 0) {
    throw new RangeError(`Cannot read the size of dimension ${dim}: a tensor of rank 0 has no dimensions`);
  }
  return x.shape[resolveDim(dim, x.shape.length, "read the size of")];
}

/** The only element of `x`. */
export function item(x: Tensor): number {
  if (x.numel() !== 1) {
    throw new RangeError(
      `Cannot take item() of shape ${
        show(x.shape)
      }: a Tensor with ${x.numel()} elements is no single number, reduce or index it first`,
    );
  }
  const value = x.data[x.offset];
  if (value === undefined) throw memoryGone();
  return value;
}

/** The only element of `x`, for an operator of JavaScript that converts it to a number. */
export function numberOf(x: Tensor): number {
  if (x.numel() === 1) return item(x);
  throw new TypeError(
    `Cannot compute with an operator on a tensor of shape ${show(x.shape)}: ` +
      "JavaScript's work on numbers, use methods such as gt(), mul() and add()",
  );
}

/** The elements as arrays nested by dimension. */
export function nest(x: Tensor): Nested {
  const flat = elements(x);
  let next = 0;
  const read: () => Nested = x.dtype === "bool" ? () => flat[next++] !== 0 : () => flat[next++];
  const layer = (d: number): Nested =>
    d === x.shape.length ? read() : Array.from({ length: x.shape[d] }, () => layer(d + 1));
  return layer(0);
}
