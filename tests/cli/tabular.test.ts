import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { Generator } from "@gradus/gradus";
import { readSafetensors } from "@gradus/gradus/io";
import { inFolder } from "../core/io/in_folder.ts";
import { lastJson, mayRun, runScript, type Said } from "./run_script.ts";

/** 300 plants of three kinds that differ in size and colour; some sizes are missing. */
function plants(): string {
  const g = new Generator(3);
  const rows = Array.from({ length: 300 }, (_, i) => {
    const kind = i % 3;
    const size = g.nextFloat() < 0.05 ? "" : (kind + g.nextNormal() / 4).toFixed(2);
    return `${size},${kind === 1 ? "red" : "blue"},${["moss", "rose", "tree"][kind]}`;
  });
  return ["size,colour,kind", ...rows, ""].join("\n");
}

/** 300 prices, linear in area and rooms, with noise. */
function prices(): string {
  const g = new Generator(4);
  const rows = Array.from({ length: 300 }, () => {
    const [area, rooms] = [30 + 100 * g.nextFloat(), 1 + Math.floor(4 * g.nextFloat())];
    return `${area.toFixed(1)},${rooms},${(900 * area + 5000 * rooms + 2000 * g.nextNormal()).toFixed(0)}`;
  });
  return ["area,rooms,price", ...rows, ""].join("\n");
}

/** 300 rows of a time in milliseconds, and what grows with it. */
function times(): string {
  return ["time,i", ...Array.from({ length: 300 }, (_, i) => `${1_700_000_000_000 + i * 50},${i}`), ""].join("\n");
}

