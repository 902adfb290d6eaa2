/** Dtypes: float32 (default), float64, int32, uint8, bool, and how they are promoted. */

/** The dtype of a tensor's elements. `bool` is stored as one byte, 0 or 1. */
export type DType = "float32" | "float64" | "int32" | "uint8" | "bool";

/** The typed arrays that hold a tensor's elements. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Whether it is float32 or float64: only these can have a gradient. */
export function isFloating(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64";
}

/** A typed array of `length` zeros. */
export function allocate(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    default:
      return new Uint8Array(length);
  }
}

/** A typed array of `length` elements over `memory`, from byte `start` on. */
export function typedArrayOver(dtype: DType, memory: ArrayBuffer, start: number, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(memory, start, length);
    case "float64":
      return new Float64Array(memory, start, length);
    case "int32":
      return new Int32Array(memory, start, length);
    default:
      return new Uint8Array(memory, start, length);
  }
}

/** The bytes of one element. */
export function bytesOf(dtype: DType): number {
  return dtype === "float64" ? 8 : dtype === "float32" || dtype === "int32" ? 4 : 1;
}

// The least and the greatest number of each integer dtype.
const INTEGER_RANGE: Readonly<Record<"int32" | "uint8", readonly [least: number, most: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
};

/**
 * `value` converted to `dtype`: integers lose the fraction, bool is 0 or 1.
 *
 * @throws {RangeError} If it lies outside the dtype's range and would wrap; the message calls it `what`.
 */
export function checkedConvert(value: number, dtype: DType, what = "number"): number {
  if (isFloating(dtype)) return value;
  if (dtype === "bool") return Number(value !== 0);
  const [least, most] = INTEGER_RANGE[dtype as keyof typeof INTEGER_RANGE];
  if (value >= least && value <= most) return Math.trunc(value);
  throw new RangeError(
    `Cannot hold the ${what} ${value} in ${dtype}: it lies outside ${least} to ${most}, cast first with double()`,
  );
}

/** Whether two arrays have a byte in common. */
export function overlap(a: TypedArray, b: TypedArray): boolean {
  return a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength &&
    b.byteOffset < a.byteOffset + a.byteLength;
}

/** The error for a tensor whose buffer was transferred or resized: its typed array has length 0. */
export function memoryGone(): RangeError {
  return new RangeError(
    "Cannot use a tensor whose memory is gone: its buffer was transferred, resized, or of a WebAssembly memory that grew, " +
      "clone() the tensor before that",
  );
}

/** Whether a value is one of the typed arrays that hold a tensor's elements. */
export function isTypedArray(data: unknown): data is TypedArray {
  return [Float32Array, Float64Array, Int32Array, Uint8Array].some((kind) => data instanceof kind);
}

/** The dtype of a typed array's elements; bytes are `uint8`, though they may also hold `bool`. */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  return data instanceof Int32Array ? "int32" : "uint8";
}

// Of two dtypes the one with the higher number is their common one (PyTorch's categories bool < integer < float).
const PROMOTION_ORDER: Record<DType, number> = { bool: 0, uint8: 1, int32: 2, float32: 3, float64: 4 };

// The nearest dtype to those that only PyTorch has, and to its other names.
const NEAREST = new Map<string, DType>([
  ["long", "int32"],
  ["int64", "int32"],
  ["int", "int32"],
  ["short", "int32"],
  ["int16", "int32"],
  ["int8", "int32"],
  ["half", "float32"],
  ["float16", "float32"],
  ["bfloat16", "float32"],
  ["float", "float32"],
  ["double", "float64"],
  ["byte", "uint8"],
]);

/**
 * Checks that there is such a dtype, and returns it.
 *
 * @throws {TypeError} If there is none; the message names those there are, and the nearest.
 */
export function checkDType(dtype: DType): DType {
  if (Object.hasOwn(PROMOTION_ORDER, dtype)) return dtype;
  const nearest = NEAREST.get(dtype);
  const cure = nearest === undefined ? "" : `, the nearest is ${nearest}`;
  throw new TypeError(
    `Cannot use the dtype "${dtype}": the dtypes are ${Object.keys(PROMOTION_ORDER).reverse().join(", ")}${cure}`,
  );
}

/** The common dtype of two tensors, as PyTorch promotes: bool < uint8 < int32 < float32 < float64. */
export function promote(a: DType, b: DType): DType {
  return PROMOTION_ORDER[a] >= PROMOTION_ORDER[b] ? a : b;
}

/**
 * The common dtype where ranks count too: a tensor of rank 0 does not raise the dtype of one with dimensions within a category, so that
 * `float32[3] · float64[]` stays float32.
 */
export function promoteRanked(a: DType, aRank: number, b: DType, bRank: number): DType {
  if (aRank > 0 !== bRank > 0 && category(a) === category(b)) return aRank > 0 ? a : b;
  return promote(a, b);
}

function category(dtype: DType): number {
  return dtype === "bool" ? 0 : isFloating(dtype) ? 2 : 1;
}

/** The common dtype of a tensor and a number, which does not raise the dtype within its category. */
export function promoteScalar(tensor: DType, value: number | boolean): DType {
  if (typeof value === "boolean" || isFloating(tensor)) return tensor;
  if (!Number.isInteger(value)) return "float32";
  return tensor === "bool" ? "int32" : tensor;
}
