/**
 * The wasm back end: the same C as the native one, compiled to WebAssembly's SIMD. It needs no permission and no compiler.
 *
 * Operands are copied into wasm's memory, and results out of it. That pays for all verbs but `gather` and `resample`, which do little
 * more than to copy themselves.
 * There are two builds. With relaxed SIMD, where the engine has it, a product multiplies and adds in one instruction, which rounds once
 * instead of twice: the two builds differ in the last bits.
 */
import type { Backend, Opened } from "../backend.ts";
import { type Footprint, footprint, loadFrom, storeInto } from "../checks.ts";
import { allFloat32, checkStrided, describeGemm, floatBits, GEMM_FIELDS, unwrap } from "../descriptor.ts";
import { UNARY_OPS } from "../native/verbs.ts";
import { coalesceDims, reference } from "../reference/reference.ts";
import {
  wasmBatchNorm,
  wasmBatchNormBackward,
  wasmBinary,
  wasmConv,
  wasmPool,
  wasmPoolBackward,
  wasmReduce,
  wasmRows,
  wasmWhere,
} from "./verbs.ts";
import { recurrentBy } from "../reference/sequences.ts";
import { wasmAttention, wasmAttentionBackward } from "./attention.ts";
import { wasmActivationBackward, wasmCrossEntropy, wasmUpdate } from "./training.ts";
import { forEachRun, type WasmKernel, type WasmWorkspace, wasmWorkspace } from "./workspace.ts";
import { WASM_ENCODING, wasmPlain, wasmRelaxed } from "../../kernels/wasm_bytes.js";

/** The build for fixed-width SIMD, which every engine has, or the one for relaxed SIMD, with fused multiply-add where the CPU has it. */
export type WasmSimd = "plain" | "relaxed";

/** A module of one function, `f32x4.relaxed_madd` of its three arguments: valid if the engine has relaxed SIMD. */
const RELAXED_MADD = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
  ...[0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b], // types: three v128 to one
  ...[0x03, 0x02, 0x01, 0x00], // functions: one, of that type
  ...[0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, 0x85, 0x02, 0x0b], // its code
);

/** The best build that the engine can run. */
export function wasmSimd(engine: Pick<typeof WebAssembly, "validate"> = WebAssembly): WasmSimd {
  return engine.validate(RELAXED_MADD) ? "relaxed" : "plain";
}

const NOTHING = new Float32Array(0);
const [A, B, C, BIAS] = (["A_OFFSET", "B_OFFSET", "C_OFFSET", "BIAS_OFFSET"] as const).map((f) =>
  GEMM_FIELDS.indexOf(f)
);

/** `gemm` for float32; only the elements that it reads or writes are copied. Other dtypes are passed on to the reference. */
function wasmGemm({ kernel, reserve }: WasmWorkspace): Backend["gemm"] {
  const local = new Int32Array(GEMM_FIELDS.length);
  return function gemm(d, a, b, c, bias) {
    if (!allFloat32(a, b, c, bias)) return reference.gemm(d, a, b, c, bias);
    // Checked here against the caller's buffers; below, offsets and strides are replaced by those of the copies.
    describeGemm(local, d, a.length, b.length, c.length, bias?.length ?? null);
    if (d.m === 0 || d.n === 0) return;
    const pa = footprint(a, d.aOffset, d.m, d.aRow, d.k, d.aCol);
    const pb = footprint(b, d.bOffset, d.k, d.bRow, d.n, d.bCol);
    const pc = footprint(c, d.cOffset, d.m, d.cRow, d.n, d.cCol);
    const pbias = footprint(bias ?? NOTHING, d.biasOffset, bias === null ? 0 : 1, 0, d.n, d.biasStride);
    describeCopy(local, A, pa), describeCopy(local, B, pb), describeCopy(local, C, pc);
    local[BIAS] = pbias.offset, local[BIAS + 1] = pbias.col, local[BIAS + 2] = pbias.length;
    const [base, ...at] = reserve([local.byteLength, pa.length * 4, pb.length * 4, pc.length * 4, pbias.length * 4]);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, local.length).set(local);
    loadFrom(heap, at[0], pa), loadFrom(heap, at[1], pb);
    if (bias !== null) loadFrom(heap, at[3], pbias);
    if (d.beta === 1) loadFrom(heap, at[2], pc);
    unwrap(kernel.gradus_gemm(base, at[0], at[1], at[2], at[3]), "multiply");
    storeInto(heap, at[2], pc);
  };
}

