import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type CsvOptions, fromCsv } from "../../datasets/csv.ts";
import { parseNumber } from "../../datasets/table.ts";
import { inFolder } from "../core/io/in_folder.ts";
import { gzip } from "./gzip.ts";

const streamOf = (text: string | Uint8Array<ArrayBuffer>) => new Response(text).body!;
const read = (text: string, options: CsvOptions = {}) => fromCsv(streamOf(text), { name: "bad.csv", ...options });

async function refuses(text: string, options: CsvOptions, message: string, kind: typeof Error = SyntaxError) {
  const error = await assertRejects(() => read(text, options), kind, message);
  assert(error.message.includes("bad.csv"), error.message);
}

const people = `age,city,tall
30,Graz,yes
,Wien,no
41.5,Graz,yes
`;

describe("parseNumber()", () => {
  it("parseNumber() takes decimals, signs, exponents and blanks around them", () => {
    assertEquals(["0", "7", "-1.5", "+2", ".5", "1e3", " 4 "].map(parseNumber), [0, 7, -1.5, 2, 0.5, 1000, 4]);
  });

  it("parseNumber() takes nothing else that JavaScript does", () => {
    for (const text of ["", " ", "0x10", "0b1", "Infinity", "1_000", "1,5", "abc", "NaN"]) {
      assertEquals(parseNumber(text), NaN, text);
    }
  });
});

