import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Generator } from "../../core/random/generator.ts";
import { inFolder } from "../core/io/in_folder.ts";
import { lastJson, mayRun, runScript, type Said } from "./run_script.ts";

/** 300 plants of three kinds that differ in size and colour; some sizes are not known. */
function plants(): string {
  const g = new Generator(3);
  const rows = Array.from({ length: 300 }, (_, i) => {
    const kind = i % 3;
    const size = g.nextFloat() < 0.05 ? "" : (kind + g.nextNormal() / 4).toFixed(2);
    return `${size},${kind === 1 ? "red" : "blue"},${["moss", "rose", "tree"][kind]}`;
  });
  return ["size,colour,kind", ...rows, ""].join("\n");
}

/** 300 prices that are a line of area and rooms, with noise. */
function prices(): string {
  const g = new Generator(4);
  const rows = Array.from({ length: 300 }, () => {
    const [area, rooms] = [30 + 100 * g.nextFloat(), 1 + Math.floor(4 * g.nextFloat())];
    return `${area.toFixed(1)},${rooms},${(900 * area + 5000 * rooms + 2000 * g.nextNormal()).toFixed(0)}`;
  });
  return ["area,rooms,price", ...rows, ""].join("\n");
}

/** Runs the script on a table that stands in a folder of its own. */
async function learn(csv: string, ...args: string[]): Promise<Said> {
  let said: Said | undefined;
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/table.csv`, csv);
    const permissions = ["--allow-read", "--allow-env=GRADUS_BACKEND", `--allow-write=${folder}`];
    said = await runScript(
      "tabular.ts",
      permissions,
      `${folder}/table.csv`,
      "--out",
      `${folder}/w.safetensors`,
      ...args,
    );
  });
  return said!;
}

describe("examples/tabular.ts", () => {
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

  test("explains itself with --help", async () => {
    const said = await runScript("tabular.ts", [], "--help");
    assertEquals([said.code, said.err], [0, ""]);
    assertStringIncludes(said.out, "--target COLUMN");
  });

  test("ends with code 2 where it is used wrongly", async () => {
    const said = await runScript("tabular.ts", []);
    assertEquals(said, { code: 2, out: "", err: "error: Cannot read 0 files: name one CSV file\n       see --help\n" });
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
    const said = await runScript("tabular.ts", [], "table.csv");
    assertEquals(said.code, 1);
    assertStringIncludes(said.err, "--allow-read");
  });

  test("names the permission to write, and the flag", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/table.csv`, plants());
      const said = await runScript("tabular.ts", ["--allow-read"], `${folder}/table.csv`, "--epochs", "1");
      assertEquals(said.code, 1);
      assertStringIncludes(said.err, "--allow-write");
    }));
});
