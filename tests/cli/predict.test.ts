import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { encode } from "fast-png";
import { fromData, manualSeed, noGrad } from "@gradus/gradus";
import { digits } from "@gradus/gradus/data";
import { writeSafetensors } from "@gradus/gradus/io";
import * as nn from "@gradus/gradus/nn";
import { inFolder } from "../core/io/in_folder.ts";
import { NETWORKS } from "../../cli/networks.ts";
import { mayRun, runScript } from "./run_script.ts";

const images = digits({ train: 1, test: 3, seed: 5 }).test.images;
const [first, second] = [0, 1].map((i) => Uint8Array.from(images.at(i).clone().data));

/** An untrained network: the script must give its probabilities, whatever they are. */
function network(): nn.Sequential {
  manualSeed(8);
  return new nn.Sequential(new nn.Linear(784, 16), new nn.ReLU(), new nn.Linear(16, 10)).requiresGrad_(false);
}

/** The probabilities of the network for a picture normalized by mean 0.2 and standard deviation 0.5. */
function expected(levels: Uint8Array): number[] {
  const x = fromData(levels, [1, 784]).float().div(255).sub(0.2).div(0.5);
  return nn.functional.softmax(network().call(x)).view(-1).toArray() as number[];
}

function idx(...pictures: Uint8Array[]): Uint8Array {
  const header = [0, 0, 8, 3, 0, 0, 0, pictures.length, 0, 0, 0, 28, 0, 0, 0, 28];
  return Uint8Array.from([...header, ...pictures.flatMap((levels) => [...levels])]);
}

const greyPng = (levels: Uint8Array) => encode({ width: 28, height: 28, data: levels, channels: 1, depth: 8 });

async function withFiles(task: (folder: string, weights: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const weights = `${folder}/w.safetensors`;
    await writeSafetensors(weights, network().stateDict(), { mean: "0.2", std: "0.5" });
    await Deno.writeFile(`${folder}/two.idx`, idx(first, second));
    await Deno.writeFile(`${folder}/first.png`, greyPng(first));
    await task(folder, weights);
  });
}

const GRANTED = ["--allow-read", "--allow-env=GRADUS_BACKEND"];

describe("predict", () => {
  const test = mayRun ? it : it.skip;

  test("names class and probabilities of each image of an IDX file, as the network does", () =>
    withFiles(async (folder, weights) => {
      const said = await runScript("predict", GRANTED, `${folder}/two.idx`, "--weights", weights, "--json");
      assertEquals(said.err, "");
      const found = said.out.trimEnd().split("\n").map((line) => JSON.parse(line));
      [first, second].forEach((levels, i) => {
        const wanted = expected(levels);
        assertEquals(found[i].class, wanted.indexOf(Math.max(...wanted)));
        found[i].probabilities.forEach((p: number, c: number) => assertAlmostEquals(p, wanted[c], 1e-6)); // float32 sums of 784
      });
      assertEquals(found.length, 2);
    }));

  test("sees in a PNG file of 28×28 what it sees in IDX", () =>
    withFiles(async (folder, weights) => {
      const files = [`${folder}/first.png`, `${folder}/two.idx`];
      const said = await runScript("predict", GRANTED, ...files, "--count", "1", "--weights", weights);
      const [png, idx] = said.out.trimEnd().split("\n").map((line) => line.replace(/^\S+/, ""));
      assertEquals(png, idx);
      assertMatch(png, /^( {2}\d \d+\.\d %){3}$/);
    }));

  test("draws what the network sees", () =>
    withFiles(async (folder, weights) => {
      const said = await runScript(
        "predict",
        GRANTED,
        `${folder}/first.png`,
        "--weights",
        weights,
        "--draw",
      );
      assert(said.out.split("\n").length > 14 && /[#@%]/.test(said.out));
    }));

  test("ends with code 1 and one line where a file is neither PNG nor IDX", () =>
    withFiles(async (_, weights) => {
      const said = await runScript("predict", GRANTED, weights, "--weights", weights);
      assertEquals(said.code, 1);
      assertMatch(said.err, /^error: Cannot read .*neither as PNG nor as IDX.*\n$/);
    }));

  for (const name of ["lenet", "resnet"] as const) {
    test(`knows the weights of ${name}`, () =>
      withFiles(async (folder) => {
        manualSeed(3);
        const model = NETWORKS[name].make(), weights = `${folder}/${name}`;
        await writeSafetensors(weights, model.stateDict(), { mean: "0", std: "1" });
        const said = await runScript("predict", GRANTED, `${folder}/first.png`, "--weights", weights, "--json");
        const scores = noGrad(() => model.eval().call(fromData(first, [1, 1, 28, 28]).float().div(255)));
        const wanted = nn.functional.softmax(scores).view(-1).toArray() as number[];
        const { probabilities } = JSON.parse(said.out);
        probabilities.forEach((p: number, c: number) => assertAlmostEquals(p, wanted[c], 1e-5)); // float32 in two kernels
      }));
  }

  test("ends with code 1 where the weights are those of another network", () =>
    withFiles(async (folder) => {
      const other = `${folder}/other.safetensors`;
      await writeSafetensors(other, new nn.Sequential(new nn.Linear(4, 2)).stateDict());
      const said = await runScript("predict", GRANTED, `${folder}/first.png`, "--weights", other);
      assertEquals(said.code, 1);
      assertStringIncludes(said.err, "0.weight [2,4]");
    }));

  test("says which file is not there, and where weights come from", () =>
    withFiles(async (folder, weights) => {
      const [image, none] = [`${folder}/first.png`, `${folder}/none`];
      const [noWeights, noImage] = await Promise.all([
        runScript("predict", GRANTED, image, "--weights", none),
        runScript("predict", GRANTED, none, "--weights", weights),
      ]);
      assertEquals([noWeights.code, noImage.code], [1, 1]);
      assertEquals(
        noWeights.err,
        `error: Cannot read the weights ${none}: there is no such file; train makes it\n`,
      );
      assertEquals(noImage.err, `error: Cannot read ${none}: there is no such file\n`);
    }));

  test("names the file and what is wrong with it", () =>
    withFiles(async (folder, weights) => {
      await Deno.writeFile(
        `${folder}/blank.png`,
        encode({ width: 9, height: 9, data: new Uint8Array(81), channels: 1 }),
      );
      await Deno.writeFile(`${folder}/short.png`, greyPng(first).subarray(0, 60));
      const failure = async (name: string) => {
        const said = await runScript("predict", GRANTED, `${folder}/${name}`, "--weights", weights);
        return [said.code, said.err];
      };
      assertEquals(await Promise.all(["blank.png", "short.png", "."].map(failure)), [
        [1, `error: Cannot find a digit in ${folder}/blank.png: it is of one shade\n`],
        [1, `error: Cannot read ${folder}/short.png: it is cut short: IDAT at byte 33 ends at 185, the file at 60\n`],
        [1, `error: Cannot read ${folder}: it is a folder\n`],
      ]);
    }));

  test("names the permission to read, and the flag", async () => {
    const said = await runScript("predict", [], "first.png");
    assertEquals(said.code, 1);
    assertStringIncludes(said.err, "--allow-read");
  });

  test("ends with code 2 without a picture", async () => {
    assertEquals((await runScript("predict", [])).code, 2);
  });
});