describe("fromCsv()", () => {
  it("fromCsv() guesses header, numbers and categories, and makes tensors of them", async () => {
    const { x, y, columns, target } = await read(people, { target: "tall" });
    assertEquals([x.dtype, x.toArray()], ["float32", [[30, 0], [NaN, 1], [41.5, 0]]]);
    assertEquals([y!.dtype, y!.toArray()], ["int32", [1, 0, 1]]);
    assertEquals(columns, [
      { name: "age", kind: "numeric", missing: 1, categories: [] },
      { name: "city", kind: "categorical", missing: 0, categories: ["Graz", "Wien"] },
    ]);
    assertEquals(target, { name: "tall", kind: "categorical", missing: 0, categories: ["no", "yes"] });
  });

  it("fromCsv() gives a numeric target as float32, found by its number from the end", async () => {
    const { x, y } = await read("1,2,3\n4,5,6\n", { target: -1 });
    assertEquals([x.toArray(), y!.dtype, y!.toArray()], [[[1, 2], [4, 5]], "float32", [3, 6]]);
  });

  it("fromCsv() names columns by number where no header is, and takes none without a target", async () => {
    const { x, y, columns, target } = await read("5.1,setosa\n7.0,virginica\n");
    assertEquals([x.toArray(), y, target], [[[5.1, 0], [7, 1]].map(([a, b]) => [Math.fround(a), b]), null, null]);
    assertEquals(columns.map(({ name }) => name), ["column0", "column1"]);
  });

  it("fromCsv() does as it is told about the header", async () => {
    assertEquals((await read("1,2\n3,4\n", { header: true })).columns.map(({ name }) => name), ["1", "2"]);
    assertEquals((await read("a\nb\n", { header: false })).x.shape, [2, 1]);
  });

  it("fromCsv() sorts categories, those that are numbers by size", async () => {
    const { y, target } = await read("k\n10\n9\nx\n9\n", { target: "k", header: true });
    assertEquals([target!.categories, y!.toArray()], [["9", "10", "x"], [1, 0, 2, 0]]);
  });

  it("fromCsv() reads columns as told, and leaves out those to skip", async () => {
    const options = { target: "class", columns: { class: "categorical", id: "skip" } } as const;
    const { x, y, columns } = await read("id,a,class\n7,1,3\n8,2,5\n", options);
    assertEquals([x.toArray(), y!.toArray(), columns.length], [[[1], [2]], [0, 1], 1]);
  });

  it("fromCsv() reads quoted cells with commas, quotes and line ends in them, and CRLF", async () => {
    const { columns } = await read('name,n\r\n"a, ""b""\nc",1\r\nd,2\r\n');
    assertEquals(columns[0].categories, ['a, "b"\nc', "d"]);
  });

  it("fromCsv() reads other separators, and a byte order mark", async () => {
    assertEquals((await read("\ufeffa;b\n1;2\n", { separator: ";" })).columns.map(({ name }) => name), ["a", "b"]);
  });

  it("fromCsv() leaves out rows with an empty cell when told", async () => {
    const { x, y } = await read(people, { target: "tall", skipIncomplete: true });
    assertEquals([x.shape, y!.toArray()], [[2, 2], [0, 0]]);
  });

  it("fromCsv() takes other words for missing", async () => {
    assertEquals((await read("a\n1\n-\n", { missing: ["-"] })).x.toArray(), [[1], [NaN]]);
  });

  it("fromCsv() reads a long file as it comes: cells far past the sample and across its pieces", async () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => `${i},${i % 3 === 0 ? "fizz" : "plain"}\n`);
    const { x } = await fromCsv(ReadableStream.from(rows).pipeThrough(new TextEncoderStream()));
    assertEquals([x.shape, [...x.data.slice(9_996)]], [[5000, 2], [4998, 0, 4999, 1]]);
  });

  it("fromCsv() reads a file, gzipped or not, and names the one it cannot read", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/a.csv`, people);
      await Deno.writeFile(`${folder}/a.csv.gz`, await gzip(new TextEncoder().encode(people)));
      for (const name of ["a.csv", "a.csv.gz"]) assertEquals((await fromCsv(`${folder}/${name}`)).x.shape, [3, 3]);
      await Deno.writeTextFile(`${folder}/b.csv`, "a,b\n1\n");
      await assertRejects(() => fromCsv(`${folder}/b.csv`), SyntaxError, `${folder}/b.csv: record 2 has 1 cells`);
      await Deno.writeTextFile(`${folder}/c.csv.gz`, "a,b\n1\n");
      await assertRejects(() => fromCsv(`${folder}/c.csv.gz`), SyntaxError, `${folder}/c.csv.gz after record 0`);
    }));
});

describe("fromCsv() refuses", () => {
  it("fromCsv() refuses a record with more or fewer cells, and names it", async () => {
    await refuses("a,b\n1,2\n1\n", {}, "record 3 has 1 cells, and there are 2 columns");
    await refuses("a,b\n1,2,3\n", {}, "record 2 has 3 cells");
  });

  it("fromCsv() refuses a word in a column that was numeric for 1,000 records", async () => {
    const message = 'record 1003, column "a" holds "oops", no number: say that it is categorical or missing';
    await refuses(`a,b\n${"1,2\n".repeat(1001)}oops,2\n`, {}, message);
  });

  it("fromCsv() refuses a row without a target", async () => {
    await refuses(people, { target: "age" }, 'record 3 has no target "age"');
  });

  it("fromCsv() refuses a target and columns that are not there, and lists those that are", async () => {
    await refuses(
      people,
      { target: "size" },
      'Cannot find the target "size" in bad.csv: its columns are "age", "city"',
      RangeError,
    );
    await refuses(people, { target: 3 }, "Cannot find the target 3", RangeError);
    await refuses(people, { columns: { size: "skip" } }, 'Cannot find the column "size"', RangeError);
  });

  it("fromCsv() refuses a name that comes twice", () => refuses("a,a\n1,2\n", {}, 'record 1 names "a" twice'));

  it("fromCsv() refuses a file of no rows", async () => {
    await refuses("", {}, "it holds no rows", RangeError);
    await refuses("a,b\n", {}, "it holds no rows", RangeError);
  });

  it("fromCsv() refuses a quote that does not end, and one inside a cell", async () => {
    await refuses('a,b\n1,"2\n', {}, "after record 1: ");
    await refuses('a,b\n1,2"3\n', {}, "after record 1: ");
  });

  it("fromCsv() refuses bytes that are not UTF-8", async () => {
    const stream = streamOf(new Uint8Array([0x61, 0x0a, 0xff, 0x0a]));
    await assertRejects(() => fromCsv(stream, { name: "bad.csv" }), SyntaxError, "Cannot read bad.csv after record");
  });
});
