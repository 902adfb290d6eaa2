/** The one message that crosses into C: sizes, strides and lengths as 32-bit integers, checked before they go. */
import { memoryGone, type Numbers } from "../dtype.ts";
import { type Activation, ACTIVATIONS, type Gemm, type Slope, SLOPES } from "./backend.ts";

/** The order of the integers, as `kernels.h` declares it. */
export const GEMM_FIELDS = [
  ...["M", "K", "N"],
  ...["A_OFFSET", "A_ROW", "A_COL", "A_LENGTH"],
  ...["B_OFFSET", "B_ROW", "B_COL", "B_LENGTH"],
  ...["C_OFFSET", "C_ROW", "C_COL", "C_LENGTH"],
  ...["BIAS_OFFSET", "BIAS_STRIDE", "BIAS_LENGTH"],
  ...["HAS_BIAS", "BETA", "ACTIVATION"],
] as const;

const LIMIT = 2 ** 31;

/** Whether all operands are float32: the only kind that the C kernels know. */
export function allFloat32(a: Numbers, b: Numbers, c: Numbers, bias: Numbers | null): boolean {
  return a instanceof Float32Array && b instanceof Float32Array && c instanceof Float32Array &&
    (bias === null || bias instanceof Float32Array);
}

/**
 * Writes a product's descriptor into `into`, for buffers of the given lengths.
 *
 * @throws {RangeError} If a walk leaves its buffer, or a number does not fit in 32 bits.
 */
export function describeGemm(into: Int32Array, d: Gemm, a: number, b: number, c: number, bias: number | null): void {
  checkGemm(d, a, b, c, bias);
  into[0] = d.m, into[1] = d.k, into[2] = d.n;
  into[3] = d.aOffset, into[4] = d.aRow, into[5] = d.aCol, into[6] = a;
  into[7] = d.bOffset, into[8] = d.bRow, into[9] = d.bCol, into[10] = b;
  into[11] = d.cOffset, into[12] = d.cRow, into[13] = d.cCol, into[14] = c;
  into[15] = d.biasOffset, into[16] = d.biasStride, into[17] = bias ?? 0;
  into[18] = bias === null ? 0 : 1, into[19] = d.beta;
  into[20] = d.activation === undefined ? 0 : ACTIVATIONS[d.activation];
}

/**
 * Checks that a product stays in its buffers, of these lengths.
 *
 * @throws {RangeError} If a walk leaves its buffer, or a number does not fit in 32 bits.
 */
export function checkGemm(d: Gemm, a: number, b: number, c: number, bias: number | null): void {
  checkWalk("A", d.m, d.k, d.aOffset, d.aRow, d.aCol, a);
  checkWalk("B", d.k, d.n, d.bOffset, d.bRow, d.bCol, b);
  checkWalk("C", d.m, d.n, d.cOffset, d.cRow, d.cCol, c);
  if (bias !== null) checkWalk("bias", 1, d.n, d.biasOffset, 0, d.biasStride, bias);
}

function checkWalk(
  name: string,
  rows: number,
  cols: number,
  offset: number,
  row: number,
  col: number,
  length: number,
): void {
  const down = (rows - 1) * row;
  const right = (cols - 1) * col;
  const low = offset + Math.min(down, 0) + Math.min(right, 0);
  const high = offset + Math.max(down, 0) + Math.max(right, 0);
  const empty = rows === 0 || cols === 0;
  // NaN and fractions fail here as well: comparisons are written so that only what is certainly right passes.
  const sane = isSize(rows) && isSize(cols) && isSize(length) && isStep(offset) && isStep(row) && isStep(col);
  if (sane && (empty || (low >= 0 && high < length))) return;
  if (length === 0) throw memoryGone();
  throw new RangeError(
    `Cannot multiply: ${name} of [${rows}, ${cols}] at offset ${offset} with strides [${row}, ${col}] ` +
      (sane ? `reaches from ${low} to ${high} in a buffer of ${length}` : `must be integers below ${LIMIT}`),
  );
}

function isSize(n: number): boolean {
  return n >= 0 && (n | 0) === n;
}

function isStep(n: number): boolean {
  return (n | 0) === n;
}

/** How many integers describe a gate. */
export const GATE_FIELDS = 11;

const GATES = { ...ACTIVATIONS, ...SLOPES };
const bits = new Float32Array(1);
const ofBits = new Int32Array(bits.buffer);

/** Writes a gate's descriptor into `into`, for buffers of the given lengths. */
export function describeGate(
  into: Int32Array,
  op: Activation | Slope,
  rows: number,
  cols: number,
  g: number,
  y: number,
  out: number | null,
  db: number | null,
  low: number,
  high: number,
): void {
  into[0] = GATES[op], into[1] = rows, into[2] = cols;
  into[3] = g, into[4] = y, into[5] = out ?? 0, into[6] = db ?? 0;
  into[7] = out === null ? 0 : 1, into[8] = db === null ? 0 : 1;
  into[9] = floatBits(low), into[10] = floatBits(high);
}

/** The bits of a number as float32, by which it crosses among integers. */
export function floatBits(x: number): number {
  bits[0] = x;
  return ofBits[0];
}

/** What went wrong in C, by status code; index 0 is success. */
const FAILURES = ["", "a walk leaves its buffer", "no memory is left for the packing buffers"];

/**
 * Turns a status code from C into nothing or an error.
 *
 * @throws {RangeError} If the code is not 0.
 */
export function unwrap(code: number, action: string): void {
  if (code !== 0) throw new RangeError(`Cannot ${action}: ${FAILURES[code] ?? `the kernel answered ${code}`}`);
}
