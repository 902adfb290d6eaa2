import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { type ArffOptions, type CsvOptions, fromCsv, readArff } from "@gradus/gradus/data";
import { joinBytes } from "../../../core/io/in_steps.ts";
import { inFolder } from "../../core/io/in_folder.ts";
import { gzip } from "./gzip.ts";
import { pastMaxBytes } from "../../wording.ts";

const pieces = (...parts: string[]) => ReadableStream.from(parts).pipeThrough(new TextEncoderStream());
const csv = (text: string, options: CsvOptions = {}) => fromCsv(pieces(text), { name: "bad.csv", ...options });
const arff = (text: string, options: ArffOptions = {}) => readArff(pieces(text), { name: "bad.arff", ...options });

const head = "@relation r\n@attribute a string\n@attribute b real\n@data\n";

/** Calls `read` with the path of a gzipped file that contains `text`. */
async function gzipped(name: string, text: string, read: (path: string) => Promise<void>) {
  await inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/${name}`, await gzip(new TextEncoder().encode(text)));
    await read(`${folder}/${name}`);
  });
}

/** Checks the time of a task that takes a second if it is linear in the input, and minutes if it is quadratic. */
async function inLinearTime(task: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await task();
  const seconds = (performance.now() - start) / 1000;
  assert(seconds < 15, `took ${seconds} s`); // a busy machine takes 2
}

describe("readArff() in linear time", () => {
  it("readArff() refuses a row of spaces before a quote that does not end", () =>
    inLinearTime(() =>
      assertRejects(
        () => arff(`${head}${" ".repeat(1_000_000)}'x\n`),
        SyntaxError,
        "line 5 has a quote that does not end",
      )
    ));

  it("readArff() refuses spaces inside a value with a quote", () =>
    inLinearTime(() =>
      assertRejects(
        () => arff(`${head}x${" ".repeat(1_000_000)}y',1\n`),
        SyntaxError,
        "line 5 has a quote that does not end",
      )
    ));

  it("readArff() refuses an attribute of a million letters that goes on with a brace", () =>
    inLinearTime(() =>
      assertRejects(() => arff(`@relation r\n@ATTRIBUTE ${"a".repeat(1_000_000)}{\n`), SyntaxError, "line 2 gives")
    ));

  it("readArff() reads 50,000 attributes", () =>
    inLinearTime(async () => {
      const names = Array.from({ length: 50_000 }, (_, i) => `@attribute a${i} real\n`);
      const { x } = await arff(`@relation r\n${names.join("")}@data\n${Array(50_000).fill("1").join(",")}\n`);
      assertEquals(x.shape, [1, 49_999]);
    }));

  it("readArff() reads a quoted value of 16 MB, with escapes in it", async () => {
    const { columns } = await arff(`${head}'${"x".repeat(16_000_000)}\\'',1\n`);
    assertEquals(columns[0].categories[0].length, 16_000_001);
    assert(columns[0].categories[0].endsWith("x'"));
  });
});

describe("fromCsv() in linear time", () => {
  it("fromCsv() reads 200,000 columns", () =>
    inLinearTime(async () => {
      const names = Array.from({ length: 200_000 }, (_, i) => `c${i}`).join(",");
      const { x, columns } = await csv(`${names}\n${Array(200_000).fill("2").join(",")}\n`);
      assertEquals([x.shape, columns.at(-1)!.name], [[1, 200_000], "c199999"]);
    }));

  it("fromCsv() refuses rows shorter than the first before it looks at their columns", () =>
    inLinearTime(() =>
      assertRejects(
        () => csv(`${"1,".repeat(500_000)}1\n${"1\n".repeat(999)}`),
        SyntaxError,
        "record 2 has 1 cells, and there are 500001 columns",
      )
    ));

  it("fromCsv() reads a cell of 20 MB that begins like a number", async () => {
    const notes: string[] = [];
    const text = `a;b\n${"1;2\n".repeat(99)}1${",000".repeat(5_000_000)};2\n`;
    const { columns } = await csv(text, { separator: ";", onNote: (note) => notes.push(note) });
    assertEquals([columns[0].kind, columns[0].missing, notes.length], ["numeric", 1, 1]);
  });

  it("fromCsv() reads a quoted cell of many pieces, lines and quotes", async () => {
    const cell = 'ab\n""'.repeat(100_000);
    const parts = [`k,n\n"`, ...cell.match(/[^]{1,3333}/g)!, '",1\n"",2\n'];
    const { columns } = await fromCsv(pieces(...parts));
    assertEquals(columns[0].categories, [cell.replaceAll('""', '"')]);
    assertEquals(columns[0].missing, 1);
  });

  it("fromCsv() passes over empty lines, and keeps none of them", async () => {
    assertEquals((await csv(`\n\na\n${"\n".repeat(2_000_000)}1\r\n\r\n2`)).x.toArray(), [[1], [2]]);
  });
});

