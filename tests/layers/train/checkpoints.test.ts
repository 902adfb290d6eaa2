import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readSafetensors } from "../../../core/io/safetensors.ts";
import { fromData, tensor } from "../../../core/create.ts";
import { defaultGenerator, manualSeed } from "../../../core/random/generator.ts";
import { randperm } from "../../../core/random/torch_orders.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { Batches, BatchSource, TrainingBatch } from "../../../layers/train/batches.ts";
import { type Callback, CancelEpoch, CancelFit } from "../../../layers/train/callback.ts";
import { readCheckpoint, writeCheckpoint } from "../../../layers/train/checkpoint_file.ts";
import { Checkpoints, type CheckpointsOptions } from "../../../layers/train/checkpoints.ts";
import { EarlyStopping } from "../../../layers/train/early_stopping.ts";
import { packState, unpackState } from "../../../layers/train/packed_state.ts";
import { inFolder, namesIn } from "../../core/io/in_folder.ts";
import { trainAndKill } from "./killed_run.ts";
import { bitsOf, EPOCHS, points, promised, shuffled, smallLearner } from "./small_run.ts";

/** Batches in a random order that do not keep their place: drawn anew each epoch from the default generator. */
function forgetful(): Batches {
  const { x, y } = points();
  return {
    length: 5,
    *[Symbol.iterator](): Generator<TrainingBatch> {
      const order = randperm(defaultGenerator, 38);
      for (let i = 0; i < 38; i += 8) {
        const rows = fromData(order.slice(i, i + 8), [Math.min(8, 38 - i)]);
        yield [x.index(rows), y.index(rows)];
      }
    },
  };
}

/** The same, promised. */
function forgetfulPromises(): Batches {
  const batches = forgetful() as BatchSource & Iterable<TrainingBatch>;
  return {
    length: 5,
    async *[Symbol.asyncIterator](): AsyncGenerator<TrainingBatch> {
      for (const batch of batches) yield await Promise.resolve(batch);
    },
  };
}

/** Ends the second epoch after its second batch, or in its validation. */
function canceller(training: boolean): Callback {
  return {
    afterBatch: (learner) => {
      if (learner.epoch === 1 && learner.training === training && learner.batch === (training ? 2 : 1)) {
        throw new CancelEpoch();
      }
    },
  };
}

/** Stops the run when `at` says so. */
function stopper(at: (step: number, training: boolean) => boolean): Callback {
  return { order: -20, afterLoss: (l) => (at(l.step, l.training) ? l.stop("told to") : undefined) };
}

/** A full run's bits, undisturbed. */
async function wholeRun(train: () => Batches): Promise<unknown> {
  const learner = smallLearner([], train());
  await learner.fit(EPOCHS);
  return bitsOf(learner);
}

/** A run that is stopped, and resumed by a new learner. */
async function brokenRun(train: () => Batches, folder: string, stop: Callback): Promise<unknown> {
  await smallLearner([new Checkpoints(folder), stop], train()).fit(EPOCHS);
  const learner = smallLearner([new Checkpoints(folder)], train());
  manualSeed(99); // a new process stands elsewhere in its streams
  await learner.fit(EPOCHS, { resume: true });
  return bitsOf(learner);
}

/** Writes a run's checkpoints into the folder: after each epoch, the last three stay. */
async function filled(folder: string, options: CheckpointsOptions = {}): Promise<string[]> {
  await smallLearner([new Checkpoints(folder, options)]).fit(EPOCHS);
  return namesIn(folder);
}

async function damage(path: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  await Deno.writeFile(path, change(await Deno.readFile(path)));
}

const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";

const flipped = (at: number) => (bytes: Uint8Array) => bytes.map((byte, i) => (i === at ? byte ^ 4 : byte));

