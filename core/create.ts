/** Functions that make tensors: from arrays, filled with a value, or counted. */
import "./tensor.ts"; // registers the class that allocate.ts makes
import { newZeros, wrap } from "./memory/allocate.ts";
import { checkOptions, type OptionTypes, requireNumber, requireTensor } from "./arguments.ts";
import { checkDType, checkedConvert, type DType, dtypeOf, isTypedArray, promote, type TypedArray } from "./dtype.ts";
import { setRequiresGrad } from "./record.ts";
import { checkShape, show, sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Options of the functions that make tensors. */
export interface TensorOptions {
  /**
   * The dtype of the elements.
   *
   * @default {"float32"} where the function does not say otherwise
   */
  dtype?: DType;
  /**
   * Whether operations on the tensor are recorded, as after `requiresGrad_()`; only for floats.
   *
   * @default {false}
   */
  requiresGrad?: boolean;
}

const OPTIONS = ["dtype", "requiresGrad"] as const;
const KINDS: OptionTypes<TensorOptions> = { requiresGrad: "boolean" };

/** Checks all options, and returns their dtype. */
export function dtypeFrom<T extends TensorOptions>(
  options: T,
  otherwise: DType = "float32",
  known: readonly (keyof NoInfer<T> & string)[] = OPTIONS,
): DType {
  checkOptions("make a tensor", options, known, KINDS as OptionTypes<T>);
  return options.dtype === undefined ? otherwise : checkDType(options.dtype);
}

/** `out`, which requires a gradient if the options say so. */
export function withRequiresGrad(out: Tensor, { requiresGrad = false }: TensorOptions): Tensor {
  return requiresGrad ? setRequiresGrad(out, true) : out;
}

/** The argument of `tensor`: a number or boolean, a typed array, or arrays of them to any depth. */
export type Rows = number | boolean | TypedArray | readonly Rows[];

/**
 * A tensor of the given numbers: nested arrays by dimension, a single number, or typed arrays (copied), alone or as rows.
 *
 * Numbers become float32, booleans bool, typed arrays keep their dtype, unless `dtype` says otherwise.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(tensor([[1, 2], [3, 4], [5, 6]]).shape, [3, 2]);
 * assertEquals(tensor([1, 2, 3], { dtype: "int32" }).dtype, "int32");
 * assertEquals(`${tensor([1, 2, 3])}`, "tensor([1., 2., 3.])");
 * ```
 * @throws {RangeError} If rows differ in length, or the dtype cannot hold a number.
 * @throws {TypeError} If `values` holds anything but numbers and booleans, or there is no such option or dtype.
 */
export function tensor(values: Rows, options: TensorOptions = {}): Tensor {
  if (ArrayBuffer.isView(values)) {
    const dtype = dtypeFrom(options, dtypeOf(values));
    return withRequiresGrad(fromData(values, [values.length]).to(dtype).clone(), options);
  }
  const shape = nestedShape(values);
  const found: Found = { numbers: [], dtypes: new Set() };
  collect(values, shape, [], found);
  const out = newZeros(
    shape,
    dtypeFrom(options, found.dtypes.size > 0 ? [...found.dtypes].reduce(promote) : "float32"),
  );
  for (let i = 0; i < found.numbers.length; i++) out.data[i] = checkedConvert(found.numbers[i], out.dtype);
  return withRequiresGrad(out, options);
}

/** The contents of nested arrays: a number counts as float32, a typed array has its own dtype. */
interface Found {
  numbers: number[];
  dtypes: Set<DType>;
}

function nestedShape(values: Rows): number[] {
  const shape = [];
  for (let layer = values; Array.isArray(layer) || isTypedArray(layer); layer = layer[0]) shape.push(layer.length);
  return shape;
}

function collect(values: Rows, shape: readonly number[], path: number[], into: Found): void {
  const depth = path.length;
  const fits = depth < shape.length && (values as ArrayLike<unknown>)?.length === shape[depth];
  if (fits && Array.isArray(values)) {
    for (let i = 0; i < values.length; i++) { // forEach() would pass over holes
      path.push(i);
      collect(values[i], shape, path, into);
      path.pop();
    }
  } else if (fits && depth === shape.length - 1 && isTypedArray(values)) {
    for (const value of values) into.numbers.push(value);
    into.dtypes.add(dtypeOf(values));
  } else if (depth === shape.length && (typeof values === "number" || typeof values === "boolean")) {
    into.numbers.push(Number(values));
    into.dtypes.add(typeof values === "number" ? "float32" : "bool");
  } else throw misfit(values, shape, path);
}

function misfit(values: unknown, shape: readonly number[], path: readonly number[]): Error {
  const list = Array.isArray(values) || isTypedArray(values);
  if (!list && typeof values !== "number" && typeof values !== "boolean") {
    const found = values === null ? "null" : ArrayBuffer.isView(values) ? values.constructor.name : typeof values;
    return new TypeError(
      `Cannot make a tensor: expected numbers, booleans or arrays of them, found ${found} at ${show(path)}`,
    );
  }
  const found = list ? `${values.length} elements` : "a single value";
  const expected = path.length < shape.length ? `${shape[path.length]} elements` : "a single value";
  return new RangeError(
    `Cannot make a tensor of ragged arrays: at depth ${path.length} expected ${expected}, found ${found}`,
  );
}

/**
 * A tensor over a typed array, which it shares: nothing is copied.
 *
 * @throws {RangeError} If the shape does not hold exactly the array's elements.
 * @throws {TypeError} If the array holds another dtype than `dtype`, or one that tensors do not have.
 */
export function fromData(data: TypedArray, shape: readonly number[], dtype: DType = dtypeOf(data)): Tensor {
  const sizes = checkShape(shape);
  if (sizeOf(sizes) !== data.length) {
    throw new RangeError(`Cannot see ${data.length} elements as ${show(sizes)}: that shape holds ${sizeOf(sizes)}`);
  }
  if (!isTypedArray(data)) {
    throw new TypeError(
      `Cannot see a ${(data as object).constructor.name} as a tensor: copy it into a Float32Array first`,
    );
  }
  if (dtype !== dtypeOf(data) && !(dtype === "bool" && data instanceof Uint8Array)) {
    throw new TypeError(`Cannot see a ${data.constructor.name} as ${dtype}: it holds ${dtypeOf(data)}`);
  }
  return wrap(data, sizes, dtype);
}

/** A tensor whose every element is 0. */
export function zeros(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return withRequiresGrad(newZeros(checkShape(shape), dtypeFrom(options)), options);
}

/** A tensor whose every element is 1. */
export function ones(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return full(shape, 1, options);
}

/** A tensor whose every element is `value`. */
export function full(shape: readonly number[], value: number, options: TensorOptions = {}): Tensor {
  requireNumber(value, "fill a tensor with");
  const out = zeros(shape, options);
  out.data.fill(checkedConvert(value, out.dtype));
  return out;
}

/**
 * The numbers `start`, `start + step`, … before `end`; with one argument they count from 0.
 *
 * @example
 * ```ts
 * import { arange } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(arange(4).toArray(), [0, 1, 2, 3]);
 * assertEquals(arange(1, 2, 0.25).toArray(), [1, 1.25, 1.5, 1.75]);
 * ```
 * @throws {RangeError} If `step` is 0 or leads away from `end`.
 */
export function arange(end: number): Tensor;
/** The same with a start, a step and options. */
export function arange(start: number, end: number, step?: number, options?: TensorOptions): Tensor;
export function arange(a: number, b?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [start, end] = b === undefined ? [0, a] : [a, b];
  for (const part of [start, end, step]) requireNumber(part, "count by");
  const steps = (end - start) / step;
  if (!Number.isFinite(steps) || steps < 0) {
    throw new RangeError(`Cannot count from ${start} to ${end} by ${step}: the step must lead from one to the other`);
  }
  const count = Math.ceil(Math.abs(steps)); // of −0 steps as well
  const out = zeros([count], options);
  for (let i = 0; i < count; i++) out.data[i] = checkedConvert(start + i * step, out.dtype);
  return out;
}

/** `steps` numbers from `start` to `end`, both included, evenly spaced. */
export function linspace(start: number, end: number, steps: number, options: TensorOptions = {}): Tensor {
  for (const part of [start, end]) requireNumber(part, "space numbers by");
  const out = zeros([steps], options);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // Each half is counted from its own end, so that both ends are met exactly.
  for (let i = 0; i < steps; i++) {
    out.data[i] = checkedConvert(i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step, out.dtype);
  }
  return out;
}

/** The identity matrix of `n` rows. */
export function eye(n: number, options?: TensorOptions): Tensor;
/** The same with `columns` columns: 1 on the diagonal, 0 beside it. */
export function eye(n: number, columns: number, options?: TensorOptions): Tensor;
export function eye(n: number, second: number | TensorOptions = n, third: TensorOptions = {}): Tensor {
  const [columns, options] = typeof second === "number" ? [second, third] : [n, second];
  const out = zeros([n, columns], options);
  for (let i = 0; i < Math.min(n, columns); i++) out.data[i * (columns + 1)] = 1;
  return out;
}

// Like another tensor.

/** The shape of a tensor that another is to be like. */
export function shapeLike(x: Tensor): readonly number[] {
  requireTensor(x, "make a tensor like");
  return x.shape;
}

/**
 * Zeros in the shape and dtype of a tensor. PyTorch's `torch.zeros_like`.
 *
 * @example
 * ```ts
 * import { tensor, zerosLike } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([1, 2], { dtype: "int32" });
 * assertEquals(zerosLike(x).dtype, "int32");
 * assertEquals(zerosLike(x, { dtype: "float32" }).toArray(), [0, 0]);
 * ```
 */
export function zerosLike(x: Tensor, options: TensorOptions = {}): Tensor {
  return zeros(shapeLike(x), { dtype: x.dtype, ...options });
}

/** Ones in the shape and dtype of a tensor. PyTorch's `torch.ones_like`. */
export function onesLike(x: Tensor, options: TensorOptions = {}): Tensor {
  return ones(shapeLike(x), { dtype: x.dtype, ...options });
}

/** A value everywhere, in the shape and dtype of a tensor. PyTorch's `torch.full_like`. */
export function fullLike(x: Tensor, value: number, options: TensorOptions = {}): Tensor {
  return full(shapeLike(x), value, { dtype: x.dtype, ...options });
}

/** A tensor that is to be written: PyTorch's `torch.empty`, whose elements may be anything, and here are 0. */
export function empty(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return zeros(shape, options);
}

/** A tensor to be written, in the shape and dtype of another. PyTorch's `torch.empty_like`. */
export function emptyLike(x: Tensor, options: TensorOptions = {}): Tensor {
  return zerosLike(x, options);
}
