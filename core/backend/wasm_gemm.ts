/** The product through wasm. */
import type { Numbers } from "../dtype.ts";
import type { Backend, Gemm } from "./backend.ts";
import { allFloat32, describeGemm, GEMM_FIELDS, unwrap } from "./descriptor.ts";
import { type Footprint, footprint, loadFrom, storeInto } from "./footprint.ts";
import { reference } from "./reference.ts";
import type { WasmRoom } from "./wasm_room.ts";

const NOTHING = new Float32Array(0);

/** `gemm` for float32, copied only as far as it is touched; other kinds are passed on to the reference loops. */
export function wasmGemm({ kernel, place }: WasmRoom): Backend["gemm"] {
  const local = new Int32Array(GEMM_FIELDS.length);
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
    const [base, ...at] = place([local.byteLength, ...parts.map((part) => part.length * 4)]);
    const [pa, pb, pc, pbias] = parts;
    describeGemm(
      local,
      within(d, pa, pb, pc, pbias),
      pa.length,
      pb.length,
      pc.length,
      bias === null ? null : pbias.length,
    );
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, local.length).set(local);
    loadFrom(heap, at[0], pa), loadFrom(heap, at[1], pb), loadFrom(heap, at[3], pbias);
    if (d.beta === 1) loadFrom(heap, at[2], pc);
    unwrap(kernel.gradus_gemm(base, at[0], at[1], at[2], at[3]), "multiply");
    storeInto(heap, at[2], pc);
  };
}

/** The same product over copies. */
function within(d: Gemm, a: Footprint, b: Footprint, c: Footprint, bias: Footprint): Gemm {
  return {
    ...{ m: d.m, k: d.k, n: d.n, beta: d.beta, activation: d.activation ?? "none" },
    ...{ aOffset: a.offset, aRow: a.row, aCol: a.col },
    ...{ bOffset: b.offset, bRow: b.row, bCol: b.col },
    ...{ cOffset: c.offset, cRow: c.row, cCol: c.col },
    ...{ biasOffset: bias.offset, biasStride: bias.col },
  };
}
