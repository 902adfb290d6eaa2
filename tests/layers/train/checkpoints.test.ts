import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readSafetensors } from "../../../core/io/safetensors.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { type Callback, CancelFit } from "../../../layers/train/callback.ts";
import { Checkpoints } from "../../../layers/train/checkpoints.ts";
import { inFolder, namesIn } from "../../core/io/in_folder.ts";
import { filled } from "./checkpointed_run.ts";
import { trainAndKill } from "./killed_run.ts";
import { smallLearner } from "./small_run.ts";

const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";

describe("Checkpoints", () => {
  it("are written after epochs and steps under names that tell which", () =>
    inFolder(async (folder) => {
      assertEquals(await filled(folder, { everySteps: 4, keepLast: 100 }), [
        "step-00000004",
        "step-00000005-epoch-1",
        "step-00000008",
        "step-00000010-epoch-2",
        "step-00000012",
        "step-00000015-epoch-3",
      ]);
    }));

  it("hold the weights as an ordinary safetensors file under the model's own names", () =>
    inFolder(async (folder) => {
      const learner = smallLearner([new Checkpoints(folder)]);
      await learner.fit(1);
      const { tensors } = await readSafetensors(`${folder}/step-00000005-epoch-1/weights.safetensors`);
      const values = (map: Map<string, Tensor>) => Object.fromEntries(Array.from(map, ([k, x]) => [k, x.toArray()]));
      assertEquals(values(tensors), values(learner.model.stateDict()));
    }));

  it("keep the last few and the best", () =>
    inFolder(async (folder) => {
      const scores = [3, 9, 2, 1, 4];
      const score = { name: "score", reset: () => {}, update: () => {}, value: () => scores[count++ % 5] };
      let count = 0;
      const base = smallLearner();
      const { Learner } = await import("../../../layers/train/learner.ts");
      const checkpoints = new Checkpoints(folder, { keepLast: 2, monitor: "score" });
      const { model, optimizer, data, lossFunction: loss } = base;
      await new Learner({ model, optimizer, data, loss, metrics: [score], callbacks: [checkpoints] }).fit(5);
      assertEquals(namesIn(folder), ["step-00000010-epoch-2", "step-00000020-epoch-4", "step-00000025-epoch-5"]);
      assertEquals(await checkpoints.best(), `${folder}/step-00000010-epoch-2`);
      assertEquals(await checkpoints.newest(), `${folder}/step-00000025-epoch-5`);
    }));

  it("are not written for a run that a callback cancelled in the midst of a batch", () =>
    inFolder(async (folder) => {
      const cancel: Callback = {
        beforeStep: () => {
          throw new CancelFit("now");
        },
      };
      await smallLearner([new Checkpoints(`${folder}/new`), cancel]).fit(1);
      assertEquals(namesIn(`${folder}/new`), []);
    }));

  it("refuse a new run in the folder of one that is further on", () =>
    inFolder(async (folder) => {
      await filled(folder);
      await assertRejects(() => smallLearner([new Checkpoints(folder)]).fit(1), Error, "resume: true");
    }));

  it("refuse numbers that mean nothing", () => {
    assertThrows(() => new Checkpoints("x", { keepLast: 0 }), RangeError, "keepLast");
    assertThrows(() => new Checkpoints("x", { everySteps: 1.5 }), RangeError, "everySteps");
  });

  it("refuse a file in place of the folder before the first step", () =>
    inFolder(async (folder) => {
      const file = `${folder}/file`;
      await Deno.writeTextFile(file, "");
      for (const resume of [false, true]) {
        const learner = smallLearner([new Checkpoints(file)]);
        const message = `Cannot keep checkpoints in ${file}: it is a file, name a folder`;
        await assertRejects(() => learner.fit(1, { resume }), Error, message);
        assertEquals(learner.step, 0);
      }
    }));

  it("refuse a folder that cannot be made before the first step", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/file`, "");
      const learner = smallLearner([new Checkpoints(`${folder}/file/kept`)]);
      await assertRejects(() => learner.fit(1), Error, `Cannot keep checkpoints in ${folder}/file/kept: `);
      assertEquals(learner.step, 0);
    }));

  (mayRun ? it : it.skip)(
    "refuse a folder that may not be written before the first step, and name the flag",
    () =>
      inFolder(async (folder) => {
        const { complaints } = await trainAndKill(`${folder}/kept`, Infinity, `${folder}/elsewhere`);
        assertStringIncludes(complaints, `Cannot keep checkpoints in ${folder}/kept: Requires write access`);
        assertStringIncludes(complaints, "--allow-write");
        assertStringIncludes(complaints, "beforeFit");
      }),
  );
});
