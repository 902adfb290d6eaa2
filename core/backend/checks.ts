/** Bounds checks of the verbs, before anything is written or passed to C; and the plan of a matrix's copy into wasm's memory. */
import { type Activation, type InputActivation, UPDATE_SETTINGS, type UpdateKind, type UpdateSlot } from "./backend.ts";
import { memoryGone, type TypedArray } from "../dtype.ts";

/** A [rows, cols] matrix: where it stands in its own buffer, and how its copy in wasm's memory is laid out. */
export interface Footprint {
  source: TypedArray;
  /** Where copying begins in the source: the lowest element of the range, or element 0, 0. */
  from: number;
  rows: number;
  cols: number;
  /** Row and column stride in the source. */
  sourceRow: number;
  sourceCol: number;
  /** Element 0, 0 and the strides in the copy. */
  offset: number;
  row: number;
  col: number;
  /** Elements in the copy. */
  length: number;
}

/**
 * Plans the copy of a matrix.
 *
 * A matrix whose elements fill at least half of their range of memory is copied as that range, with its strides; another one is
 * gathered element by element into a row-major copy.
 */
export function footprint(
  source: TypedArray,
  offset: number,
  rows: number,
  row: number,
  cols: number,
  col: number,
): Footprint {
  const empty = rows === 0 || cols === 0;
  const [down, right] = empty ? [0, 0] : [(rows - 1) * row, (cols - 1) * col];
  const low = offset + Math.min(down, 0) + Math.min(right, 0);
  const span = empty ? 0 : Math.abs(down) + Math.abs(right) + 1;
  const shared = { source, rows, cols };
  if (span <= 2 * rows * cols || row === 0 || col === 0) {
    return { ...shared, from: low, sourceRow: row, sourceCol: col, offset: offset - low, row, col, length: span };
  }
  return { ...shared, from: offset, sourceRow: row, sourceCol: col, offset: 0, row: cols, col: 1, length: rows * cols };
}

/** Whether the copy is the source's own range. */
function isRange(part: Footprint): boolean {
  return part.row === part.sourceRow && part.col === part.sourceCol;
}

/** Copies a matrix into `heap` at a byte address. */
export function loadFrom(heap: ArrayBufferLike, address: number, part: Footprint): void {
  const { source, from, rows, cols, sourceRow, sourceCol, length } = part;
  const copy = new Float32Array(heap, address, length);
  if (isRange(part)) return copy.set(source.subarray(from, from + length));
  for (let i = 0, to = 0; i < rows; i++) {
    for (let j = 0, at = from + i * sourceRow; j < cols; j++, at += sourceCol) copy[to++] = source[at];
  }
}

/** Copies a matrix out of `heap` into its source; what lies between its elements stays as it was. */
export function storeInto(heap: ArrayBufferLike, address: number, part: Footprint): void {
  const { source, from, rows, cols, sourceRow, sourceCol, length } = part;
  const copy = new Float32Array(heap, address, length);
  if (isRange(part) && length === rows * cols) return source.set(copy, from);
  for (let i = 0; i < rows; i++) {
    const start = part.offset + i * part.row;
    const to = isRange(part) ? from + start : from + i * sourceRow;
    for (let j = 0; j < cols; j++) source[to + j * sourceCol] = copy[start + j * part.col];
  }
}

/**
 * Checks that every row to be gathered lies in `x`, that `out` has room for all of them, and that a table fits.
 *
 * @throws {RangeError} If a row does not lie in `x`, or `out` is too short.
 * @throws {TypeError} If there is a table for elements other than bytes, or one that has not a float for each.
 */
export function checkGather(
  x: TypedArray,
  offset: number,
  stride: number,
  width: number,
  index: Int32Array,
  out: TypedArray,
  table: Float32Array | null,
): void {
  checkTable(x, out, table);
  const fits = width >= 0 && Number.isInteger(width) && index.length * width <= out.length;
  if (!fits) {
    throw new RangeError(
      `Cannot gather ${index.length} rows of ${width} elements: the result has room for ${out.length}`,
    );
  }
  const last = x.length - width;
  for (let i = 0; i < index.length; i++) {
    const from = offset + index[i] * stride;
    if (!(from >= 0 && from <= last && Number.isInteger(from))) throw badRow(index[i], offset, stride, width, x.length);
  }
}

/** Checks that a table is there for bytes that become floats, with one for each byte. */
export function checkTable(x: TypedArray, out: TypedArray, table: Float32Array | null): void {
  if (table === null) return;
  if (x instanceof Uint8Array && out instanceof Float32Array && table.length >= 256) return;
  throw new TypeError(
    `Cannot gather from ${x.constructor.name} into ${out.constructor.name} by a table of ${table.length}: ` +
      `only bytes have one, of 256, and become floats`,
  );
}

