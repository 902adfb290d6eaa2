import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { ones } from "@gradus/gradus";
import { type Callback, findLr, Learner, metrics } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";

const HERE = "call_site.test.ts";

function learnerWith(callback: Callback, y = ones([4, 1])): Learner {
  const model = new nn.Linear(2, 1);
  const optimizer = new optim.SGD(model.parameters());
  const batch = [ones([4, 2]), y] as const;
  return new Learner({
    model,
    optimizer,
    loss: nn.functional.mse,
    data: { train: [batch, batch] },
    callbacks: [callback],
  });
}

describe("fit() that fails", () => {
  it("fit() keeps the error and adds where the run was, and the caller's own line", async () => {
    const error = await assertRejects(() => learnerWith({}, ones([4])).fit(1), RangeError, "Cannot take the mse");
    assertInstanceOf(error.cause, Error);
    assertEquals(error.cause.message, "fit() stopped after 0 steps, in epoch 1, training batch 1 of 2; called");
    assertMatch(error.cause.stack!.split("\n")[1], new RegExp(HERE));
    assert(!Object.keys(error).includes("cause"));
  });
  it("fit() names the caller where the failure comes after many waits", async () => {
    let seen = 0;
    const fails: Callback = {
      afterBatch: async () => {
        await Promise.resolve();
        if (++seen === 3) throw new Error("Cannot write: the disk is full");
      },
    };
    const error = await assertRejects(() => learnerWith(fails).fit(5), Error, "the disk is full");
    assertMatch((error.cause as Error).message, /^fit\(\) stopped after 3 steps, in epoch 2/);
    assertMatch((error.cause as Error).stack!, new RegExp(HERE));
  });
  it("fit() leaves the causes of an error alone and names the caller below them", async () => {
    const [deep, shallow] = [new Error("deep"), new Error("shallow")];
    shallow.cause = deep;
    const thrown = () => {
      throw shallow;
    };
    const error = await assertRejects(() => learnerWith({ beforeBatch: thrown }).fit(1), Error, "shallow");
    assertStrictEquals(error.cause, deep);
    assertMatch((deep.cause as Error).message, /^fit\(\) stopped/);
  });
  it("fit() lets pass what is no error, or may not be changed", async () => {
    for (const value of ["a text", Object.freeze(new Error("frozen"))]) {
      const thrown = () => {
        throw value;
      };
      const caught = await learnerWith({ beforeBatch: thrown }).fit(1).then(() => null, (error) => error);
      assertStrictEquals(caught, value);
    }
  });
  it("findLr() names its caller as well", async () => {
    const error = await assertRejects(() => findLr(learnerWith({}, ones([4]))), RangeError);
    assertMatch((error.cause as Error).stack!, new RegExp(HERE));
  });
});

describe("a learner as text", () => {
  it("console.log of a learner is a short summary of its parts", async () => {
    const learner = learnerWith({});
    await learner.fit(1);
    const lines = Deno.inspect(learner).split("\n");
    assertEquals(lines.slice(0, 8), [
      "Learner(",
      "  model: Linear, 3 parameters",
      "  loss: mse",
      "  optimizer: SGD, lr 0.001",
      "  train: 2 batches",
      "  valid: none",
      "  metrics: none",
      "  callbacks: Object, Recorder",
    ]);
    assertMatch(lines[8], /done: 1 epochs, 2 steps, train loss \d/);
    assertEquals(lines.length, 10);
  });
  it("console.log of an optimiser is PyTorch's printed form", () => {
    const optimizer = new optim.Adam(new nn.Linear(2, 1).parameters());
    const settings = [
      "amsgrad: False",
      "betas: (0.9, 0.999)",
      "eps: 1e-08",
      "lr: 0.001",
      "maximize: False",
      "weight_decay: 0",
    ];
    const lines = ["Adam (", "Parameter Group 0", ...settings.map((line) => `    ${line}`), ")"];
    assertEquals(Deno.inspect(optimizer).split("\n"), lines);
  });
});

describe("metrics without validation data", () => {
  it("fit() warns that nobody will take them, once", async () => {
    const { data, ...parts } = learnerWith({});
    const warnings: string[] = [];
    const { warn } = console;
    console.warn = (text: string) => void warnings.push(text);
    try {
      const { model, optimizer } = parts;
      const learner = new Learner({ model, optimizer, loss: nn.functional.mse, data, metrics: [metrics.mae()] });
      await learner.fit(1);
      await learner.fit(1);
    } finally {
      console.warn = warn;
    }
    assertEquals(warnings, ["fit() computes no metrics (mae) without validation data: give data: { train, valid }"]);
  });
});
