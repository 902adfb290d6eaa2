/**
 * The wasm back end: the same C as the native one, compiled to fixed-width SIMD. It needs no permission and no compiler.
 *
 * Operands are copied into wasm's own memory, and results back. That pays for the product, and for functions (and the way back
 * through them) of which a single number takes JavaScript as long as ten copies; the other verbs are the reference's.
 *
 * The kernel travels in two builds. Where the engine has relaxed SIMD, a product multiplies and adds in one instruction, which
 * rounds once instead of twice: the two builds differ in the last bits.
 */
import { WASM_PLAIN, WASM_RELAXED } from "../../kernels/wasm_bytes.ts";
import type { Opened } from "../opened.ts";
import { reference } from "../reference/reference.ts";
import { wasmGate } from "./gate.ts";
import { wasmGemm } from "./gemm.ts";
import { wasmMap } from "./map.ts";
import { type WasmKernel, wasmRoom } from "./room.ts";
import { type WasmSimd, wasmSimd } from "./simd.ts";

/** The bytes of one build. */
export function wasmBuild(simd: WasmSimd): Uint8Array<ArrayBuffer> {
  const base64 = simd === "relaxed" ? WASM_RELAXED : WASM_PLAIN;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Compiles the kernel that is part of this module, in the best build that the engine can run unless told. It never throws. */
export function openWasm(simd?: WasmSimd, build = wasmBuild): Opened {
  if (typeof WebAssembly === "undefined") return { reason: "WebAssembly is missing here" };
  try {
    const known = simd ?? wasmSimd();
    const instance = new WebAssembly.Instance(new WebAssembly.Module(build(known)));
    const room = wasmRoom(instance.exports as unknown as WasmKernel);
    const backend = {
      ...reference,
      name: "wasm",
      gemm: wasmGemm(room),
      map: wasmMap(room),
      gate: wasmGate(room),
    } as const;
    return { backend, reason: `compiled from the module's own bytes, with ${known} SIMD` };
  } catch (error) {
    return { reason: `the wasm kernel cannot be compiled: ${(error as Error).message}` };
  }
}
