/** Tensors to print, made without the tensor class. */
import type { DType } from "@gradus/gradus";
import { allocate } from "../../core/dtype.ts";
import type { Printable } from "../../core/format.ts";

function contiguous(shape: number[]): number[] {
  return shape.map((_, dim) => shape.slice(dim + 1).reduce((product, size) => product * size, 1));
}

/** What `values`, in row-major order, look like as a tensor. */
export function printable(values: ArrayLike<number>, shape = [values.length], dtype: DType = "float32"): Printable {
  const data = allocate(dtype, values.length);
  data.set(values);
  return { data, shape, dtype, strides: contiguous(shape), offset: 0 };
}

/** The same of whole numbers. */
export function int(values: ArrayLike<number>, shape?: number[]): Printable {
  return printable(values, shape, "int32");
}

/** 0 … n − 1. */
export function arange(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** A text of several lines. */
export function lines(...text: string[]): string {
  return text.join("\n");
}
