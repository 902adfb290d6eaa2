/**
 * Trains on MNIST until 97.5 % of the test images are right, and prints how long it took: the same program as `mnist_race.py`, line by
 * line.
 *
 * 784-128-64-10 with ReLU, batches of 64 in the order of PyTorch's loader, SGD with a decaying learning rate, an evaluation after each
 * epoch. Bytes become floats batch by batch. The learning rate is such that rounding, the only difference between the two, does not
 * decide in which epoch the goal is reached.
 */
import { manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import { DataLoader, loadMnist, TensorDataset } from "@gradus/gradus/data";

const ENOUGH = 0.975;

manualSeed(42);
const { train, test } = await loadMnist({ dir: Deno.args[0] });
const [x, y] = [test.images.view(-1, 784), test.labels.int()];
const model = new nn.Sequential(
  ...[new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 64), new nn.ReLU(), new nn.Linear(64, 10)],
);
const optimizer = new optim.SGD(model.parameters(), { lr: 0.25 });
const scheduler = new optim.ExponentialLR(optimizer, { gamma: 0.6 });
const dataset = new TensorDataset(train.images.view(-1, 784), train.labels.int());
const loader = new DataLoader(dataset, { batchSize: 64, shuffle: true, normalize: { mean: 0, std: 1 } });

let [epochs, accuracy] = [0, 0];
while (accuracy < ENOUGH && epochs < 20) {
  for (const [inputs, labels] of loader) {
    optimizer.zeroGrad();
    nn.functional.crossEntropy(model.call(inputs), labels).backward();
    optimizer.step();
  }
  accuracy = noGrad(() => model.call(x.float().div_(255)).argmax(1).eq(y).sum().item()) / y.numel();
  scheduler.step();
  epochs++;
}
console.log(JSON.stringify({ epochs, accuracy, seconds: Math.round(performance.now()) / 1000 }));
