/** What is known of a file before it comes: a digest of its bytes. */

import { runInSlices } from "../../core/event_loop.ts";
import { pieces } from "../../core/io/in_steps.ts";

/** The digest of a file's bytes in lower-case hex: SHA-256, or MD5 where nobody tells a better one. */
export type Digest = { readonly sha256: string } | { readonly md5: string };

/** The digest of `bytes` of the same algorithm as `wanted`, in lower-case hex. */
export async function digestLike(bytes: Uint8Array<ArrayBuffer>, wanted: Digest): Promise<string> {
  if ("md5" in wanted) {
    // The Web's crypto has no MD5, and OpenML tells no other. Node's takes a third of the library's start: only where it is used.
    const { createHash } = await import("node:crypto");
    const hash = createHash("md5");
    return await runInSlices(function* () {
      for (const piece of pieces(bytes)) {
        hash.update(piece);
        yield;
      }
      return hash.digest("hex");
    }());
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** The digest itself, and what people call its algorithm. */
export function nameDigest(digest: Digest): { hex: string; algorithm: string } {
  return "md5" in digest ? { hex: digest.md5, algorithm: "MD5" } : { hex: digest.sha256, algorithm: "SHA-256" };
}
