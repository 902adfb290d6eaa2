import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { type CsvOptions, fromCsv } from "@gradus/gradus/data";
import { parseDecimalComma, parseNumber } from "../../../datasets/formats/table.ts";
import { inFolder } from "../../core/io/in_folder.ts";
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

describe("parseDecimalComma()", () => {
  it("parseDecimalComma() takes numbers with one comma or none, signs, exponents and blanks", () => {
    assertEquals(["10018,15", "-7", "+0,5", "1,5e3", " 4 "].map(parseDecimalComma), [10018.15, -7, 0.5, 1500, 4]);
  });

  it("parseDecimalComma() takes nothing with a point or a second comma", () => {
    for (const text of ["", "1.5", "1,2,3", "1.000,5", ",5", "5,", "abc"]) {
      assertEquals(parseDecimalComma(text), NaN, text);
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
      await assertRejects(
        () => fromCsv(folder),
        SyntaxError,
        `Cannot read ${folder}: it is a folder, name a file in it`,
      );
    }));
});

describe("fromCsv() with other numbers", () => {
  it("fromCsv() keeps every digit in float64", async () => {
    const { x, y } = await read("t,u\n1700000000050,0.1\n", { target: "u", dtype: "float64" });
    assertEquals([x.dtype, x.toArray(), y!.dtype, y!.toArray()], ["float64", [[1700000000050]], "float64", [0.1]]);
  });

  it("fromCsv() reads decimal commas where the separator is none", async () => {
    const { x, columns } = await read("p;n\n10018,15;1\n-3;2\n;3\n", { separator: ";" });
    assertEquals([columns[0].kind, columns[0].missing], ["numeric", 1]);
    assertEquals(x.toArray(), [[Math.fround(10018.15), 1], [-3, 2], [NaN, 3]]);
  });

  it("fromCsv() takes a first record of decimal commas for a row", async () => {
    assertEquals((await read("1,5;2,5\n3,5;4\n", { separator: ";" })).x.toArray(), [[1.5, 2.5], [3.5, 4]]);
  });

  it("fromCsv() takes commas for a part of words where one cell has a point too", async () => {
    assertEquals((await read("p;n\n1,5;1\n1.5;2\n", { separator: ";" })).columns[0].kind, "categorical");
  });

  it("fromCsv() refuses a point in a column that had decimal commas for 1,000 records", async () => {
    const message = 'record 1002, column "p" holds "1.5", no number';
    await refuses(`p;n\n${"1,5;1\n".repeat(1000)}1.5;1\n`, { separator: ";" }, message);
  });
});

