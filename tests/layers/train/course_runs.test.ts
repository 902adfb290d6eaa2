/** Whole runs of the course's networks: the losses of the first batches and the accuracy of each epoch as PyTorch had them. */
import { assertAlmostEquals } from "@std/assert";
import { backendName, manualSeed, nn, noGrad, optim, type Tensor } from "@gradus/gradus";
import { DataLoader, type ImageDataset, type Normalization, normalizer, TensorDataset } from "@gradus/gradus/data";
import { describe, it } from "../../bdd.ts";
import { courseRuns } from "../../course_reference.ts";
import { itOnFashionMnist, itOnMnist } from "../../real_mnist.ts";

/** A run: the network, how it learns, and the data. */
interface Run {
  readonly make: () => nn.Module;
  readonly epochs: number;
  /** How many samples it learns from, where that is not all. */
  readonly rows?: number;
  /** How the network sees images [batch, rows, columns]. */
  readonly view: (images: Tensor) => Tensor;
  readonly batchSize: number;
  readonly normalize: Normalization;
  readonly optimizer: (params: nn.Parameter[]) => optim.Optimizer;
  readonly schedule?: (optimizer: optim.Optimizer, totalSteps: number) => optim.Scheduler;
}

const withChannel = (images: Tensor) => images.unsqueeze(1);

const lenet: Run = {
  epochs: 2,
  view: withChannel,
  make: () =>
    new nn.Sequential(
      ...[new nn.Conv2d(1, 6, 5, { padding: 2 }), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.Conv2d(6, 16, 5), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten()],
      ...[new nn.Linear(400, 120), new nn.ReLU(), new nn.Linear(120, 84), new nn.ReLU(), new nn.Linear(84, 10)],
    ),
  batchSize: 64,
  normalize: { mean: 0.1307, std: 0.3081 },
  optimizer: (params) => new optim.SGD(params, { lr: 0.05, momentum: 0.9 }),
};

function block(inputs: number, outputs: number, isLast = false): nn.Sequential {
  const layer = new nn.Conv2d(inputs, outputs, 3, { stride: 2, padding: 1, bias: false });
  return new nn.Sequential(layer, new nn.BatchNorm2d(outputs), ...(isLast ? [] : [new nn.ReLU()]));
}

const convnet: Run = {
  epochs: 2,
  view: withChannel,
  make: () =>
    new nn.Sequential(block(1, 8), block(8, 16), block(16, 32), block(32, 64), block(64, 10, true), new nn.Flatten()),
  batchSize: 256,
  normalize: { mean: 0.2860, std: 0.3530 },
  optimizer: (params) => new optim.AdamW(params, { lr: 0.01 }),
  schedule: (optimizer, totalSteps) => new optim.OneCycleLR(optimizer, { maxLr: 0.02, totalSteps }),
};

/** An LSTM that reads a picture row by row, and a guess from its last state. */
class Rows extends nn.Module {
  rnn = new nn.LSTM(28, 64, { batchFirst: true });
  head = new nn.Linear(64, 10);
  forward(x: Tensor): Tensor {
    const [y] = this.rnn.call(x); // [batch, row, hidden]
    return this.head.call(y.select(1, -1));
  }
}

const rows: Run = {
  make: () => new Rows(),
  epochs: 1,
  rows: 12_000,
  view: (images) => images,
  batchSize: 64,
  normalize: { mean: 0.1307, std: 0.3081 },
  optimizer: (params) => new optim.Adam(params, { lr: 2e-3 }),
};

/** The loss of each batch, epoch by epoch; the accuracy on the test set at the end of an epoch. */
function* train(run: Run, { train, test }: ImageDataset): Generator<{ loss: number } | { accuracy: number }> {
  manualSeed(42);
  const model = run.make(), optimizer = run.optimizer(model.parameters());
  const count = run.rows ?? train.images.shape[0];
  const [images, labels] = [train.images, train.labels.int()].map((all) => all.narrow(0, 0, count));
  const dataset = new TensorDataset(run.view(images), labels);
  const loader = new DataLoader(dataset, { batchSize: run.batchSize, shuffle: true, normalize: run.normalize });
  const schedule = run.schedule?.(optimizer, run.epochs * loader.length);
  for (let epoch = 0; epoch < run.epochs; epoch++) {
    model.train();
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      const loss = nn.functional.crossEntropy(model.call(x), y);
      loss.backward();
      optimizer.step();
      schedule?.step();
      yield { loss: loss.item() };
    }
    yield { accuracy: accuracyOf(model.eval(), run.normalize, run.view(test.images), test.labels.int()) };
  }
}

