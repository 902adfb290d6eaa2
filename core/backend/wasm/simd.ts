/** Which vector instructions an engine's WebAssembly has. */

/** Fixed-width SIMD, which every engine has, or relaxed SIMD too, which multiplies and adds at once where the CPU can. */
export type WasmSimd = "plain" | "relaxed";

/** A module of one function, `f32x4.relaxed_madd` of its three arguments: valid where the instruction is known. */
const MULTIPLY_ADD = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
  ...[0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b], // types: three v128 to one
  ...[0x03, 0x02, 0x01, 0x00], // functions: one, of that type
  ...[0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, 0x85, 0x02, 0x0b], // its code
);

/** The best that the engine has. */
export function wasmSimd(engine: Pick<typeof WebAssembly, "validate"> = WebAssembly): WasmSimd {
  return engine.validate(MULTIPLY_ADD) ? "relaxed" : "plain";
}
