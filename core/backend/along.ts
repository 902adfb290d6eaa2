/** What back ends compute over rows and along a dimension: softmax, layer normalisation, gathers, orders, running sums; as numbers, and their checks. */
import { memoryGone, type TypedArray } from "../dtype.ts";
import { floatBits } from "./descriptor.ts";

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
  checkRowRoom(
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
  checkRowRoom("normalise", d, [
    ["stats", stats, 2 * d.rows],
    ...Object.entries(like).map(([name, array]) => [name, array, d.rows * d.cols] as const),
    ...Object.entries(columns).map(([name, array]) => [name, array, d.cols] as const),
  ]);
}

function checkRowRoom(verb: string, { rows, cols }: Softmax | LayerNorm, needed: readonly Needed[]): void {
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

/** An index [outer, count, inner] along the middle dimension of a dense tensor [outer, size, inner]. */
export interface Places {
  /** The dimensions before it, as one. */
  readonly outer: number;
  /** The size of the dimension. */
  readonly size: number;
  /** How many indices there are for each other element. */
  readonly count: number;
  /** The dimensions after it, as one. */
  readonly inner: number;
  /** Which dimension it is, for messages. */
  readonly dim: number;
}

/** Running sums along the middle dimension of dense x [outer, count, inner]. */
export interface Scan {
  /** Whether products are taken. */
  readonly products: boolean;
  /** The dimensions before it, as one. */
  readonly outer: number;
  /** The size of the dimension. */
  readonly count: number;
  /** The dimensions after it, as one. */
  readonly inner: number;
}

/** The order of the elements of each row of dense x [rows, count]. */
export interface Order {
  /** How many rows there are. */
  readonly rows: number;
  /** How many elements a row has. */
  readonly count: number;
  /** Whether the largest come first. */
  readonly descending: boolean;
  /** How many of each row are wanted; the others may be left as they are. */
  readonly first: number;
}

/** The verbs along one dimension. */
export interface AlongVerbs {
  /**
   * Where the elements that an index names stand: `out[o, i, j] = (o · size + index[o, i, j]) · inner + j`; indices below 0 count from the
   * end.
   *
   * @throws {RangeError} If an index is out of range.
   */
  places(d: Places, index: Int32Array, out: Int32Array): void;
  /**
   * `out[index[i], j] += g[i, j]` for rows of `width` elements.
   *
   * @throws {RangeError} If there is no such row.
   */
  scatterAdd(g: TypedArray, width: number, index: Int32Array, out: TypedArray): void;
  /** Running sums, or products, carried in float64. */
  scan(d: Scan, x: TypedArray, out: TypedArray): void;
  /** The order of the elements of each row, equal ones as they stand; NaN counts as the largest. */
  order(d: Order, x: TypedArray, out: Int32Array): void;
}

/** Checks the arrays of `places`. */
export function checkPlaces({ outer, size, count, inner }: Places, index: Int32Array, out: Int32Array): void {
  const needed = outer * count * inner;
  checkSizes("index", [outer, size, count, inner, needed, outer * size * inner]);
  checkRunRoom("index", needed, { index, out });
}

/** Checks the arrays of `scatterAdd`. */
export function checkScatter(g: TypedArray, width: number, index: Int32Array, out: TypedArray): void {
  checkSizes("add rows", [width - 1, index.length * width, out.length]);
  checkRunRoom("add rows", index.length * width, { g });
}

/** Checks the arrays of `scan`. */
export function checkScan({ outer, count, inner }: Scan, x: TypedArray, out: TypedArray): void {
  checkSizes("add up", [outer, count, inner, outer * count * inner]);
  checkRunRoom("add up", outer * count * inner, { x, out });
}

/** Checks the arrays of `order`. */
export function checkOrder({ rows, count, first }: Order, x: TypedArray, out: Int32Array): void {
  checkSizes("sort", [rows, count, first, count - first, rows * count]);
  checkRunRoom("sort", rows * count, { x, out });
}

function checkSizes(verb: string, sizes: readonly number[]): void {
  // Written so that NaN and fractions fail as well.
  if (sizes.every((n) => n >= 0 && (n | 0) === n)) return;
  throw new RangeError(`Cannot ${verb}: its sizes must be integers below 2147483648`);
}

function checkRunRoom(verb: string, needed: number, arrays: Readonly<Record<string, TypedArray>>): void {
  for (const [name, array] of Object.entries(arrays)) {
    if (needed <= array.length) continue;
    if (array.length === 0) throw memoryGone();
    throw new RangeError(`Cannot ${verb}: ${name} needs ${needed} elements and has ${array.length}`);
  }
}

/** The error for an index that is out of range. */
export function badPlace(index: number, { dim, size }: Places): RangeError {
  return new RangeError(`Cannot take index ${index} of dimension ${dim} with size ${size}: it is out of range`);
}

/** The error for a row that there is not. */
export function badTarget(row: number, rows: number): RangeError {
  return new RangeError(`Cannot add to row ${row} of ${rows}: it is out of range`);
}
