import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { type CsvOptions, fromCsv, readArff } from "@gradus/gradus/data";
import { parseDate } from "../../../datasets/formats/parse_date.ts";

const streamOf = (text: string | Uint8Array<ArrayBuffer>) => new Response(text).body!;
const read = (text: string | Uint8Array<ArrayBuffer>, options: CsvOptions = {}) =>
  fromCsv(streamOf(text), { name: "a.csv", ...options });

async function notesOf(text: string | Uint8Array<ArrayBuffer>, options: CsvOptions = {}): Promise<string[]> {
  const all: string[] = [];
  await read(text, { ...options, onNote: (note) => all.push(note) });
  return all;
}

async function namesOf(text: string, options: CsvOptions = {}): Promise<string[]> {
  return (await read(text, options)).columns.map(({ name }) => name);
}

describe("the header of a CSV file", () => {
  const headers: [what: string, text: string, names: string[], first: number[]][] = [
    ["the index of a data frame", ",length,width\n0,5.1,2\n1,4.5,3\n", ["column0", "length", "width"], [0, 5.1, 2]],
    ["years over numbers", "region,2023,2024\nnorth,5,6\nsouth,7,8\n", ["region", "2023", "2024"], [0, 5, 6]],
    ["one year past its numbers", "k,2023\na,5\nb,7\na,6\n", ["k", "2023"], [0, 5]],
    ["a comma at the end", "a,b,\n1,2,\n3,4,\n", ["a", "b"], [1, 2]],
    ["two commas at the end", "a,b,,\n1,2,,\n", ["a", "b"], [1, 2]],
    ["NA for a name", "a,NA,b\n1,2,x\n3,4,y\n", ["a", "NA", "b"], [1, 2, 0]],
    ["an empty name among words", "a,,b\nx,p,y\nx,q,z\n", ["a", "column1", "b"], [0, 0, 0]],
    ["a word over numbers beside a number", "id,2020\n1,2\n2,3\n", ["id", "2020"], [1, 2]],
    ["counted columns", "k,0,1\nx,5,7\ny,6,8\n", ["k", "0", "1"], [0, 5, 7]],
  ];
  for (const [what, text, names, first] of headers) {
    it(`fromCsv() takes ${what} for a header`, async () => {
      const { x, columns, dialect } = await read(text);
      assertEquals([columns.map(({ name }) => name), dialect.header], [names, true]);
      assertEquals(x.at(0).toArray(), first.map(Math.fround));
    });
  }

  const rows: [what: string, text: string, width: number][] = [
    ["numbers beside words", "5.1,setosa\n7.0,virginica\n", 2],
    ["a gap beside a word that comes again", "Graz,,yes\nWien,no,yes\nGraz,no,no\n", 3],
    ["a year beside other years", "2023,north\n2024,south\n", 2],
    ["a gap beside numbers", ",1,2\n3,4,5\n", 3],
    ["infinity beside numbers", "inf,1\n2,3\n", 2],
    ["an odd gap beside numbers", "#N/A,1\n2,3\n", 2],
  ];
  for (const [what, text, width] of rows) {
    it(`fromCsv() takes ${what} for a row`, async () => {
      const count = text.trim().split("\n").length;
      assertEquals((await read(text)).x.shape, [count, width]);
    });
  }

  it("fromCsv() says how many empty lines it leaves out of one column, which may have been gaps", async () => {
    assertEquals(await notesOf("a\n1\n\n2\n\n"), ['a.csv: an empty line is left out: write "" where a gap is meant']);
    assertEquals(await notesOf("a\n1\n\n\n2\n"), ['a.csv: 2 empty lines are left out: write "" where a gap is meant']);
    assertEquals(await notesOf('a\n1\n""\n2\n\n'), []);
    assertEquals(await notesOf("a,b\n1,2\n\n3,4\n"), []);
  });

  it("fromCsv() leaves out a column with neither name nor value, and says so", async () => {
    assertEquals(await notesOf("a,b,\n1,2,\n"), ["a.csv: column 3 has neither a name nor a value and is left out"]);
  });

  it("fromCsv() lets a comma stand at the end of each row, or of the header, alone", async () => {
    assertEquals((await read("a,b\n1,2,\n3,4,\n")).x.toArray(), [[1, 2], [3, 4]]);
    assertEquals((await read("a,b,\n1,2\n3,4\n")).x.toArray(), [[1, 2], [3, 4]]);
    await assertRejects(() => read("a,b\n1,2,\n3,4\n"), SyntaxError, "record 3 has 2 cells, and there are 3 columns");
  });

  it("fromCsv() says so where it is in doubt", async () => {
    const [note] = await notesOf("a,5\n1,2\n");
    assertEquals(note, "a.csv: record 1 is taken for the header: say that it is none if it is a row");
  });

  it("fromCsv() trims names", async () => assertEquals(await namesOf("a, b\n1,2\n"), ["a", "b"]));
});

