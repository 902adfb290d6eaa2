/** What the verbs for training refuse, before anything is written or crosses into C. */
import { memoryGone, type Numbers } from "../dtype.ts";
import { type Activation, type Slope, UPDATE_SETTINGS, type UpdateKind, type UpdateSlot } from "./backend.ts";

/**
 * Checks the arrays of a gate.
 *
 * @throws {RangeError} If one is too short for [rows, cols], or a derivative has nowhere to go.
 */
export function checkGate(
  op: Activation | Slope,
  rows: number,
  cols: number,
  g: Numbers,
  y: Numbers,
  out: Numbers | null,
  db: Numbers | null,
): void {
  checkSizes("gate", rows, cols);
  const size = rows * cols;
  if (g.length < size) throw tooShort("gate", "g", rows, cols, size, g.length);
  if (op !== "none" && y.length < size) throw tooShort("gate", "y", rows, cols, size, y.length);
  if (out !== null && out.length < size) throw tooShort("gate", "out", rows, cols, size, out.length);
  if (db !== null && db.length < cols) throw tooShort("gate", "db", rows, cols, cols, db.length);
  if (out === null && op !== "none") throw new RangeError(`Cannot gate: ${op} needs an array for its result`);
}

/**
 * Checks the arrays of a loss.
 *
 * @throws {RangeError} If one is too short for [rows, cols].
 */
export function checkLoss(rows: number, cols: number, z: Numbers, targets: Int32Array, dz: Numbers | null): void {
  checkSizes("take the cross-entropy", rows, cols);
  const size = rows * cols;
  if (z.length < size) throw tooShort("take the cross-entropy", "z", rows, cols, size, z.length);
  if (targets.length < rows) throw tooShort("take the cross-entropy", "targets", rows, cols, rows, targets.length);
  if (dz !== null && dz.length < size) throw tooShort("take the cross-entropy", "dz", rows, cols, size, dz.length);
}

/**
 * Checks that every row's target is a column.
 *
 * @throws {RangeError} If one is not.
 */
export function checkTargets(rows: number, cols: number, targets: Int32Array): void {
  for (let i = 0; i < rows; i++) if (!(targets[i] >= 0 && targets[i] < cols)) throw badTarget(targets[i], cols);
}

/** The error for a target that is no column. */
export function badTarget(target: number, cols: number): RangeError {
  return new RangeError(
    `Cannot take the cross-entropy: the target ${target} is out of bounds, expected 0 to ${cols - 1}`,
  );
}

/**
 * Checks an optimiser's settings and arrays.
 *
 * @throws {RangeError} If the step is no whole number above 0, or an array is missing or has another length than its parameter.
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

function unequal(name: string, slot: number, p: Numbers, found: Numbers | null): RangeError {
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
