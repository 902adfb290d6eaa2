/** The wasm back end: the same C as {@link openNative}, compiled to fixed-width SIMD. It needs no permission and no compiler. */
import type { Numbers } from "../dtype.ts";
import { WASM_BYTES } from "../kernels/wasm_bytes.ts";
import type { Backend, Gemm } from "./backend.ts";
import { allFloat32, describeGemm, GEMM_FIELDS, unwrap } from "./descriptor.ts";
import type { OpenedGemm } from "./native.ts";
import { reference } from "./reference.ts";
import { type Footprint, footprint, loadFrom, storeInto } from "./footprint.ts";

interface Kernel {
  memory: WebAssembly.Memory;
  __heap_base: WebAssembly.Global;
  gradus_gemm(descriptor: number, a: number, b: number, c: number, bias: number): number;
}

/**
 * Compiles the kernel that is part of this module. It never throws.
 *
 * Operands are copied into wasm's own memory and the result back, only as far as they are touched; the memory grows to the
 * largest product and is used again. Other kinds than float32 are passed on to the reference loops.
 */
export function openWasm(base64: string = WASM_BYTES): OpenedGemm {
  if (typeof WebAssembly === "undefined") return { reason: "WebAssembly is missing here" };
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const gemm = gemmThrough(instance.exports as unknown as Kernel);
    return { gemm, reason: "compiled from the module's own bytes" };
  } catch (error) {
    return { reason: `the wasm kernel cannot be compiled: ${(error as Error).message}` };
  }
}

function gemmThrough(kernel: Kernel): Backend["gemm"] {
  const local = new Int32Array(GEMM_FIELDS.length);
  const base = align(kernel.__heap_base.value);
  return function gemm(d: Gemm, a: Numbers, b: Numbers, c: Numbers, bias: Numbers | null): void {
    if (!allFloat32(a, b, c, bias)) return reference.gemm(d, a, b, c, bias);
    // Checked against the caller's buffers first; what crosses is the same product over the touched parts alone.
    describeGemm(local, d, a.length, b.length, c.length, bias?.length ?? null);
    if (d.m === 0 || d.n === 0) return;
    const parts = [
      footprint(a, d.aOffset, d.m, d.aRow, d.k, d.aCol),
      footprint(b, d.bOffset, d.k, d.bRow, d.n, d.bCol),
      footprint(c, d.cOffset, d.m, d.cRow, d.n, d.cCol),
      footprint(bias ?? NOTHING, d.biasOffset, bias === null ? 0 : 1, 0, d.n, d.biasStride),
    ];
    const at = place(kernel.memory, base + align(local.byteLength), parts);
    const [pa, pb, pc, pbias] = parts;
    const inner: Gemm = {
      ...{ m: d.m, k: d.k, n: d.n, beta: d.beta },
      ...{ aOffset: pa.offset, aRow: pa.row, aCol: pa.col },
      ...{ bOffset: pb.offset, bRow: pb.row, bCol: pb.col },
      ...{ cOffset: pc.offset, cRow: pc.row, cCol: pc.col },
      ...{ biasOffset: pbias.offset, biasStride: pbias.col },
    };
    describeGemm(local, inner, pa.length, pb.length, pc.length, bias === null ? null : pbias.length);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, local.length).set(local);
    loadFrom(heap, at[0], pa), loadFrom(heap, at[1], pb), loadFrom(heap, at[3], pbias);
    if (d.beta === 1) loadFrom(heap, at[2], pc);
    unwrap(kernel.gradus_gemm(base, at[0], at[1], at[2], at[3]));
    storeInto(heap, at[2], pc);
  };
}

const NOTHING = new Float32Array(0);

/** Where each part begins in wasm's memory, which has grown to hold them all. */
function place(memory: WebAssembly.Memory, start: number, parts: readonly Footprint[]): number[] {
  let end = start;
  const at = parts.map((part) => {
    const here = end;
    end = align(end + part.length * Float32Array.BYTES_PER_ELEMENT);
    return here;
  });
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  return at;
}

function align(address: number): number {
  return Math.ceil(address / 64) * 64;
}
