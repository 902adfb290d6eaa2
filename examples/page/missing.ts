/** What a browser lacks for fast arithmetic. */
import { backendName, backendReason } from "@gradus/gradus";

/** A module of one function that uses a vector: valid where WebAssembly has SIMD. */
const WITH_SIMD = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b], // types: nothing to v128
  ...[0x03, 0x02, 0x01, 0x00], // functions: one, of that type
  ...[0x0a, 0x0a, 0x01, 0x08, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x62, 0x0b], // its code
);

const INSTEAD = "The network learns all the same, by plain loops, but much more slowly.";

/** What is missing, in a sentence, and what happens instead; `null` where WebAssembly computes. */
export function missing(
  computes = backendName(),
  engine: Pick<typeof WebAssembly, "validate"> | null = globalThis.WebAssembly ?? null,
): string | null {
  if (computes !== "reference") return null;
  if (engine === null) return `This browser has no WebAssembly, or has it switched off. ${INSTEAD}`;
  if (!engine.validate(WITH_SIMD)) {
    return `WebAssembly has no SIMD here, arithmetic on four numbers at a time. ${INSTEAD}`;
  }
  return `WebAssembly cannot be used here (${backendReason()}). ${INSTEAD}`;
}
