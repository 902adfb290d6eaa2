import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { tensor } from "../../../core/create.ts";
import type { Tensor } from "../../../core/tensor.ts";
import * as nn from "../../../layers/nn/nn.ts";
import * as optim from "../../../layers/optim/optim.ts";
import { Learner } from "../../../layers/train/learner.ts";
import { NanWatchdog } from "../../../layers/train/nan_watchdog.ts";
import { parabola, weightOf } from "./parabola.ts";

describe("NanWatchdog", () => {
  it("names the layer whose output is lost, and the step", async () => {
    class Broken extends nn.Module {
      override forward(x: Tensor): Tensor {
        return learner.step === 2 ? x.mul(NaN) : x;
      }
    }
    const model = new nn.Sequential(new nn.Linear(1, 2), new Broken(), new nn.Linear(2, 1));
    const learner = parabola({
      model,
      optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
      data: { train: [[tensor([[1]]), tensor([[1]])]] },
      callbacks: [new NanWatchdog()],
    });
    const error = await assertRejects(() => learner.fit(5), RangeError);
    assertStringIncludes(error.message, "at step 2 (training, epoch 3, batch 1): the output of 1 (Broken) holds NaN");
  });

  it("names the loss where no layer is to blame", async () => {
    const learner = parabola({ loss: (p) => p.sum().mul(Infinity), callbacks: [new NanWatchdog()] });
    await assertRejects(() => learner.fit(1), RangeError, "the loss holds Infinity");
  });

  it("names the gradient that is lost while the loss is not", async () => {
    const learner = parabola({ loss: (p) => p.mul(0).sqrt().sum(), callbacks: [new NanWatchdog()] });
    await assertRejects(() => learner.fit(1), RangeError, "the gradient of weight holds NaN");
  });

  it("lets large numbers pass whose sum is not finite", async () => {
    const x = tensor([[3e38, 3e38]]);
    const model = new nn.ReLU();
    const owner = parabola();
    const learner = new Learner({
      model,
      optimizer: owner.optimizer,
      loss: () => weightOf(owner).sum(),
      data: { train: [[x, x]] },
      callbacks: [new NanWatchdog()],
    });
    assertEquals((await learner.fit(1)).outcome, "finished");
  });

  it("looks no longer when the run is over", async () => {
    const learner = parabola({ callbacks: [new NanWatchdog()] });
    await learner.fit(1);
    assertEquals(Object.keys(learner.model).includes("forward"), false);
  });
});
