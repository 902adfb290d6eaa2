import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { WASM_SYMBOLS } from "../../../core/backend/symbols.ts";
import { openWasm } from "../../../core/backend/wasm.ts";
import { sourcesFingerprint } from "../../../core/kernels/sources.ts";
import { WASM_BYTES, WASM_SOURCES } from "../../../core/kernels/wasm_bytes.ts";
import { errorRatio, makeCase } from "./gemm_cases.ts";
import { gemmConformance } from "./gemm_conformance.ts";

gemmConformance("wasm", openWasm().backend?.gemm, openWasm().backend?.map);

describe("openWasm()", () => {
  it("openWasm() needs no permission", () => {
    assert(openWasm().backend !== undefined);
  });

  it("openWasm() says that its bytes cannot be compiled", () => {
    const { backend, reason } = openWasm(btoa("not wasm"));
    assertEquals(backend, undefined);
    assertStringIncludes(reason, "the wasm kernel cannot be compiled");
  });

  it("openWasm() copies only what a thinly spread matrix touches", () => {
    const gemm = openWasm().backend!.gemm;
    const c = makeCase([3, 2, 4]);
    const spread = { data: new Float32Array(2 ** 22).fill(1), offset: 5, row: 2 ** 20, col: 1 };
    assert(errorRatio(gemm, { ...c, a: spread, d: { ...c.d, aOffset: 5, aRow: 2 ** 20 } }) < 16);
  });
});

describe("WASM_BYTES", () => {
  it("WASM_BYTES were compiled from these C sources (cure: deno task build --wasm)", () => {
    assertEquals(WASM_SOURCES, sourcesFingerprint());
  });

  it("WASM_BYTES export the functions named for them, and ask for nothing", () => {
    const module = new WebAssembly.Module(Uint8Array.from(atob(WASM_BYTES), (c) => c.charCodeAt(0)));
    const functions = WebAssembly.Module.exports(module).filter((e) => e.kind === "function").map((e) => e.name);
    assertEquals(functions.sort(), [...WASM_SYMBOLS].sort());
    assertEquals(WebAssembly.Module.imports(module), []);
  });
});