/** The error for a row that does not lie in its buffer. */
export function badRow(row: number, offset: number, stride: number, width: number, length: number): RangeError {
  if (length === 0) return memoryGone();
  const from = offset + row * stride;
  return new RangeError(
    `Cannot gather row ${row}: it reaches from ${from} to ${from + width - 1} in a buffer of ${length}`,
  );
}

/**
 * Checks the arrays of `activationBackward`.
 *
 * @throws {RangeError} If one is too short for [rows, cols], or `out` is missing.
 */
export function checkActivationBackward(
  op: Activation | InputActivation,
  rows: number,
  cols: number,
  g: TypedArray,
  y: TypedArray,
  out: TypedArray | null,
  db: TypedArray | null,
): void {
  const action = `differentiate ${op}`;
  checkSizes(action, rows, cols);
  const size = rows * cols;
  if (g.length < size) throw tooShort(action, "g", rows, cols, size, g.length);
  if (op !== "none" && y.length < size) throw tooShort(action, "y", rows, cols, size, y.length);
  if (out !== null && out.length < size) throw tooShort(action, "out", rows, cols, size, out.length);
  if (db !== null && db.length < cols) throw tooShort(action, "db", rows, cols, cols, db.length);
  if (out === null && op !== "none") {
    throw new RangeError(`Cannot ${action}: it needs an array for its result`);
  }
}

/**
 * Checks the arrays of `crossEntropy`.
 *
 * @throws {RangeError} If one is too short for [rows, cols].
 */
export function checkLoss(rows: number, cols: number, z: TypedArray, targets: Int32Array, dz: TypedArray | null): void {
  checkSizes("take the cross-entropy", rows, cols);
  const size = rows * cols;
  if (z.length < size) throw tooShort("take the cross-entropy", "z", rows, cols, size, z.length);
  if (targets.length < rows) throw tooShort("take the cross-entropy", "targets", rows, cols, rows, targets.length);
  if (dz !== null && dz.length < size) throw tooShort("take the cross-entropy", "dz", rows, cols, size, dz.length);
}

/**
 * Checks that every row's target is the index of a column.
 *
 * @throws {RangeError} If one is not.
 */
export function checkTargets(rows: number, cols: number, targets: Int32Array): void {
  for (let i = 0; i < rows; i++) if (!(targets[i] >= 0 && targets[i] < cols)) throw badTarget(targets[i], cols);
}

/** The error for a target that is out of bounds. */
export function badTarget(target: number, cols: number): RangeError {
  return new RangeError(
    `Cannot take the cross-entropy: the target ${target} is out of bounds, expected 0 to ${cols - 1}`,
  );
}

/**
 * Checks an optimiser's settings and arrays.
 *
 * @throws {RangeError} If the step is not a whole number above 0, or an array is missing or has another length than its parameter.
 */
export function checkUpdate(kind: UpdateKind, settings: Float64Array, slots: readonly UpdateSlot[]): void {
  const step = settings[UPDATE_SETTINGS.step]; // undefined where there are too few settings
  if (!(step >= 1 && Number.isSafeInteger(step))) {
    throw new RangeError(`Cannot update: the step is ${step}, expected a whole number from 1 on`);
  }
  const [needsM, needsV] = [kind === "adam" || settings[UPDATE_SETTINGS.momentum] !== 0, kind === "adam"];
  for (let i = 0; i < slots.length; i++) {
    const { p, g, m, v } = slots[i];
    if (p.length === 0 && (p.buffer as ArrayBuffer).detached) throw memoryGone();
    if (g.length !== p.length) throw unequal("g", i, p, g);
    if (needsM && m?.length !== p.length) throw unequal("m", i, p, m);
    if (needsV && v?.length !== p.length) throw unequal("v", i, p, v);
  }
}

function unequal(name: string, slot: number, p: TypedArray, found: TypedArray | null): RangeError {
  if (found?.length === 0) return memoryGone();
  return new RangeError(
    `Cannot update parameter ${slot} of ${p.length} elements: ${name} ${
      found === null ? "is missing" : `has ${found.length}`
    }`,
  );
}

function checkSizes(action: string, rows: number, cols: number): void {
  // Written so that NaN and fractions fail as well.
  const sane = rows >= 0 && (rows | 0) === rows && cols >= 0 && (cols | 0) === cols;
  if (!sane) throw new RangeError(`Cannot ${action}: [${rows}, ${cols}] must be integers below 2147483648`);
}

function tooShort(
  action: string,
  name: string,
  rows: number,
  cols: number,
  needed: number,
  found: number,
): RangeError {
  return new RangeError(`Cannot ${action} [${rows}, ${cols}]: ${name} needs ${needed} elements and has ${found}`);
}
