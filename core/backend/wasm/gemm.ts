/** The product through wasm. */
import type { Numbers } from "../../dtype.ts";
import type { Backend, Gemm } from "../backend.ts";
import { allFloat32, describeGemm, GEMM_FIELDS, unwrap } from "../descriptor.ts";
import { type Footprint, footprint, loadFrom, storeInto } from "../footprint.ts";
import { reference } from "../reference/reference.ts";
import type { WasmRoom } from "./room.ts";

const NOTHING = new Float32Array(0);
const [A, B, C, BIAS] = (["A_OFFSET", "B_OFFSET", "C_OFFSET", "BIAS_OFFSET"] as const).map((f) =>
  GEMM_FIELDS.indexOf(f)
);

/** `gemm` for float32, copied only as far as it is touched; other kinds are passed on to the reference loops. */
export function wasmGemm({ kernel, place }: WasmRoom): Backend["gemm"] {
  const local = new Int32Array(GEMM_FIELDS.length);
  return function gemm(d: Gemm, a: Numbers, b: Numbers, c: Numbers, bias: Numbers | null): void {
    if (!allFloat32(a, b, c, bias)) return reference.gemm(d, a, b, c, bias);
    // Checked against the caller's buffers; what crosses is the same product over the touched parts alone.
    describeGemm(local, d, a.length, b.length, c.length, bias?.length ?? null);
    if (d.m === 0 || d.n === 0) return;
    const pa = footprint(a, d.aOffset, d.m, d.aRow, d.k, d.aCol);
    const pb = footprint(b, d.bOffset, d.k, d.bRow, d.n, d.bCol);
    const pc = footprint(c, d.cOffset, d.m, d.cRow, d.n, d.cCol);
    const pbias = footprint(bias ?? NOTHING, d.biasOffset, bias === null ? 0 : 1, 0, d.n, d.biasStride);
    moved(local, A, pa), moved(local, B, pb), moved(local, C, pc);
    local[BIAS] = pbias.offset, local[BIAS + 1] = pbias.col, local[BIAS + 2] = pbias.length;
    const [base, ...at] = place([local.byteLength, pa.length * 4, pb.length * 4, pc.length * 4, pbias.length * 4]);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, local.length).set(local);
    loadFrom(heap, at[0], pa), loadFrom(heap, at[1], pb);
    if (bias !== null) loadFrom(heap, at[3], pbias);
    if (d.beta === 1) loadFrom(heap, at[2], pc);
    unwrap(kernel.gradus_gemm(base, at[0], at[1], at[2], at[3]), "multiply");
    storeInto(heap, at[2], pc);
  };
}

/** Describes an operand's copy in place of the operand: offset, steps and length stand in this order. */
function moved(into: Int32Array, field: number, part: Footprint): void {
  into[field] = part.offset, into[field + 1] = part.row, into[field + 2] = part.col, into[field + 3] = part.length;
}
