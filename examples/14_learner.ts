/**
 * Step 14, a Learner from nothing: the loop of step 11 in thirty lines, and everything else a run needs as callbacks around its parts,
 * metrics and a learning rate finder among them.
 *
 * Follows notebook 09 of the course, "Learner". The one that the library has is `layers/train/learner.ts`.
 *
 *     deno run examples/14_learner.ts
 *
 * On MNIST or Fashion-MNIST: `deno run -A examples/14_learner.ts --data DIR`.
 */
import { manualSeed, nn, noGrad, optim, type Tensor } from "@gradus/gradus";
import { digits, type ImageLoaders, imageLoaders, loadMnist } from "@gradus/gradus/data";
import { findLr, Learner } from "@gradus/gradus/train";
import { parseArgs } from "node:util";

type Moment = "beforeFit" | "beforeEpoch" | "beforeBatch" | "afterLoss" | "afterBatch" | "afterEpoch" | "afterFit";
type MiniCallback = Partial<Record<Moment, (learner: MiniLearner) => void>>;

/** Thrown by a callback to end the run. */
class CancelFit extends Error {}

class MiniLearner {
  epoch = 0;
  training = true;
  x!: Tensor;
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
    this.model.train(training);
    this.call("beforeEpoch");
    for (const [x, y] of training ? this.data.train : this.data.valid) {
      [this.x, this.y] = [x, y];
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

// A metric is a callback: it adds up over batches, each by its size, since the last one may be shorter.
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
    console.log({ accuracy, loss, epoch, train: training ? "train" : "eval" });
  }
}

// So is the learning rate finder: the rate grows by 1.3 with each batch, until the loss is three times the least one.
class LrFinder implements MiniCallback {
  readonly curve: { lr: number; loss: number }[] = [];

  beforeBatch({ optimizer }: MiniLearner): void {
    for (const group of optimizer.paramGroups) group.lr = 1e-3 * 1.3 ** this.curve.length;
  }
  afterLoss({ optimizer, loss }: MiniLearner): void {
    const least = Math.min(...this.curve.map(({ loss }) => loss));
    if (loss.item() > 3 * least || this.curve.length >= 40) throw new CancelFit();
    this.curve.push({ lr: optimizer.paramGroups[0].lr, loss: loss.item() });
  }
  afterFit(): void {
    const most = Math.max(...this.curve.map(({ loss }) => loss));
    for (const { lr, loss } of this.curve.filter((_, i) => i % 3 === 0)) {
      console.log(
        `lr ${lr.toFixed(4).padStart(8)}  loss ${loss.toFixed(3)} ${"#".repeat(Math.round((40 * loss) / most))}`,
      );
    }
  }
}

const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
const dataset = data ? await loadMnist({ dir: data }) : digits({ train: 6000, test: 1000 });
const { train, valid } = imageLoaders(dataset, { shape: [784], batchSize: data ? 1024 : 128 });

/** 784-50-10 and its optimizer, begun the same each time. */
function begin(lr: number): [nn.Sequential, optim.SGD] {
  manualSeed(42);
  const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
  return [model, new optim.SGD(model.parameters(), { lr })];
}

const [model, optimizer] = begin(0.2);
new MiniLearner(model, { train, valid }, optimizer, [new Metrics()]).fit(2);

console.log("\nthe learning rate finder");
const [tried, rates] = begin(0.2);
new MiniLearner(tried, { train, valid }, rates, [new LrFinder()]).fit(1);

// The library's restores everything afterwards: weights, optimizer, random numbers.
const [again, others] = begin(0.2);
const learner = new Learner({ model: again, optimizer: others, loss: nn.functional.crossEntropy, data: { train } });
const { suggestion } = await findLr(learner, { start: 1e-3 });
console.log(`findLr() suggests ${suggestion.toFixed(3)}, a tenth of the rate with the least loss`);
