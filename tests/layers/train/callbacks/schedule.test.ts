import { assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { Learner, type TrainingBatch } from "@gradus/gradus/train";
import * as optim from "@gradus/gradus/optim";
import { parabola } from "../parabola.ts";

describe("Schedule", () => {
  const rates = async (per: "batch" | "epoch" | undefined) => {
    const learner = parabola();
    const scheduler = new optim.ExponentialLR(learner.optimizer, { gamma: 0.5 });
    const seen: number[] = [];
    const { model, optimizer, lossFunction: loss, data } = learner;
    const [batch] = data.train as Iterable<TrainingBatch>;
    await new Learner({
      model,
      optimizer,
      loss,
      data: { train: [batch, batch] },
      scheduler: per === undefined ? scheduler : { scheduler, per },
      callbacks: [{ beforeStep: () => void seen.push(optimizer.paramGroups[0].lr) }],
    }).fit(2);
    return seen;
  };

  it("steps after each epoch by default", async () => {
    assertEquals(await rates(undefined), [0.1, 0.1, 0.05, 0.05]);
  });

  it('steps after each batch with per: "batch"', async () => {
    assertEquals(await rates("batch"), [0.1, 0.05, 0.025, 0.0125]);
  });

  it("is noted in the history with the rate of the last step", async () => {
    const learner = parabola();
    const scheduler = new optim.ExponentialLR(learner.optimizer, { gamma: 0.5 });
    const { model, optimizer, lossFunction: loss, data } = learner;
    const { history } = await new Learner({ model, optimizer, loss, data, scheduler }).fit(2);
    assertEquals(history.map(({ lr }) => lr), [0.1, 0.05]);
  });
});
