import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { tensor } from "@gradus/gradus";
import {
  type Callback,
  Checkpoints,
  EarlyStopping,
  KeepBest,
  type Learner,
  loadCheckpoint,
} from "@gradus/gradus/train";
import { inFolder } from "../../../core/io/in_folder.ts";
import { parabola, weightOf } from "../parabola.ts";

/** A run whose epochs have these scores; its weight is 0.8 to the power of the epochs that are done. */
function scored(scores: number[], callbacks: Callback[]): Learner {
  const one = tensor([[1]], { dtype: "float64" });
  const learner: Learner = parabola({
    metrics: [{ name: "score", reset: () => {}, update: () => {}, value: () => scores[learner.epoch - 1] }],
    ...{ data: { train: [[one, one]], valid: [[one, one]] }, callbacks },
  });
  return learner;
}
const after = (epochs: number) => Array.from({ length: epochs }).reduce((w: number) => w - 0.1 * 2 * w, 1);

describe("KeepBest", () => {
  it("puts the weights of the best epoch back at the end", async () => {
    const best = new KeepBest({ monitor: "score" });
    const learner = scored([1, 5, 2, 3], [best]);
    await learner.fit(4);
    assertEquals([best.epoch, weightOf(learner).item()], [2, after(2)]);
  });

  it("lets the run go on with the weights that it has", async () => {
    const seen: number[] = [];
    const spy = { afterEpoch: (learner: Learner) => void seen.push(weightOf(learner).item()) };
    await scored([5, 1, 2], [new KeepBest({ monitor: "score" }), spy]).fit(3);
    assertEquals(seen, [after(1), after(2), after(3)]);
  });

  it("keeps the first of equal ones, and none that is no number", async () => {
    const best = new KeepBest({ monitor: "score", mode: "min" });
    const learner = scored([NaN, 2, 2, 3], [best]);
    await learner.fit(4);
    assertEquals([best.epoch, weightOf(learner).item()], [2, after(2)]);
    const none = scored([NaN, NaN], [new KeepBest({ monitor: "score" })]);
    await none.fit(2);
    assertEquals(weightOf(none).item(), after(2));
  });

  it("puts them back after a run that was stopped, and not after an error", async () => {
    const stop = { afterEpoch: (learner: Learner) => learner.epoch === 3 && learner.stop("enough") } as Callback;
    const stopped = scored([1, 5, 2, 3], [new KeepBest({ monitor: "score" }), stop]);
    await stopped.fit(4);
    assertEquals(weightOf(stopped).item(), after(2));
    const fail = {
      afterEpoch: ({ epoch }: Learner) => {
        if (epoch === 3) throw new RangeError("no more");
      },
    };
    const failed = scored([1, 5, 2, 3], [new KeepBest({ monitor: "score" }), fail]);
    await assertRejects(() => failed.fit(4), RangeError, "no more");
    assertEquals(weightOf(failed).item(), after(3));
  });

  it("begins anew with each run", async () => {
    const best = new KeepBest({ monitor: "score" });
    const learner = scored([9, 1, 2, 3], [best]);
    await learner.fit(2);
    await learner.fit(2);
    assertEquals(best.epoch, 4);
  });

  it("knows the best of a run that it resumes, whose checkpoints hold the weights that go on", () =>
    inFolder(async (folder) => {
      const callbacks = () => [new Checkpoints(folder), new KeepBest({ monitor: "score" })];
      await scored([1, 5, 2, 3], callbacks()).fit(3);
      const { model } = (await loadCheckpoint(folder))!;
      assertEquals([...model.values()][0].item(), after(3));
      const resumed = scored([1, 5, 2, 3], callbacks());
      await resumed.fit(4, { resume: true });
      assertEquals([resumed.epoch, weightOf(resumed).item()], [4, after(2)]);
    }));
});

describe("EarlyStopping with restoreBest", () => {
  it("puts the weights of the best epoch back, unless it is told not to", async () => {
    for (const [restoreBest, expected] of [[true, after(2)], [false, after(4)]] as const) {
      const learner = scored([1, 5, 2, 3, 4], [new EarlyStopping({ monitor: "score", patience: 2, restoreBest })]);
      await learner.fit(5);
      assertEquals([learner.epoch, weightOf(learner).item()], [4, expected]);
    }
  });

  it("puts them back where the run ends by itself, too", async () => {
    const learner = scored([1, 5, 2], [new EarlyStopping({ monitor: "score" })]);
    await learner.fit(3);
    assertEquals(weightOf(learner).item(), after(2));
  });
});
