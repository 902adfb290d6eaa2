/** How the C sources are known: by the file that includes them all, and by a fingerprint. `source_texts.js` holds them. */
import { syncFiles } from "../host/sync_files.ts";

/** Texts by their path in `core/kernels/`. */
export type Sources = Readonly<Record<string, string>>;

/** The one file that includes the others, and that is given to the compiler. */
export const MAIN_SOURCE = "kernels.c";

/** Writes sources into a folder, for a compiler. */
export function writeSources(folder: string, sources: Sources): void {
  const files = syncFiles();
  for (const [path, text] of Object.entries(sources)) {
    const slash = path.lastIndexOf("/");
    if (slash > 0) files.mkdirSync(`${folder}/${path.slice(0, slash)}`, { recursive: true });
    files.writeTextFileSync(`${folder}/${path}`, text);
  }
}

/**
 * A fingerprint of bytes or text as 16 hexadecimal digits: two 32-bit sums in the manner of FNV-1a, word by word.
 *
 * It tells versions and damage apart; it is not meant to withstand an attacker, who could as well replace the whole file.
 */
export function fingerprint(data: Uint8Array | string): string {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  // By words: this runs at every start, before the engine has compiled it.
  const words = wordsOf(bytes);
  let [a, b] = [0x811c9dc5 ^ bytes.length, 0x2f0b4c47];
  for (let i = 0; i < words.length; i++) {
    a = Math.imul(a ^ words[i], 0x01000193);
    b = Math.imul(b ^ words[i], 0x01000193) ^ (b >>> 15);
  }
  return [a, b].map((x) => (x >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The bytes as words, with zeros after them where they do not fill the last; copied only where they must be. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  if ((bytes.length | bytes.byteOffset) % 4 === 0) {
    return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return new Uint32Array(padded.buffer);
}

/** The fingerprint of all sources together, by their paths. */
export function sourcesFingerprint(sources: Sources): string {
  return fingerprint(Object.entries(sources).flat().join("\0"));
}
