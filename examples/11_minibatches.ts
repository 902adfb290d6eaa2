/**
 * Step 11, minibatches: a network learns from a few pictures at a time. The loop is written out, then its parts are handed over one by
 * one: the update to an optimizer, the batches to a loader, the loop itself to a `Learner`.
 *
 * Follows notebook 04 of the course, "Minibatch training". What it comes to is `datasets/loader/` and `layers/train/learner.ts`.
 *
 *     deno run examples/11_minibatches.ts
 *
 * On MNIST or Fashion-MNIST: `deno run -A examples/11_minibatches.ts --data DIR`.
 */
import { manualSeed, nn, noGrad, optim, type Tensor } from "@gradus/gradus";
import { DataLoader, digits, loadMnist, TensorDataset } from "@gradus/gradus/data";
import { Learner, metrics, ShowProgress } from "@gradus/gradus/train";
import { parseArgs } from "node:util";

const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
const { name, train, test } = data ? await loadMnist({ dir: data }) : digits({ train: 6000, test: 1000 });
const [xTrain, xValid] = [train, test].map(({ images }) => images.view(-1, 784).float().div(255));
const [yTrain, yValid] = [train, test].map(({ labels }) => labels.int());
const [n, batchSize, epochs, lr] = [xTrain.shape[0], 50, 3, 0.5];
console.log(`${name}: xTrain [${xTrain.shape}], yTrain [${yTrain.shape}], yTrain[:5] ${yTrain.at(":5")}`);

/** 784-50-10, begun the same each time. */
function newModel(): nn.Sequential {
  manualSeed(42);
  return new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
}
const model = newModel();

// Cross-entropy: what the logarithm of softmax says of the right class, the sign turned, in the mean over the batch.
const [xb, yb] = [xTrain.at(`:${batchSize}`), yTrain.at(`:${batchSize}`)];
const scores = model.call(xb); // [50, 10]
const logProbabilities = scores.sub(scores.logsumexp(1, true));
const classes = yb.toArray() as number[];
const byHand = classes.reduce((sum, y, i) => sum - logProbabilities.at(i, y).item(), 0) / batchSize;
const { crossEntropy } = nn.functional;
console.log(
  `loss by hand ${byHand.toFixed(4)}, crossEntropy ${crossEntropy(scores, yb).item().toFixed(4)}, ln 10 2.3026`,
);

/** The part of the predictions whose largest score is that of the right class. */
function accuracy(scores: Tensor, y: Tensor): number {
  return scores.argmax(1).eq(y).sum().item() / y.numel();
}
console.log(`accuracy before training ${accuracy(scores, yb).toFixed(2)}`);

// The loop: a slice of the pictures, forward, backward, and each parameter a step downhill.
console.log("\nby hand");
for (let epoch = 0; epoch < epochs; epoch++) {
  for (let i = 0; i < n; i += batchSize) {
    const y = yTrain.slice(0, i, i + batchSize);
    const loss = crossEntropy(model.call(xTrain.slice(0, i, i + batchSize)), y);
    loss.backward();
    noGrad(() => model.parameters().forEach((p) => p.sub_(p.g!.mul(lr))));
    model.zeroGrad(); // gradients would add up
  }
  report(epoch, model);
}

function report(epoch: number, model: nn.Module): void {
  const scores = noGrad(() => model.call(xValid));
  const [loss, right] = [crossEntropy(scores, yValid).item(), accuracy(scores, yValid)];
  console.log(`${epoch} ${loss.toFixed(4)} ${right.toFixed(4)}`);
}

// An optimizer takes the steps; a loader makes the batches, in another order each epoch, so that no neighbours meet always.
console.log("\nwith a DataLoader and an optimizer");
const trained = newModel();
const optimizer = new optim.SGD(trained.parameters(), { lr });
const batches = new DataLoader(new TensorDataset(xTrain, yTrain), { batchSize, shuffle: true });
for (let epoch = 0; epoch < epochs; epoch++) {
  for (const [x, y] of batches) {
    optimizer.zeroGrad();
    crossEntropy(trained.call(x), y).backward();
    optimizer.step();
  }
  report(epoch, trained);
}

// The loop is always the same: a Learner has it, with metrics, and with callbacks for whatever else a run needs.
console.log("\nas a Learner");
const same = newModel();
const learner = new Learner({
  model: same,
  loss: crossEntropy,
  optimizer: new optim.SGD(same.parameters(), { lr }),
  data: { train: batches, valid: [[xValid, yValid]] },
  metrics: [metrics.accuracy()],
  callbacks: [new ShowProgress()],
});
const { history } = await learner.fit(epochs);
const differences = trained.parameters().map((p, i) => p.sub(same.parameters()[i]).abs().max().item());
console.log(`largest difference from the loop above ${Math.max(...differences)}`);
console.log(`accuracy ${(history.at(-1)!.metrics.accuracy as number).toFixed(4)}`);
