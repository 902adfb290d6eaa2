/** Element kinds: float32 (default), float64, int32, uint8, bool, and how they mix. */

/** The kind of number a tensor holds. `bool` is stored as one byte, 0 or 1. */
export type DType = "float32" | "float64" | "int32" | "uint8" | "bool";

/** The typed arrays that hold a tensor's elements. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** `true` for the kinds that carry a fraction, and so a gradient. */
export function isFloating(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64";
}

/** A zeroed typed array of `length` elements of kind `dtype`. */
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

/** `length` elements of kind `dtype` in memory that is there, from byte `start` on. */
export function elementsIn(dtype: DType, memory: ArrayBuffer, start: number, length: number): TypedArray {
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

/** The bytes that an element of kind `dtype` takes. */
export function bytesOf(dtype: DType): number {
  return dtype === "float64" ? 8 : dtype === "float32" || dtype === "int32" ? 4 : 1;
}

// The whole numbers that a kind without fractions holds, least and greatest.
const WHOLE: Readonly<Record<"int32" | "uint8", readonly [least: number, most: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
};

/**
 * `value` as kind `dtype` holds it: integers lose the fraction, bool is 0 or 1.
 *
 * @throws {RangeError} If it lies outside the kind; it would wrap into another number.
 */
export function held(value: number, dtype: DType, what = "number"): number {
  if (isFloating(dtype)) return value;
  if (dtype === "bool") return Number(value !== 0);
  const [least, most] = WHOLE[dtype as keyof typeof WHOLE];
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

/** The error for elements that are no longer where they were: a typed array without its buffer has length 0. */
export function memoryGone(): RangeError {
  return new RangeError(
    "Cannot use a tensor whose memory is gone: its buffer was transferred, resized, or of a WebAssembly memory that grew, " +
      "clone() the tensor before that",
  );
}

/** Whether a value is one of the typed arrays that hold a tensor's elements. */
export function isNumbers(data: unknown): data is TypedArray {
  return [Float32Array, Float64Array, Int32Array, Uint8Array].some((kind) => data instanceof kind);
}

/** The kind that a typed array holds when nothing else is said; bytes are `uint8`. */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  return data instanceof Int32Array ? "int32" : "uint8";
}

// Order of promotion: a later kind absorbs an earlier one (PyTorch's categories bool < integer < float).
const RANK: Record<DType, number> = { bool: 0, uint8: 1, int32: 2, float32: 3, float64: 4 };

// The kind nearest to one that PyTorch has and we have not, or calls otherwise.
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
 * The kind asked for, if there is such a kind.
 *
 * @throws {TypeError} If there is none; the message names those there are, and the nearest.
 */
export function checkDType(dtype: DType): DType {
  if (Object.hasOwn(RANK, dtype)) return dtype;
  const nearest = NEAREST.get(dtype);
  const cure = nearest === undefined ? "" : `, the nearest is ${nearest}`;
  throw new TypeError(`Cannot use the kind "${dtype}": the kinds are ${Object.keys(RANK).reverse().join(", ")}${cure}`);
}

/** The kind of `a ∘ b` for two tensors, as PyTorch promotes: bool < uint8 < int32 < float32 < float64. */
export function promote(a: DType, b: DType): DType {
  return RANK[a] >= RANK[b] ? a : b;
}

/**
 * The kind of `a ∘ b` where ranks count too: beside a tensor of one dimension or more, one of rank 0 gives way within its
 * category, so that `float32[3] · float64[]` stays float32.
 */
export function promoteRanked(a: DType, aRank: number, b: DType, bRank: number): DType {
  if (aRank > 0 !== bRank > 0 && category(a) === category(b)) return aRank > 0 ? a : b;
  return promote(a, b);
}

function category(dtype: DType): number {
  return dtype === "bool" ? 0 : isFloating(dtype) ? 2 : 1;
}

/** The kind of `tensor ∘ number`: a number never raises the kind within its own category. */
export function promoteScalar(tensor: DType, value: number | boolean): DType {
  if (typeof value === "boolean" || isFloating(tensor)) return tensor;
  if (!Number.isInteger(value)) return "float32";
  return tensor === "bool" ? "int32" : tensor;
}
