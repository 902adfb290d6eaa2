import { describe, it } from "./bdd.ts";
import { assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { exportsAreTaken, type Names } from "../.ci/exports.ts";
import { exportsOf, importsOf } from "../.ci/source.ts";

const ROOT = new URL("../", import.meta.url);
const ENTRIES = [
  ...Object.values(config.exports).map((path) => path.slice(2)),
  "core/kernels/build.ts",
  "display/explain/build.ts",
  "display/dashboard/build.ts",
  "display/dashboard/page/page.ts",
];

/** What tests, measurements or scripts take, and the library itself does not. */
const OTHERS: Names = {
  "backward/rules/elementwise.ts": ["tanhBackward"],
  "backward/rules/linalg.ts": ["matmulBackward"],
  "core/backend/native/kernel_file.ts": ["sourceTexts"],
  "core/backend/native/open_library.ts": ["CALLS", "SYMBOLS", "WASM_SYMBOLS"],
  "core/backend/wasm/wasm.ts": ["wasmBuild"],
  "core/format.ts": ["Printable"],
  "core/io/safetensors/strict_json.ts": ["parseStrictJson"],
  "core/io/torch/torch.ts": ["decodingTorch"],
  "core/kernels/wasm_bytes.js": ["WASM_SOURCES"],
  "core/memory/pool.ts": ["MAX_KEPT", "PASSES_KEPT", "setReuse", "bytesKept"],
  "core/random/generator.ts": ["GeneratorState", "encodeState", "decodeState"],
  "core/random/torch_streams.ts": ["shuffledOrder"],
  "datasets/download/download.ts": ["DownloadOptions", "withFileLock"],
  "datasets/named/mnist.ts": ["loadMnistOf"],
  "display/dashboard/build.ts": ["pageSources", "pageFingerprint"],
  "display/dashboard/page_files.ts": ["PAGE_FINGERPRINT"],
  "display/history/records.ts": ["crc32c"],
  "layers/nn/tabular_model.ts": ["embeddingSize"],
  "layers/train/export/layer_sources.ts": ["LAYERS"],
};

function readRoom(folder: string): [path: string, text: string][] {
  return Array.from(Deno.readDirSync(new URL(folder, ROOT))).flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return readRoom(path);
    return /\.[jt]s$/.test(name) ? [[path, Deno.readTextFileSync(new URL(path, ROOT))]] : [];
  });
}

const files = new Map([
  ...["core", "backward", "layers", "datasets", "display", "cli"].flatMap(readRoom),
  ["mod.ts", Deno.readTextFileSync(new URL("mod.ts", ROOT))] as const,
]);

describe("the library's exports", () => {
  it("are taken by another file, or stand in an entry point, each of them", () => {
    assertEquals(exportsAreTaken(ENTRIES, OTHERS)(files), []);
  });
});

describe("importsOf()", () => {
  const names = (text: string) => importsOf("core/x.ts", text).map(({ names }) => names);

  it("gives the names that are taken, as the other file calls them", () => {
    const text =
      'import { a as b, type C } from "./a.ts";\nexport { d as e } from "./d.ts";\nimport f, { g } from "./f.ts";\n';
    assertEquals(names(text), [["a", "C"], ["d"], ["default", "g"]]);
  });
  it("gives null where everything is taken, and no names where a file is only run", () => {
    const text = 'import * as a from "./a.ts";\nexport * from "./b.ts";\nawait import("./c.ts");\nimport "./d.ts";\n';
    assertEquals(names(text), [null, null, null, []]);
  });
});

describe("exportsOf()", () => {
  it("finds what is declared, whatever it is", () => {
    const text = "export function a() {}\nexport async function b() {}\nexport function* c() {}\nexport class D {}\n" +
      "export abstract class E {}\nexport const f = 1;\nexport let g: number;\nexport interface H {}\nexport type I = 1;\n";
    assertEquals(exportsOf(text), ["a", "b", "c", "D", "E", "f", "g", "H", "I"]);
  });
  it("finds what is listed, under the name that others see", () => {
    assertEquals(exportsOf('export { a, b as c, type D };\nexport type { E };\nexport { f } from "./f.ts";\n'), [
      ...["a", "c", "D", "E", "f"],
    ]);
  });
  it("overlooks comments, strings and what is not exported", () => {
    assertEquals(exportsOf('// export const a = 1;\nconst b = "export const c = 1";\nfunction d() {}\n'), []);
  });
});

describe("exportsAreTaken()", () => {
  const complaints = (texts: Record<string, string>, others: Names = {}) =>
    exportsAreTaken(["mod.ts"], others)(new Map(Object.entries(texts)));
  const library = {
    "mod.ts": 'export { a } from "./core/a.ts";',
    "core/a.ts": 'import type { B } from "./b.ts";\nexport const a = 1;',
    "core/b.ts": "export interface B {}\nconst c = 1;",
  };

  it("accepts what a file of the library takes by name, by a star or dynamically, and what an entry point holds", () => {
    assertEquals(complaints(library), []);
    assertEquals(complaints({ ...library, "core/a.ts": 'import * as b from "./b.ts";\nexport const a = b;' }), []);
    assertEquals(complaints({ ...library, "core/a.ts": 'export const a = import("./b.ts");' }), []);
  });
  it("refuses what nobody takes, or only a test", () => {
    const bad = { ...library, "core/b.ts": "export interface B {}\nexport const c = 1;" };
    const test = { "tests/b.test.ts": 'import { c } from "../core/b.ts";' };
    for (const texts of [bad, { ...bad, ...test }]) {
      assertEquals(complaints(texts), [
        "core/b.ts exports c, which nothing takes: name it in an entry point, or keep it in its file",
      ]);
    }
  });
  it("refuses a name that another file of the same name has", () => {
    assertEquals(complaints({ ...library, "core/c.ts": "export interface B {}" }).length, 1);
  });
  it("accepts what is on the list, and refuses a list that is longer than it need be", () => {
    assertEquals(complaints({ ...library, "core/c.ts": "export const c = 1;" }, { "core/c.ts": ["c"] }), []);
    assertEquals(complaints(library, { "core/b.ts": ["B"] }), ["core/b.ts: take B off the list of exports"]);
    assertEquals(complaints(library, { "core/b.ts": ["gone"] }), ["core/b.ts: take gone off the list of exports"]);
    assertEquals(complaints(library, { "core/d.ts": [] }), ["core/d.ts is not there: take it off the list of exports"]);
  });
});
