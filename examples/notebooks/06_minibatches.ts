// %% [markdown]
// # 6. Minibatches
//
// Step 11 of [the path](../../README.md#the-path). This follows notebook 04 of the course, "Minibatch training". It needs notebook 4.
//
// A network learns from a few pictures at a time: more steps for the same work. The loop is written out first; then the update goes
// to an optimizer, the batches to a loader, and the loop itself to a `Learner`. Each time nothing changes but who does it.

// %%
import { manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import type { Tensor } from "@gradus/gradus";
import { DataLoader, digits, TensorDataset } from "@gradus/gradus/data";
import { Learner, metrics } from "@gradus/gradus/train";
import { plot } from "@gradus/gradus/display";

const { train, test } = digits({ train: 1500, test: 300 });
const [xTrain, xValid] = [train, test].map(({ images }) => images.view(-1, 784).float().div(255));
const [yTrain, yValid] = [train, test].map(({ labels }) => labels.int());
const { crossEntropy } = nn.functional;
const [batchSize, epochs, lr] = [50, 3, 0.5];

function newModel(): nn.Sequential {
  manualSeed(42); // begun the same each time
  return new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
}
plot(train.images.at(":16"), { labels: yTrain.at(":16"), title: "A batch begins" });

// %% [markdown]
// ## The loss
//
// Cross-entropy: the logarithm of softmax says how likely each class is; the loss is what it says of the right one, the sign turned,
// in the mean over the batch.

// %%
const [xb, yb] = [xTrain.at(`:${batchSize}`), yTrain.at(`:${batchSize}`)];
const scores = newModel().call(xb); // [50, 10]
const logProbabilities = scores.sub(scores.logsumexp(1, true));
const byHand = (yb.toArray() as number[]).reduce((sum, y, i) => sum - logProbabilities.at(i, y).item(), 0) / batchSize;
console.log(`by hand ${byHand.toFixed(4)}, crossEntropy ${crossEntropy(scores, yb).item().toFixed(4)}`);

// %% [markdown]
// The probabilities of the first four pictures, before anything was learned: shades of nearly one depth.

// %%
nn.functional.softmax(scores.at(":4"), 1);

// %% [markdown]
// ## The loop

// %%
function accuracy(scores: Tensor, y: Tensor): number {
  return scores.argmax(1).eq(y).sum().item() / y.numel();
}
function report(name: string, model: nn.Module): void {
  const scores = noGrad(() => model.call(xValid));
  console.log(
    `${name}: loss ${crossEntropy(scores, yValid).item().toFixed(4)}, accuracy ${accuracy(scores, yValid).toFixed(4)}`,
  );
}

const model = newModel();
for (let epoch = 1; epoch <= epochs; epoch++) {
  for (let i = 0; i < xTrain.shape[0]; i += batchSize) {
    crossEntropy(model.call(xTrain.slice(0, i, i + batchSize)), yTrain.slice(0, i, i + batchSize)).backward();
    noGrad(() => model.parameters().forEach((p) => p.sub_(p.g!.mul(lr))));
    model.zeroGrad(); // gradients would add up
  }
  report(`epoch ${epoch}`, model);
}

// %% [markdown]
// ## A loader and an optimizer
//
// The loader takes the pictures in another order in each epoch, so that no neighbours meet always.

// %%
const trained = newModel();
const optimizer = new optim.SGD(trained.parameters(), { lr });
const batches = new DataLoader(new TensorDataset(xTrain, yTrain), { batchSize, shuffle: true });
for (let epoch = 1; epoch <= epochs; epoch++) {
  for (const [x, y] of batches) {
    optimizer.zeroGrad();
    crossEntropy(trained.call(x), y).backward();
    optimizer.step();
  }
  report(`epoch ${epoch}`, trained);
}

// %% [markdown]
// ## A Learner
//
// The loop is always the same. A `Learner` has it, with metrics; and its weights are those of the loop above, bit for bit.

// %%
const same = newModel();
const learner = new Learner({
  ...{ model: same, loss: crossEntropy, optimizer: new optim.SGD(same.parameters(), { lr }) },
  ...{ data: { train: batches, valid: [[xValid, yValid]] }, metrics: [metrics.accuracy()] },
});
await learner.fit(epochs);
const difference = Math.max(...trained.parameters().map((p, i) => p.sub(same.parameters()[i]).abs().max().item()));
console.log(`largest difference of a weight: ${difference}`);
learner.history;

// %% [markdown]
// ## Exercises
//
// 1. Batches of 10 and of 250, with rates to match: which is best after three epochs, and which after the same number of steps?
// 2. Leave the shuffling out and sort the pictures by their class before. What does the loss do within an epoch?
// 3. Write `DataLoader` yourself, as a generator function of a dozen lines, and get the same batches for the same seed.
