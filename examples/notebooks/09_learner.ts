// %% [markdown]
// # 9. A Learner from nothing
//
// Step 14 of [the path](../../README.md#the-path). This follows notebook 09 of the course, "Learner". It needs notebook 6.
//
// The loop of notebook 6 in thirty lines, and everything else that a run needs as callbacks around its parts: metrics are one, and a
// search for the learning rate is another.

// %%
import { manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import type { Tensor } from "@gradus/gradus";
import { digits, imageLoaders } from "@gradus/gradus/data";
import type { ImageLoaders } from "@gradus/gradus/data";
import { findLr, Learner } from "@gradus/gradus/train";
import { plot } from "@gradus/gradus/display";

const dataset = digits({ train: 1500, test: 300 });
const { train, valid } = imageLoaders(dataset, { shape: [784], batchSize: 64 });
dataset.train.images.at(":8");

// %% [markdown]
// ## The loop, and its moments

// %%
type Moment = "beforeFit" | "beforeEpoch" | "beforeBatch" | "afterLoss" | "afterBatch" | "afterEpoch" | "afterFit";
type MiniCallback = Partial<Record<Moment, (learner: MiniLearner) => void>>;

class CancelFit extends Error {}

class MiniLearner {
  epoch = 0;
  training = true;
  y!: Tensor;
  scores!: Tensor;
  loss!: Tensor;
  constructor(
    readonly model: nn.Module,
    readonly data: Pick<ImageLoaders, "train" | "valid">,
    readonly optimizer: optim.Optimizer,
    readonly callbacks: MiniCallback[],
  ) {}

  fit(epochs: number): void {
    this.call("beforeFit");
    try {
      for (this.epoch = 0; this.epoch < epochs; this.epoch++) {
        this.oneEpoch(true);
        noGrad(() => this.oneEpoch(false));
      }
    } catch (error) {
      if (!(error instanceof CancelFit)) throw error;
    }
    this.call("afterFit");
  }
  oneEpoch(training: boolean): void {
    this.training = training;
    this.call("beforeEpoch");
    for (const [x, y] of training ? this.data.train : this.data.valid) {
      this.y = y;
      this.call("beforeBatch");
      this.scores = this.model.call(x);
      this.loss = nn.functional.crossEntropy(this.scores, y);
      this.call("afterLoss");
      if (training) this.step();
      this.call("afterBatch");
    }
    this.call("afterEpoch");
  }
  step(): void {
    this.optimizer.zeroGrad();
    this.loss.backward();
    this.optimizer.step();
  }
  call(moment: Moment): void {
    for (const callback of this.callbacks) callback[moment]?.(this);
  }
}

// %% [markdown]
// ## A metric is a callback
//
// It adds up over the batches, each by its size, since the last one may be shorter.

// %%
class Metrics implements MiniCallback {
  loss = 0;
  right = 0;
  count = 0;
  beforeEpoch(): void {
    this.loss = this.right = this.count = 0;
  }
  afterBatch({ scores, y, loss }: MiniLearner): void {
    this.count += y.numel();
    this.loss += loss.item() * y.numel();
    this.right += scores.argmax(1).eq(y).sum().item();
  }
  afterEpoch({ epoch, training }: MiniLearner): void {
    const [accuracy, loss] = [this.right / this.count, this.loss / this.count].map((value) => value.toFixed(3));
    console.log(`epoch ${epoch} ${training ? "training  " : "validation"} loss ${loss}, accuracy ${accuracy}`);
  }
}

function begin(lr: number): [nn.Sequential, optim.SGD] {
  manualSeed(42);
  const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
  return [model, new optim.SGD(model.parameters(), { lr })];
}
const [model, optimizer] = begin(0.2);
new MiniLearner(model, { train, valid }, optimizer, [new Metrics()]).fit(2);

// %% [markdown]
// ## So is the search for a rate
//
// The rate grows by a third with each batch, until the loss is three times the least one.

// %%
class LrFinder implements MiniCallback {
  readonly rates: number[] = [];
  readonly losses: number[] = [];
  beforeBatch({ optimizer }: MiniLearner): void {
    for (const group of optimizer.paramGroups) group.lr = 1e-3 * 1.33 ** this.rates.length;
  }
  afterLoss({ optimizer, loss }: MiniLearner): void {
    if (loss.item() > 3 * Math.min(...this.losses)) throw new CancelFit();
    this.rates.push(optimizer.paramGroups[0].lr);
    this.losses.push(loss.item());
  }
}
const finder = new LrFinder();
const [tried, rates] = begin(0.2);
new MiniLearner(tried, { train, valid }, rates, [finder]).fit(2);
const best = finder.losses.indexOf(Math.min(...finder.losses));
plot({ ...finder, suggestion: finder.rates[best] / 10 }, { title: "Our own search" });

// %% [markdown]
// The library's does the same, and restores everything afterwards: weights, optimizer, random numbers. Shown in a notebook, its result is
// such a curve.

// %%
const [again, others] = begin(0.2);
await findLr(new Learner({ model: again, optimizer: others, loss: nn.functional.crossEntropy, data: { train } }), {
  start: 1e-3,
});

// %% [markdown]
// ## Exercises
//
// 1. Write a callback that ends the run once the validation loss has risen twice in a row.
// 2. Write one that keeps the loss of each batch, and plot it. Why is it rougher than that of the epochs?
// 3. Move `zeroGrad`, `backward` and `step` out of the learner into a callback, as the course does. What is gained, and what is lost?
