import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { Generator, manualSeed, nn, optim } from "@gradus/gradus";
import { DataLoader, type EncodedRows, TableSchema, TensorDataset } from "@gradus/gradus/data";
import { Learner } from "@gradus/gradus/train";
import { outputsOf, saveModel } from "../../cli/tabular_model.ts";
import { inFolder } from "../core/io/in_folder.ts";
import { decode, mayRun, runScript, type Said, spawnCommand } from "./run_script.ts";

const CITIES = ["Zurich", "Wien", "Graz", "Linz", "Brno"];
const g = new Generator(11);
const pick = <T>(list: readonly T[]) => list[Math.floor(list.length * g.nextFloat())];
const gap = (cell: string) => g.nextFloat() < 0.1 ? "" : cell;

/** Cells of a row by the names of their columns. */
type Row = Record<string, string>;

/** Tables of all kinds: what makes a row, the target, and how the file is written. */
const TABLES: [what: string, row: (i: number) => Row, target: string, separator?: string, comma?: boolean][] = [
  ["numbers", () => ({ a: `${g.nextNormal()}`, b: `${g.nextNormal() * 1e6}`, y: `${g.nextNormal()}` }), "y"],
  ["gaps", () => ({ a: gap(`${g.nextNormal()}`), b: gap("1.5"), y: pick(["x", "z"]) }), "y"],
  ["words", () => ({ city: pick(CITIES), kind: pick(["p", "q"]), y: `${g.nextFloat()}` }), "y"],
  ["words with gaps", () => ({ city: gap(pick(CITIES)), a: `${g.nextFloat()}`, y: pick(CITIES) }), "y"],
  ["yes and no", () => ({ garden: pick(["yes", "no"]), lift: gap(pick(["true", "false"])), y: pick(["1", "2"]) }), "y"],
  ["dates", (i) => ({ day: gap(`2024-0${1 + i % 9}-1${i % 10}`), a: `${i % 5}`, y: `${g.nextFloat()}` }), "y"],
  ["times", (i) => ({ day: `2024-05-0${1 + i % 9} 1${i % 10}:30`, a: gap(`${i % 7}`), y: `${g.nextFloat()}` }), "y"],
  ["semicolons", () => ({ a: `${g.nextNormal()}`, city: pick(CITIES), y: `${g.nextFloat()}` }), "y", ";", true],
  ["tabs and ids", (i) => ({ id: `u${i}`, a: `${g.nextNormal()}`, y: pick(["no", "yes"]) }), "y", "\t"],
  [
    "quotes",
    () => ({ city: pick(['"Sankt, Pölten"', '"a ""b"""', "c"]), a: `${g.nextFloat()}`, y: pick(["x", "z"]) }),
    "y",
  ],
];

function textOf(rows: readonly Row[], columns: readonly string[], separator = ",", comma = false): string {
  const cell = (text: string) => comma ? text.replace(".", ",") : text;
  return [columns, ...rows.map((row) => columns.map((name) => cell(row[name])))].map((cells) =>
    `${cells.join(separator)}\n`
  )
    .join("");
}

/** A row as it may come later: words that nobody knows, and gaps where there were none. */
function changed(row: Row, target: string): Row {
  const cells = Object.entries(row).map(([name, cell]): [string, string] => {
    if (name === target || name === "id") return [name, cell];
    if (["city", "kind"].includes(name) && g.nextFloat() < 0.1) return [name, pick(["Oslo", "Ålesund", "r"])];
    return [name, gap(cell)];
  });
  return Object.fromEntries(cells);
}

/** A network after two epochs on these rows. */
async function learned(schema: TableSchema, { x, y }: EncodedRows): Promise<nn.TabularModel> {
  const model = new nn.TabularModel(schema.features, schema.outputs, { hidden: [16, 8] });
  const loss = schema.target!.kind === "numeric" ? nn.functional.mse : nn.functional.crossEntropy;
  const train = new DataLoader(new TensorDataset(x, schema.toTargets(y!)), { batchSize: 32, shuffle: true });
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 });
  await new Learner({ model, loss, optimizer, data: { train } }).fit(2);
  return model;
}

/** The numbers in the columns from `prediction` on, of what the command printed as JSON. */
function answersOf({ out }: Said): { prediction: number | string; probabilities?: Record<string, number> }[] {
  return out.trimEnd().split("\n").map((line) => JSON.parse(line));
}

