import { assert, assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { WASM_SYMBOLS } from "../../../../core/backend/native/open_library.ts";
import { openWasm, wasmBuild, wasmSimd } from "../../../../core/backend/wasm/wasm.ts";
import { type WasmKernel, wasmWorkspace } from "../../../../core/backend/wasm/workspace.ts";
import { SOURCES_FINGERPRINT } from "../../../../core/kernels/source_texts.js";
import { WASM_SOURCES } from "../../../../core/kernels/wasm_bytes.js";
import { errorRatio, makeCase } from "../gemm_cases.ts";
import { gemmConformance } from "../gemm_conformance.ts";

const plain = openWasm("plain").backend!;
const relaxed = wasmSimd() === "relaxed" ? openWasm("relaxed").backend : undefined;
const onRelaxed = relaxed === undefined ? it.skip : it;

gemmConformance("wasm with plain SIMD", plain.gemm, plain.unary);
gemmConformance("wasm with relaxed SIMD", relaxed?.gemm, relaxed?.unary);

describe("openWasm()", () => {
  it("openWasm() needs no permission", () => {
    assert(openWasm().backend !== undefined);
  });

  it("openWasm() takes the best build for this engine, and says which", () => {
    assertEquals(openWasm().reason, `compiled from the module's own bytes, with ${wasmSimd()} SIMD`);
  });

  it("openWasm() says that its bytes cannot be compiled", () => {
    const { backend, reason } = openWasm("plain", () => new TextEncoder().encode("not wasm"));
    assertEquals(backend, undefined);
    assertStringIncludes(reason, "the wasm kernel cannot be compiled");
  });

  onRelaxed("openWasm() rounds once with relaxed SIMD where plain SIMD rounds twice", () => {
    const [x, c] = [1 + 2 ** -23, -(1 + 2 ** -22)];
    const lost = (gemm: typeof plain.gemm) => {
      const out = new Float32Array(1);
      const d = { ...makeCase([1, 2, 1]).d, aOffset: 0, bOffset: 0, cOffset: 0 };
      gemm(d, Float32Array.of(1, x), Float32Array.of(c, x), out, null);
      return out[0];
    };
    assertEquals(lost(plain.gemm), 0);
    assertNotEquals(lost(relaxed!.gemm), 0);
  });

  onRelaxed("openWasm() gives functions of one argument the same bits with relaxed SIMD and with plain SIMD", () => {
    const x = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 77);
    for (const op of ["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf"] as const) {
      const [one, two] = [plain, relaxed!].map(({ unary }) => {
        const out = new Float32Array(x.length);
        unary(op, [x.length], { data: x, offset: 0, strides: [1] }, { data: out, offset: 0, strides: [1] }, 0, 0);
        return out;
      });
      assertEquals(one, two, op);
    }
  });

  it("openWasm() copies only what a thinly spread matrix touches", () => {
    const c = makeCase([3, 2, 4]);
    const spread = { data: new Float32Array(2 ** 22).fill(1), offset: 5, row: 2 ** 20, col: 1 };
    assert(errorRatio(plain.gemm, { ...c, a: spread, d: { ...c.d, aOffset: 5, aRow: 2 ** 20 } }) < 16);
  });
});

describe("wasm's gemm", () => {
  for (const [m, k, n] of [[600_000, 8, 6], [8, 1_200_000, 8]]) {
    it(`deals ${m}×${k} by ${k}×${n} out in blocks, though rows times blocks pass 32 bits`, () => {
      const [a, b, c] = [new Float32Array(m * k), new Float32Array(k * n).fill(1), new Float32Array(m * n)];
      for (let i = 0; i < m; i++) a[i * k] = a[(i + 1) * k - 1] = i % 7 + 1;
      const offsets = { aOffset: 0, bOffset: 0, cOffset: 0, biasOffset: 0, biasStride: 0, beta: 0 as const };
      plain.gemm({ m, k, n, ...offsets, aRow: k, aCol: 1, bRow: n, bCol: 1, cRow: n, cCol: 1 }, a, b, c, null);
      assert(c.every((sum, at) => sum === 2 * (Math.floor(at / n) % 7 + 1)));
    });
  }
});

describe("wasmSimd()", () => {
  it("wasmSimd() is plain where the engine does not know the instruction", () => {
    assertEquals(wasmSimd({ validate: () => false }), "plain");
  });
});

describe("wasmBuild()", () => {
  it("wasmBuild() was compiled from these C sources (cure: deno task build --wasm)", () => {
    assertEquals(WASM_SOURCES, SOURCES_FINGERPRINT);
  });

  it("wasmBuild() is valid wherever wasm has vectors, and with relaxed SIMD where the engine has that", () => {
    assert(WebAssembly.validate(wasmBuild("plain")));
    assertEquals(WebAssembly.validate(wasmBuild("relaxed")), wasmSimd() === "relaxed");
  });

  it("wasmBuild() exports the functions named for it, and asks for nothing", () => {
    for (const simd of relaxed === undefined ? ["plain"] as const : ["plain", "relaxed"] as const) {
      const module = new WebAssembly.Module(wasmBuild(simd));
      const functions = WebAssembly.Module.exports(module).filter((e) => e.kind === "function").map((e) => e.name);
      assertEquals(functions.sort(), [...WASM_SYMBOLS].sort());
      assertEquals(WebAssembly.Module.imports(module), []);
    }
  });
});

describe("wasmWorkspace()", () => {
  const workspace = (maximum: number) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum });
    const heapBase = new WebAssembly.Global({ value: "i32" }, 1024);
    return { memory, reserve: wasmWorkspace({ memory, __heap_base: heapBase } as unknown as WasmKernel).reserve };
  };

  it("wasmWorkspace() grows to the largest call", () => {
    const { memory, reserve } = workspace(4);
    assertEquals(reserve([100, 100]), [1024, 1152]);
    assertEquals(memory.buffer.byteLength, 65536);
    assertEquals(reserve([100, 100_000]), [1024, 1152]);
    assertEquals(memory.buffer.byteLength, 2 * 65536);
  });

  it("wasmWorkspace() says how much is asked where memory ends, and what to do", () => {
    const { memory, reserve } = workspace(65536);
    const error = assertThrows(() => reserve([3e9, 2.5e9]), RangeError);
    assertEquals(
      error.message,
      "Cannot place 5.5 GB of operands in WebAssembly's memory: it has 0.0 GB and ends at 4.3; " +
        'take smaller batches, or useBackend("native") or useBackend("reference")',
    );
    assertEquals(memory.buffer.byteLength, 65536);
  });
});
