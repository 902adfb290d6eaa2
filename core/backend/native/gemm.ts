/** The product through the native library. */
import type { Numbers } from "../../dtype.ts";
import type { Backend, Gemm } from "../backend.ts";
import { allFloat32, describeGemm, GEMM_FIELDS, unwrap } from "../descriptor.ts";
import { reference } from "../reference/reference.ts";
import { type Buffer, NOTHING, type Symbols } from "./symbols.ts";

const descriptor = new Int32Array(GEMM_FIELDS.length);

/** `gemm` for float32; other kinds are passed on to the reference loops. */
export function nativeGemm({ gradus_gemm }: Symbols): Backend["gemm"] {
  return function gemm(d: Gemm, a: Numbers, b: Numbers, c: Numbers, bias: Numbers | null): void {
    if (!allFloat32(a, b, c, bias)) return reference.gemm(d, a, b, c, bias);
    describeGemm(descriptor, d, a.length, b.length, c.length, bias === null ? null : bias.length);
    const code = gradus_gemm(descriptor, a as Buffer, b as Buffer, c as Buffer, (bias ?? NOTHING) as Buffer);
    if (code !== 0) unwrap(code, "multiply");
  };
}
