import { assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { tensor } from "@gradus/gradus";
import { type SchemaColumn, type SchemaOptions, TableSchema } from "@gradus/gradus/data";
import { readSafetensors, writeSafetensors } from "@gradus/gradus/io";
import { inFolder } from "../../core/io/in_folder.ts";

const named = (text: string) => new File([text], "t.csv");
const fit = (text: string, options: SchemaOptions = {}) => TableSchema.fit(named(text), options);

const wordsOf = (column: SchemaColumn) => column.kind === "categorical" ? column.categories : [];

async function notesOf(text: string, options: SchemaOptions = {}): Promise<string[]> {
  const all: string[] = [];
  await fit(text, { ...options, onNote: (note) => all.push(note) });
  return all;
}

const flats = "area,city,garden,price\n30,Graz,yes,1\n50,Wien,no,2\n,Graz,no,3\n70,Wien,,4\n30,Linz,no,5\n";

describe("TableSchema.fit()", () => {
  it("keeps mean, deviation and median of numbers, and that some are missing", async () => {
    const { columns: [area] } = await fit(flats, { target: "price" });
    assertEquals(area, {
      ...{ name: "area", kind: "numeric", mean: 45, std: Math.sqrt(275), median: 40, missing: 1, lenient: false },
    });
  });

  it("takes the median of very many numbers from values at even distances over all of them", async () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => `${i},${i % 3}\n`).join("");
    const { columns: [x] } = await fit(`x,y\n${rows}`, { target: "y" });
    assertEquals((x as { median: number }).median, 49_998); // of 0, 4, 8, … 99,996: the mean of 49,996 and 50,000
  });

  it("keeps words by frequency, and none that stands in fewer rows than minCount", async () => {
    const { columns } = await fit(flats, { target: "price" });
    assertEquals(columns[1], {
      name: "city",
      kind: "categorical",
      categories: ["Graz", "Wien"],
      words: 3,
      missing: 0,
      lenient: false,
    });
    const { columns: all } = await fit(flats, { target: "price", minCount: 1, maxCategories: 1 });
    assertEquals(wordsOf(all[1]), ["Graz"]);
  });

  it("keeps the commonest of many words, whatever letter they begin with", async () => {
    const cities = Array.from({ length: 60 }, (_, i) => `A${i}`).flatMap((city) => [city, city]);
    const rows = [...cities, ...Array(30).fill("Zurich"), ...Array(20).fill("Zagreb")];
    const { columns } = await fit(`city,n\n${rows.map((city, i) => `${city},${i % 7}\n`).join("")}`, {
      maxCategories: 3,
    });
    assertEquals(wordsOf(columns[0]), ["Zurich", "Zagreb", "A0"]);
  });

  it("knows yes and no, and the commoner of them", async () => {
    const { columns } = await fit(flats, { target: "price" });
    assertEquals(columns[2], { name: "garden", kind: "boolean", common: 0, missing: 1, lenient: false });
  });

  it("keeps the scales of the parts of dates", async () => {
    const { columns, featureNames } = await fit("day,n\n2024-01-01,1\n2025-01-03,2\n");
    assertEquals(columns[0], {
      ...{ name: "day", kind: "date", order: "mdy", median: 19723 + 184, hour: null, missing: 0, lenient: false },
      ...{ year: { mean: 2024.5, std: 0.5 }, day: { mean: 2, std: 1 }, elapsed: { mean: 19907, std: 184 } },
    });
    assertEquals(featureNames, ["day month", "day weekday", "day year", "day day", "day elapsed", "n"]);
  });

  it("takes a later year, another number and another word than the only one for nothing that was learned", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => `2024-0${1 + i % 9}-1${i % 9},7,yes,${i}`);
    const schema = await fit(["sold,rooms,garden,price", ...rows].join("\n"), { target: "price" });
    const same = await schema.read(named("sold,rooms,garden\n2024-03-12,7,yes\n"));
    const later = await schema.read(named("sold,rooms,garden\n2025-03-12,8,no\n"));
    const names = schema.featureNames;
    const differs = names.filter((_, i) => same.x.at(0, i).item() !== later.x.at(0, i).item());
    assertEquals(differs, ["sold weekday", "garden", "sold elapsed"]); // not its year, nor the rooms
    assertEquals(later.x.at(0, names.indexOf("garden")).item(), 0); // an unknown word
  });

  it("keeps the scale of a target, or its classes, sorted", async () => {
    assertEquals((await fit(flats, { target: "price" })).target, {
      ...{ name: "price", kind: "numeric", mean: 3, std: Math.SQRT2 },
    });
    const { target, outputs } = await fit(flats, { target: "city" });
    assertEquals([target, outputs], [{ name: "city", kind: "categorical", categories: ["Graz", "Linz", "Wien"] }, 3]);
    const classes = await fit(flats, { target: "price", kinds: { price: "categorical" } });
    assertEquals(classes.outputs, 5);
  });

  it("counts a target from the end over columns that are something, as where each line ends in a comma", async () => {
    assertEquals((await TableSchema.fit(new Blob(["a,b,y,\n1,2,3,\n2,3,5,\n"]), { target: -1 })).target?.name, "y");
    assertEquals((await TableSchema.fit(new Blob(["a,b,y,\n1,2,3,\n2,3,5,\n"]), { target: -2 })).target?.name, "b");
    await assertRejects(
      () => TableSchema.fit(new Blob(["a,b,\n1,2,\n2,3,\n"]), { target: -3 }),
      RangeError,
      "Cannot find the target -3 in",
    );
  });
  it("names the nearest column where a target or another column is not there", async () => {
    const fit = (options: SchemaOptions) => TableSchema.fit(new Blob(["area,city,price\n1,x,3\n2,y,5\n"]), options);
    await assertRejects(() => fit({ target: "prise" }), RangeError, 'the nearest is "price"');
    await assertRejects(
      () => fit({ kinds: { citty: "skip" } }),
      RangeError,
      'Cannot find the column "citty" in CSV: its columns are "area", "city", "price", the nearest is "city"',
    );
  });
  it("takes its statistics from the rows that it is told to, and classes from all", async () => {
    const schema = await fit(flats, { target: "city", rows: (row) => row < 2 });
    assertEquals([schema.rows, schema.fittedRows, schema.outputs], [5, 2, 3]);
    assertEquals((schema.columns[0] as { mean: number }).mean, 40);
  });

  it("leaves out ids and counters, and says so", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => `${i},u${i},${i % 2},${i * 3}\n`).join("");
    assertEquals(await notesOf(`,user,a,b\n${rows}`, { target: "b" }), [
      't.csv: column "column0" is left out: it counts the rows',
      't.csv: column "user" is left out: it has a word for nearly each row, such as "u0"',
    ]);
    const { ignored, columns } = await fit(`,user,a,b\n${rows}`, { target: "b" });
    assertEquals([ignored, columns.map(({ name }) => name)], [["column0", "user"], ["a"]]);
  });

  it("refuses text, unless it is told what to take it for", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => `what a lovely place to stay ${i},${i % 3}\n`).join("");
    const error = await assertRejects(() => fit(`review,n\n${rows}`), RangeError);
    assertEquals(
      error.message,
      'Cannot learn from column "review" of t.csv: it holds text, such as "what a lovely place to stay 0": skip it, or say that it is categorical',
    );
    assertEquals((await fit(`review,n\n${rows}`, { kinds: { review: "skip" } })).ignored, ["review"]);
    assertEquals((await fit(`review,n\n${rows}`, { kinds: { review: "categorical" } })).ignored, []);
  });

  it("refuses a row without a target, and leaves it out where it is told to", async () => {
    await assertRejects(() => fit(flats, { target: "area" }), SyntaxError, 'record 4 has no target "area"');
    assertEquals((await fit(flats, { target: "area", skipIncomplete: true })).rows, 3);
  });

  it("refuses options and sizes that there are not", async () => {
    await assertRejects(() => fit(flats, { traget: "area" } as SchemaOptions), TypeError, "the nearest is target");
    await assertRejects(() => fit(flats, { kinds: { area: "text" as "date" } }), TypeError, 'kind "text"');
    await assertRejects(() => fit(flats, { minCount: -1 }), RangeError, "minCount -1");
    await assertRejects(() => fit(flats, { target: "size" }), RangeError, 'Cannot find the target "size" in t.csv');
    await assertRejects(() => fit(flats, { rows: () => false }), RangeError, "none of its 5 rows is to be fitted by");
    await assertRejects(
      () => fit("a\n1\n2\n", { target: "a" }),
      RangeError,
      "Cannot learn a of t.csv: there is no other column",
    );
  });
});

