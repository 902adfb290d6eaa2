import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { Checkpoints, RunSettings } from "@gradus/gradus/train";
import { inFolder } from "../../../core/io/in_folder.ts";
import { smallLearner } from "../small_run.ts";

/** Trains on from what is in the folder, to so many epochs; what was said. */
async function train(folder: string, epochs: number, seed = 42): Promise<string[]> {
  const said: string[] = [];
  const settings = new RunSettings(folder, { "--seed": seed }, { print: (line) => said.push(line) });
  await smallLearner([new Checkpoints(folder), settings]).fit(epochs, { resume: true });
  return said;
}

describe("RunSettings", () => {
  it("is silent of a run that begins, and says where another goes on or that it has ended", () =>
    inFolder(async (folder) => {
      assertEquals(await train(folder, 1), []);
      assertEquals(await train(folder, 2), ["Going on from epoch 1, step 5"]);
      assertEquals(await train(folder, 1), ["Already finished: 2 epochs, nothing is left to train"]);
    }));

  it("refuses to go on with another setting, and names both", () =>
    inFolder(async (folder) => {
      await train(folder, 1);
      await assertRejects(
        () => train(folder, 2, 7),
        Error,
        `Cannot go on with --seed 7: the checkpoints in ${folder} are of a run with --seed 42`,
      );
    }));
});