describe("the dialect of a CSV file", () => {
  const written: [separator: string, quote: '"' | "'", text: string][] = [
    [",", '"', 'a,b\n1,"x;y"\n2,z\n'],
    [";", '"', "a;b\n1,5;x\n2,5;y\n"],
    ["\t", '"', "a\tb\n1\tx, y\n2\tz\n"],
    ["|", '"', "a|b\n1|x\n"],
    [",", "'", "'a','b'\n1,'x,y'\n2,'z'\n"],
    [",", '"', "a,b\n1,don't\n2,'t is\n"],
  ];
  for (const [separator, quote, text] of written) {
    it(`fromCsv() finds ${JSON.stringify(separator)} and ${quote} in ${JSON.stringify(text)}`, async () => {
      const { x, dialect } = await read(text);
      assertEquals([x.shape[1], dialect.separator, dialect.quote], [2, separator, quote]);
    });
  }

  it("fromCsv() takes the separator that keeps its number from line to line", async () => {
    assertEquals((await read("a;b, c\n1;2\n3;4\n")).columns.map(({ name }) => name), ["a", "b, c"]);
  });

  it("fromCsv() takes a first line for what it tells Excel", async () => {
    const { x, columns } = await read("sep=;\r\na;b\r\n1;2\r\n");
    assertEquals([x.toArray(), columns[1].name], [[[1, 2]], "b"]);
    assertEquals((await read("sep=;\na;b\n1;2\n", { separator: ";" })).x.toArray(), [[1, 2]]);
  });

  it("fromCsv() says in a line what it guessed, and nothing of what it was told", async () => {
    assertEquals(await notesOf("a;b\n1,5;x\n"), [
      'a.csv: read as utf-8, ";" between cells, quotes ", decimal commas, a header',
    ]);
    assertEquals(await notesOf("a;b\n1,5;x\n", { separator: ";" }), []);
  });

  it("fromCsv() keeps to what it is told", async () => {
    assertEquals((await read("a;b\n1;2\n", { separator: "," })).x.shape, [1, 1]);
    assertEquals((await read("k\n'a'\n'b'\n", { quote: '"' })).columns[0].categories, ["'a'", "'b'"]);
    assertEquals((await read('k\n"a"\n', { quote: null })).columns[0].categories, ['"a"']);
    assertEquals((await read('p,n\n"1,005",1\n', { decimal: "," })).x.toArray(), [[Math.fround(1.005), 1]]);
    assertEquals((await read("p;n\n1.5;1\n", { decimal: "." })).x.toArray(), [[1.5, 1]]);
    await assertRejects(() => read("a\n", { quote: "x" as '"' }), TypeError, 'quote "x"');
    await assertRejects(() => read("a\n", { decimal: ";" as "," }), TypeError, 'decimal sign ";"');
    await assertRejects(() => read("a\n", { encoding: "utf-9" }), RangeError, 'encoding the text "utf-9"');
    await assertRejects(() => read("a\n", { dates: "ymd" as "dmy" }), TypeError, 'order of dates "ymd"');
  });

  it("fromCsv() and readArff() read lines that end in CR alone", async () => {
    assertEquals((await read("a,b\r1,2\r3,4\r")).x.toArray(), [[1, 2], [3, 4]]);
    const { x } = await readArff(streamOf("@relation r\r@attribute a real\r@attribute b real\r@data\r1,2\r"));
    assertEquals(x.toArray(), [[1]]);
  });

  it("fromCsv() keeps a CR in a cell where lines end in LF", async () => {
    assertEquals((await read('k,n\n"a\rb",1\n')).columns[0].categories, ["a\rb"]);
  });

  const bytesOf = (text: string, big: boolean) => {
    const bytes = new Uint8Array(2 * text.length), view = new DataView(bytes.buffer);
    [...text].forEach((c, i) => view.setUint16(2 * i, c.charCodeAt(0), !big));
    return bytes;
  };
  const city = "city,n\nKöln,1\nGrüß,2\n";
  const encoded: [encoding: string, bytes: Uint8Array<ArrayBuffer>][] = [
    ["utf-8", new TextEncoder().encode(city)],
    ["windows-1252", Uint8Array.from(city, (c) => c.charCodeAt(0))],
    ["utf-16le", bytesOf(`\ufeff${city}`, false)],
    ["utf-16be", bytesOf(`\ufeff${city}`, true)],
    ["utf-16le", bytesOf(city, false)],
  ];
  for (const [encoding, bytes] of encoded) {
    it(`fromCsv() finds ${encoding} in ${bytes.length} bytes that begin with ${bytes[0]}`, async () => {
      const { columns: [{ categories }], dialect } = await read(bytes);
      assertEquals([categories, dialect.encoding], [["Grüß", "Köln"], encoding]);
    });
  }

  it("fromCsv() refuses a wrong byte past the first 64 kB", async () => {
    const text = `k,n\n${"a,1\n".repeat(20_000)}ä,2\n`;
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    await assertRejects(() => read(bytes), SyntaxError, "byte 80004 (0xe4) is not UTF-8");
    assertEquals((await read(bytes, { encoding: "windows-1252" })).columns[0].categories, ["a", "ä"]);
  });
});

