import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { defaultGenerator, fromData, manualSeed } from "@gradus/gradus";
import {
  type Batches,
  type BatchSource,
  type Callback,
  CancelEpoch,
  Checkpoints,
  EarlyStopping,
  loadCheckpoint,
  type TrainingBatch,
} from "@gradus/gradus/train";
import { randperm } from "../../../../core/random/torch_streams.ts";
import { inFolder } from "../../../core/io/in_folder.ts";
import { checkpointsIn, filled, wholeRun } from "./checkpointed_run.ts";
import { bitsOf, EPOCHS, networkOfImages, points, promised, shuffled, smallLearner } from "../small_run.ts";

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

/** A run that is stopped, and resumed by a new learner. */
async function brokenRun(train: () => Batches, folder: string, stop: Callback): Promise<unknown> {
  await smallLearner([new Checkpoints(folder), stop], train()).fit(EPOCHS);
  const learner = smallLearner([new Checkpoints(folder)], train());
  manualSeed(99); // a new process has other random numbers
  await learner.fit(EPOCHS, { resume: true });
  return bitsOf(learner);
}

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

    it(`lead a run over ${kind}, stopped within a validation, to the same bits`, () =>
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
      for (const name of checkpointsIn(folder)) {
        const learner = smallLearner();
        manualSeed(99);
        await learner.fit(EPOCHS, { resume: () => loadCheckpoint(`${folder}/${name}`) });
        assertEquals(bitsOf(learner), expected, name);
      }
    }));

  it("lead a model with layers over images to the same bits", () =>
    inFolder(async (folder) => {
      const whole = smallLearner([], shuffled(), networkOfImages());
      await whole.fit(EPOCHS);
      const stop = stopper((at, training) => training && at === 7);
      await smallLearner([new Checkpoints(folder), stop], shuffled(), networkOfImages()).fit(EPOCHS);
      const learner = smallLearner([new Checkpoints(folder)], shuffled(), networkOfImages());
      manualSeed(99);
      await learner.fit(EPOCHS, { resume: true });
      assertEquals(bitsOf(learner), bitsOf(whole));
    }));

  it("let a new run begin where resume finds none", () =>
    inFolder(async (folder) => {
      const learner = smallLearner([new Checkpoints(`${folder}/new`)]);
      await learner.fit(1, { resume: true });
      assertEquals(learner.step, 5);
    }));

  it("end a resumed run whose epochs are all done at once", () =>
    inFolder(async (folder) => {
      await filled(folder);
      const learner = smallLearner([new Checkpoints(folder)]);
      const { history } = await learner.fit(EPOCHS, { resume: true });
      assertEquals([learner.step, history.length], [15, 3]);
    }));

  it("refuse to be resumed by a learner with other callbacks", () =>
    inFolder(async (folder) => {
      await filled(folder);
      const learner = smallLearner([new Checkpoints(folder), new EarlyStopping()]);
      await assertRejects(() => learner.fit(EPOCHS, { resume: true }), RangeError, "EarlyStopping");
    }));

  it("are needed for resume: true", async () => {
    await assertRejects(() => smallLearner().fit(1, { resume: true }), Error, "add one or give resume");
  });

  it("are needed where a folder is named", () =>
    inFolder(async (folder) => {
      await assertRejects(
        () => smallLearner().fit(1, { resume: () => loadCheckpoint(folder) }),
        Error,
        "no checkpoint",
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
});