describe("TableSchema", () => {
  it("read() gives categories, then numbers, gaps filled and told", async () => {
    const schema = await fit(flats, { target: "price" });
    const { x, y } = await schema.read(named(flats));
    assertEquals(schema.featureNames, ["city", "area", "area missing", "garden", "garden missing"]);
    assertEquals(schema.features, { categories: [3], numbers: 4 });
    const std = Math.sqrt(275);
    assertEquals(x.toArray(), [
      [1, Math.fround(-15 / std), 0, 1, 0],
      [2, Math.fround(5 / std), 0, 0, 0],
      [1, Math.fround(-5 / std), 1, 0, 0],
      [2, Math.fround(25 / std), 0, 0, 1],
      [0, Math.fround(-15 / std), 0, 0, 0],
    ]);
    assertEquals([y!.dtype, y!.toArray()], ["float64", [1, 2, 3, 4, 5]]);
  });

  it("read() reads the same columns in another order and dialect, without the target, with unknown words", async () => {
    const schema = await fit(flats, { target: "price" });
    const other = "garden;area;city\nno;50,0;Wien\n?;;Oslo\n";
    const notes: string[] = [];
    const { x, y } = await schema.read(named(other), { onNote: (note) => notes.push(note) });
    const [, wien] = (await schema.read(named(flats))).x.toArray() as number[][];
    assertEquals([x.at(0).toArray(), y], [wien, null]);
    assertEquals(x.at(1).toArray(), [0, Math.fround(-5 / Math.sqrt(275)), 1, 0, 1]);
    assertEquals(
      notes.at(-1),
      't.csv: column "city" holds "Oslo" that the schema does not tell apart: they count as unknown',
    );
    await schema.read(named(`${other}yes;1;Oslo\nno;2;Oslo\n`), { onNote: (note) => notes.push(note) });
    assertStringIncludes(notes.at(-1)!, 'column "city" holds "Oslo" and 2 more such cells that the schema');
  });

  it("gives the same numbers in one piece, part by part, and record by record", async () => {
    const schema = await fit(flats, { target: "price" });
    const { x } = await schema.read(named(flats));
    const parts = [];
    for await (const { x, cells, names } of schema.stream(named(flats), { batchSize: 2 })) {
      parts.push(...x.toArray() as number[][]);
      assertEquals([x.shape[0], names.length], [cells.length, 4]);
    }
    assertEquals(parts, x.toArray());
    const records = [
      { city: "Graz", area: 30, garden: true },
      { garden: "no", area: "50", city: "Wien" },
      { garden: false, area: null, city: "Graz" },
    ];
    assertEquals(schema.encode(records).toArray(), parts.slice(0, 3));
    assertEquals((await schema.read(records)).x.toArray(), parts.slice(0, 3));
  });

  it("read() gives the same of a table that is shorter or longer than the one that was learned from", async () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => `${i % 97},${"abc"[i % 3]}\n`);
    const schema = await fit(`x,y\n${rows.slice(0, 3_000).join("")}`, { target: "y" });
    const all = await schema.read(named(`x,y\n${rows.join("")}`));
    for (const count of [1, 2_999, 3_000, 3_001, 5_000]) {
      const { x, y } = await schema.read(named(`x,y\n${rows.slice(0, count).join("")}`));
      assertEquals([x.shape, y!.shape], [[count, 1], [count]]);
      assertEquals(x.sub(all.x.slice(0, 0, count)).abs().sum().item(), 0);
      assertEquals(y!.toArray(), all.y!.slice(0, 0, count).toArray());
    }
  });

  it("stream() reads more than maxBytes allows to be in memory, which read() refuses", async () => {
    const schema = await fit("a,b\n1,2\n3,4\n");
    const text = `a,b\n${"1,2\n".repeat(10_000)}`; // 80,000 bytes as tensors
    await assertRejects(() => schema.read(named(text), { maxBytes: 50_000 }), RangeError, "maxBytes allows 50000");
    let rows = 0;
    for await (const { x } of schema.stream(named(text), { maxBytes: 50_000 })) rows += x.shape[0];
    assertEquals(rows, 10_000);
  });

  it("is fitted to records as to a file", async () => {
    const records = [{ a: 1, day: new Date("2025-01-01T00:00Z"), k: true }, { a: 2.5, day: null, k: false }];
    const schema = await TableSchema.fit(records);
    assertEquals(schema.columns.map(({ kind }) => kind), ["numeric", "date", "boolean"]);
    const file = await fit("a,day,k\n1,2025-01-01T00:00:00.000Z,true\n2.5,,false\n");
    assertEquals(JSON.stringify(schema), JSON.stringify(file));
  });

  it("is the same after JSON, and inside of a safetensors file", () =>
    inFolder(async (folder) => {
      const schema = await fit(flats, { target: "city" });
      const metadata = { schema: JSON.stringify(schema) };
      await writeSafetensors(`${folder}/m.safetensors`, { w: tensor([1]) }, metadata);
      const text = (await readSafetensors(`${folder}/m.safetensors`)).metadata.get("schema")!;
      const later = TableSchema.fromJSON(JSON.parse(text));
      assertEquals(later.toJSON(), schema.toJSON());
      assertEquals((await later.read(named(flats))).x.toArray(), (await schema.read(named(flats))).x.toArray());
    }));

  it("names a column that is missing, or new, and takes those that it left out", async () => {
    const schema = await fit(flats, { target: "price", kinds: { garden: "skip" } });
    const read = (text: string) => schema.read(named(text));
    await assertRejects(
      () => read("area,garden\n1,yes\n"),
      RangeError,
      'it lacks the column "city" that was learned from',
    );
    await assertRejects(() => read("area,city,age\n1,Graz,3\n"), RangeError, 'the column "age" is new');
    assertEquals((await read("area,city\n1,Graz\n")).x.shape, [1, 3]);
    assertEquals((await read("area,city,garden\n1,Graz,yes\n")).x.shape, [1, 3]);
    assertThrows(() => schema.encode({ area: 1 }), RangeError, 'lacks the column "city"');
    assertThrows(
      () => schema.encode([{ area: 1, city: "Graz" }, { area: 1 } as never]),
      RangeError,
      'record 2 lacks "city"',
    );
    assertThrows(() => schema.encode({ area: 1, city: "Graz", age: 3 }), RangeError, '"age" is new');
  });

  it("names a cell that its column cannot hold, and a class that was not learned", async () => {
    const schema = await fit(flats, { target: "city" });
    const read = (text: string) => schema.read(named(text));
    await assertRejects(
      () => read("area,garden,price\nred,no,1\n"),
      SyntaxError,
      'record 2, column "area" holds "red", no number',
    );
    await assertRejects(
      () => read("area,garden,price\n1e300,no,1\n"),
      SyntaxError,
      'column "area" holds 1e300, too far from',
    );
    await assertRejects(() => read("area,garden,price\n1,maybe,1\n"), SyntaxError, '"maybe", neither yes nor no');
    await assertRejects(
      () => read("area,garden,price,city\n1,no,1,Oslo\n"),
      SyntaxError,
      'column "city" holds "Oslo", and the classes are "Graz"',
    );
    const { y } = await schema.read(named("area,garden,price,city\n1,no,1,Oslo\n"), { target: false });
    assertEquals(y, null);
  });

  it("describe() says in a line what is kept of each column", async () => {
    const schema = await fit(`${flats}30,Graz,yes,3\n`.replace("price", "day").replaceAll(/,(\d)$/gm, ",2025-01-0$1"));
    assertEquals(schema.describe(), [
      "area: numeric, mean 42.00, std 16.00, 1 empty",
      "city: 3 categories, 2 of them told apart",
      "garden: yes or no, 1 empty",
      "day: dates",
    ]);
  });

  it("toTargets() scales numbers, and toAnswers() gives them back in their unit", async () => {
    const schema = await fit("a,b\n1,10\n2,30\n", { target: "b" });
    const targets = schema.toTargets(tensor([10, 30], { dtype: "float64" }));
    assertEquals([targets.dtype, targets.toArray()], ["float32", [[-1], [1]]]);
    assertEquals(schema.toAnswers(targets), [{ value: 10 }, { value: 30 }]);
  });

  it("toAnswers() gives the likeliest class, and the softmax of the outputs", async () => {
    const schema = await fit("a,k\n1,x\n2,y\n", { target: "k" });
    const [{ value, probabilities }] = schema.toAnswers(tensor([[0, Math.log(3)]]));
    assertEquals(value, "y");
    assertAlmostEquals(probabilities![1], 0.75, 1e-7); // log(3) in float32
    assertThrows(() => schema.toAnswers(tensor([[1, 2, 3]])), RangeError, "expected [rows, 2]");
  });

  it("fromJSON() refuses what is no schema, and says where", async () => {
    const good = JSON.parse(JSON.stringify(await fit(flats, { target: "price" })));
    const damages: [change: (json: typeof good) => unknown, message: string][] = [
      [() => null, "it is no object"],
      [(json) => ({ ...json, format: "x" }), 'its format is "x"'],
      [(json) => ({ ...json, columns: [] }), "it has no columns"],
      [(json) => ({ ...json, columns: [{ ...json.columns[0], mean: "1" }] }), "columns[0].mean is no finite number"],
      [(json) => ({ ...json, columns: [{ ...json.columns[0], std: -1 }] }), "columns[0].std is -1"],
      [(json) => ({ ...json, columns: [json.columns[0], json.columns[0]] }), "a name comes twice"],
      [(json) => ({ ...json, columns: [{ ...json.columns[1], categories: ["a", "a"] }] }), "a word comes twice"],
      [(json) => ({ ...json, target: { ...json.target, kind: "date" } }), 'target.kind is "date"'],
    ];
    for (const [change, message] of damages) {
      assertThrows(() => TableSchema.fromJSON(change(good)), SyntaxError, message);
    }
  });
});
