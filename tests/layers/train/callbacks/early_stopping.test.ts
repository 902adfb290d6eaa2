import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { tensor } from "@gradus/gradus";
import { type Callback, EarlyStopping, type Learner } from "@gradus/gradus/train";
import { parabola } from "../parabola.ts";

describe("EarlyStopping", () => {
  /** A run whose epochs have these scores. */
  function scored(scores: number[], callbacks: Callback[]): Learner {
    const one = tensor([[1]], { dtype: "float64" });
    let epoch = 0;
    const metric = { name: "score", reset: () => {}, update: () => {}, value: () => scores[epoch++] };
    return parabola({ metrics: [metric], data: { train: [[one, one]], valid: [[one, one]] }, callbacks });
  }

  it("stops after patience epochs without a new best", async () => {
    const learner = scored([1, 2, 2, 1.5, 9], [new EarlyStopping({ monitor: "score", patience: 2 })]);
    const { outcome, reason, history } = await learner.fit(5);
    assertEquals([outcome, history.length], ["stopped", 4]);
    assertStringIncludes(reason!, "no new best of score in 2 epochs");
  });

  it("begins anew with each fit() that is not resumed", async () => {
    const learner = scored([9, 1, 2, 2.5, 2.6, 2], [new EarlyStopping({ monitor: "score", patience: 1 })]);
    const first = (await learner.fit(5)).history.length;
    const { outcome, history } = await learner.fit(4);
    assertEquals([first, outcome, history.length], [2, "stopped", 6]);
  });

  it('takes the smallest for the best with mode: "min"', async () => {
    const learner = scored([1, 2, 3, 4], [new EarlyStopping({ monitor: "score", patience: 2, mode: "min" })]);
    assertEquals((await learner.fit(4)).history.length, 3);
  });

  it("refuses a patience and a minDelta that are no numbers", () => {
    const text = "3" as unknown as number;
    assertThrows(() => new EarlyStopping({ patience: text }), TypeError, 'with the patience the text "3"');
    assertThrows(() => new EarlyStopping({ minDelta: text }), TypeError, 'with the minDelta the text "3"');
  });

  it("asks for more than minDelta", async () => {
    const learner = scored([1, 1.1, 1.2, 1.3], [new EarlyStopping({ monitor: "score", patience: 2, minDelta: 0.5 })]);
    assertEquals((await learner.fit(4)).history.length, 3);
  });

  it("monitors the loss by default", async () => {
    const growing = parabola({ callbacks: [new EarlyStopping({ patience: 1 })] }, 1.5); // w doubles with each step
    assertEquals((await growing.fit(9)).history.length, 2);
  });

  it("refuses to monitor a number that the record has not", async () => {
    const learner = parabola({ callbacks: [new EarlyStopping({ monitor: "score" })] });
    await assertRejects(() => learner.fit(1), RangeError, "Cannot monitor score: the record has the numbers trainLoss");
  });
});
