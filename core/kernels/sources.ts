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
 * A fingerprint of bytes or text as 16 hexadecimal digits: 32 bits of all words, turned by five places
 * after each, and 32 of a sum of what those were after each word.
 *
 * It tells versions and damage apart; it is not meant to withstand an attacker, who could as well replace the whole file.
 */
export function fingerprint(data: Uint8Array | string): string {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const words = new Int32Array(4 * Math.ceil(bytes.length / 16));
  new Uint8Array(words.buffer).set(bytes);
  let a = 0x2f0b4c47, b = bytes.length;
  // This runs at every start, over the whole library, before the engine has compiled it: hence four words a turn, and only integers.
  for (let i = 0; i < words.length; i += 4) {
    a = (a << 5 | a >>> 27) ^ words[i], b = (b + a) | 0;
    a = (a << 5 | a >>> 27) ^ words[i + 1], b = (b + a) | 0;
    a = (a << 5 | a >>> 27) ^ words[i + 2], b = (b + a) | 0;
    a = (a << 5 | a >>> 27) ^ words[i + 3], b = ((b << 5) - b + a) | 0;
  }
  return [a, b].map((x) => (x >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The fingerprint of all sources together, by their paths. */
export function sourcesFingerprint(sources: Sources): string {
  return fingerprint(Object.entries(sources).flat().join("\0"));
}
