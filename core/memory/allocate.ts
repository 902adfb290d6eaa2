/**
 * How operations make tensors: over new memory, or as a view of memory that exists.
 *
 * `tensor.ts` registers its class here: operations cannot import it, because its methods import them.
 */
import { allocate, checkedConvert, type DType, type TypedArray } from "../dtype.ts";
import { checkShape, rowMajor, type Shape, sizeOf } from "../shape.ts";
import { acquire, newBlock } from "./pool.ts";
import type { Tensor } from "../tensor.ts";

type NewTensor = (
  data: TypedArray,
  shape: Shape,
  strides: readonly number[],
  offset: number,
  dtype: DType,
  version?: { count: number },
) => Tensor;

let newTensor: NewTensor;

/**
 * Called once, by `tensor.ts`. From then on no method can be replaced: a backward pass calls them on memory that it will use again, and
 * a replacement could keep that memory.
 */
export function registerTensor(make: NewTensor, ...prototypes: object[]): void {
  newTensor = make;
  for (const methods of prototypes) {
    for (const [name, { writable }] of Object.entries(Object.getOwnPropertyDescriptors(methods))) {
      if (writable) Object.defineProperty(methods, name, { writable: false, configurable: false });
    }
  }
}

/**
 * A new row-major tensor, every element 0.
 *
 * @throws {RangeError} If there would be more than 2³¹ − 1 elements, as a broadcast by mistake asks for.
 */
export function newZeros(shape: Shape, dtype: DType): Tensor {
  const size = sizeOf(shape);
  if (size > 0x7fffffff) checkShape(shape);
  return newTensor(newBlock(dtype, size), shape, rowMajor(shape), 0, dtype);
}

/** A new row-major tensor whose elements may be anything, like `torch.empty`: for results that are written in full. */
export function newEmpty(shape: Shape, dtype: DType): Tensor {
  const size = sizeOf(shape);
  if (size > 0x7fffffff) checkShape(shape);
  return newTensor(acquire(dtype, size), shape, rowMajor(shape), 0, dtype);
}

/** A row-major tensor over `data`, which it shares. */
export function wrap(data: TypedArray, shape: Shape, dtype: DType): Tensor {
  return newTensor(data, shape, rowMajor(shape), 0, dtype);
}

/** A view of the memory of `x`. */
export function viewOf(x: Tensor, shape: Shape, strides: readonly number[], offset: number): Tensor {
  return newTensor(x.data, shape, strides, offset, x.dtype, x.version);
}

/**
 * A number as a tensor of rank 0.
 *
 * @throws {RangeError} If the dtype cannot hold it.
 */
export function scalar(value: number, dtype: DType): Tensor {
  const data = allocate(dtype, 1);
  data[0] = checkedConvert(value, dtype);
  return newTensor(data, [], [], 0, dtype);
}