/** Runs the script on a table in a folder of its own. */
async function learn(csv: string, ...args: string[]): Promise<Said> {
  let said: Said | undefined;
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/table.csv`, csv);
    const permissions = ["--allow-read", "--allow-env=GRADUS_BACKEND", `--allow-write=${folder}`];
    said = await runScript(
      "tabular",
      permissions,
      `${folder}/table.csv`,
      "--out",
      `${folder}/w.safetensors`,
      ...args,
    );
  });
  return said!;
}

describe("tabular", () => {
  const test = mayRun ? it : it.skip;

  test("learns classes from numbers, words and empty cells", async () => {
    const said = await learn(plants(), "--epochs", "20", "--json");
    assertEquals(said.err, "");
    const { target, rows, train, test, features, accuracy, baseline } = lastJson(said);
    assertEquals([target, rows, train, test, features], ["kind", 300, 240, 60, 3]);
    assert(Number(accuracy) > 0.9 && Number(baseline) < 0.5, `${accuracy} ${baseline}`);
    assertMatch(said.out, /size: numeric, mean \d\.\d+, std 0\.\d+, \d+ empty/);
    assertMatch(said.out, /class +precision +recall +f1 +rows\nmoss/);
  });

  test("learns numbers and reports them in their own units", async () => {
    const said = await learn(prices(), "--target", "price", "--epochs", "30", "--json");
    const { r2, mae } = lastJson(said);
    assert(Number(r2) > 0.97 && Number(mae) < 6000, `${r2} ${mae}`); // the noise alone is off by 1,600 on average
  });

  test("takes semicolons, tabs and bars for what they are, and gives the same numbers", async () => {
    const tables = [",", ";", "\t", "|"].map((separator) => prices().replaceAll(",", separator));
    const said = await Promise.all(tables.map((table) => learn(table, "--epochs", "2", "--json")));
    assertEquals(said.map(({ code }) => code), [0, 0, 0, 0]);
    said.forEach((one) => assertEquals(lastJson(one), lastJson(said[0])));
  });

  test("takes --numeric, --date, --decimal, --quote, --encoding and --dates for what it guesses otherwise", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `'${i % 7},5';${1 + i % 9}/4/2021;${i % 2 ? "x" : i}\n`);
    const table = `a;day;c;y\n${rows.map((row, i) => row.replace(/\n/, `;${i % 3}\n`)).join("")}`;
    const flags = [
      "--quote",
      "'",
      "--decimal",
      ",",
      "--dates",
      "dmy",
      "--encoding",
      "windows-1252",
      "--separator",
      ";",
    ];
    const said = await learn(table, "--epochs", "1", ...flags, "--date", "day", "--numeric", "a", "--categorical", "c");
    assertEquals([said.code, said.err], [0, ""]);
    for (const line of ["a: numeric, mean 3.", "day: dates", "c: 16 categories"]) assertStringIncludes(said.out, line);
    const wrong = await learn(table, "--encoding", "foo");
    assertEquals([wrong.code, wrong.out], [2, ""]);
    assertStringIncludes(wrong.err, "Cannot use --encoding foo: there is none of that name");
    const noted = await learn("a,day,y\n1,3/4/2021,1\n2,4/4/2021,2\n3,5/4/2021,3\n", "--epochs", "1");
    assertStringIncludes(noted.err, "read as month, day, year: use --dates dmy or --dates mdy");
  });

  test("ends with code 1 where there is nothing to learn from", async () => {
    const said = await learn("a\n1\n2\n3\n");
    assertEquals(said.code, 1);
    assertMatch(said.err, /^error: Cannot learn a of .*: there is no other column to learn it from\n$/);
  });

  test("gives the same numbers for the same seed", async () => {
    const [first, second] = [await learn(plants(), "--epochs", "2"), await learn(plants(), "--epochs", "2")];
    const said = ({ out }: Said) => out.replace(/weights saved.*/, "");
    assertEquals(said(first), said(second));
  });

  test("takes numbers for classes where it is told to", async () => {
    const said = await learn(prices(), "--target", "rooms", "--classify", "--epochs", "1");
    assertStringIncludes(said.out, "to predict: rooms, 4 classes");
  });

  test("keeps the digits of times, to learn from and to predict", async () => {
    for (const target of ["i", "time"]) {
      const said = await learn(times(), "--target", target, "--epochs", "30", "--json");
      assert(Number(lastJson(said).r2) > 0.97, `${target} ${said.out}`); // a line without noise
    }
  });

  test("says that a column is constant", async () => {
    const said = await learn(times().replaceAll(/^(\d+)/gm, "0.1,$1").replace("time", "c,time"), "--epochs", "1");
    assertStringIncludes(said.out, "c: numeric, mean 0.1000, std 0.000 (constant)");
  });

  test("ends with code 1 where the target is constant", async () => {
    const said = await learn("a,b\n1,0.1\n2,0.1\n3,0.1\n4,0.1\n");
    assertEquals([said.code, said.err], [1, "error: Cannot learn b: it has one value only\n"]);
  });

  test("reads semicolons with decimal commas, header or not, as commas with points", async () => {
    const european = prices().replaceAll(",", ";").replaceAll(".", ",");
    const said = await Promise.all([
      learn(prices(), "--epochs", "2", "--json"),
      learn(european, "--epochs", "2", "--json"),
      learn(european.replace(/.*\n/, ""), "--epochs", "2", "--json"),
    ]);
    const [{ r2, features }, ...others] = said.map(lastJson);
    assertEquals(features, 2);
    others.forEach((other) => assertEquals([other.r2, other.features], [r2, features]));
  });

  test("tells a separator from as many decimal commas in the first line", async () => {
    const said = await learn("1,5;2,5\n3,5;4,5\n5,5;6,5\n7,5;8,5\n", "--epochs", "1");
    assertEquals(said.code, 0);
    assertStringIncludes(said.out, "  column0: numeric, mean");
    assertStringIncludes(said.out, "to predict: column1, a number");
  });

  test("ends with code 1 where nearly each row has a class of its own", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => `${i},"${i + 1},005"`);
    const said = await learn(["a,b", ...rows, ""].join("\n"));
    assertEquals(said.code, 1);
    assertMatch(said.err, /note: .*record 2, column "b" holds "1,005", no number/);
    assertMatch(said.err, /error: Cannot learn b: 50 rows hold 50 classes, such as "1,005"; write numbers like 1005.5/);
  });

  test("leaves out rows with an empty cell where it is told to, and says how many", async () => {
    const table = `${prices()}50,2,\n`;
    const refused = await learn(table, "--epochs", "1");
    assertMatch(refused.err, /record 302 has no target "price": fill it, or use --skip-incomplete\n$/);
    const said = await learn(table, "--epochs", "1", "--skip-incomplete", "--json");
    assertEquals(lastJson(said).rows, 300);
    assertMatch(said.err, /^note: .*: 1 of 301 rows have an empty cell and are left out\n$/);
  });

  test("takes columns for words where it is told to", async () => {
    const table = `a,rooms,price\n${"1,2,3\n1,3,4\n".repeat(500)}x,5-7,6\n`;
    const refused = await learn(table, "--epochs", "1", "--categorical", "a");
    assertMatch(refused.err, /column "rooms" holds "5-7", no number: use --categorical, or leave it empty\n$/);
    const said = await learn(table, "--epochs", "1", "--categorical", "a", "--categorical", "rooms");
    assertStringIncludes(
      said.out,
      "  a: 2 categories, 1 of them told apart\n  rooms: 3 categories, 2 of them told apart\n",
    );
  });

  test("names a header of numbers where it is told to", async () => {
    const table = `2019,2020\n${"1,2\n3,4\n".repeat(20)}`;
    const guessed = await learn(table, "--epochs", "1");
    assertStringIncludes(guessed.err, "record 1 holds numbers only and is taken as a row: use --header");
    const said = await learn(table, "--epochs", "1", "--header");
    assertEquals(said.err, "");
    assertStringIncludes(said.out, "to predict: 2020, a number");
  });

  test("ends with code 2 where the separator is no single character", async () => {
    for (const separator of ["xx", "", '"']) {
      const said = await learn(prices(), "--separator", separator);
      assertEquals(said.code, 2);
      assertMatch(said.err, /^error: Cannot use --separator ".*": expected one character, and no quote\n/);
    }
  });

  test("saves with the weights what turns a row into features, and an output into an answer", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/table.csv`, plants());
      const permissions = ["--allow-read", `--allow-write=${folder}`];
      const out = `${folder}/w.safetensors`;
      await runScript("tabular", permissions, `${folder}/table.csv`, "--epochs", "1", "--out", out);
      const { metadata } = await readSafetensors(out);
      const { target, columns: [size, colour] } = JSON.parse(metadata.get("schema")!);
      assertEquals(target, { name: "kind", kind: "categorical", categories: ["moss", "rose", "tree"] });
      assertEquals(colour, { ...colour, name: "colour", kind: "categorical", words: 2, categories: ["blue", "red"] });
      // Sizes are kind + noise: means of 0, 1 and 2, each with a deviation of 1/4.
      assertAlmostEquals(size.mean, 1, 0.2);
      assertAlmostEquals(size.std, Math.sqrt(2 / 3 + 1 / 16), 0.1);
    }));

  test("reports what its answers are worth, also as data", async () => {
    const said = await learn(plants(), "--epochs", "20", "--json");
    const facts: Record<string, unknown> = lastJson(said);
    const { classes, confusion, importance, calibration, perClass } = facts as {
      classes: string[];
      confusion: number[][];
      importance: Record<string, number>;
      calibration: { rows: number; was: number }[];
      perClass: Record<string, { precision: number; recall: number; f1: number; rows: number }>;
    };
    const [first] = confusion, taken = confusion.reduce((sum, row) => sum + row[0], 0);
    const [precision, recall] = [first[0] / taken, first[0] / first.reduce((a, b) => a + b)];
    const { f1, ...moss } = perClass.moss;
    assertEquals(moss, { precision, recall, rows: first.reduce((a, b) => a + b) });
    assertAlmostEquals(f1, 2 / (1 / precision + 1 / recall), 1e-12);
    assertEquals([classes, confusion.flat().reduce((a, b) => a + b)], [["moss", "rose", "tree"], 60]);
    assertEquals(calibration.reduce((sum, { rows }) => sum + rows, 0), 60);
    const right = calibration.reduce((sum, { rows, was }) => sum + rows * was, 0) / 60;
    assertAlmostEquals(right, facts.accuracy as number, 1e-12);
    assertEquals(Object.keys(importance).toSorted(), ["colour", "size"]);
    assert(importance.size > 0.2, `${importance.size}`); // two of the three kinds differ by it alone
    assertStringIncludes(said.out, "what shuffling a column costs in accuracy:");
    assertStringIncludes(said.out, "how sure, and how often right:");
  });

  test("ends with the weights of the best epoch", async () => {
    const said = await learn(plants(), "--epochs", "20");
    assertStringIncludes(said.out, "240 to learn from (30 of them to choose the epoch) and 60 to judge by");
  });

  test("explains itself with --help", async () => {
    const said = await runScript("tabular", [], "--help");
    assertEquals([said.code, said.err], [0, ""]);
    assertStringIncludes(said.out, "--target COLUMN");
  });

  test("ends with code 2 where it is used wrongly", async () => {
    const said = await runScript("tabular", []);
    assertEquals(said, { code: 2, out: "", err: "error: Cannot read 0 files: name one CSV file\n       see --help\n" });
    const slip = await runScript("tabular", [], "predct", "new.csv");
    assertEquals([slip.code, slip.err.split("\n")[0]], [
      2,
      "error: Cannot read 2 files: name one CSV file, after predict to use a model",
    ]);
  });

  test("ends with code 1 and one line where the table has no such column", async () => {
    const said = await learn(plants(), "--target", "weight");
    assertEquals(said.code, 1);
    assertMatch(said.err, /^error: Cannot find the target "weight" in .*\n$/);
  });

  test("shows where an error came from with --debug", async () => {
    const said = await learn(plants(), "--target", "weight", "--debug");
    assertMatch(said.err, /\n +at /);
  });

  test("names the permission to read, and the flag", async () => {
    const said = await runScript("tabular", [], "table.csv");
    assertEquals(said.code, 1);
    assertStringIncludes(said.err, "--allow-read");
  });

  test("names the permission to write, and the flag", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/table.csv`, plants());
      const said = await runScript("tabular", ["--allow-read"], `${folder}/table.csv`, "--epochs", "1");
      assertEquals(said.code, 1);
      assertStringIncludes(said.err, "--allow-write");
    }));
});
