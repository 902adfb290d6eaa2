import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { manualSeed, noGrad, type Tensor, tensor } from "@gradus/gradus";
import { DataLoader, type DataLoaderState } from "@gradus/gradus/data";
import { type Batches, Learner } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";
import type { Moment } from "../../../layers/train/callbacks/callback.ts";
import * as metrics from "@gradus/gradus/metrics";
import { bitsOf, EPOCHS, inOrder, network, points, promised, shuffled, smallLearner } from "./small_run.ts";

/** Four rows of which the last stands in a batch of its own; the model is the constant 0. */
function unevenLearner(): Learner {
  const model = new nn.Linear(1, 1);
  noGrad(() => model.parameters().forEach((p) => p.zero_()));
  const batches = [
    [tensor([[0], [0], [0]]), tensor([[1], [1], [1]])],
    [tensor([[0]]), tensor([[3]])],
  ] as const;
  return new Learner({
    model,
    optimizer: new optim.SGD(model.parameters(), { lr: 0 }),
    loss: nn.functional.mse,
    data: { train: batches, valid: batches },
    metrics: [metrics.mse()],
  });
}

describe("Learner", () => {
  it("fit() leaves what a plain loop leaves, bit for bit", async () => {
    const learner = smallLearner();
    await learner.fit(EPOCHS);

    const [loader, valid] = [shuffled(), inOrder()];
    const model = network();
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
    const schedule = new optim.OneCycleLR(optimizer, { maxLr: 0.05, totalSteps: 15 });
    manualSeed(3);
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      for (const [x, y] of loader) {
        optimizer.zeroGrad();
        nn.functional.crossEntropy(model.call(x), y).backward();
        optimizer.step();
        schedule.step();
      }
      for (const [x] of valid) noGrad(() => model.eval().call(x));
      model.train();
    }
    const weights = (m: nn.Module) => Array.from(m.stateDict(), ([name, x]) => [name, x.toArray()]);
    assertEquals(weights(learner.model), weights(model));
  });

  it("fit() leaves the same bits where the batches are promised and prepared ahead", async () => {
    const [there, ahead] = [smallLearner(), smallLearner([], promised())];
    for (const learner of [there, ahead]) {
      manualSeed(3);
      await learner.fit(EPOCHS);
    }
    assertEquals(bitsOf(ahead), bitsOf(there));
  });

  it("fit() lets the next batch be prepared while this one is learned from", async () => {
    const log: string[] = [];
    const { x, y } = points();
    const dataset = {
      length: 3,
      get: (i: number) => {
        log.push(`begin ${i}`);
        return Promise.resolve([x, y] as const);
      },
    };
    const collate = ([sample]: (readonly [Tensor, Tensor])[]) => sample;
    const learner = smallLearner(
      [{ beforeBackward: ({ batch }) => void log.push(`learn ${batch}`) }],
      new DataLoader(dataset, { collate }),
    );
    await learner.fit(1);
    assertEquals(log, ["begin 0", "begin 1", "learn 0", "begin 2", "learn 1", "learn 2"]);
  });

  it("fit() closes the source of its batches where it ends early", async () => {
    let closed = 0;
    const [batch] = inOrder();
    const source: Batches = {
      length: 3,
      async *[Symbol.asyncIterator]() {
        try {
          for (let i = 0; i < 3; i++) yield await Promise.resolve(batch);
        } finally {
          closed++;
        }
      },
    };
    await smallLearner([{ afterStep: (learner) => learner.stop("enough") }], source).fit(1);
    await assertRejects(() =>
      smallLearner([{ afterStep: () => Promise.reject(new TypeError("broken")) }], source).fit(1)
    );
    assertEquals(closed, 2);
  });

  it("fit() gives the same bits twice, and others after another seed", async () => {
    const runs = [smallLearner(), smallLearner(), smallLearner()];
    await runs[0].fit(1);
    manualSeed(3);
    await runs[1].fit(1);
    manualSeed(4);
    await runs[2].fit(1);
    assertEquals(bitsOf(runs[1]), bitsOf(runs[0]));
    assertNotEquals(bitsOf(runs[2]), bitsOf(runs[0]));
  });

  it("fit() goes on counting from call to call", async () => {
    const learner = smallLearner();
    await learner.fit(1);
    await learner.fit(2);
    assertEquals([learner.epoch, learner.step, learner.history.map(({ epoch }) => epoch)], [3, 15, [1, 2, 3]]);
  });

  it("history weighs a short last batch by its rows", async () => {
    const { history: [row] } = await unevenLearner().fit(1);
    assertEquals([row.trainLoss, row.validLoss, row.metrics.mse], [3, 3, 3]); // (3·1 + 9) / 4, not (1 + 9) / 2
  });

  it("evaluate() gives loss and metrics in eval mode, and restores the mode", async () => {
    const learner = smallLearner();
    const { x, y } = points();
    learner.model.train();
    const first = await learner.evaluate([[x, y]]);
    assertEquals(await learner.evaluate([[x, y]]), first); // dropout would differ
    assertEquals([learner.model.training, Object.keys(first)], [true, ["loss", "accuracy", "confusion"]]);
  });

  const MOMENTS: Moment[] = [
    ...["beforeFit", "beforeEpoch", "beforeTrain", "beforeBatch", "beforeLoss", "afterLoss", "beforeBackward"] as const,
    ...["afterBackward", "beforeStep", "afterStep", "afterBatch", "afterTrain", "afterValid", "afterEpoch"] as const,
  ];
  for (const moment of MOMENTS) {
    it(`evaluate() in ${moment} leaves the run as it would have been, bit for bit`, async () => {
      const { x, y } = points();
      const [plain, evaluating] = [
        smallLearner(),
        smallLearner([{
          [moment]: async (learner: Learner) =>
            learner.training || !moment.endsWith("Batch") && !moment.endsWith("Loss")
              ? void await learner.evaluate([[x.add(1), y]])
              : undefined,
        }]),
      ];
      for (const learner of [plain, evaluating]) {
        manualSeed(3);
        await learner.fit(2);
      }
      assertEquals(bitsOf(evaluating), bitsOf(plain));
    });
  }

  it("evaluate() beside fit() leaves the run as it would have been, bit for bit", async () => {
    const { x, y } = points();
    const [plain, beside] = [smallLearner(), smallLearner()];
    manualSeed(3);
    await plain.fit(2);
    manualSeed(3);
    const run = beside.fit(2);
    await beside.evaluate(Array.from({ length: 7 }, () => [x, y] as const));
    await run;
    assertEquals(bitsOf(beside), bitsOf(plain));
  });

  it("evaluate() over the training data leaves the run its place in it, also for a checkpoint", async () => {
    const seen: number[] = [];
    const places: unknown[] = [];
    const learner = smallLearner([{
      beforeBatch: ({ training, x }) => void (training && seen.push(...x.select(1, 0).toArray() as number[])),
      afterBatch: async (learner) => {
        if (!learner.training || learner.batch !== 2) return;
        await learner.evaluate(learner.data.train);
        places.push((learner.stateDict().rngState.train as DataLoaderState).position);
      },
    }]);
    await learner.fit(1);
    assertEquals([places, seen.toSorted()], [[2], (points().x.select(1, 0).toArray() as number[]).toSorted()]);
  });

  it("fit() of two learners at once over one loader leaves each its place in it, also for a checkpoint", async () => {
    const data = shuffled();
    const seen: number[][] = [[], []];
    let second: Promise<unknown> | undefined;
    const learners: Learner[] = seen.map((rows) =>
      smallLearner([{
        beforeBatch: ({ training, x }) => void (training && rows.push(...x.select(1, 0).toArray() as number[])),
        afterBatch: async (learner) => {
          if (learner === learners[0] && learner.training && learner.batch === 2) second = learners[1].fit(1);
          await Promise.resolve(); // the other goes on
          const { position } = learner.stateDict().rngState.train as DataLoaderState;
          if (learner.training && learner.batch < learner.batches) assertEquals(position, learner.batch);
        },
      }], data)
    );
    await learners[0].fit(1);
    await second;
    const all = (points().x.select(1, 0).toArray() as number[]).toSorted();
    assertEquals(seen.map((rows) => rows.toSorted()), [all, all]);
  });

  it("evaluate() is refused by name while the metrics count a validation or another evaluation", async () => {
    const { x, y } = points();
    const message = "Cannot evaluate while the metrics are in use";
    const learner = smallLearner([{
      afterBatch: async (learner) => {
        if (!learner.training) await assertRejects(() => learner.evaluate(), Error, `${message}: fit() is validating`);
      },
    }]);
    await learner.fit(1);
    const first = learner.evaluate([[x, y]]);
    await assertRejects(() => learner.evaluate([[x, y]]), Error, `${message}: another is on`);
    await first;
  });

  it("evaluate() leaves each module the mode it had", async () => {
    const { x, y } = points();
    const learner = smallLearner();
    const [, norm] = learner.model.children();
    norm.eval();
    await learner.evaluate([[x, y]]);
    assertEquals([learner.model.training, norm.training], [true, false]);
  });

  it("fit() validates in eval mode and leaves the model as it found it", async () => {
    const modes: boolean[] = [];
    const learner = smallLearner([{
      beforeLoss: ({ model, training }) => void modes.push(model.training === training),
    }]);
    await learner.fit(1);
    assertEquals([...new Set(modes)], [true]);
    assertEquals(learner.model.training, true);
  });

  it("fit() with oneBatch learns the first batch by heart", async () => {
    const learner = smallLearner();
    const rows = new Set<number>();
    const model = new nn.Sequential(new nn.Linear(2, 32), new nn.Tanh(), new nn.Linear(32, 2));
    const overfit = new Learner({
      model,
      optimizer: new optim.Adam(model.parameters(), { lr: 0.05 }),
      loss: new nn.CrossEntropyLoss(),
      data: learner.data,
      metrics: [metrics.accuracy()],
      callbacks: [{ beforeBatch: ({ x }) => void rows.add(x.at(0, 0).item()) }],
    });
    const { history } = await overfit.fit(60, { oneBatch: true });
    assertEquals([rows.size, history[59].metrics.accuracy, overfit.step], [1, 1, 60]);
  });

  it("fit() refuses to run twice at once", async () => {
    const learner = smallLearner();
    const first = learner.fit(1);
    await assertRejects(() => learner.fit(1), Error, "fitting already");
    await first;
  });

  it("fit() refuses data without batches", async () => {
    await assertRejects(() => smallLearner([], []).fit(1), RangeError, "no batches");
  });

  it("fit() refuses a number of epochs that is no whole number", async () => {
    await assertRejects(() => smallLearner().fit(1.5), RangeError, "1.5 epochs");
  });

  it("fit() ends after the current step when its signal aborts", async () => {
    const control = new AbortController();
    const learner = smallLearner([{ afterStep: ({ step }) => step === 7 ? control.abort() : undefined }]);
    const { outcome, reason } = await learner.fit(EPOCHS, { signal: control.signal });
    assertEquals([outcome, reason, learner.step, learner.batch], ["stopped", "the signal was aborted", 7, 2]);
  });

  it("fit() goes on from where it was stopped, to the same bits", async () => {
    const whole = smallLearner();
    await whole.fit(EPOCHS);
    const control = new AbortController();
    const learner = smallLearner([{ afterStep: ({ step }) => step === 7 ? control.abort() : undefined }]);
    await learner.fit(EPOCHS, { signal: control.signal });
    await learner.fit(EPOCHS - 1);
    assertEquals(bitsOf(learner), bitsOf(whole));
  });

  it("fit() leaves the event loop free: a server in the same process answers while it trains", async () => {
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => new Response("here"));
    const control = new AbortController();
    const slow = { afterStep: () => busy(5) };
    const training = smallLearner([slow]).fit(10_000, { signal: control.signal });
    const answer = await fetch(`http://127.0.0.1:${server.addr.port}`);
    assertEquals(await answer.text(), "here");
    control.abort();
    const { outcome } = await training;
    assertEquals(outcome, "stopped"); // and not finished before the answer came
    await server.shutdown();
  });

  it("stop() inside an epoch ends after the batch, and leaves no record of half an epoch", async () => {
    const learner = smallLearner([{ afterLoss: (l) => l.step === 6 ? l.stop("enough") : undefined }]);
    const { outcome, reason, history } = await learner.fit(EPOCHS);
    assertEquals([outcome, reason, learner.step, history.length], ["stopped", "enough", 7, 1]);
  });

  it("fit() lowers the loss of a line", async () => {
    const model = new nn.Linear(1, 1);
    const learner = new Learner({
      model,
      optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
      loss: nn.functional.mse,
      data: { train: [[tensor([[0], [1], [2]]), tensor([[1], [3], [5]])]] },
    });
    const { history } = await learner.fit(300);
    assert(history[299].trainLoss < 1e-6);
    assertAlmostEquals(model.weight.item(), 2, 1e-2);
  });
});

function busy(milliseconds: number): void {
  const start = performance.now();
  while (performance.now() - start < milliseconds);
}
