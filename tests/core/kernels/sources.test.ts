import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { readSources, sourceModule } from "../../../core/kernels/build.ts";
import { SOURCES_FINGERPRINT } from "../../../core/kernels/source_texts.js";
import { sourceTexts } from "../../../core/backend/native/kernel_file.ts";
import { fingerprint, MAIN_SOURCE, sourcesFingerprint, writeSources } from "../../../core/kernels/sources.ts";

const SOURCES = sourceTexts();

const FOLDER = new URL("../../../core/kernels/", import.meta.url).pathname;

describe("source_texts.js", () => {
  it("holds the C sources as they are (cure: deno task build)", async () => {
    assertEquals(SOURCES, readSources(FOLDER));
    assertEquals(SOURCES_FINGERPRINT, sourcesFingerprint(SOURCES));
    const { sourcesDeflated: now } = await import(`data:text/javascript,${encodeURIComponent(sourceModule(SOURCES))}`);
    assertEquals(JSON.stringify(sourceTexts(now())), JSON.stringify(SOURCES)); // another zlib may deflate otherwise
  });

  it("holds every file that is included, and includes every file that it holds", () => {
    const included = Object.entries(SOURCES).flatMap(([path, text]) =>
      [...text.matchAll(/^#include "(.*)"$/gm)].map(([, name]) => new URL(name, `file:///${path}`).pathname.slice(1))
    );
    assertEquals(new Set([MAIN_SOURCE, ...included]), new Set(Object.keys(SOURCES)));
  });
});

describe("writeSources()", () => {
  it("writeSources() and readSources() agree on files in folders", () => {
    const [folder, sources] = [Deno.makeTempDirSync(), { "a.c": "a\n", "room/b.h": "b\n", "room/deep/c.c": "c\n" }];
    writeSources(folder, { ...sources, "room/notes.ts": "" });
    assertEquals(readSources(folder), sources);
    Deno.removeSync(folder, { recursive: true });
  });
});

describe("fingerprint()", () => {
  it("differs for texts that differ in a letter, an order or trailing zeros", () => {
    const prints = ["abcd", "abcD", "dcba", "abcd\0", "abcd\0\0"].map(fingerprint);
    assertEquals(new Set(prints).size, prints.length);
    assertNotEquals(sourcesFingerprint({ a: "b", c: "" }), sourcesFingerprint({ a: "", c: "b" }));
  });

  it("is that of the bytes, wherever they begin in their buffer and however many there are", () => {
    const buffer = Uint8Array.from({ length: 64 }, (_, i) => i * 37);
    for (const [start, end] of [[0, 64], [4, 12], [1, 9], [8, 13], [3, 3]]) {
      assertEquals(fingerprint(buffer.subarray(start, end)), fingerprint(buffer.slice(start, end)));
    }
    assertEquals(new Set([60, 61, 62, 63, 64].map((end) => fingerprint(buffer.subarray(0, end)))).size, 5);
  });

  it("differs for each flipped bit, and for each two words that change places", () => {
    const words = Uint32Array.from({ length: 24 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0);
    const changed = (change: (copy: Uint32Array) => void) => {
      const copy = words.slice();
      change(copy);
      return fingerprint(new Uint8Array(copy.buffer));
    };
    const prints = [changed(() => {})];
    for (let bit = 0; bit < 24 * 32; bit++) prints.push(changed((copy) => copy[bit >> 5] ^= 1 << (bit & 31)));
    for (let i = 0; i < 24; i++) {
      for (let k = 0; k < i; k++) prints.push(changed((copy) => [copy[i], copy[k]] = [copy[k], copy[i]]));
    }
    assertEquals(new Set(prints).size, prints.length);
  });
});
