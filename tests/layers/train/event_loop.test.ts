import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { manualSeed, nn, optim, randn } from "@gradus/gradus";
import { exportTs, Learner } from "@gradus/gradus/train";
import { longestGap } from "../../longest_gap.ts";

/** Computes for longer than the event loop may be held without need. */
function work(): void {
  for (const start = performance.now(); performance.now() - start < 30;);
}

/** A learner on two batches, which calls `part` in each part of a batch. */
function learnerOf(part: () => void): Learner {
  manualSeed(1);
  const model = new nn.Linear(3, 1);
  const { forward } = model;
  model.forward = (x) => (part(), forward.call(model, x));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
  const step = optimizer.step.bind(optimizer);
  optimizer.step = () => (part(), step());
  const x = randn([4, 3]);
  const batches = [[x, x.sum(1, true)], [x, x.sum(1, true)]] as const;
  const loss = (prediction: typeof x, y: typeof x) => (part(), nn.functional.mse(prediction, y));
  return new Learner({ model, optimizer, loss, data: { train: batches, valid: batches } });
}

describe("fit()", () => {
  it("lets the event loop turn between the parts of a batch that take long", async () => {
    let turn = 0;
    const turns: number[] = [];
    const timer = setInterval(() => turn++, 0);
    await learnerOf(() => (turns.push(turn), work())).fit(1);
    clearInterval(timer);
    assertEquals(turns.length, 2 * 3 + 2 * 2); // forward, loss and step of two batches; forward and loss of two more
    assertEquals(new Set(turns).size, turns.length);
  });
  it("learns the same however long they take", async () => {
    const [slow, fast] = [learnerOf(work), learnerOf(() => {})];
    assertEquals((await slow.fit(1)).history[0].trainLoss, (await fast.fit(1)).history[0].trainLoss);
    assertEquals(slow.model.parameters()[0].toArray(), fast.model.parameters()[0].toArray());
  });
});

describe("exportTs()", () => {
  it("lets the event loop turn while it writes many weights", async () => {
    const model = new nn.Sequential(new nn.Linear(4_500, 4_500));
    let source = "";
    assertLess(await longestGap(async () => source = await exportTs(model)), 100);
    assertStringIncludes(source, "weights.subarray(0, 20250000)");
  });
});
