/** The verb of convolutions in wasm: its operands are copied into the kernel's memory, dense, and its result out of it. */
import type { TypedArray } from "../../dtype.ts";
import type { Backend, Conv, ConvResult } from "../backend.ts";
import { allFloat32, CONV_FIELDS, describeConv, unwrap } from "../descriptor.ts";
import { coalesceDims, reference } from "../reference/reference.ts";
import { forEachRun, type WasmWorkspace } from "./workspace.ts";

/** An array of a convolution: its sizes, and where it stands in its buffer. */
interface Place {
  data: TypedArray;
  shape: readonly number[];
  offset: number;
  strides: readonly number[];
}

/** Below so many multiply-adds JavaScript is done before the operands are copied. */
const WORTH = 500;

const [X, W, Y, BIAS] = (["X_OFFSET", "W_OFFSET", "Y_OFFSET", "BIAS_OFFSET"] as const).map((f) =>
  CONV_FIELDS.indexOf(f)
);

/** `conv` for float32; other dtypes, and what is very small, are passed on to the reference. */
export function wasmConv({ kernel, reserve }: WasmWorkspace, unary: Backend["unary"]): Backend["conv"] {
  const local = new Int32Array(CONV_FIELDS.length);
  /** By the plain loops, and the activation by `unary`, whose bits it must have. */
  const small: Backend["conv"] = (result, { activation = "none", ...d }, x, w, y, bias) => {
    reference.conv(result, d, x, w, y, bias);
    if (activation === "none" || result === "w") return;
    const { shape, ...out } = placesOf(d, x, w, y)[RESULTS.indexOf(result)];
    unary(activation, shape, out, out, 0, 0);
  };
  return function conv(result, d, x, w, y, bias) {
    const work = d.n * d.groups * d.cIn * d.cOut * d.kh * d.kw * d.oh * d.ow;
    if (!allFloat32(x, w, y, bias)) return reference.conv(result, d, x, w, y, bias);
    if (!(work >= WORTH)) return small(result, d, x, w, y, bias);
    // Checked here against the caller's buffers; below, places are replaced by those of the copies.
    describeConv(local, result, d, x, w, y, bias);
    const places = placesOf(d, x, w, y);
    const channels = d.groups * (result === "x" ? d.cIn : d.cOut);
    const lengths = [...places.map(({ shape }) => sizeOf(shape)), channels];
    const [base, ...at] = reserve([local.byteLength, ...lengths.map((length) => 4 * length)]);
    const heap = kernel.memory.buffer;
    const copies = at.map((address, i) => new Float32Array(heap, address, lengths[i]));
    [X, W, Y].forEach((field, i) => describeCopy(local, field, places[i].shape, lengths[i]));
    local[BIAS] = 0, local[BIAS + 1] = 1, local[BIAS + 2] = channels;
    new Int32Array(heap, base, local.length).set(local);
    const own = RESULTS.indexOf(result);
    places.forEach((place, i) => i !== own && gather(place, copies[i]));
    const line = bias && { data: bias, shape: [channels], offset: d.biasOffset, strides: [d.biasStride] };
    if (line !== null && result !== "w") gather(line, copies[3]);
    unwrap(kernel.gradus_conv(base, at[0], at[1], at[2], at[3]), "convolve");
    scatter(places[own], copies[own]);
    if (line !== null && result === "w") scatter(line, copies[3]);
  };
}

const RESULTS: readonly ConvResult[] = ["x", "w", "y"];

function placesOf(d: Conv, x: TypedArray, w: TypedArray, y: TypedArray): Place[] {
  const [cIn, cOut] = [d.groups * d.cIn, d.groups * d.cOut];
  return [
    { data: x, shape: [d.n, cIn, d.h, d.w], offset: d.xOffset, strides: [d.xN, d.xC, d.xH, d.xW] },
    { data: w, shape: [cOut, d.cIn, d.kh, d.kw], offset: d.wOffset, strides: [d.wO, d.wC, d.wH, d.wW] },
    { data: y, shape: [d.n, cOut, d.oh, d.ow], offset: d.yOffset, strides: [d.yN, d.yC, d.yH, d.yW] },
  ];
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Replaces an array in the descriptor by its dense copy. */
function describeCopy(into: Int32Array, field: number, shape: readonly number[], length: number): void {
  into[field] = 0, into[field + 5] = length;
  for (let i = 3, step = 1; i >= 0; step *= shape[i--]) into[field + 1 + i] = step;
}

function gather({ data, shape, offset, strides }: Place, copy: Float32Array): void {
  forEachRun(coalesceDims(shape, [strides]), 0, offset, copy.length, (start, step, place, count) => {
    if (step === 1) copy.set(data.subarray(start, start + count), place);
    else for (let i = 0; i < count; i++) copy[place + i] = data[start + i * step];
  });
}

function scatter({ data, shape, offset, strides }: Place, copy: Float32Array): void {
  forEachRun(coalesceDims(shape, [strides]), 0, offset, copy.length, (start, step, place, count) => {
    if (step === 1) data.set(copy.subarray(place, place + count), start);
    else for (let i = 0; i < count; i++) data[start + i * step] = copy[place + i];
  });
}
