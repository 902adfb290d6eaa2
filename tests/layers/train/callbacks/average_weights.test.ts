import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { type Tensor } from "@gradus/gradus";
import {
  AveragedModel,
  AverageWeights,
  type AverageWeightsOptions,
  type Callback,
  Checkpoints,
  getEmaAvgFn,
  type Learner,
  updateBn,
} from "@gradus/gradus/train";
import { parabola, weightOf } from "../parabola.ts";
import { bitsOf, EPOCHS, inOrder, network, smallLearner } from "../small_run.ts";

const values = (state: ReadonlyMap<string, Tensor>) => Array.from(state, ([name, x]) => [name, x.toArray()]);

/** A run beside which an AveragedModel averages by hand. */
function averagedByHand(options: AverageWeightsOptions, after: "afterStep" | "afterEpoch") {
  const model = new AveragedModel(network(), options.average === "swa" ? {} : { avgFn: getEmaAvgFn(options.decay) });
  const callback: Callback = { order: 50, [after]: (run: Learner) => void model.updateParameters(run.model) };
  return { model, callback };
}

describe("AverageWeights", () => {
  for (const average of ["ema", "swa"] as const) {
    it(`${average} puts into the model what AveragedModel and updateBn give`, async () => {
      const options: AverageWeightsOptions = average === "ema" ? { decay: 0.9 } : { average };
      const hand = averagedByHand(options, average === "ema" ? "afterStep" : "afterEpoch");
      const plain = smallLearner([hand.callback], inOrder());
      await plain.fit(EPOCHS);
      await updateBn(inOrder(), hand.model.module);
      const learner = smallLearner([new AverageWeights(options)], inOrder());
      await learner.fit(EPOCHS);
      assertEquals(values(learner.model.stateDict()), values(hand.model.module.stateDict()));
      assertEquals(learner.history.map((row) => row.validLoss), plain.history.map((row) => row.validLoss));
    });

    it(`${average} goes on from a checkpoint of a stopped run, and ends with the same bits`, async () => {
      const folder = await Deno.makeTempDir();
      const make = () => new AverageWeights(average === "ema" ? { decay: 0.9, every: 2 } : { average, start: 1 });
      try {
        const whole = smallLearner([make()]);
        await whole.fit(EPOCHS);
        const stop: Callback = { afterBatch: (run) => run.step === 7 && run.training ? run.stop("enough") : undefined };
        await smallLearner([make(), new Checkpoints(folder), stop]).fit(EPOCHS);
        const again = make();
        const resumed = smallLearner([again, new Checkpoints(folder)]);
        await resumed.fit(EPOCHS, { resume: true });
        assertEquals(again.count, average === "ema" ? 7 : 2);
        assertEquals(bitsOf(resumed), bitsOf(whole));
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }

  it("averages from an epoch on", async () => {
    const average = new AverageWeights({ average: "swa", start: 1, every: 2 });
    const learner = parabola({ callbacks: [average] }, 0.25); // each step halves the weight
    await learner.fit(5);
    assertEquals(average.count, 2); // after epochs 3 and 5
    assertAlmostEquals(weightOf(learner).item(), (1 / 8 + 1 / 32) / 2, 1e-15);
  });

  it("leaves the random numbers as a run without it does", async () => {
    const [a, b] = [smallLearner([new AverageWeights()]), smallLearner()];
    await a.fit(1);
    await b.fit(1);
    assertEquals(a.stateDict().rngState, b.stateDict().rngState);
  });

  it("leaves the model alone where the run ends before the first average, or by an error", async () => {
    const late = parabola({ callbacks: [new AverageWeights({ start: 5 })] }, 0.25);
    await late.fit(1);
    assertEquals(weightOf(late).item(), 0.5);
    const fail: Callback = {
      beforeBatch: ({ step }) => {
        if (step === 1) throw new Error("a fault");
      },
    };
    const failed = parabola({ callbacks: [new AverageWeights({ decay: 0 }), fail] }, 0.25);
    await failed.fit(2).catch(() => {});
    assertEquals(weightOf(failed).item(), 0.5);
  });

  it("refuses settings out of their range", () => {
    assertThrows(() => new AverageWeights({ every: 0 }), RangeError, "Cannot set every to 0");
    assertThrows(() => new AverageWeights({ decay: 1.5 }), RangeError, "Cannot average with the decay 1.5");
    assertThrows(() => new AverageWeights({ average: "swa", decay: 0.9 }), TypeError, "Cannot set the decay");
    assertThrows(() => new AverageWeights({ average: "mean" as never }), TypeError, "mean");
  });
});
