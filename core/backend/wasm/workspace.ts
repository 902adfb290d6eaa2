/** Memory of a wasm kernel for the operands of a call, and strided arrays a run at a time, for copying. */
import { dtypeOf, type TypedArray, typedArrayOver } from "../../dtype.ts";
import { forEachRow, type StridedLoop } from "../reference/reference.ts";

/** What the module exports. */
export interface WasmKernel {
  /** All memory that C can address. */
  memory: WebAssembly.Memory;
  /** The address from which on C uses none of it. */
  __heap_base: WebAssembly.Global;
  /** As in `kernels.h`, with addresses for pointers. */
  gradus_gemm(descriptor: number, a: number, b: number, c: number, bias: number): number;
  /** As in `kernels.h`. */
  gradus_conv(descriptor: number, x: number, w: number, y: number, bias: number): number;
  /** As in `kernels.h`. */
  gradus_unary(descriptor: number, x: number, out: number): number;
  /** As in `kernels.h`. */
  gradus_binary(descriptor: number, a: number, b: number, out: number): number;
  /** As in `kernels.h`. */
  gradus_where(descriptor: number, mask: number, a: number, b: number, out: number): number;
  /** As in `kernels.h`. */
  gradus_reduce(descriptor: number, x: number, out: number): number;
  /** As in `kernels.h`. */
  gradus_cross_entropy(descriptor: number, z: number, targets: number, dz: number, answer: number): number;
  /** As in `kernels.h`. */
  gradus_update(kind: number, settings: number, table: number, count: number): number;
  /** As in `kernels.h`. */
  gradus_activation_backward(descriptor: number, g: number, y: number, out: number, db: number): number;
  /** As in `kernels.h`. */
  gradus_pool(descriptor: number, x: number, out: number, at: number): number;
  /** As in `kernels.h`. */
  gradus_pool_backward(descriptor: number, g: number, at: number, dx: number): number;
  /** As in `kernels.h`. */
  gradus_batch_norm(descriptor: number, x: number, stats: number, y: number): number;
  /** As in `kernels.h`. */
  gradus_batch_norm_backward(
    descriptor: number,
    g: number,
    x: number,
    stats: number,
    dx: number,
    dw: number,
    db: number,
  ): number;
  /** As in `kernels.h`. */
  gradus_softmax(descriptor: number, x: number, out: number): number;
  /** As in `kernels.h`. */
  gradus_softmax_backward(descriptor: number, g: number, y: number, out: number): number;
  /** As in `kernels.h`. */
  gradus_layer_norm(descriptor: number, x: number, weight: number, bias: number, stats: number, y: number): number;
  /** As in `kernels.h`. */
  gradus_layer_norm_backward(
    descriptor: number,
    g: number,
    x: number,
    weight: number,
    stats: number,
    dx: number,
    sums: number,
  ): number;
  /** As in `kernels.h`. */
  gradus_attention(
    descriptor: number,
    q: number,
    k: number,
    v: number,
    mask: number,
    aux: number,
    y: number,
  ): number;
  /** As in `kernels.h`. */
  gradus_attention_backward(
    descriptor: number,
    q: number,
    k: number,
    v: number,
    mask: number,
    aux: number,
    y: number,
    g: number,
    out: number,
  ): number;
}

/** A kernel, and memory for the operands of one call. */
export interface WasmWorkspace {
  /** The module's exports. */
  kernel: WasmKernel;
  /** Addresses of blocks of these lengths in bytes, valid until the next call; the memory grows where it is too small. */
  reserve(lengths: readonly number[]): number[];
}

/** A part of an array: `length` elements from `from` on, and what a call does with them; what it writes it writes in full. */
export interface Part {
  data: TypedArray;
  from: number;
  length: number;
  use: "read" | "write" | "change";
}

/**
 * Calls C with parts of arrays: what it reads is copied into its memory before, and what it writes out of it after a call that succeeds.
 * `call` gets a copy of the descriptor, in which it says where things stand now, and the addresses; its answer is C's.
 */
export function callWith(
  { kernel, reserve }: WasmWorkspace,
  descriptor: Int32Array,
  parts: readonly Part[],
  call: (descriptor: Int32Array, base: number, at: number[]) => number,
): number {
  const [base, ...at] = reserve([descriptor.byteLength, ...parts.map((x) => x.length * x.data.BYTES_PER_ELEMENT)]);
  const heap = kernel.memory.buffer as ArrayBuffer;
  const described = new Int32Array(heap, base, descriptor.length);
  described.set(descriptor);
  const copies = parts.map(({ data, length }, i) => typedArrayOver(dtypeOf(data), heap, at[i], length));
  parts.forEach(({ data, from, length, use }, i) => use !== "write" && copies[i].set(whole(data, from, length)));
  const code = call(described, base, at);
  if (code === 0) parts.forEach(({ data, from, use }, i) => use !== "read" && data.set(copies[i], from));
  return code;
}

function whole(data: TypedArray, from: number, length: number): TypedArray {
  return length === data.length ? data : data.subarray(from, from + length);
}

const PAGE = 65536;

/** The workspace of a kernel. */
export function wasmWorkspace(kernel: WasmKernel): WasmWorkspace {
  const start = align(kernel.__heap_base.value);
  const reserve = (lengths: readonly number[]): number[] => {
    let end = start;
    const at = lengths.map((length) => {
      const here = end;
      end = align(end + length);
      return here;
    });
    grow(kernel.memory, end);
    return at;
  };
  return { kernel, reserve };
}

function grow(memory: WebAssembly.Memory, end: number): void {
  const missing = end - memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    memory.grow(Math.ceil(missing / PAGE));
  } catch (cause) {
    const asked = `Cannot place ${(end / 1e9).toFixed(1)} GB of operands in WebAssembly's memory`;
    const cure = 'take smaller batches, or useBackend("native") or useBackend("reference")';
    throw new RangeError(
      `${asked}: it has ${(memory.buffer.byteLength / 1e9).toFixed(1)} GB and ends at 4.3; ${cure}`,
      { cause },
    );
  }
}

/** The next address that begins a cache line. */
function align(address: number): number {
  return Math.ceil(address / 64) * 64;
}

/** Calls `run` for each row of one operand: its first place, its stride, its place in the dense copy, its length. */
export function forEachRun(
  loop: StridedLoop,
  operand: number,
  offset: number,
  size: number,
  run: (start: number, step: number, place: number, count: number) => void,
): void {
  const [count, step] = [loop.shape.at(-1)!, loop.strides[operand].at(-1)!];
  let place = 0;
  if (size === 0) return;
  forEachRow({ shape: loop.shape, strides: [loop.strides[operand]] }, [offset], ([start]) => {
    run(start, step, place, count);
    place += count;
  });
}
