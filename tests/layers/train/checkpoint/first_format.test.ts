/** A checkpoint as version 0.1 wrote it: of the small run, stopped at step 8, within its second epoch. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { manualSeed } from "@gradus/gradus";
import { type Callback, Checkpoints, loadCheckpoint } from "@gradus/gradus/train";
import { inFolder } from "../../../core/io/in_folder.ts";
import { EPOCHS, smallLearner } from "../small_run.ts";

const FIRST = new URL("format_1", import.meta.url).pathname;

describe("a checkpoint of the first format", () => {
  it("has its random numbers and its place in the data under today's name", async () => {
    const stop: Callback = { afterLoss: (l) => l.training && l.step === 7 ? l.stop("told to") : undefined };
    const today = smallLearner([stop]);
    await today.fit(EPOCHS);
    const { rngState, epochStart, epoch, batch, step } = today.stateDict();
    const read = await loadCheckpoint(FIRST);
    assertEquals("streams" in read, false);
    assertEquals([read.epoch, read.batch, read.step], [epoch, batch, step]);
    assertEquals([read.rngState, read.epochStart], [rngState, epochStart]); // integers, the same on every back end
  });

  it("leads to the end of the run that it was taken from", async () => {
    const [whole, resumed] = [smallLearner(), smallLearner()];
    await whole.fit(EPOCHS);
    manualSeed(99);
    await resumed.fit(EPOCHS, { resume: () => loadCheckpoint(FIRST) });
    assertEquals(resumed.step, whole.step);
    // Training losses alone: the bias before a batch norm has a gradient of rounding errors, which Adam makes steps of; batches do not
    // see it, for their mean is taken off, but the running mean does. 1e-6 is float32's rounding over 15 steps.
    for (const [i, { trainLoss }] of resumed.history.entries()) {
      assertAlmostEquals(trainLoss, whole.history[i].trainLoss, 1e-6);
    }
  });

  it("is written in today's format when it is gone on from, and one of an unknown format is refused", () =>
    inFolder(async (folder) => {
      await smallLearner([new Checkpoints(folder)]).fit(EPOCHS, { resume: () => loadCheckpoint(FIRST) });
      const path = `${folder}/step-00000015-epoch-3`;
      const manifest = await Deno.readTextFile(`${path}/manifest.json`);
      assert(manifest.includes('"format": "gradus-checkpoint-2"'), manifest);
      await Deno.writeTextFile(`${path}/manifest.json`, manifest.replace("checkpoint-2", "checkpoint-9"));
      await assertRejects(() => loadCheckpoint(path), SyntaxError, 'its format is "gradus-checkpoint-9", expected');
    }));
});