describe("a text within its cap", () => {
  it("fromCsv() refuses a table past maxBytes, and takes one of just so many", async () => {
    const text = `a,b\n${"1,2\n".repeat(1000)}`; // 2 columns of 256 bytes, and 8,000 of numbers
    assertEquals((await csv(text, { maxBytes: 2 * 256 + 8000 })).x.shape, [1000, 2]);
    await assertRejects(
      () => csv(text, { maxBytes: 2 * 256 + 7999 }),
      RangeError,
      `Cannot read bad.csv: row 1000 ${pastMaxBytes(8_511, 8_512)}`,
    );
  });

  it("readArff() refuses a table past maxBytes, and categories past it", async () => {
    await assertRejects(
      () => arff(`${head}${"x,2\n".repeat(1000)}`, { maxBytes: 5_000 }),
      RangeError,
      pastMaxBytes(5_000),
    );
    const words = Array.from({ length: 1000 }, (_, i) => `w${i},1\n`).join("");
    await assertRejects(() => arff(head + words, { maxBytes: 50_000 }), RangeError, pastMaxBytes(50_000));
  });

  it("fromCsv() refuses gzipped text that says more than 256 MiB when nothing else is said, before it inflates", () =>
    inFolder(async (folder) => {
      const bytes = new Uint8Array(300_000); // with fewer, such a length could not be true
      new DataView(bytes.buffer).setUint32(bytes.length - 4, 2 ** 28 + 1, true);
      await Deno.writeFile(`${folder}/a.csv.gz`, bytes);
      const wanted = `what byte 299996 tells ${pastMaxBytes(2 ** 28, 2 ** 28 + 1)}`;
      await assertRejects(() => fromCsv(`${folder}/a.csv.gz`), RangeError, wanted);
    }));

  it("fromCsv() refuses gzipped text past maxBytes, of several members that each say little", () =>
    inFolder(async (folder) => {
      const member = await gzip(new TextEncoder().encode("\n".repeat(1_000_000)));
      await Deno.writeFile(`${folder}/a.csv.gz`, joinBytes([member, member]));
      await assertRejects(
        () => fromCsv(`${folder}/a.csv.gz`, { maxBytes: 1_500_000 }),
        RangeError,
        "its text comes to",
      );
    }));

  it("fromCsv() reads gzipped text of several members", () =>
    inFolder(async (folder) => {
      const members = await Promise.all(["a,b\n1", ",2\n3,4\n"].map((text) => gzip(new TextEncoder().encode(text))));
      await Deno.writeFile(`${folder}/a.csv.gz`, joinBytes([...members, new Uint8Array(10)]));
      assertEquals((await fromCsv(`${folder}/a.csv.gz`)).x.toArray(), [[1, 2], [3, 4]]);
    }));

  it("fromCsv() refuses gzipped commas and gzipped quotes that would fill the memory", async () => {
    for (
      const [mark, found] of [[",", "columns comes to"], ['"', "characters comes to"], ["x", "characters comes to"]]
    ) {
      await gzipped("a.csv.gz", `a,b\n${mark.repeat(40_000_000)}`, async (path) => {
        await assertRejects(() => fromCsv(path, { header: false }), RangeError, pastMaxBytes(2 ** 28), found);
      });
    }
  });

  it("readArff() refuses one gzipped line that would fill the memory", () =>
    gzipped("a.arff.gz", `${head}${"1,".repeat(20_000_000)}`, async (path) => {
      await assertRejects(() => readArff(path), RangeError, "characters comes to");
    }));

  it("fromCsv() ends a stream without end", async () => {
    const line = new TextEncoder().encode("1".repeat(1 << 16));
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(line) });
    await assertRejects(() => fromCsv(endless), RangeError, "Cannot read CSV: a line of 134221824 characters comes to");
  });

  it("fromCsv() refuses a cap that is no number of bytes", async () => {
    await assertRejects(() => csv("a\n1\n", { maxBytes: NaN }), RangeError, "Cannot set maxBytes to NaN");
    await assertRejects(() => csv("a\n1\n", { maxBytes: -1 }), RangeError, "Cannot set maxBytes to -1");
  });
});
