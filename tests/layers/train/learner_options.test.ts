import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { ones } from "../../../core/create.ts";
import { DataLoader } from "../../../datasets/data_loader.ts";
import { TensorDataset } from "../../../datasets/dataset.ts";
import * as nn from "../../../layers/nn/nn.ts";
import * as optim from "../../../layers/optim/optim.ts";
import { type Callback, EarlyStopping, Learner, type LearnerOptions, metrics } from "../../../layers/train/train.ts";

const [x, y] = [ones([4, 2]), ones([4, 1])];
const model = new nn.Linear(2, 1);

function parts(): LearnerOptions {
  const optimizer = new optim.SGD(model.parameters());
  return { model, loss: nn.mse, optimizer, data: { train: [[x, y]] } };
}

// deno-lint-ignore no-explicit-any
type Untyped = any;

describe("Learner() refuses parts that are none", () => {
  const PARTS: Record<string, [part: Untyped, message: string]> = {
    "no optimizer": [{ optimizer: undefined }, "the optimizer undefined: give new optim.SGD"],
    "the model's parameters for an optimizer": [{ optimizer: model.parameters() }, "the optimizer an array"],
    "a function for a model": [{ model: () => x }, "the model the function model: give an nn.Module"],
    "a loss that is a class": [{ loss: nn.MSELoss }, "the loss the class MSELoss: give nn.functional.mse, or new"],
    "a loader for data": [{ data: new DataLoader([[x, y]]) }, "the data a DataLoader: give { train, valid }"],
    "a dataset for batches": [
      { data: { train: new TensorDataset(x, y) } },
      "a TensorDataset: give batches, new DataLoader",
    ],
    "a number for validation data": [{ data: { train: [[x, y]], valid: 0.2 } }, "Cannot learn from the number 0.2"],
    "a metric that was not called": [
      { metrics: [metrics.accuracy] },
      "the metric the function accuracy: give one such",
    ],
    "a metric without an array": [{ metrics: metrics.accuracy() }, "the metrics an object: give an array"],
    "a callback without an array": [
      { callbacks: new EarlyStopping() },
      "the callbacks an EarlyStopping: give an array",
    ],
    "a callback that is a class": [
      { callbacks: [EarlyStopping] },
      "the class EarlyStopping as a callback: make an object",
    ],
    "an optimizer for a schedule": [
      { scheduler: new optim.SGD(model.parameters()) },
      "Cannot follow a SGD: give a schedule",
    ],
    "a schedule per batches": [
      { scheduler: { scheduler: new optim.StepLR(parts().optimizer, { stepSize: 1 }), per: "batches" } },
      'rhythm "batches": the rhythms are batch, epoch, the nearest is batch',
    ],
  };
  for (const [name, [part, message]] of Object.entries(PARTS)) {
    it(`Learner() refuses ${name}`, () => {
      assertThrows(() => new Learner({ ...parts(), ...part }), TypeError, message);
    });
  }
});

describe("Learner() refuses callbacks that would never be called", () => {
  const NAMES: [written: string, meant: string][] = [
    ["onEpochEnd", "afterEpoch"],
    ["onEpochBegin", "beforeEpoch"],
    ["after_epoch", "afterEpoch"],
    ["beforeTraining", "beforeTrain"],
  ];
  for (const [written, meant] of NAMES) {
    it(`Learner() takes the method ${written}() for ${meant}()`, () => {
      const callback = { [written]: () => {} } as Callback;
      const error = assertThrows(() => new Learner({ ...parts(), callbacks: [callback] }), TypeError);
      assertEquals(error.message.match(/the method (\w+)\(\).*the nearest is (\w+)$/)?.slice(1), [written, meant]);
    });
  }
  it("Learner() refuses such a method of a class as well", () => {
    class Mine implements Callback {
      afterEpoch() {}
      onBatchEnd() {}
    }
    assertThrows(() => new Learner({ ...parts(), callbacks: [new Mine()] }), TypeError, "the nearest is afterBatch");
  });
  it("Learner() refuses an object none of whose methods is a moment", () => {
    assertThrows(
      () => new Learner({ ...parts(), callbacks: [{ afterBacth() {} } as Callback] }),
      TypeError,
      "afterBatch",
    );
    assertThrows(() => new Learner({ ...parts(), callbacks: [{ log() {} } as Callback] }), TypeError, "method log()");
  });
  it("Learner() leaves methods of a callback alone that are its own", () => {
    const callback = { log: () => {}, afterFit: () => {}, onNote: () => {} } as Callback;
    new Learner({ ...parts(), callbacks: [callback, { cleanUp: () => {} }] });
  });
});

describe("loadStateDict() of what is no state", () => {
  it("loadStateDict() names what is missing, and changes nothing", () => {
    const learner = new Learner(parts());
    for (const state of [undefined, {}, learner.model.stateDict()] as Untyped[]) {
      assertThrows(() => learner.loadStateDict(state), TypeError, "the state of a Learner from");
    }
    const loader = new DataLoader([1]);
    assertThrows(() => loader.loadStateDict({ order: null } as Untyped), TypeError, "it has no position");
  });
});

describe("fit() and evaluate()", () => {
  it("fit() refuses epochs that are no number, and a batch that is no pair", async () => {
    const learner = new Learner({ ...parts(), data: { train: [x, y] as Untyped } });
    await assertRejects(
      () => learner.fit({ epochs: 3 } as Untyped),
      TypeError,
      "Cannot fit an object: give a number of epochs, fit(5)",
    );
    await assertRejects(() => learner.fit(1), TypeError, "a batch that is a Tensor: it is [x, y]");
    await assertRejects(
      () => new Learner(parts()).evaluate([{ x, y }] as Untyped),
      TypeError,
      "a batch that is an object",
    );
  });
});