function accuracyOf(model: nn.Module, normalize: Normalization, images: Tensor, labels: Tensor): number {
  let right = 0;
  for (let from = 0; from < labels.numel(); from += 1000) {
    const [x, y] = [images, labels].map((part) => part.slice(0, from, from + 1000));
    right += noGrad(() => model.call(normalizer(normalize)(x))).argmax(1).eq(y).sum().item();
  }
  return right / labels.numel();
}

const LOSS = 1e-4;

/**
 * What PyTorch 1.13 itself reaches after each epoch, least and most, where its first kernels are multiplied by 1 + ε for |ε| ≤ 5e-7
 * (10 runs of LeNet, 6 of the convnet): at these rates rounding decides the losses from some hundred batches on. The reference's own
 * run is one of them.
 */
const SPREAD = {
  "LeNet": [[0.961, 0.981], [0.9777, 0.9828]],
  "course convnet": [[0.852, 0.867], [0.8974, 0.8974]],
};

/** How far from those an accuracy may be. */
const ACCURACY = 0.004;

for (
  const [name, run, itOnIt] of [["LeNet", lenet, itOnMnist], ["course convnet", convnet, itOnFashionMnist]] as const
) {
  const reference = Object.entries(courseRuns).find(([key]) => key.startsWith(name))![1];
  const losses = reference["first 20 losses"] as number[];
  const accuracies = reference["test accuracy by epoch"] as number[];
  const spread = SPREAD[name];

  describe(`${name} of the course`, () => {
    itOnIt(`${name}: has PyTorch's first 20 losses`, (dataset) => {
      const batches = train(run, dataset);
      losses.forEach((loss, i) => assertAlmostEquals(lossOf(batches.next().value), loss, LOSS, `batch ${i}`));
    });
    const whole = backendName() === "reference" ? it.skip : itOnIt; // plain loops take minutes
    whole(`${name}: has PyTorch's accuracy after each of ${run.epochs} epochs`, (dataset: ImageDataset) => {
      const found = [...train(run, dataset)].flatMap((one) => "accuracy" in one ? [one.accuracy] : []);
      accuracies.forEach((accuracy, i) => {
        const [least, most] = [Math.min(spread[i][0], accuracy), Math.max(spread[i][1], accuracy)];
        assertAlmostEquals(found[i], Math.min(Math.max(found[i], least), most), ACCURACY, `epoch ${i}`);
      });
    });
  });
}

describe("Rows of the course", () => {
  const reference = Object.entries(courseRuns).find(([key]) => key.startsWith("Rows"))![1];
  const losses = reference["first 20 losses"] as number[];

  itOnMnist("Rows: has PyTorch's first 20 losses", (dataset) => {
    const batches = train(rows, dataset);
    losses.forEach((loss, i) => assertAlmostEquals(lossOf(batches.next().value), loss, LOSS, `batch ${i}`));
  });
  const whole = backendName() === "reference" ? it.skip : itOnMnist; // plain loops take minutes
  whole(
    "Rows: has PyTorch's mean loss at the end of an epoch to 0.02, and its accuracy to 0.01",
    (dataset: ImageDataset) => {
      const found = [...train(rows, dataset)], last = found.slice(-21, -1).map((one) => lossOf(one));
      const mean = last.reduce((sum, loss) => sum + loss, 0) / last.length;
      assertAlmostEquals(mean, reference["mean loss of the last 20 batches"] as number, 0.02);
      const accuracy = found.flatMap((one) => ("accuracy" in one ? [one.accuracy] : []))[0];
      assertAlmostEquals(accuracy, (reference["test accuracy by epoch"] as number[])[0], 0.01);
    },
  );
});

function lossOf(one: { loss: number } | { accuracy: number } | void): number {
  if (one === undefined || !("loss" in one)) throw new Error("Cannot compare the loss of a batch: the epoch has ended");
  return one.loss;
}