describe("fromCsv() notes", () => {
  async function notes(text: string, options: CsvOptions = {}): Promise<string[]> {
    const all: string[] = [];
    await read(text, { ...options, onNote: (note) => all.push(note) });
    return all;
  }
  const numbers = (cell: string) => `a,b\n${"1,2\n".repeat(50)}${cell},2\n${"3,4\n".repeat(49)}`;

  it("fromCsv() notes nothing of a table whose columns are clear", async () => {
    assertEquals(await notes(people), []);
  });

  it("fromCsv() keeps a column of numbers in which one cell is none, and notes its record and the cure", async () => {
    for (const cell of ["inf", "0x1F", "1e400", "oops"]) {
      assertEquals(await notes(numbers(cell)), [
        `bad.csv: record 52, column "a" holds ${cell}, no number, and is read as missing: write it like 1005.5`,
      ]);
      const { x, columns } = await read(numbers(cell));
      assertEquals([columns[0].kind, columns[0].missing, x.slice(0, 49, 52).toArray()], [
        "numeric",
        1,
        [[1, 2], [NaN, 2], [3, 4]],
      ]);
    }
  });

  it("fromCsv() notes the record and the cell that make categories of more numbers than words", async () => {
    const text = `a,b\n1,x\n2,x\nred,x\n`;
    assertEquals(await notes(text), [
      `bad.csv: record 4, column "a" holds "red", no number, so the column is read as categories, ` +
      "though 2 of the first 3 values look like numbers: write it like 1005.5 or leave it empty",
    ]);
    assertEquals((await read(text)).columns[0].kind, "categorical");
  });

  it("fromCsv() notes no such cell in a column that it was told about", async () => {
    assertEquals(await notes(numbers("inf"), { columns: { a: "categorical" } }), []);
  });

  it("fromCsv() notes numbers with commas for thousands", async () => {
    const [note] = await notes('p,k\n"1,005",x\n"12,500",y\n');
    assertStringIncludes(note, 'record 2, column "p" holds "1,005", no number');
  });

  it("fromCsv() notes numbers with signs of money and per cent", async () => {
    for (const cells of [["$1.50", "$2"], ["5 %", "7 %"], ["3 €", "4 €"]]) {
      const [note] = await notes(`p,k\n${cells.map((cell) => `${cell},x\n`).join("")}`);
      assertStringIncludes(note, `holds ${JSON.stringify(cells[0])}, no number`);
    }
  });

  it("fromCsv() notes decimal commas that may stand for thousands", async () => {
    const [note] = await notes("p;k\n1,005;x\n12,500;y\n", { separator: ";" });
    assertStringIncludes(note, 'column "p" is read with decimal commas, 1,005 as 1.005');
    assertEquals(await notes("p;k\n1,005;x\n12,5;y\n", { separator: ";" }), []);
  });

  it("fromCsv() notes a first record of numbers only, unless it is told what that is", async () => {
    const message = "bad.csv: record 1 holds numbers only and is taken as a row: say that it is the header if it is";
    assertEquals(await notes("2019,2020\n1,2\n"), [message]);
    assertEquals(await notes("2019,2020\n1,2\n", { header: true }), []);
  });

  it("fromCsv() notes a header that it was told to take for a row", async () => {
    const [note] = await notes(`id,2020\n${"1,2\n2,3\n".repeat(4)}`, { header: false });
    assertMatch(note, /record 1, column "column0" holds "id", .*: say that it is the header if it is$/);
  });

  it("fromCsv() notes numbers that float32 cannot hold, and reads them in float64", async () => {
    assertEquals(await notes("a,b\n1,3.4028235e38\n1e39,2\n-1e300,2\n3.5e38,2\n"), [
      'bad.csv: record 3, column "a" holds 1e39 and 2 more like it, past float32, and became infinite: ' +
      'read it with dtype "float64"',
    ]);
    const text = "a,t\n1e39,1\n2,1e40\n";
    assertEquals(await notes(text, { dtype: "float64" }), []);
    assertEquals((await notes(text, { target: "t" })).length, 2);
    assertEquals((await read(text, { dtype: "float64" })).x.toArray(), [[1e39, 1], [2, 1e40]]);
  });

  it("fromCsv() notes the very numbers that become infinite, and no other", async () => {
    const last = 2 ** 128 - 2 ** 103, before = last - 2 ** 75; // half a step past the largest float32, and just below
    assertEquals([Math.fround(last), Math.fround(before)], [Infinity, 2 ** 128 - 2 ** 104]);
    assertEquals((await notes(`a\n${last}\n`)).length, 1);
    assertEquals(await notes(`a\n${before}\n`), []);
  });

  it("fromCsv() notes how many rows it left out", async () => {
    assertEquals(await notes(people, { skipIncomplete: true }), [
      "bad.csv: 1 of 3 rows have an empty cell and are left out",
    ]);
  });
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

  it("fromCsv() refuses an option that it does not have, and a separator that none can be", async () => {
    await assertRejects(
      () => read("a\n1\n", { sep: ";" } as CsvOptions),
      TypeError,
      'Cannot read CSV with the option "sep"',
    );
    for (const separator of ["", '"', "\n"]) {
      await assertRejects(() => read("a\n1\n", { separator }), RangeError, "Cannot separate cells by");
    }
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

  it("fromCsv() refuses to leave out every row", async () => {
    await refuses("a,b\n1,\n,2\n", { skipIncomplete: true }, "each of its 2 rows has an empty cell", RangeError);
  });

  it("fromCsv() refuses bytes that are not UTF-8, and names the first, however the pieces are cut", async () => {
    const latin1 = Uint8Array.from("a,b\nGr\u00fc\u00df,K\u00f6ln\n1,\u00e4", (c) => c.charCodeAt(0));
    const utf8 = new TextEncoder().encode("\ufeffa\nGrüß \u{1f600}\n");
    const cases = [
      [latin1, 6, "fc", { encoding: "utf-8" }],
      [new Uint8Array([...utf8, 0xe2, 0x82]), utf8.length, "e2", {}],
      [new Uint8Array([...utf8, 0xff, 0x0a]), utf8.length, "ff", {}],
    ] as const;
    for (const [bytes, at, byte, encoding] of cases) {
      for (const size of [1, 2, 3, 5, 100]) {
        const pieces = Array.from(
          { length: Math.ceil(bytes.length / size) },
          (_, i) => bytes.slice(i * size, (i + 1) * size),
        );
        const message = `byte ${at} (0x${byte}) is not UTF-8: save the file as UTF-8`;
        const options = { name: "bad.csv", ...encoding };
        await assertRejects(() => fromCsv(ReadableStream.from(pieces), options), SyntaxError, message);
      }
    }
  });

  it("fromCsv() reads characters of several bytes, however the pieces are cut", async () => {
    const bytes = new TextEncoder().encode("\ufeffk\nGrüß\n\u{1f600}€\n");
    for (const size of [1, 2, 3, 4, 7]) {
      const pieces = Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, i) => bytes.slice(i * size, (i + 1) * size),
      );
      assertEquals((await fromCsv(ReadableStream.from(pieces))).columns[0], {
        name: "k",
        kind: "categorical",
        missing: 0,
        categories: ["Grüß", "\u{1f600}€"],
      });
    }
  });

  it("fromCsv() guesses the separator for null from the first line, outside of quotes", async () => {
    const shapes: [text: string, columns: number][] = [
      ["a,b;c\n1,2;3\n", 2],
      ["a;b;c\n1;2;3\n", 3],
      ["a\tb\n1\t2\n", 2],
      ["a|b|c\n1|2|3\n", 3],
      ['"a;b;c",d\n1,2\n', 2],
      ["a\n1\n", 1],
    ];
    for (const [text, columns] of shapes) {
      assertEquals((await read(text, { separator: null })).x.shape[1], columns, text);
    }
  });

  it("fromCsv() tells a guessed separator from decimal commas", async () => {
    assertEquals((await read("1,5;2,5\n3,5;4,5\n", { separator: null })).x.toArray(), [[1.5, 2.5], [3.5, 4.5]]);
    assertEquals((await read("1,5\n3,5\n", { separator: null })).x.toArray(), [[1, 5], [3, 5]]);
  });

  it("fromCsv() refuses a separator that is no text", async () => {
    await assertRejects(
      () => read("a\n1\n", { separator: 5 as never }),
      TypeError,
      "separator the number 5: give a text",
    );
  });
});