describe("odd cells in a column of numbers", () => {
  const column = (cell: string) => `a;b\n${"1.5;2\n".repeat(20)}${cell};2\n`;
  for (const cell of ["#N/A", "<NA>", " ?", "NaN ", "#DIV/0!", "-nan", "NaT"]) {
    it(`fromCsv() reads ${JSON.stringify(cell)} as missing, and says nothing`, async () => {
      const { x, columns } = await read(column(cell), { separator: ";" });
      assertEquals([columns[0].kind, columns[0].missing, x.at(20, 0).item()], ["numeric", 1, NaN]);
      assertEquals(await notesOf(column(cell), { separator: ";" }), []);
    });
  }

  for (const cell of ["inf", "-Infinity", "oops", "80+", "-"]) {
    it(`fromCsv() reads ${cell} as missing, and says so`, async () => {
      assertEquals((await read(column(cell))).x.at(20, 0).item(), NaN);
      const notes = await notesOf(column(cell), { separator: ";" });
      assertEquals(notes, [
        `a.csv: record 22, column "a" holds ${cell}, no number, and is read as missing: write it like 1005.5`,
      ]);
    });
  }

  it("fromCsv() counts what it read as missing", async () => {
    const [note] = await notesOf(`a\n${"1\n".repeat(40)}x\ny\nz\n`);
    assertEquals(note.slice(0, 66), 'a.csv: record 42, column "a" holds x and 2 more like it, no number');
  });

  it("fromCsv() reads grouped thousands that can be read in one way only", async () => {
    const read1 = async (cell: string) => (await read(column(cell), { dtype: "float64" })).x.at(20, 0).item();
    assertEquals(await Promise.all(["1,416.1", "1.416,1", "1,234,567", "-1.234.567", "1,416", "1.2.3"].map(read1)), [
      ...[1416.1, 1416.1, 1234567, -1234567, NaN, NaN],
    ]);
  });

  it("fromCsv() leaves out rows with such a cell, and refuses one for a target", async () => {
    const text = `a,b\n${"1,2\n".repeat(20)}inf,2\n`;
    assertEquals((await read(text, { skipIncomplete: true })).x.shape, [20, 2]);
    assertEquals((await read(text, { target: "a", skipIncomplete: true })).x.shape, [20, 1]);
    await assertRejects(() => read(text, { target: "a" }), SyntaxError, 'record 22 has no target "a"');
  });
});

