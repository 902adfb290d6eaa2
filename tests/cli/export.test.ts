import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { manualSeed, noGrad, tensor } from "@gradus/gradus";
import { digits } from "@gradus/gradus/data";
import { writeSafetensors } from "@gradus/gradus/io";
import * as nn from "@gradus/gradus/nn";
import { NETWORKS } from "../../cli/networks.ts";
import { inFolder, namesIn } from "../core/io/in_folder.ts";
import { mayRun, runScript } from "./run_script.ts";

const levels = Uint8Array.from(digits({ train: 1, test: 1, seed: 5 }).test.images.at(0).clone().data);

describe("export", () => {
  const test = mayRun ? it : it.skip;

  for (const name of ["mlp", "lenet"] as const) {
    test(`writes ${name} as a file whose classify() gives the network's probabilities`, () =>
      inFolder(async (folder) => {
        manualSeed(4);
        const model = NETWORKS[name].make().eval();
        await writeSafetensors(`${folder}/w.safetensors`, model.stateDict(), { mean: "0.2", std: "0.5" });
        const granted = ["--allow-read", `--allow-write=${folder}`];
        const said = await runScript("export", granted, `${folder}/w.safetensors`, "--out", `${folder}/w.ts`);
        assertEquals([said.code, said.out.startsWith(`${folder}/w.ts, `)], [0, true], said.err);
        const { classify } = await import(`file://${folder}/w.ts`);
        const x = tensor(Array.from(levels, (level) => (level / 255 - 0.2) / 0.5)).view(-1, ...NETWORKS[name].shape);
        const expected = noGrad(() => nn.functional.softmax(model.call(x))).view(-1).toArray() as number[];
        classify(levels).forEach((p: number, i: number) => assertAlmostEquals(p, expected[i], 1e-5)); // float64 sums
      }));
  }

  test("names what it cannot write, and leaves no file", () =>
    inFolder(async (folder) => {
      const weights = `${folder}/w.safetensors`, granted = ["--allow-read", `--allow-write=${folder}`];
      const none = await runScript("export", granted, weights, "--out", `${folder}/w.ts`);
      assertEquals([none.code, none.err.split("\n")[0]], [
        1,
        `error: Cannot read the weights ${weights}: there is no such file; train makes it`,
      ]);
      await writeSafetensors(weights, NETWORKS.resnet.make().stateDict());
      const resnet = await runScript("export", granted, weights, "--out", `${folder}/w.ts`);
      assertEquals(resnet.code, 1);
      assertStringIncludes(resnet.err, "Cannot export 0 (ResBlock): there is no source for it");
      await writeSafetensors(weights, new nn.Linear(784, 10).stateDict(), { schema: "{}" });
      const table = await runScript("export", granted, weights, "--out", `${folder}/w.ts`);
      assertStringIncludes(table.err, "it learned a table; tabular predict and serve apply it");
      const other = await runScript("export", granted, weights, "--out", `${folder}/w.js`);
      assertEquals([other.code, namesIn(folder)], [2, ["w.safetensors"]]);
    }));
});
