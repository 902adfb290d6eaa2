import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { manualSeed, randn, tensor } from "@gradus/gradus";
import { exportTs } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import { hasNode, may, pageInChromium, run, runs } from "../../../everywhere/programs.ts";
import { inFolder } from "../../../core/io/in_folder.ts";

/** A trained model with layers of every kind that has arithmetic of its own. */
function model(): nn.Sequential {
  manualSeed(11);
  const layers = [
    new nn.Linear(6, 8),
    new nn.BatchNorm1d(8),
    new nn.GELU(),
    new nn.LayerNorm(8),
    new nn.SiLU(),
    new nn.Dropout(),
    new nn.ELU(),
    new nn.Linear(8, 3),
    new nn.Softmax(1),
  ];
  const model = new nn.Sequential(...layers);
  for (let i = 0; i < 3; i++) model.call(randn([16, 6]));
  return model.eval();
}

const SAMPLES = [[-8.2, -1, -0.1, 0, 0.5, 8.2], [4.5, 0.25, -2.5, 1, -0.75, -4.5], [0, 0, 0, 0, 0, 0]];

/** The model as a module in JavaScript, its types erased by Deno. */
async function transpiled(folder: string): Promise<string> {
  await exportTs(model(), `${folder}/model.ts`);
  const said = await run(Deno.execPath(), "transpile", "-o", `${folder}/model.mjs`, `${folder}/model.ts`);
  assert((await Deno.stat(`${folder}/model.mjs`).catch(() => null)) !== null, said);
  return `${folder}/model.mjs`;
}

/** What the module itself answers in Deno. */
async function inDeno(folder: string): Promise<number[][]> {
  const { predict } = await import(
    `data:text/javascript,${encodeURIComponent(await Deno.readTextFile(`${folder}/model.mjs`))}`
  );
  return SAMPLES.map((sample) => predict(sample));
}

/** An engine may round the last place of Math.exp and its like otherwise; three layers of it carry that into a few places more. */
function assertSame(actual: number[][], expected: number[][]): void {
  assertEquals(actual.map((row) => row.length), expected.map((row) => row.length));
  const bound = 16 * Number.EPSILON;
  const odd = actual.flat().filter((value, i) => !(Math.abs(value - expected.flat()[i]) <= bound));
  assertEquals(odd, []);
}

const transpiles = may(Deno.execPath());

describe("exportTs()'s module, its types erased,", () => {
  (transpiles ? it : it.skip)("answers in Deno as the model does", () =>
    inFolder(async (folder) => {
      await transpiled(folder);
      const trained = model();
      const expected = SAMPLES.map((sample) => trained.call(tensor([sample])).at(0).toArray() as number[]);
      const odd = (await inDeno(folder)).flat().filter((value, i) => Math.abs(value - expected.flat()[i]) > 1e-6);
      assertEquals(odd, []); // float32 rounds each of the model's operations to 6e-8 of values around 1
    }));

  (transpiles && hasNode() ? it : it.skip)("answers in Node as in Deno", () =>
    inFolder(async (folder) => {
      const path = JSON.stringify(await transpiled(folder));
      const script = `import { predict } from ${path}; console.log(JSON.stringify(${
        JSON.stringify(SAMPLES)
      }.map((x) => predict(x))))`;
      const said = await run("node", "--input-type=module", "-e", script);
      assertSame(JSON.parse(said), await inDeno(folder));
    }));

  (transpiles && runs("chromium") ? it : it.skip)(
    "answers in a browser (chromium) as in Deno",
    () =>
      inFolder(async (folder) => {
        await transpiled(folder);
        const script = `import { predict } from "/model.mjs";
        document.querySelector("pre").textContent = JSON.stringify(${JSON.stringify(SAMPLES)}.map((x) => predict(x)));`;
        const model = await Deno.readTextFile(`${folder}/model.mjs`);
        const said = await pageInChromium(folder, script, (path) => path === "/model.mjs" ? model : null);
        assertSame(JSON.parse(said), await inDeno(folder));
      }),
  );
});