describe("Checkpoints", () => {
  const kinds = [
    ["a DataLoader", shuffled],
    ["a DataLoader that prepares ahead", promised],
    ["data that does not keep its place", forgetful],
    ["promised data that does not keep its place", forgetfulPromises],
  ] as const;
  for (const [kind, train] of kinds) {
    for (const step of [1, 4, 5, 8, 14]) {
      it(`lead a run over ${kind}, stopped at step ${step}, to the same bits`, () =>
        inFolder(async (folder) => {
          const stop = stopper((at, training) => training && at === step - 1);
          assertEquals(await brokenRun(train, folder, stop), await wholeRun(train));
        }));
    }

    it(`lead a run over ${kind}, stopped while it is judged, to the same bits`, () =>
      inFolder(async (folder) => {
        const stop = stopper((at, training) => !training && at === 5);
        assertEquals(await brokenRun(train, folder, stop), await wholeRun(train));
      }));
  }

  for (const [kind, train] of kinds) {
    for (const [part, training] of [["training", true], ["validation", false]] as const) {
      it(`lead a run over ${kind} whose second epoch was cancelled in ${part} on to the third, to the same bits`, () =>
        inFolder(async (folder) => {
          const whole = smallLearner([canceller(training)], train());
          await whole.fit(EPOCHS);
          await smallLearner([new Checkpoints(folder), canceller(training)], train()).fit(2);
          const learner = smallLearner([new Checkpoints(folder)], train());
          manualSeed(99);
          await learner.fit(EPOCHS, { resume: true });
          assertEquals(bitsOf(learner), bitsOf(whole));
          assertEquals(learner.step, training ? 12 : 15);
        }));
    }
  }

  it("lead to the same bits from a place within an epoch, on which nothing was stopped", () =>
    inFolder(async (folder) => {
      await smallLearner([new Checkpoints(folder, { everySteps: 3, keepLast: 100 })]).fit(EPOCHS);
      const expected = await wholeRun(shuffled);
      for (const name of namesIn(folder)) {
        const learner = smallLearner();
        manualSeed(99);
        await learner.fit(EPOCHS, { resume: `${folder}/${name}` });
        assertEquals(bitsOf(learner), expected, name);
      }
    }));

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

  it("let a new run begin where resume finds none", () =>
    inFolder(async (folder) => {
      const learner = smallLearner([new Checkpoints(`${folder}/new`)]);
      await learner.fit(1, { resume: true });
      assertEquals(learner.step, 5);
    }));

  it("end a resumed run that has all its epochs behind it at once", () =>
    inFolder(async (folder) => {
      await filled(folder);
      const learner = smallLearner([new Checkpoints(folder)]);
      const { history } = await learner.fit(EPOCHS, { resume: true });
      assertEquals([learner.step, history.length], [15, 3]);
    }));

  it("refuse a new run in the folder of one that is further on", () =>
    inFolder(async (folder) => {
      await filled(folder);
      await assertRejects(() => smallLearner([new Checkpoints(folder)]).fit(1), Error, "resume: true");
    }));

  it("refuse to be resumed by a learner with other callbacks", () =>
    inFolder(async (folder) => {
      await filled(folder);
      const learner = smallLearner([new Checkpoints(folder), new EarlyStopping()]);
      await assertRejects(() => learner.fit(EPOCHS, { resume: true }), RangeError, "EarlyStopping");
    }));

  it("are needed for resume: true", async () => {
    await assertRejects(() => smallLearner().fit(1, { resume: true }), Error, "add one or name a folder");
  });

  it("are needed where a folder is named", () =>
    inFolder(async (folder) => {
      await assertRejects(() => smallLearner().fit(1, { resume: folder }), Error, "no checkpoint");
    }));

  it("refuse numbers that mean nothing", () => {
    assertThrows(() => new Checkpoints("x", { keepLast: 0 }), RangeError, "keepLast");
    assertThrows(() => new Checkpoints("x", { everySteps: 1.5 }), RangeError, "everySteps");
  });

  for (const file of ["manifest.json", "weights.safetensors", "training.safetensors"]) {
    it(`pass over the newest where a byte of its ${file} is flipped, and say so`, () =>
      inFolder(async (folder) => {
        await filled(folder);
        const warnings: string[] = [];
        await damage(`${folder}/step-00000015-epoch-3/${file}`, flipped(100));
        const learner = smallLearner([new Checkpoints(folder, { warn: (line) => warnings.push(line) })]);
        await learner.fit(EPOCHS, { resume: true });
        assertEquals([warnings.length, warnings[0].includes(file)], [1, true]);
        assert(warnings[0].endsWith("going on from step-00000010-epoch-2"));
        assertEquals(bitsOf(learner), await wholeRun(shuffled));
      }));

    it(`pass over the newest where its ${file} is cut short`, () =>
      inFolder(async (folder) => {
        await filled(folder);
        await damage(`${folder}/step-00000015-epoch-3/${file}`, (bytes) => bytes.subarray(0, bytes.length >> 1));
        const learner = smallLearner([new Checkpoints(folder, { warn: () => {} })]);
        await learner.fit(EPOCHS, { resume: true });
        assertEquals(bitsOf(learner), await wholeRun(shuffled));
      }));

    it(`named by path with a damaged ${file} are refused`, () =>
      inFolder(async (folder) => {
        await filled(folder);
        const path = `${folder}/step-00000015-epoch-3`;
        await damage(`${path}/${file}`, flipped(100));
        await assertRejects(() => smallLearner().fit(EPOCHS, { resume: path }), SyntaxError, `${path}/${file}`);
      }));
  }

  it("named by path with a file cut short are refused with the byte where it ends", () =>
    inFolder(async (folder) => {
      await filled(folder);
      const path = `${folder}/step-00000015-epoch-3`;
      await damage(`${path}/weights.safetensors`, (bytes) => bytes.subarray(0, 77));
      await assertRejects(
        () => smallLearner().fit(EPOCHS, { resume: path }),
        RangeError,
        "it ends at byte 77, expected",
      );
    }));

  it("keep in mind that a run had given up", () =>
    inFolder(async (folder) => {
      const callbacks = () => [new Checkpoints(folder), new EarlyStopping({ patience: 1, minDelta: 9 })];
      await smallLearner(callbacks()).fit(EPOCHS);
      const learner = smallLearner(callbacks());
      const { outcome, history } = await learner.fit(EPOCHS, { resume: true });
      assertEquals([outcome, history.length], ["stopped", 2]);
    }));

  it("without a manifest are none, and it is said that the write was not finished", () =>
    inFolder(async (folder) => {
      await filled(folder);
      await Deno.remove(`${folder}/step-00000015-epoch-3/manifest.json`);
      const warnings: string[] = [];
      const learner = smallLearner([new Checkpoints(folder, { warn: (line) => warnings.push(line) })]);
      await learner.fit(EPOCHS, { resume: true });
      assertEquals(warnings, [
        `Cannot read ${folder}/step-00000015-epoch-3: it has no manifest.json, it was not written to its end: ` +
        "going on from step-00000010-epoch-2",
      ]);
      assertEquals(bitsOf(learner), await wholeRun(shuffled));
    }));

  it("without a manifest let a run begin anew where there are no others, and say so", () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/step-00000001`);
      const warnings: string[] = [];
      const learner = smallLearner([new Checkpoints(folder, { warn: (line) => warnings.push(line) })]);
      await learner.fit(1, { resume: true });
      assertEquals([learner.step, warnings.length], [5, 1]);
      assert(warnings[0].endsWith("it was not written to its end: there is none to go on from"), warnings[0]);
    }));

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

  it("are refused where every one is damaged, instead of beginning anew", () =>
    inFolder(async (folder) => {
      for (const name of await filled(folder)) await damage(`${folder}/${name}/manifest.json`, flipped(30));
      await assertRejects(
        () => smallLearner([new Checkpoints(folder)]).fit(EPOCHS, { resume: true }),
        Error,
        "every checkpoint in it is damaged",
      );
    }));

  it("survive no flip and no cut anywhere: an error that names the file, or the state that was written", () =>
    inFolder(async (folder) => {
      const learner = smallLearner();
      await learner.fit(1);
      const path = `${folder}/one`;
      await writeCheckpoint(path, learner.stateDict(), null);
      const expected = packState(await readCheckpoint(path)).json;
      for (const name of namesIn(path)) {
        const bytes = await Deno.readFile(`${path}/${name}`);
        for (let trial = 0; trial < 60; trial++) {
          const at = Math.floor((trial * bytes.length) / 60);
          await Deno.writeFile(`${path}/${name}`, trial % 3 === 0 ? bytes.subarray(0, at) : flipped(at)(bytes));
          const outcome = await readCheckpoint(path).then((state) => packState(state).json, (error: Error) => error);
          if (outcome instanceof Error) assert(outcome.message.includes(`${path}/${name}`), outcome.message);
          else assertEquals([name, outcome], ["manifest.json", expected]); // a flip in the white space of JSON
        }
        await Deno.writeFile(`${path}/${name}`, bytes);
      }
    }));
});

describe("packState()", () => {
  it("keeps what JSON cannot say: −0, NaN, infinities, maps, typed arrays, tensors", () => {
    const state = {
      numbers: [-0, NaN, Infinity, -Infinity, 0.1],
      map: new Map<string, unknown>([["__proto__", null], ["a.b", true]]),
      order: Int32Array.of(3, -1),
      bytes: Uint8Array.of(255),
      text: "$number",
    };
    const back = unpackState(packState(state)) as typeof state;
    assertEquals(back, state);
    assert(Object.is(back.numbers[0], -0));
    const x = tensor([[1, 2], [3, 4]]).t();
    assertEquals((unpackState(packState({ x })) as { x: Tensor }).x.toArray(), [[1, 3], [2, 4]]);
  });

  it("keeps two tensors apart whose paths read the same", () => {
    const state = { "a.b": tensor([1]), a: { b: tensor([2]) } };
    const back = unpackState(packState(state)) as typeof state;
    assertEquals([back["a.b"].item(), back.a.b.item()], [1, 2]);
  });

  it("refuses what is no data", () => {
    assertThrows(() => packState({ deep: { f: () => 1 } }), TypeError, "deep.f");
    assertThrows(() => packState({ date: new Date(0) }), TypeError, "date");
    assertThrows(() => packState({ $map: 1 }), TypeError, "$map");
  });
});
