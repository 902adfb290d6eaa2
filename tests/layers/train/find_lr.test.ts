import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { defaultGenerator, tensor } from "@gradus/gradus";
import { findLr } from "@gradus/gradus/train";
import { parabola } from "./parabola.ts";
import { bitsOf, smallLearner } from "./small_run.ts";

describe("findLr()", () => {
  it("multiplies the rate by 1.3 a batch and notes the loss before each step", async () => {
    const { rates, losses } = await findLr(parabola(), { start: 0.01 });
    let w = 1;
    rates.forEach((rate, i) => {
      assertAlmostEquals(rate, 0.01 * 1.3 ** i, 1e-12);
      assertAlmostEquals(losses[i], w * w, 1e-12 * Math.max(1, w * w));
      w *= 1 - 2 * rate;
    });
  });

  it("ends before a loss above 3 times the best", async () => {
    const { rates, losses } = await findLr(parabola(), { start: 0.01 });
    assert(losses.every((loss, i) => loss <= 3 * Math.min(...losses.slice(0, i + 1))));
    const [rate, loss] = [rates[rates.length - 1], losses[losses.length - 1]];
    assert(loss * (1 - 2 * rate) ** 2 > 3 * Math.min(...losses));
  });

  it("ends at the largest rate where the loss never grows", async () => {
    const flat = parabola({ loss: (p) => p.mul(0).sum().add(1) });
    const { rates } = await findLr(flat, { start: 1, factor: 2, end: 10 });
    assertEquals(rates, [1, 2, 4, 8]);
  });

  it("goes on while a loss below 0 falls, and ends where it rises by twice its size", async () => {
    const values = [-1, -1.5, -2, -2.5, -3, 2.9, 3.1, -9];
    let at = 0;
    const given = parabola({ loss: (p) => p.mul(0).sum().add(values[at++]) });
    const { losses } = await findLr(given, { start: 0.01 });
    assertEquals(losses, values.slice(0, 6));
  });

  it("ends at a later loss of −∞", async () => {
    const values = [1, 0.5, -Infinity, 0.1];
    let at = 0;
    const lost = parabola({ loss: (p) => p.mul(0).sum().add(values[at++]) });
    assertEquals((await findLr(lost, { start: 0.01 })).losses, [1, 0.5]);
  });

  it("suggests a tenth of the rate of the least loss", async () => {
    const { rates, losses, suggestion } = await findLr(parabola(), { start: 0.01 });
    assertEquals(suggestion, rates[losses.indexOf(Math.min(...losses))] / 10);
  });

  it("leaves weights, optimiser, random numbers and counts as they were", async () => {
    const learner = smallLearner();
    await learner.fit(1);
    const [before, random] = [bitsOf(learner), defaultGenerator.getState()];
    await findLr(learner, { start: 1e-3 });
    assertEquals(bitsOf(learner), before);
    assertEquals(defaultGenerator.getState(), random);
  });

  it("says which sample and column of the first batch is no number", async () => {
    const one = tensor([[1]], { dtype: "float64" });
    const lost = parabola({ data: { train: [[tensor([[1], [NaN]], { dtype: "float64" }), one]] } });
    const message = "Cannot find a rate: the first loss is NaN; the batch's inputs hold NaN at sample 1, column 0";
    await assertRejects(() => findLr(lost), RangeError, message);
  });

  it("refuses a factor that does not grow", async () => {
    await assertRejects(() => findLr(parabola(), { factor: 1 }), RangeError, "factor");
  });
});
