/** A hash of tensors: equal only where each bit is. */
import type { Tensor } from "../../../mod.ts";

/** The SHA-256 of what the tensors hold, one after another. */
export async function hashOf(tensors: readonly Tensor[]): Promise<string> {
  const parts = tensors.map((x) => {
    const { data } = x.detach().clone();
    return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength).slice();
  });
  const hash = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return new Uint8Array(hash).toHex();
}
