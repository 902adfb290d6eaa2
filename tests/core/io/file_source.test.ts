import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { tensor } from "@gradus/gradus";
import { fromCsv, readArff, readIdx } from "@gradus/gradus/data";
import {
  encodeNpy,
  encodeNpz,
  encodeSafetensors,
  readNpy,
  readNpz,
  readSafetensors,
  readSafetensorsHeader,
  readTorch,
} from "@gradus/gradus/io";
import { inFolder } from "./in_folder.ts";

const w = tensor([[1, 2], [3, 4]]);

/** Bytes in each form in which a file may be given. */
const forms = (bytes: Uint8Array) => {
  const copy = bytes.slice();
  return { bytes: copy, blob: new Blob([copy]), file: new File([copy], "w.bin"), response: new Response(copy) };
};

describe("a file's path", () => {
  it("is refused where it is a folder's", () =>
    inFolder(async (folder) => {
      for (const read of [readNpy, readNpz, readSafetensors, readSafetensorsHeader, readTorch, readIdx]) {
        const error = await assertRejects(() => read(folder), Deno.errors.IsADirectory);
        assertEquals(error.message, `Cannot read ${folder}: it is a folder, name a file in it`);
      }
    }));
});

describe("a file in place of its path", () => {
  it("readNpy(), readNpz() and readSafetensors() take bytes, a Blob, a File and a Response", async () => {
    for (const source of Object.values(forms(encodeNpy(w)))) {
      assertEquals((await readNpy(source)).toArray(), w.toArray());
    }
    for (const source of Object.values(forms(encodeNpz({ w })))) {
      assertEquals((await readNpz(source)).get("w")!.toArray(), w.toArray());
    }
    for (const source of Object.values(forms(encodeSafetensors({ w })))) {
      assertEquals((await readSafetensors(source)).tensors.get("w")!.toArray(), w.toArray());
    }
  });
  it("readIdx() takes them, and leaves the caller's bytes as they were", async () => {
    const idx = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 6);
    for (const source of Object.values(forms(idx))) assertEquals((await readIdx(source)).toArray(), [5, 6]);
    const x = await readIdx(idx);
    x.add_(1);
    assertEquals([...idx.subarray(8)], [5, 6]);
  });
  it("fromCsv() and readArff() take a Blob and a Response, and inflate a File whose name ends in .gz", async () => {
    const csv = "x,y\n1,2\n", arff = "@relation r\n@attribute x numeric\n@attribute y numeric\n@data\n7,1\n";
    for (const source of [new Blob([csv]), new Response(csv)]) {
      assertEquals((await fromCsv(source)).x.toArray(), [[1, 2]]);
    }
    for (const source of [new Blob([arff]), new Response(arff)]) {
      assertEquals((await readArff(source)).x.toArray(), [[7]]);
    }
    const gzip = await new Response(new Blob([csv]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    assertEquals((await fromCsv(new File([gzip], "x.csv.gz"))).x.toArray(), [[1, 2]]);
  });
  it("errors name a File by its name, and what has none as the bytes", async () => {
    await assertRejects(() => readNpy(new File(["no"], "w.npy")), SyntaxError, "Cannot read w.npy");
    await assertRejects(() => readNpy(new Uint8Array(2)), SyntaxError, "Cannot read the bytes");
  });
  it("a Response that is an error is refused", async () => {
    const missing = () => new Response("not here", { status: 404 });
    await assertRejects(() => readNpy(missing()), Error, "Cannot read the bytes: the server answered 404");
    await assertRejects(() => fromCsv(missing()), Error, "Cannot read CSV: the server answered 404");
  });
  it("maxBytes holds for a Blob before it is read, and for a Response while it arrives", async () => {
    const bytes = encodeNpy(w).slice();
    for (const source of [new Blob([bytes]), new Response(bytes)]) {
      await assertRejects(() => readNpy(source, { maxBytes: 8 }), RangeError, "maxBytes allows 8");
    }
  });
});
