/**
 * The wasm back end: the same C as the native one, compiled to fixed-width SIMD. It needs no permission and no compiler.
 *
 * Operands are copied into wasm's own memory, and results back. That pays for the product, and for functions of which a single
 * number takes JavaScript as long as ten copies; the other verbs are the reference's.
 */
import { WASM_BYTES } from "../kernels/wasm_bytes.ts";
import type { Opened } from "./opened.ts";
import { reference } from "./reference.ts";
import { wasmGemm } from "./wasm_gemm.ts";
import { wasmMap } from "./wasm_map.ts";
import { type WasmKernel, wasmRoom } from "./wasm_room.ts";

/** Compiles the kernel that is part of this module. It never throws. */
export function openWasm(base64: string = WASM_BYTES): Opened {
  if (typeof WebAssembly === "undefined") return { reason: "WebAssembly is missing here" };
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const room = wasmRoom(instance.exports as unknown as WasmKernel);
    const backend = { ...reference, name: "wasm", gemm: wasmGemm(room), map: wasmMap(room) } as const;
    return { backend, reason: "compiled from the module's own bytes" };
  } catch (error) {
    return { reason: `the wasm kernel cannot be compiled: ${(error as Error).message}` };
  }
}