/** Replaces an operand in the descriptor by its copy: offset, row stride, column stride, length. */
function describeCopy(into: Int32Array, field: number, part: Footprint): void {
  into[field] = part.offset, into[field + 1] = part.row, into[field + 2] = part.col, into[field + 3] = part.length;
}

/** `unary` for float32 and what C has; everything else is passed on to the reference, and so are copies, which JavaScript makes itself. */
function wasmUnary({ kernel, reserve }: WasmWorkspace): Backend["unary"] {
  const local = new Int32Array(34);
  return function unary(op, shape, x, out, low, high) {
    const [from, to] = [x.data, out.data];
    const code = op === "copy" ? undefined : UNARY_OPS[op];
    const known = from instanceof Float32Array && to instanceof Float32Array;
    if (code === undefined || !known || shape.includes(0)) return reference.unary(op, shape, x, out, low, high);
    checkStrided(`take ${op}`, "x", shape, x);
    checkStrided(`take ${op}`, "the result", shape, out);
    const n = shape.reduce((product, size) => product * size, 1);
    const [base, at] = reserve([local.byteLength, 4 * n]);
    // One dense dimension, computed in place. The fields left at 0 are the dtype codes (float32) and offsets.
    local[0] = code, local[1] = 1, local[2] = floatBits(low), local[3] = floatBits(high);
    local[6] = n, local[9] = n;
    local[10] = n, local[18] = 1, local[26] = 1;
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, local.length).set(local);
    const dense = new Float32Array(heap, at, n);
    const loop = coalesceDims(shape, [x.strides, out.strides]);
    forEachRun(loop, 0, x.offset, n, (start, step, place, count) => {
      if (step === 1) dense.set(from.subarray(start, start + count), place);
      else for (let i = 0; i < count; i++) dense[place + i] = from[start + i * step];
    });
    unwrap(kernel.gradus_unary(base, at, at), `take ${op}`);
    forEachRun(loop, 1, out.offset, n, (start, step, place, count) => {
      if (step === 1) to.set(dense.subarray(place, place + count), start);
      else for (let i = 0; i < count; i++) to[start + i * step] = dense[place + i];
    });
  };
}

/** The bytes of one build. */
export function wasmBuild(simd: WasmSimd): Uint8Array<ArrayBuffer> {
  const text = simd === "relaxed" ? wasmRelaxed() : wasmPlain();
  if (WASM_ENCODING === "hex") return fromHex(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** The bytes of hex digits; `Uint8Array.fromHex()` is too new for Node.js. */
function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const digit = (i: number) => hex.charCodeAt(i) - (hex.charCodeAt(i) < 58 ? 48 : 87);
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = 16 * digit(2 * i) + digit(2 * i + 1);
  return bytes;
}

/** Compiles the kernel that is part of this library, by default in the best build that the engine can run. It never throws. */
export function openWasm(simd?: WasmSimd, build = wasmBuild): Opened {
  if (typeof WebAssembly === "undefined") return { reason: "WebAssembly is missing here" };
  try {
    const known = simd ?? wasmSimd();
    const instance = new WebAssembly.Instance(new WebAssembly.Module(build(known)));
    const workspace = wasmWorkspace(instance.exports as unknown as WasmKernel);
    const gemm = wasmGemm(workspace), unary = wasmUnary(workspace);
    const backend = {
      ...reference,
      name: "wasm",
      gemm,
      conv: wasmConv(workspace, unary),
      unary,
      binary: wasmBinary(workspace),
      where: wasmWhere(workspace),
      reduce: wasmReduce(workspace),
      crossEntropy: wasmCrossEntropy(workspace),
      update: wasmUpdate(workspace),
      activationBackward: wasmActivationBackward(workspace),
      pool: wasmPool(workspace),
      poolBackward: wasmPoolBackward(workspace),
      batchNorm: wasmBatchNorm(workspace),
      batchNormBackward: wasmBatchNormBackward(workspace),
      ...recurrentBy(gemm),
      ...wasmRows(workspace),
      attention: wasmAttention(workspace),
      attentionBackward: wasmAttentionBackward(workspace),
    } as const;
    return { backend, reason: `compiled from the module's own bytes, with ${known} SIMD` };
  } catch (error) {
    return { reason: `the wasm kernel cannot be compiled: ${(error as Error).message}` };
  }
}
