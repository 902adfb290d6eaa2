import { assert, assertEquals, assertGreater, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { afterEach, describe, it } from "../../bdd.ts";
import { autograd, manualSeed, nn, noGrad, optim, randn, type Tensor } from "@gradus/gradus";
import { exportTs, Learner } from "@gradus/gradus/train";
import { setReuse } from "../../../core/memory/pool.ts";
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

/** Passes x on, and takes its time in the backward pass. */
class Slow extends autograd.Function {
  static told: () => void = work;
  static forward(_: autograd.Context, x: Tensor): Tensor {
    return x.mul(1);
  }
  static backward(_: autograd.Context, g: Tensor): Tensor {
    Slow.told();
    return g;
  }
}

/** Two layers between which the backward pass takes long. */
class SlowNet extends nn.Module {
  first = new nn.Linear(3, 4);
  last = new nn.Linear(4, 1);
  forward(x: Tensor): Tensor {
    const middle = Slow.apply(Slow.apply(this.first.call(x)).tanh());
    return Slow.apply(this.last.call(middle));
  }
}

/** Trains a slow net for two steps, and gives what it was left with: every bit of its parameters. */
async function trainSlowly(meanwhile: (net: SlowNet) => void): Promise<unknown> {
  manualSeed(3);
  const model = new SlowNet(), x = randn([4, 3]);
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 });
  const data = { train: [[x, x.sum(1, true)], [x, x.sum(1, true)]] as const };
  const timer = setInterval(() => meanwhile(model), 0);
  try {
    await new Learner({ model, optimizer, loss: nn.functional.mse, data }).fit(1);
  } finally {
    clearInterval(timer);
  }
  return model.parameters().map((p) => p.toArray());
}

describe("fit() during a long backward pass", () => {
  afterEach(() => {
    Slow.told = work;
    setReuse("on");
  });
  it("lets the event loop turn after each operation that takes long", async () => {
    let turn = 0;
    const turns: number[] = [];
    Slow.told = () => (turns.push(turn), work());
    await trainSlowly(() => turn++);
    assertEquals([turns.length, new Set(turns).size], [6, 6]); // three in each of two steps
  });
  it("learns the same whatever a timer computes, records and lets go meanwhile", async () => {
    const [other, z] = [new nn.Linear(4, 4), randn([4, 4])];
    let turns = 0;
    const alone = await trainSlowly(() => {});
    setReuse("spoil");
    const beside = await trainSlowly(() => {
      turns++;
      assert(autograd.isGradEnabled());
      other.call(z).tanh().sum().backward();
      for (const p of other.parameters()) p.g = null;
    });
    assertEquals(beside, alone);
    assertGreater(turns, 5);
  });
  it("notices a value that a timer edits before its backward step", async () => {
    let slow = 0;
    Slow.told = () => (slow++, work());
    const edited = trainSlowly(({ last }) => {
      if (slow === 1) noGrad(() => void last.weight.add_(1)); // the backward pass has come to the output, not to the layer
    });
    await assertRejects(() => edited, Error, "was modified in place after it was used");
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
