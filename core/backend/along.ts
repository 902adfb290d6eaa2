/** The verbs along one dimension: what they are told, and their checks. */
import { memoryGone, type TypedArray } from "../dtype.ts";

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
  checkRoom("index", needed, { index, out });
}

/** Checks the arrays of `scatterAdd`. */
export function checkScatter(g: TypedArray, width: number, index: Int32Array, out: TypedArray): void {
  checkSizes("add rows", [width - 1, index.length * width, out.length]);
  checkRoom("add rows", index.length * width, { g });
}

/** Checks the arrays of `scan`. */
export function checkScan({ outer, count, inner }: Scan, x: TypedArray, out: TypedArray): void {
  checkSizes("add up", [outer, count, inner, outer * count * inner]);
  checkRoom("add up", outer * count * inner, { x, out });
}

/** Checks the arrays of `order`. */
export function checkOrder({ rows, count, first }: Order, x: TypedArray, out: Int32Array): void {
  checkSizes("sort", [rows, count, first, count - first, rows * count]);
  checkRoom("sort", rows * count, { x, out });
}

function checkSizes(verb: string, sizes: readonly number[]): void {
  // Written so that NaN and fractions fail as well.
  if (sizes.every((n) => n >= 0 && (n | 0) === n)) return;
  throw new RangeError(`Cannot ${verb}: its sizes must be integers below 2147483648`);
}

function checkRoom(verb: string, needed: number, arrays: Readonly<Record<string, TypedArray>>): void {
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
