/** Tensors from nothing: from arrays, filled with a value, or counted. */
import "./tensor.ts"; // registers the class that allocate.ts makes
import { fresh, wrap } from "./allocate.ts";
import { checkDType, type DType, dtypeOf, isNumbers, type Numbers } from "./dtype.ts";
import { checkOptions } from "./options.ts";
import { wantGradient } from "./record.ts";
import { checkShape, show, sizeOf } from "./shape.ts";
import type { Nested } from "./ops/read.ts";
import type { Tensor } from "./tensor.ts";

/** What a constructor may be told beside the shape. */
export interface TensorOptions {
  /** The kind of element; float32 if nothing says otherwise. */
  dtype?: DType;
  /** Whether operations on it are to be recorded, as `requiresGrad_()` says it afterwards; floats only. */
  requiresGrad?: boolean;
}

const OPTIONS = ["dtype", "requiresGrad"];

/** The kind that the options ask for; everything else in them is checked as well. */
export function kindOf(
  options: TensorOptions,
  otherwise: DType = "float32",
  known: readonly string[] = OPTIONS,
): DType {
  checkOptions(options, known, "make a tensor");
  return options.dtype === undefined ? otherwise : checkDType(options.dtype);
}

/** `out`, which wants a gradient if the options say so. */
export function wanting(out: Tensor, { requiresGrad = false }: TensorOptions): Tensor {
  return requiresGrad ? wantGradient(out, true) : out;
}

/**
 * A tensor of the given numbers: nested arrays by dimension, a single number, or a typed array (copied).
 *
 * Numbers become float32, booleans bool, typed arrays keep their kind, unless `dtype` says otherwise.
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
 * @throws {RangeError} If rows differ in length.
 * @throws {TypeError} If something else than numbers and booleans stands there, or the options ask for no kind there is.
 */
export function tensor(values: Nested | Numbers, options: TensorOptions = {}): Tensor {
  if (ArrayBuffer.isView(values)) {
    const dtype = kindOf(options, dtypeOf(values));
    return wanting(fromData(values, [values.length]).to(dtype).clone(), options);
  }
  const shape = nestedShape(values);
  const flat: (number | boolean)[] = [];
  collect(values, shape, 0, flat);
  const allBool = flat.length > 0 && flat.every((v) => typeof v === "boolean");
  const out = fresh(shape, kindOf(options, allBool ? "bool" : "float32"));
  for (let i = 0; i < flat.length; i++) out.data[i] = out.dtype === "bool" ? Number(flat[i] != 0) : Number(flat[i]);
  return wanting(out, options);
}

function nestedShape(values: Nested): number[] {
  const shape = [];
  for (let layer = values; Array.isArray(layer); layer = layer[0]) shape.push(layer.length);
  return shape;
}

function collect(values: Nested, shape: readonly number[], depth: number, into: (number | boolean)[]): void {
  if (typeof values === "number" || typeof values === "boolean") {
    if (depth === shape.length) return void into.push(values);
  } else if (!Array.isArray(values)) {
    throw new TypeError(`Cannot make a tensor: expected numbers, booleans or arrays of them, found ${typeof values}`);
  } else if (depth < shape.length && values.length === shape[depth]) {
    return values.forEach((v) => collect(v, shape, depth + 1, into));
  }
  const found = Array.isArray(values) ? `${values.length} elements` : "a single value";
  const expected = depth < shape.length ? `${shape[depth]} elements` : "a single value";
  throw new RangeError(`Cannot make a tensor of ragged arrays: at depth ${depth} expected ${expected}, found ${found}`);
}

/**
 * A tensor over a typed array, which it shares: nothing is copied.
 *
 * @throws {RangeError} If the shape does not hold exactly the array's elements.
 * @throws {TypeError} If the array holds another kind than `dtype`, or one that no kind stands for.
 */
export function fromData(data: Numbers, shape: readonly number[], dtype: DType = dtypeOf(data)): Tensor {
  const sizes = checkShape(shape);
  if (sizeOf(sizes) !== data.length) {
    throw new RangeError(`Cannot see ${data.length} elements as ${show(sizes)}: that shape holds ${sizeOf(sizes)}`);
  }
  if (!isNumbers(data)) {
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
  return wanting(fresh(checkShape(shape), kindOf(options)), options);
}

/** A tensor whose every element is 1. */
export function ones(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return full(shape, 1, options);
}

/** A tensor whose every element is `value`. */
export function full(shape: readonly number[], value: number, options: TensorOptions = {}): Tensor {
  const out = zeros(shape, options);
  out.data.fill(out.dtype === "bool" ? Number(value !== 0) : value);
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
/** The same with a start, a step and a kind. */
export function arange(start: number, end: number, step?: number, options?: TensorOptions): Tensor;
export function arange(a: number, b?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [start, end] = b === undefined ? [0, a] : [a, b];
  const steps = (end - start) / step;
  if (!Number.isFinite(steps) || steps < 0) {
    throw new RangeError(`Cannot count from ${start} to ${end} by ${step}: the step must lead from one to the other`);
  }
  const count = Math.ceil(Math.abs(steps)); // of −0 steps as well
  const out = zeros([count], options);
  for (let i = 0; i < count; i++) out.data[i] = start + i * step;
  return out;
}

/** `steps` numbers from `start` to `end`, both included, evenly spaced. */
export function linspace(start: number, end: number, steps: number, options: TensorOptions = {}): Tensor {
  const out = zeros([steps], options);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // Each half is counted from its own end, so that both ends are met exactly.
  for (let i = 0; i < steps; i++) out.data[i] = i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step;
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
