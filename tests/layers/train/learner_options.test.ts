import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { ones, Tensor } from "@gradus/gradus";
import { DataLoader, TensorDataset } from "@gradus/gradus/data";
import {
  type Callback,
  EarlyStopping,
  Learner,
  type LearnerOptions,
  type LearnerState,
  metrics,
} from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";
import { nearestIs } from "../../wording.ts";

const [x, y] = [ones([4, 2]), ones([4, 1])];
const model = new nn.Linear(2, 1);

function parts(): LearnerOptions {
  const optimizer = new optim.SGD(model.parameters());
  return { model, loss: nn.functional.mse, optimizer, data: { train: [[x, y]] } };
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
      `rhythm "batches": the rhythms are batch, epoch, ${nearestIs("batch")}`,
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
    assertThrows(() => new Learner({ ...parts(), callbacks: [new Mine()] }), TypeError, nearestIs("afterBatch"));
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

describe("loadStateDict() of what does not fit", () => {
  const WRONG: Record<string, (state: LearnerState) => Partial<LearnerState>> = {
    "an optimiser with two groups": ({ optimizer: o }) => ({
      optimizer: { ...o, param_groups: [...o.param_groups, ...o.param_groups] },
    }),
    "a callback's state that it refuses": ({ callbacks }) => ({ callbacks: { ...callbacks, Proud: "strange" } }),
    "a loader in no order": ({ rngState }) => ({ rngState: { ...rngState, train: { order: null } } }),
    "a generator's state of no length": ({ rngState }) => ({ rngState: { ...rngState, random: new Uint8Array(3) } }),
  };
  for (const [name, wrong] of Object.entries(WRONG)) {
    it(`loadStateDict() of ${name} leaves model, optimiser, callbacks and random numbers as they were`, async () => {
      const [mine, other] = [new nn.Linear(2, 1), new nn.Linear(2, 1)].map((net) => {
        let kept = "nothing";
        return new Learner({
          model: net,
          loss: nn.functional.mse,
          optimizer: new optim.Adam(net.parameters(), { lr: net.weight.at(0, 0).item() ** 2 }),
          data: { train: new DataLoader(new TensorDataset(x, y), { shuffle: true }) },
          callbacks: [{
            name: "Proud",
            afterEpoch: () => void (kept = "an epoch"),
            stateDict: () => kept,
            loadStateDict: (state) => {
              if (state === "strange") throw new RangeError("Cannot take what is strange");
              kept = state as string;
            },
          }],
        });
      });
      await other.fit(2);
      const copied = (l: Learner) => structuredClone(plain(l.stateDict()));
      const before = copied(mine);
      assertThrows(() => mine.loadStateDict({ ...other.stateDict(), ...wrong(other.stateDict()) }));
      assertEquals(copied(mine), before);
    });
  }
});

/** A state without tensors, which share their memory with what may change. */
function plain(state: LearnerState): unknown {
  const numbers = (value: unknown): unknown => {
    if (value instanceof Tensor) return value.toArray();
    if (value instanceof Map) return [...value].map(([name, part]) => [name, numbers(part)]);
    if (Array.isArray(value) || ArrayBuffer.isView(value)) return value;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, numbers(part)]));
  };
  return numbers(state);
}

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
