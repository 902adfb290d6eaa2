/** The verbs of rows, softmax and layer normalisation: what they are told, their checks, and their descriptors for C. */
import { floatBits } from "./descriptor.ts";
import { memoryGone, type TypedArray } from "../dtype.ts";

/** One softmax of dense x [rows, cols] over each row. */
export interface Softmax {
  /** Whether its logarithm is taken. */
  readonly log: boolean;
  /** How many rows there are. */
  readonly rows: number;
  /** How many elements a row has. */
  readonly cols: number;
}

/** One layer normalisation of dense x [rows, cols] over each row. */
export interface LayerNorm {
  /** How many rows there are. */
  readonly rows: number;
  /** How many elements a row has. */
  readonly cols: number;
  /** What is added to the variance. */
  readonly eps: number;
}

/** The verbs of rows. */
export interface RowVerbs {
  /** `y = eˣ / Σeˣ`, or its logarithm, of each row. */
  softmax(d: Softmax, x: TypedArray, y: TypedArray): void;
  /** The gradient of x by g, that of the result y: `y · (g − Σ g·y)`, or of the logarithm `g − eʸ · Σg`. */
  softmaxBackward(d: Softmax, g: TypedArray, y: TypedArray, dx: TypedArray): void;
  /**
   * `y = (x − mean) / √(variance + ε) · weight + bias` of each row, with the biased variance; weight and bias are both there or not. `stats`
   * [2, rows] is written: the means, and `1 / √(variance + ε)`.
   */
  layerNorm(
    d: LayerNorm,
    x: TypedArray,
    weight: TypedArray | null,
    bias: TypedArray | null,
    stats: TypedArray,
    y: TypedArray,
  ): void;
  /**
   * The gradients of x, weight and bias by g, that of y; dx may be null, and dw and db are where there is no weight. With `ĝ = g · weight`
   * and `x̂` the normalised x of n elements a row, `dx = (ĝ − Σĝ / n − x̂ · Σĝ·x̂ / n) / √(variance + ε)`, and over the rows `dw = Σ g·x̂`,
   * `db = Σ g`.
   */
  layerNormBackward(
    d: LayerNorm,
    g: TypedArray,
    x: TypedArray,
    weight: TypedArray | null,
    stats: TypedArray,
    dx: TypedArray | null,
    dw: TypedArray | null,
    db: TypedArray | null,
  ): void;
}

/** An array, and how many elements of it are needed. */
type Needed = readonly [name: string, array: TypedArray | null, elements: number];

/**
 * Checks the arrays of a softmax.
 *
 * @throws {RangeError} If one is too short.
 */
export function checkSoftmax(d: Softmax, arrays: Readonly<Record<string, TypedArray>>): void {
  checkRoom(
    "take the softmax of",
    d,
    Object.entries(arrays).map(([name, array]) => [name, array, d.rows * d.cols]),
  );
}

/**
 * Checks the arrays of a layer normalisation: those of the size of x, and those with an element a column.
 *
 * @throws {RangeError} If one is too short.
 */
export function checkLayerNorm(
  d: LayerNorm,
  stats: TypedArray,
  like: Readonly<Record<string, TypedArray | null>>,
  columns: Readonly<Record<string, TypedArray | null>>,
): void {
  checkRoom("normalise", d, [
    ["stats", stats, 2 * d.rows],
    ...Object.entries(like).map(([name, array]) => [name, array, d.rows * d.cols] as const),
    ...Object.entries(columns).map(([name, array]) => [name, array, d.cols] as const),
  ]);
}

function checkRoom(verb: string, { rows, cols }: Softmax | LayerNorm, needed: readonly Needed[]): void {
  const action = `${verb} [${rows}, ${cols}]`;
  // Written so that NaN and fractions fail as well.
  if (![rows, cols, rows * cols].every((n) => n >= 0 && (n | 0) === n)) {
    throw new RangeError(`Cannot ${action}: its sizes must be integers below 2147483648`);
  }
  for (const [name, array, elements] of needed) {
    if (array === null || elements <= array.length) continue;
    if (array.length === 0) throw memoryGone();
    throw new RangeError(`Cannot ${action}: ${name} needs ${elements} elements and has ${array.length}`);
  }
}

// In the order of kernels.h.
const softmaxDescriptor = new Int32Array(6);
const layerNormDescriptor = new Int32Array(8);

/** Writes a softmax's descriptor: all its arrays were found to be long enough. */
export function describeSoftmax({ log, rows, cols }: Softmax): Int32Array<ArrayBuffer> {
  const into = softmaxDescriptor, size = rows * cols;
  into[0] = Number(log), into[1] = rows, into[2] = cols, into[3] = into[4] = into[5] = size;
  return into;
}

/** Writes a layer normalisation's descriptor: all its arrays were found to be long enough. */
export function describeLayerNorm(
  { rows, cols, eps }: LayerNorm,
  affine: boolean,
  withInput: boolean,
): Int32Array<ArrayBuffer> {
  const into = layerNormDescriptor;
  into[0] = rows, into[1] = cols, into[2] = floatBits(eps), into[3] = Number(affine), into[4] = Number(withInput);
  into[5] = rows * cols, into[6] = 2 * rows, into[7] = cols;
  return into;
}
