import { assertAlmostEquals, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { manualSeed, noGrad, type Tensor, tensor } from "@gradus/gradus";
import { digits, TableSchema } from "@gradus/gradus/data";
import { writeSafetensors } from "@gradus/gradus/io";
import * as nn from "@gradus/gradus/nn";
import { importOnnx } from "@gradus/gradus/onnx";
import { outputsOf, saveModel } from "../../cli/tabular_model.ts";
import { NETWORKS } from "../../cli/networks.ts";
import { inFolder, namesIn } from "../core/io/in_folder.ts";
import { mayRun, runScript } from "./run_script.ts";

const levels = Uint8Array.from(digits({ train: 1, test: 1, seed: 5 }).test.images.at(0).clone().data);

const granted = (folder: string) => ["--allow-read", `--allow-write=${folder}`];
const NOTE = "note: going on without permission to read GRADUS_BACKEND (--allow-env=GRADUS_BACKEND)\n";

describe("export", () => {
  const test = mayRun ? it : it.skip;

  for (const name of ["mlp", "lenet", "resnet"] as const) {
    test(`writes ${name} as a file whose classify() gives the network's probabilities`, () =>
      inFolder(async (folder) => {
        manualSeed(4);
        const model = NETWORKS[name].make().eval();
        await writeSafetensors(`${folder}/w.safetensors`, model.stateDict(), { mean: "0.2", std: "0.5" });
        const said = await runScript("export", granted(folder), `${folder}/w.safetensors`, "--out", `${folder}/w.ts`);
        assertEquals([said.code, said.out.startsWith(`${folder}/w.ts, `)], [0, true], said.err);
        const { classify } = await import(`file://${folder}/w.ts`);
        const x = tensor(Array.from(levels, (level) => (level / 255 - 0.2) / 0.5)).view(-1, ...NETWORKS[name].shape);
        const expected = noGrad(() => nn.functional.softmax(model.call(x))).view(-1).toArray() as number[];
        classify(levels).forEach((p: number, i: number) => assertAlmostEquals(p, expected[i], 1e-5)); // float64 sums
      }));
  }

  for (const name of ["mlp", "resnet"] as const) {
    test(`writes ${name} as ONNX, from levels to probabilities`, () =>
      inFolder(async (folder) => {
        manualSeed(4);
        const model = NETWORKS[name].make().eval(), { shape } = NETWORKS[name];
        await writeSafetensors(`${folder}/w.safetensors`, model.stateDict(), { mean: "0.2", std: "0.5" });
        const said = await runScript("export", granted(folder), `${folder}/w.safetensors`, "--out", `${folder}/w.onnx`);
        assertEquals([said.code, said.err], [0, NOTE]);
        const there = await importOnnx(`${folder}/w.onnx`), x = tensor([...levels]).view(-1, ...shape);
        const expected = noGrad(() => nn.functional.softmax(model.call(x.div(255).sub(0.2).div(0.5)), 1));
        assertLess((there.call(x) as Tensor).sub(expected).abs().max().item(), 1e-5);
      }));
  }

  for (const target of ["kind", "area"]) {
    test(`writes a table's ${target} as TypeScript and ONNX, in its own unit, and the schema beside`, () =>
      inFolder(async (folder) => {
        const rows = Array.from({ length: 40 }, (_, i) => ({ area: 30 + i, city: "xyz"[i % 3], kind: "ab"[i % 2] }));
        manualSeed(6);
        const schema = await TableSchema.fit(rows, { target });
        const model = new nn.TabularModel(schema.features, schema.outputs, { hidden: [8] });
        model.train().call((await schema.read(rows)).x); // moves the norms
        await saveModel(`${folder}/m.safetensors`, { schema, model });
        for (const ending of ["ts", "onnx"]) {
          const out = ["--out", `${folder}/m.${ending}`];
          const said = await runScript("export", granted(folder), `${folder}/m.safetensors`, ...out);
          assertEquals(said.code, 0, said.err);
          assertStringIncludes(said.out, `; ${folder}/m.schema.json says of what`);
        }
        const json = JSON.parse(await Deno.readTextFile(`${folder}/m.schema.json`)), again = TableSchema.fromJSON(json);
        const x = again.encode(rows[7]), features = x.toArray() as number[][];
        const [{ value, probabilities }] = schema.toAnswers(outputsOf(model, x));
        const { answer, FEATURES } = await import(`file://${folder}/m.ts`);
        const onnx = (await importOnnx(`${folder}/m.onnx`)).call(x) as Tensor;
        const found = [Object.values(answer(features[0])), onnx.view(-1).toArray() as number[]];
        assertEquals(FEATURES, schema.featureNames);
        if (target === "area") found[0] = [answer(features[0])];
        for (const list of found) {
          list.forEach((p: unknown, i: number) =>
            assertAlmostEquals(Number(p), probabilities?.[i] ?? Number(value), 1e-4)
          );
        }
      }));
  }

  test("writes a table as one file that turns rows into the schema's features, bit for bit, and answers them", () =>
    inFolder(async (folder) => {
      const rows = Array.from({ length: 60 }, (_, i) => ({
        area: i % 9 === 4 ? null : 30.1 + i * 1.7,
        count: i % 5,
        city: i % 7 === 3 ? "" : "xyz"[i % 3],
        lift: i % 6 === 0 ? null : i % 2 === 0 ? "yes" : "no",
        sold: i % 8 === 5 ? "" : new Date(Date.UTC(2020, i % 12, 1 + i % 28, i % 24, 30, i)).toISOString(),
        id: `flat ${i} of the house`,
        price: 2 * i,
      }));
      const schema = await TableSchema.fit(rows, { target: "price", kinds: { id: "skip" } });
      assertEquals(schema.columns.map(({ kind }) => kind), ["numeric", "numeric", "categorical", "boolean", "date"]);
      const model = new nn.TabularModel(schema.features, schema.outputs, { hidden: [8] });
      await saveModel(`${folder}/m.safetensors`, { schema, model: model.eval() });
      const said = await runScript("export", granted(folder), `${folder}/m.safetensors`, "--out", `${folder}/m.ts`);
      assertEquals(said.code, 0, said.err);
      const { answer, encode } = await import(`file://${folder}/m.ts`);
      const odd = [
        { area: "17.5", count: 1e3, city: " x ", lift: true, sold: "2021-3-4" },
        { area: " NA ", count: NaN, city: "Oslo", lift: " Off", sold: new Date(Date.UTC(1999, 11, 31, 23, 59, 59.5)) },
        { area: -0, count: "-1e-3", city: null, lift: "F", sold: "2024-02-29 07:30", price: "?" },
      ];
      for (const row of [...rows, ...odd]) {
        const x = schema.encode(row), [features] = x.toArray() as number[][];
        assertEquals(encode(row), features);
        assertAlmostEquals(answer(row), Number(schema.toAnswers(outputsOf(model, x))[0].value), 1e-4);
      }
      for (
        const [row, message] of [
          [{ ...odd[0], area: "17,5" }, '"area" is "17,5", no number'],
          [{ ...odd[0], area: "1e400" }, '"area" is "1e400", no number'],
          [{ ...odd[0], area: 1e300 }, '"area" is "1e+300", too far from the numbers that were learned from'],
          [{ ...odd[0], lift: "perhaps" }, '"lift" is "perhaps", neither yes nor no'],
          [{ ...odd[0], sold: "2023-02-29" }, '"sold" is "2023-02-29", no date such as 2026-11-30'],
          [{ ...odd[0], colour: "red" }, 'the column "colour" is new'],
          [{ area: 1 }, 'it lacks the column "count"'],
        ] as const
      ) assertThrows(() => answer(row), RangeError, message);
    }));

  test("names what it cannot write, and leaves no file", () =>
    inFolder(async (folder) => {
      const weights = `${folder}/w.safetensors`, may = granted(folder);
      const none = await runScript("export", may, weights, "--out", `${folder}/w.ts`);
      assertEquals([none.code, none.err.split("\n")[0]], [
        1,
        `error: Cannot read the model ${weights}: there is no such file; train or tabular makes it`,
      ]);
      await writeSafetensors(weights, new nn.Linear(784, 10).stateDict(), { schema: "{}" });
      const table = await runScript("export", may, weights, "--out", `${folder}/w.ts`);
      assertEquals(table.code, 1);
      assertStringIncludes(table.err, "schema");
      const other = await runScript("export", may, weights, "--out", `${folder}/w.js`);
      assertEquals([other.code, namesIn(folder)], [2, ["w.safetensors"]]);
    }));
});