describe("tabular predict", () => {
  const test = mayRun ? it : it.skip;

  for (const [what, rowOf, target, separator, comma] of TABLES) {
    test(`learns ${what}, and predicts them in another process bit for bit: other order, unknown words, gaps`, () =>
      inFolder(async (folder) => {
        manualSeed(5);
        const rows = Array.from({ length: 300 }, (_, i) => rowOf(i)), columns = Object.keys(rows[0]);
        const table = new Blob([textOf(rows, columns, separator, comma)]);
        const schema = await TableSchema.fit(table, { target });
        const model = await learned(schema, await schema.read(table));
        await saveModel(`${folder}/m.safetensors`, { schema, model });

        const later = rows.map((row) => changed(row, target));
        const shuffled = later.map((row, i) => ({ row, at: (i * 7) % later.length })).sort((p, q) => p.at - q.at);
        const inputs = columns.filter((name) => name !== target), other = inputs.toReversed();
        await Deno.writeTextFile(`${folder}/new.csv`, textOf(shuffled.map(({ row }) => row), other, ";"));
        const { x } = await schema.read(new Blob([textOf(later, inputs, separator, comma)]));
        const here = schema.toAnswers(outputsOf(model, x));

        const said = await runScript(
          "tabular",
          ["-A"],
          "predict",
          `${folder}/new.csv`,
          "--model",
          `${folder}/m.safetensors`,
          "--json",
        );
        assertEquals(said.code, 0, said.err);
        const there = answersOf(said);
        assertEquals(there.length, 300);
        const places = shuffled.map(({ row }) => later.indexOf(row));
        there.forEach(({ prediction, probabilities }, i) => {
          const { value, probabilities: own } = here[places[i]];
          assertEquals([prediction, probabilities && Object.values(probabilities)], [value, own]);
        });
      }));
  }

  /** Trains on a table of two classes and calls `body` with the folder, where m.safetensors is. */
  async function trained(body: (folder: string, predict: (...args: string[]) => Promise<Said>) => Promise<void>) {
    await inFolder(async (folder) => {
      const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${CITIES[i % 3]},${i % 2 ? "no" : "yes"}\n`);
      await Deno.writeTextFile(`${folder}/t.csv`, `a,city,y\n${rows.join("")}`);
      const model = `${folder}/m.safetensors`;
      const said = await runScript("tabular", ["-A"], `${folder}/t.csv`, "--epochs", "1", "--out", model);
      assertEquals(said.code, 0, said.err);
      await body(folder, (...args) => runScript("tabular", ["-A"], "predict", ...args, "--model", model));
    });
  }

  test("writes the rows as CSV with a column of answers and of probabilities, to a file or not", () =>
    trained(async (folder, predict) => {
      await Deno.writeTextFile(`${folder}/new.csv`, 'city,a\nGraz,1\n"Oslo, N",\n');
      const said = await predict(`${folder}/new.csv`, "--probabilities");
      const [header, first, second] = said.out.trimEnd().split("\n");
      assertEquals(header, "city,a,prediction,p(no),p(yes)");
      assertMatch(first, /^Graz,1,(yes|no),0\.\d+,0\.\d+$/);
      assertMatch(second, /^"Oslo, N",,(yes|no),0\.\d+,0\.\d+$/);
      assertStringIncludes(said.err, 'column "city" holds "Oslo, N" that the schema does not tell apart');
      const filed = await predict(`${folder}/new.csv`, "--probabilities", "--out", `${folder}/out.csv`);
      assertEquals([filed.out, await Deno.readTextFile(`${folder}/out.csv`)], ["", said.out]);
      assertEquals((await predict(`${folder}/new.csv`, "--probabilities", "--out", "-")).out, said.out);
    }));

  test("names what is wrong with a table, and leaves no file", () =>
    trained(async (folder, predict) => {
      const cases: [text: string, message: string][] = [
        ["a\n1\n", 'it lacks the column "city" that was learned from'],
        ["a,city,b\n1,Graz,2\n", 'the column "b" is new'],
        ["a,city\nred,Graz\n", 'record 2, column "a" holds "red", no number'],
        ["a,city\n", "holds no rows"],
      ];
      for (const [text, message] of cases) {
        await Deno.writeTextFile(`${folder}/bad.csv`, text);
        const said = await predict(`${folder}/bad.csv`, "--out", `${folder}/out.csv`);
        assertEquals(said.code, 1);
        assertStringIncludes(said.err, message);
      }
      assert(Array.from(Deno.readDirSync(folder)).every(({ name }) => !name.startsWith("out.csv")));
    }));

  test("refuses to tell probabilities of a number, and tells how to mend a cell in words that can be followed", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/t.csv`, "a,y\n1,2\n2,3\n3,5\n4,4\n");
      const model = ["--model", `${folder}/m.safetensors`];
      await runScript("tabular", ["-A"], `${folder}/t.csv`, "--epochs", "1", "--out", model[1]);
      const said = await runScript("tabular", ["-A"], "predict", `${folder}/t.csv`, ...model, "--probabilities");
      assertEquals([said.code, said.out], [1, ""]);
      assertStringIncludes(said.err, "Cannot tell probabilities: y is a number, leave out --probabilities");
      await Deno.writeTextFile(`${folder}/new.csv`, "a\nred\n");
      const bad = await runScript("tabular", ["-A"], "predict", `${folder}/new.csv`, ...model, "--header");
      assertStringIncludes(bad.err, 'column "a" holds "red", no number: mend it, or leave it empty');
    }));

  test("reads standard input", () =>
    trained(async (folder) => {
      const stdio = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
      const child = spawnCommand(stdio, "tabular", "predict", "--model", `${folder}/m.safetensors`);
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("city,a\nGraz,1\nWien,2\n"));
      await writer.close();
      const { code, stdout } = await child.output();
      assertEquals([code, decode(stdout).trimEnd().split("\n").length], [0, 3]);
    }));

  test("knows its name also after the option that the task puts before it", () =>
    trained(async (folder) => {
      await Deno.writeTextFile(`${folder}/new.csv`, "city,a\nGraz,1\n");
      const model = ["--model", `${folder}/m.safetensors`];
      const said = await runScript(
        "tabular",
        ["-A"],
        "--require-permissions",
        "predict",
        `${folder}/new.csv`,
        ...model,
      );
      assertEquals([said.code, said.out.split("\n").length], [0, 3]);
    }));

  test("says where a model comes from that is not there, or is none", () =>
    inFolder(async (folder) => {
      const said = await runScript("tabular", ["-A"], "predict", "--model", `${folder}/m.safetensors`);
      assertEquals(said.code, 1);
      assertMatch(
        said.err,
        /^error: Cannot read the model .*: there is no such file; tabular FILE makes it\n$/,
      );
    }));
});
