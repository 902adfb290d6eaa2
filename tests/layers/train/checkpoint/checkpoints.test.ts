import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
  assertThrows,
  equal,
} from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { noGrad, type Tensor, zeros } from "@gradus/gradus";
import { readSafetensors } from "@gradus/gradus/io";
import { type Callback, CancelFit, Checkpoints, type RecorderState } from "@gradus/gradus/train";
import { readCheckpoint, writeCheckpoint } from "../../../../layers/train/checkpoint/checkpoint_file.ts";
import { inFolder, namesIn } from "../../../core/io/in_folder.ts";
import { checkpointsIn, filled } from "./checkpointed_run.ts";
import { diskThatStops, failingWrites, watchSyncs } from "../../../core/io/faulty_disk.ts";
import { trainAndKill } from "./killed_run.ts";
import { longestGap } from "../../../longest_gap.ts";
import { smallLearner } from "../small_run.ts";

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

  it("hold the history of 60,000 epochs, and give it back, while the event loop turns", () =>
    inFolder(async (folder) => {
      const learner = smallLearner();
      await learner.fit(1);
      const state = learner.stateDict(), recorder = state.callbacks["Recorder"] as RecorderState;
      recorder.rows = Array.from({ length: 60_000 }, (_, i) => ({ ...recorder.rows[0], epoch: i + 1 }));
      assertLess(await longestGap(() => writeCheckpoint(folder, state, null)), 100);
      let read = state;
      assertLess(await longestGap(async () => read = await readCheckpoint(folder)), 100);
      const back = read.callbacks["Recorder"] as RecorderState;
      assertEquals([back.rows.length, back.rows[59_999]], [60_000, recorder.rows[59_999]]);
      const { metadata } = await readSafetensors(`${folder}/training.safetensors`);
      assert(metadata.get("json")!.length < 10_000, "what grows with the run stands beside the JSON");
    }));

  it("let the event loop turn while 240 MB of an optimiser's state are written and read", () =>
    inFolder(async (folder) => {
      const state = smallLearner().stateDict();
      const average = zeros([30, 1 << 20]);
      average.data[5] = 7;
      state.optimizer.state[0] = { a: average, b: average };
      assertLess(await longestGap(() => writeCheckpoint(folder, state, null)), 100);
      let read = state;
      assertLess(await longestGap(async () => read = await readCheckpoint(folder)), 100);
      const { a, b } = read.optimizer.state[0] as Record<"a" | "b", Tensor>;
      assertEquals([a.shape, a.data[5], a.sum().item(), b.sum().item()], [[30, 1 << 20], 7, 7, 7]);
    }));

  it("keep the last few and the best", () =>
    inFolder(async (folder) => {
      const scores = [3, 9, 2, 1, 4];
      const score = { name: "score", reset: () => {}, update: () => {}, value: () => scores[count++ % 5] };
      let count = 0;
      const base = smallLearner();
      const { Learner } = await import("../../../../layers/train/learner.ts");
      const checkpoints = new Checkpoints(folder, { keepLast: 2, monitor: "score" });
      const { model, optimizer, data, lossFunction: loss } = base;
      await new Learner({ model, optimizer, data, loss, metrics: [score], callbacks: [checkpoints] }).fit(5);
      assertEquals(checkpointsIn(folder), ["step-00000010-epoch-2", "step-00000020-epoch-4", "step-00000025-epoch-5"]);
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
      assertEquals(checkpointsIn(`${folder}/new`), []);
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

  it("refuse a folder in which another run writes, before anything is read or changed, and let it go at the end", () =>
    inFolder(async (folder) => {
      await smallLearner([new Checkpoints(folder)]).fit(1);
      const message = `Cannot keep checkpoints in ${folder}: another run writes its own there, wait for its end or`;
      const second = smallLearner([new Checkpoints(folder)]);
      const refuse: Callback = {
        beforeTrain: async () => {
          for (const resume of [false, true]) await assertRejects(() => second.fit(3, { resume }), Error, message);
        },
      };
      await smallLearner([new Checkpoints(folder), refuse]).fit(2, { resume: true });
      assertEquals([second.epoch, second.step], [0, 0]);
      await second.fit(3, { resume: true });
      assertEquals([second.epoch, second.step], [3, 15]);
    }));

  (mayRun ? it : it.skip)(
    "refuse a folder in which another process writes, and take it when that was killed",
    () =>
      inFolder(async (folder) => {
        const learner = smallLearner([new Checkpoints(folder), {
          beforeTrain: async () => {
            const { complaints } = await trainAndKill(folder);
            assertStringIncludes(complaints, `Cannot keep checkpoints in ${folder}: another run writes its own there`);
          },
        }]);
        await learner.fit(1);
        await trainAndKill(folder, 0);
        await smallLearner([new Checkpoints(folder)]).fit(3, { resume: true });
      }),
  );

  it("name the file where the disk is full, and leave nothing of it", () =>
    inFolder(async (folder) => {
      const learner = smallLearner([new Checkpoints(folder)]);
      const end = failingWrites("weights.safetensors", "ENOSPC", "No space left on device (os error 28)");
      try {
        const path = `${folder}/step-00000005-epoch-1/weights.safetensors`;
        await assertRejects(() => learner.fit(1), Error, `Cannot write ${path}: No space left on device (os error 28)`);
        assertEquals(namesIn(`${folder}/step-00000005-epoch-1`), []);
      } finally {
        end();
      }
    }));

  it("are whole, the old or the new, wherever a run ends that writes one in the place of another", async () => {
    let stopped = true;
    for (let changes = 0; stopped; changes++) {
      await inFolder(async (folder) => {
        const checkpoints = () => new Checkpoints(folder, { keepLast: 1, warn: () => {} });
        const learner = smallLearner([checkpoints()]);
        await learner.fit(1);
        const weights = () => [...learner.model.parameters()].map((p) => p.toArray());
        const before = weights();
        noGrad(() => [...learner.model.parameters()].forEach((p) => p.add_(1)));
        const after = weights();
        const end = diskThatStops(changes);
        await checkpoints().save(learner).catch(() => {});
        stopped = end();
        learner.loadStateDict((await checkpoints().load())!);
        assert([before, after].some((whole) => equal(whole, weights())), `after ${changes} changes`);
        await checkpoints().save(learner);
        assertEquals(checkpointsIn(folder), ["step-00000005-epoch-1"]);
      });
    }
  });

  it("are synced into their folder, and that into the one above, when they are made", () =>
    inFolder(async (folder) => {
      const [synced, end] = watchSyncs();
      try {
        await smallLearner([new Checkpoints(`${folder}/a/b`)]).fit(1);
      } finally {
        end();
      }
      const made = synced.map((path) => path.replace(folder, "")).filter((path) => !path.includes("."));
      const step = "/a/b/step-00000005-epoch-1";
      assertEquals([...new Set(made)], ["", "/a", "/a/b", step]);
      assertEquals(made.lastIndexOf("/a/b") < made.indexOf(step), true); // whole before what is in it
    }));

  (mayRun ? it : it.skip)(
    "refuse a folder that may not be written before the first step, and name the flag",
    () =>
      inFolder(async (folder) => {
        const { complaints } = await trainAndKill(`${folder}/kept`, Infinity, `${folder}/elsewhere`);
        assertStringIncludes(complaints, `Cannot keep checkpoints in ${folder}/kept: Requires write access`);
        assertStringIncludes(complaints, "--allow-write");
        assertStringIncludes(complaints, "Checkpoints.open");
      }),
  );
});