describe("dates in a CSV file", () => {
  it("parseDate() counts days since 1970, and refuses days that there are not", () => {
    const days: [string, "dmy" | "mdy", number][] = [
      ["1970-01-01", "mdy", 0],
      ["1970/01/02", "mdy", 1],
      ["02.01.1970", "dmy", 1],
      ["1/2/1970", "mdy", 1],
      ["1969-12-31", "mdy", -1],
      ["2000-02-29T12:00:00Z", "mdy", 11016.5],
      ["1970-01-01 06:00+06:00", "mdy", 0],
      ["1970-02", "mdy", 31],
      ["2 Jan 1970", "mdy", 1],
      ["02-Jan-1970", "mdy", 1],
      ["January 2, 1970", "dmy", 1],
      ["Jan 2 1970 12:00", "dmy", 1.5],
      ["2 Foo 1970", "mdy", NaN],
      ["2025-13", "mdy", NaN],
      ["2025-02-29", "mdy", NaN],
      ["31/04/2025", "dmy", NaN],
      ["2025-01-01 24:00", "mdy", NaN],
      ["20250101", "mdy", NaN],
      ["1.5", "mdy", NaN],
    ];
    for (const [text, order, expected] of days) assertEquals(parseDate(text, order), expected, text);
  });

  it("fromCsv() reads a column of dates as days", async () => {
    const { x, columns } = await read("day,n\n1970-01-02,1\n,2\n1970-02-01 12:00,3\n");
    assertEquals([columns[0].kind, columns[0].missing], ["date", 1]);
    assertEquals(x.toArray(), [[1, 1], [NaN, 2], [31.5, 3]]);
  });

  it("fromCsv() finds the order of a day past 12, and says where it is in doubt", async () => {
    assertEquals((await read("d,n\n1/2/1970,1\n13/1/1970,2\n")).x.toArray(), [[31, 1], [12, 2]]);
    assertEquals(await notesOf("d,n\n1/2/1970,1\n13/1/1970,2\n"), []);
    const [note] = await notesOf("d,n\n1/2/1970,1\n");
    assertEquals(
      note,
      'a.csv: column "d" holds dates such as 1/2/1970, read as month, day, year: say which order they have',
    );
    assertEquals((await read("d,n\n1/2/1970,1\n", { dates: "dmy" })).x.toArray(), [[31, 1]]);
  });

  it("fromCsv() reads a date that is none as missing, and refuses one past the sample", async () => {
    const text = `d,n\n${"2025-01-31,1\n".repeat(20)}2025-02-31,1\n`;
    assertEquals(
      (await notesOf(text))[0].slice(0, 64),
      'a.csv: record 22, column "d" holds 2025-02-31, no date, and is r',
    );
    const late = `d,n\n${"2025-01-31,1\n".repeat(1001)}soon,1\n`;
    await assertRejects(() => read(late), SyntaxError, 'record 1003, column "d" holds "soon", no date');
  });

  it("fromCsv() keeps the minutes of a date in float64", async () => {
    const { x } = await read("d\n2025-01-01 00:01\n", { dtype: "float64" });
    assertAlmostEquals(x.item(), 20089 + 1 / 1440, 1e-9);
  });
});
