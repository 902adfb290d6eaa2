import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { tensor } from "@gradus/gradus";
import { type Callback, CancelBatch, CancelEpoch, CancelFit, Learner } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";
import { type Moment } from "../../../../layers/train/callbacks/callback.ts";

const POINTS = ["Fit", "Epoch", "Train", "Valid", "Batch", "Loss", "Backward", "Step"] as const;

/** A callback that notes every moment, and what else `act` does there. */
function spy(seen: string[], act: (moment: Moment, learner: Learner) => void = () => {}): Callback {
  const moments = POINTS.flatMap((point): Moment[] => [`before${point}`, `after${point}`]);
  return Object.fromEntries(moments.map((moment) => [moment, (learner: Learner) => {
    seen.push(moment);
    act(moment, learner);
  }]));
}

function learnerWith(callbacks: Callback[], batches = 1): Learner {
  const model = new nn.Linear(1, 1);
  const batch = [tensor([[1]]), tensor([[2]])] as const;
  return new Learner({
    model,
    optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
    loss: nn.functional.mse,
    data: { train: Array(batches).fill(batch), valid: [batch] },
    callbacks,
  });
}

const LEARN = [
  "beforeBatch beforeLoss afterLoss beforeBackward afterBackward beforeStep afterStep afterBatch",
].join(" ").split(" ");
const VALIDATE = "beforeBatch beforeLoss afterLoss afterBatch".split(" ");

describe("Callback", () => {
  it("is called at every moment, in order", async () => {
    const seen: string[] = [];
    await learnerWith([spy(seen)]).fit(1);
    assertEquals(seen, [
      "beforeFit",
      "beforeEpoch",
      "beforeTrain",
      ...LEARN,
      "afterTrain",
      "beforeValid",
      ...VALIDATE,
      "afterValid",
      "afterEpoch",
      "afterFit",
    ]);
  });

  it("is called by order, and as given among equals", async () => {
    const seen: string[] = [];
    const named = (name: string, order?: number): Callback => ({
      ...(order === undefined ? {} : { order }),
      beforeStep: () => void seen.push(name),
    });
    await learnerWith([named("late", 5), named("first of two"), named("second of two", 0), named("early", -1)]).fit(1);
    assertEquals(seen, ["early", "first of two", "second of two", "late"]);
  });

  it("is waited for where it answers a promise", async () => {
    const seen: string[] = [];
    const slow: Callback = {
      beforeStep: async () => {
        await new Promise((done) => setTimeout(done, 1));
        seen.push("slow");
      },
    };
    await learnerWith([slow, { beforeStep: () => void seen.push("quick") }]).fit(1);
    assertEquals(seen, ["slow", "quick"]);
  });

  it("sees how many epochs, batches and steps are done", async () => {
    const seen: number[][] = [];
    const note = ({ epoch, batch, step }: Learner) => void seen.push([epoch, batch, step]);
    await learnerWith([{ beforeBatch: note, beforeStep: note, afterStep: note, afterBatch: note, afterEpoch: note }])
      .fit(1);
    assertEquals(seen, [[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 0, 1], [0, 1, 1], [1, 0, 1]]);
  });

  it("may replace the batch before it is learned from", async () => {
    const learner = learnerWith([{ beforeBatch: (l) => void (l.y = l.y.mul(0)) }]);
    await learner.fit(100);
    assertEquals(learner.prediction.abs().item() < 1e-3, true);
  });

  it("ends a batch with CancelBatch: no step, but afterBatch", async () => {
    const seen: string[] = [];
    const learner = learnerWith([spy(seen, (moment, { batch, training }) => {
      if (moment === "afterLoss" && training && batch === 0) throw new CancelBatch();
    })], 2);
    await learner.fit(1);
    assertEquals(seen.slice(3, 7), ["beforeBatch", "beforeLoss", "afterLoss", "afterBatch"]);
    assertEquals(learner.step, 1);
  });

  it("ends an epoch with CancelEpoch: no more batches and no validation, but afterEpoch", async () => {
    const seen: string[] = [];
    const learner = learnerWith([spy(seen, (moment, { epoch }) => {
      if (moment === "afterStep" && epoch === 0) throw new CancelEpoch();
    })], 2);
    await learner.fit(2);
    assertEquals(seen.slice(seen.indexOf("afterStep"), seen.indexOf("afterStep") + 3), [
      "afterStep",
      "afterEpoch",
      "beforeEpoch",
    ]);
    assertEquals([learner.epoch, learner.step], [2, 3]);
  });

  it("ends the run with CancelFit: afterFit follows, and the report says why", async () => {
    const seen: string[] = [];
    const learner = learnerWith([spy(seen, (moment) => {
      if (moment === "beforeBackward") throw new CancelFit("seen enough");
    })]);
    const { outcome, reason } = await learner.fit(2);
    assertEquals([outcome, reason, learner.step], ["cancelled", "seen enough", 0]);
    assertEquals(seen.slice(-2), ["beforeBackward", "afterFit"]);
  });

  it("lets other errors through, after cleanUp", async () => {
    const seen: string[] = [];
    const broken: Callback = {
      afterStep: () => {
        throw new TypeError("broken");
      },
      afterFit: () => void seen.push("afterFit"),
      cleanUp: () => void seen.push("cleanUp"),
    };
    const learner = learnerWith([broken]);
    await assertRejects(() => learner.fit(1), TypeError, "broken");
    assertEquals(seen, ["cleanUp"]);
  });

  it("leaves a learner that can fit again after an error", async () => {
    let broken = true;
    const learner = learnerWith([{
      afterStep: () => {
        if (broken) throw new TypeError("broken");
      },
    }]);
    await assertRejects(() => learner.fit(1), TypeError);
    broken = false;
    assertEquals((await learner.fit(1)).outcome, "finished");
  });
});
