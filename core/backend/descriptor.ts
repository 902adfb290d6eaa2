/** Descriptors: the sizes, strides and lengths that a kernel in C takes beside its arrays, as 32-bit integers, checked before each call. */
import {
  type Activation,
  ACTIVATIONS,
  type Conv,
  type ConvResult,
  type Gemm,
  INPUT_ACTIVATIONS,
  type InputActivation,
  type Strided,
} from "./backend.ts";
import { memoryGone, type TypedArray } from "../dtype.ts";

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

/** Whether all operands are float32, the only dtype that the C kernels multiply. */
export function allFloat32(a: TypedArray, b: TypedArray, c: TypedArray, bias: TypedArray | null): boolean {
  return a instanceof Float32Array && b instanceof Float32Array && c instanceof Float32Array &&
    (bias === null || bias instanceof Float32Array);
}

/**
 * Writes a product's descriptor into `into`, for buffers of the given lengths.
 *
 * @throws {RangeError} If a matrix reaches past its buffer, or a number does not fit in 32 bits.
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
 * Checks that the matrices of a product lie in their buffers, of these lengths.
 *
 * @throws {RangeError} If a matrix reaches past its buffer, or a number does not fit in 32 bits.
 */
export function checkGemm(d: Gemm, a: number, b: number, c: number, bias: number | null): void {
  checkMatrix("A", d.m, d.k, d.aOffset, d.aRow, d.aCol, a);
  checkMatrix("B", d.k, d.n, d.bOffset, d.bRow, d.bCol, b);
  checkMatrix("C", d.m, d.n, d.cOffset, d.cRow, d.cCol, c);
  if (bias !== null) checkMatrix("bias", 1, d.n, d.biasOffset, 0, d.biasStride, bias);
}

