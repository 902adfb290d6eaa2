import { assertEquals, assertRejects, assertThrows } from "@std/assert";
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

  /** Steps of rate 1.1 are too long: each multiplies the weight by −1.2, and the loss grows. */
  const onPlateau = (monitor?: string) => {
    const learner = parabola({}, 1.1);
    const scheduler = new optim.ReduceLROnPlateau(learner.optimizer, { factor: 0.5, patience: 1 });
    const { model, optimizer, lossFunction: loss, data } = learner;
    const option = monitor === undefined ? scheduler : { scheduler, monitor };
    return new Learner({ model, optimizer, loss, data: { ...data, valid: data.train }, scheduler: option });
  };

  it("steps ReduceLROnPlateau by the validation loss, or by the number that is named", async () => {
    for (const monitor of [undefined, "trainLoss"]) {
      const { history } = await onPlateau(monitor).fit(6);
      assertEquals(history.map(({ lr }) => lr), [1.1, 1.1, 1.1, 0.55, 0.55, 0.55]);
    }
  });

  it("goes on after a number that stopped getting better as if it had not been stopped", async () => {
    const [whole, first, second] = [onPlateau(), onPlateau(), onPlateau()];
    await whole.fit(6);
    await first.fit(2);
    await second.fit(6, { resume: first.stateDict() });
    const rates = ({ history }: Learner) => history.map(({ lr, trainLoss }) => [lr, trainLoss]);
    assertEquals(rates(second), rates(whole));
    assertEquals(second.model.parameters()[0].toArray(), whole.model.parameters()[0].toArray());
  });

  it("refuses a number that the record has not, a rhythm of batches, and a number for other schedules", async () => {
    await assertRejects(() => onPlateau("accuracy").fit(1), RangeError, "Cannot monitor accuracy: the record has");
    const { optimizer } = parabola();
    const plateau = new optim.ReduceLROnPlateau(optimizer), fall = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
    const make = (scheduler: unknown) => () => parabola({ optimizer, scheduler: scheduler as never });
    assertThrows(make({ scheduler: plateau, per: "batch" }), TypeError, 'Cannot step ReduceLROnPlateau per "batch"');
    assertThrows(make({ scheduler: fall, monitor: "loss" }), TypeError, 'Cannot monitor "loss" by ExponentialLR');
    assertThrows(make({ scheduler: plateau, monitor: 3 }), TypeError, "Cannot monitor the number 3");
  });
});