function checkMatrix(
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

/**
 * Checks the sizes of a convolution, and that its arrays lie in their buffers. `channels` are those that the bias has, if there is one.
 *
 * @throws {RangeError} If an array reaches past its buffer, a number does not fit in 32 bits, or a stride or dilation is not above 0.
 */
export function checkConv(
  d: Conv,
  x: TypedArray,
  w: TypedArray,
  y: TypedArray,
  bias: TypedArray | null,
  channels: number,
): void {
  checkWindow("rows", d.h, d.kh, d.oh, d.strideH, d.padTop, d.dilationH);
  checkWindow("columns", d.w, d.kw, d.ow, d.strideW, d.padLeft, d.dilationW);
  const [cIn, cOut] = [d.groups * d.cIn, d.groups * d.cOut];
  const at = (data: TypedArray, offset: number, ...strides: number[]) => ({ data, offset, strides });
  checkStrided("convolve", "x", [d.n, cIn, d.h, d.w], at(x, d.xOffset, d.xN, d.xC, d.xH, d.xW));
  checkStrided("convolve", "the weight", [cOut, d.cIn, d.kh, d.kw], at(w, d.wOffset, d.wO, d.wC, d.wH, d.wW));
  checkStrided("convolve", "y", [d.n, cOut, d.oh, d.ow], at(y, d.yOffset, d.yN, d.yC, d.yH, d.yW));
  if (bias !== null) checkStrided("convolve", "the bias", [channels], at(bias, d.biasOffset, d.biasStride));
}

/** The order of the integers in the descriptor of a convolution, as `kernels.h` declares it. */
export const CONV_FIELDS = [
  ...["RESULT", "N", "GROUPS", "C_IN", "C_OUT", "H", "W", "KH", "KW", "OH", "OW"],
  ...["STRIDE_H", "STRIDE_W", "PAD_TOP", "PAD_LEFT", "DILATION_H", "DILATION_W"],
  ...["X_OFFSET", "X_N", "X_C", "X_H", "X_W", "X_LENGTH"],
  ...["W_OFFSET", "W_O", "W_C", "W_H", "W_W", "W_LENGTH"],
  ...["Y_OFFSET", "Y_N", "Y_C", "Y_H", "Y_W", "Y_LENGTH"],
  ...["BIAS_OFFSET", "BIAS_STRIDE", "BIAS_LENGTH", "HAS_BIAS", "ACTIVATION"],
] as const;

const CONV_RESULTS: Readonly<Record<ConvResult, number>> = { y: 0, x: 1, w: 2 };

/**
 * Writes a convolution's descriptor into `into`.
 *
 * @throws {RangeError} As {@linkcode checkConv} does.
 */
export function describeConv(
  into: Int32Array,
  result: ConvResult,
  d: Conv,
  x: TypedArray,
  w: TypedArray,
  y: TypedArray,
  bias: TypedArray | null,
): void {
  checkConv(d, x, w, y, bias, d.groups * (result === "x" ? d.cIn : d.cOut));
  into[0] = CONV_RESULTS[result], into[1] = d.n, into[2] = d.groups, into[3] = d.cIn, into[4] = d.cOut;
  into[5] = d.h, into[6] = d.w, into[7] = d.kh, into[8] = d.kw, into[9] = d.oh, into[10] = d.ow;
  into[11] = d.strideH, into[12] = d.strideW, into[13] = d.padTop, into[14] = d.padLeft;
  into[15] = d.dilationH, into[16] = d.dilationW;
  into[17] = d.xOffset, into[18] = d.xN, into[19] = d.xC, into[20] = d.xH, into[21] = d.xW, into[22] = x.length;
  into[23] = d.wOffset, into[24] = d.wO, into[25] = d.wC, into[26] = d.wH, into[27] = d.wW, into[28] = w.length;
  into[29] = d.yOffset, into[30] = d.yN, into[31] = d.yC, into[32] = d.yH, into[33] = d.yW, into[34] = y.length;
  into[35] = d.biasOffset, into[36] = d.biasStride, into[37] = bias === null ? 0 : bias.length;
  into[38] = bias === null ? 0 : 1;
  into[39] = d.activation === undefined || result === "w" ? 0 : ACTIVATIONS[d.activation];
}

/** Checks one dimension of a convolution: the places that its windows reach are numbers of 32 bits. */
function checkWindow(
  name: string,
  size: number,
  kernel: number,
  windows: number,
  stride: number,
  padding: number,
  dilation: number,
): void {
  const reach = windows * stride + kernel * dilation + Math.abs(padding) + size;
  const sane = [size, kernel, windows].every(isSize) && [stride, dilation].every((n) => isSize(n) && n > 0) &&
    isStep(padding) && isStep(reach);
  if (sane) return;
  throw new RangeError(
    `Cannot convolve: ${windows} windows of ${kernel} ${name} with a stride of ${stride}, a dilation of ${dilation} and a padding of ` +
      `${padding} over ${size} must be integers below ${LIMIT}, stride and dilation above 0`,
  );
}

function isSize(n: number): boolean {
  return n >= 0 && (n | 0) === n;
}

function isStep(n: number): boolean {
  return (n | 0) === n;
}

/** Integers in the descriptor of `activationBackward`. */
export const ACTIVATION_BACKWARD_FIELDS = 11;

const DERIVATIVE_CODES: Readonly<Partial<Record<Activation | InputActivation, number>>> = {
  ...ACTIVATIONS,
  ...INPUT_ACTIVATIONS,
};
const bits = new Float32Array(1);
const asInteger = new Int32Array(bits.buffer);

/** Whether C has the derivative of an activation. */
export function hasDerivative(op: Activation | InputActivation): boolean {
  return DERIVATIVE_CODES[op] !== undefined;
}

/** Writes the descriptor of `activationBackward`, of an activation that {@linkcode hasDerivative}, into `into`, for arrays of the given lengths. */
export function describeActivationBackward(
  into: Int32Array,
  op: Activation | InputActivation,
  rows: number,
  cols: number,
  g: number,
  y: number,
  out: number | null,
  db: number | null,
  low: number,
  high: number,
): void {
  into[0] = DERIVATIVE_CODES[op]!, into[1] = rows, into[2] = cols;
  into[3] = g, into[4] = y, into[5] = out ?? 0, into[6] = db ?? 0;
  into[7] = out === null ? 0 : 1, into[8] = db === null ? 0 : 1;
  into[9] = floatBits(low), into[10] = floatBits(high);
}

/** The bits of a number as float32: how a descriptor, all integers, holds it. */
export function floatBits(x: number): number {
  bits[0] = x;
  return asInteger[0];
}

/** What went wrong in C, by status code; 0 is success. */
const STATUS_MESSAGES = ["", "an operand reaches past its buffer", "no memory is left for the packing buffers"];

/**
 * Throws for a status code from C that says that something went wrong.
 *
 * @throws {RangeError} If the code is not 0.
 */
export function unwrap(code: number, action: string): void {
  if (code !== 0) throw new RangeError(`Cannot ${action}: ${STATUS_MESSAGES[code] ?? `the kernel answered ${code}`}`);
}

// Element-wise operands as C reads them. These run at every call, and so allocate nothing.

/** Most dimensions that C takes, once they are coalesced; `WALK_RANK` in `kernels.h`. */
export const MAX_RANK = 8;

const NO_STRIDES: readonly number[] = [];

/** The code of an array's dtype in `kernels.h`; −1 for one that the kernels do not know. */
export function dtypeCode(data: TypedArray): number {
  if (data instanceof Float32Array) return 0;
  if (data instanceof Int32Array) return 1;
  return data instanceof Uint8Array ? 2 : -1;
}

/**
 * Writes sizes and strides from `d[at]` on: MAX_RANK sizes, then as many strides of each operand.
 *
 * Dimensions are coalesced, as `coalesceDims` does it. Returns how many are left (at least 1), 0 for an empty shape, −1 where they are
 * more than MAX_RANK.
 */
export function describeStrided(
  d: Int32Array,
  at: number,
  shape: readonly number[],
  a: readonly number[],
  b: readonly number[],
  c: readonly number[] | null,
): number {
  const third = c ?? NO_STRIDES;
  const [atA, atB, atC] = [at + MAX_RANK, at + 2 * MAX_RANK, at + 3 * MAX_RANK];
  let last = -1;
  for (let i = 0; i < shape.length; i++) {
    const size = shape[i];
    if (size === 0) return 0;
    if (size === 1) continue;
    const even = last >= 0 && d[atA + last] === a[i] * size && d[atB + last] === b[i] * size &&
      (c === null || d[atC + last] === third[i] * size) && d[at + last] * size < LIMIT;
    if (!even && ++last === MAX_RANK) return -1;
    d[at + last] = even ? d[at + last] * size : size;
    d[atA + last] = a[i], d[atB + last] = b[i];
    if (c !== null) d[atC + last] = third[i];
  }
  if (last >= 0) return last + 1;
  d[at] = 1, d[atA] = 0, d[atB] = 0;
  if (c !== null) d[atC] = 0;
  return 1;
}

/**
 * Checks that a strided operand lies in its buffer.
 *
 * @throws {RangeError} If it does not, or a number does not fit in 32 bits.
 */
export function checkStrided(action: string, name: string, shape: readonly number[], x: Strided): void {
  let low = x.offset;
  let high = x.offset;
  let sane = (low | 0) === low && x.data.length < LIMIT;
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 0) return;
    const step = x.strides[i];
    // NaN and fractions fail here as well.
    sane &&= (shape[i] | 0) === shape[i] && (step | 0) === step;
    if (step < 0) low += (shape[i] - 1) * step;
    else high += (shape[i] - 1) * step;
  }
  if (sane && low >= 0 && high < x.data.length) return;
  if (x.data.length === 0) throw memoryGone();
  throw new RangeError(
    `Cannot ${action}: ${name} of [${shape}] at offset ${x.offset} with strides [${x.strides}] ` +
      (sane ? `reaches from ${low} to ${high} in a buffer of ${x.data.length}` : `must be integers below ${LIMIT}`),
  );
}
