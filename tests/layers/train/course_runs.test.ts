/** Runs of the course's networks: the losses of the first batches as PyTorch had them. */
import { assertAlmostEquals } from "@std/assert";
import { manualSeed, nn, optim } from "@gradus/gradus";
import { DataLoader, type ImageDataset, type Normalization, TensorDataset } from "@gradus/gradus/data";
import { describe } from "../../bdd.ts";
import { courseRuns } from "../../course_reference.ts";
import { itOnFashionMnist, itOnMnist } from "../../real_mnist.ts";

/** A run: the network, how it learns, and the data. */
interface Run {
  readonly make: () => nn.Sequential;
  readonly batchSize: number;
  readonly normalize: Normalization;
  readonly optimizer: (params: nn.Parameter[]) => optim.Optimizer;
  readonly schedule?: (optimizer: optim.Optimizer, totalSteps: number) => optim.Scheduler;
}

const lenet: Run = {
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
  make: () =>
    new nn.Sequential(block(1, 8), block(8, 16), block(16, 32), block(32, 64), block(64, 10, true), new nn.Flatten()),
  batchSize: 256,
  normalize: { mean: 0.2860, std: 0.3530 },
  optimizer: (params) => new optim.AdamW(params, { lr: 0.01 }),
  schedule: (optimizer, totalSteps) => new optim.OneCycleLR(optimizer, { maxLr: 0.02, totalSteps }),
};

const EPOCHS = 2;

/** The loss of each batch, epoch by epoch. */
function* train(run: Run, { train }: ImageDataset): Generator<number> {
  manualSeed(42);
  const model = run.make(), optimizer = run.optimizer(model.parameters());
  const dataset = new TensorDataset(train.images.unsqueeze(1), train.labels.int());
  const loader = new DataLoader(dataset, { batchSize: run.batchSize, shuffle: true, normalize: run.normalize });
  const schedule = run.schedule?.(optimizer, EPOCHS * loader.length);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    model.train();
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      const loss = nn.functional.crossEntropy(model.call(x), y);
      loss.backward();
      optimizer.step();
      schedule?.step();
      yield loss.item();
    }
  }
}

/** Sums in another order, and what twenty steps make of them. */
const TOLERANCE = 1e-4;

for (
  const [name, run, itOnIt] of [["LeNet", lenet, itOnMnist], ["course convnet", convnet, itOnFashionMnist]] as const
) {
  const reference = Object.entries(courseRuns).find(([key]) => key.startsWith(name))![1];
  const losses = reference["first 20 losses"] as number[];

  describe(`${name} of the course`, () => {
    itOnIt(`${name}: has PyTorch's first 20 losses`, (dataset) => {
      const batches = train(run, dataset);
      losses.forEach((loss, i) => assertAlmostEquals(batches.next().value as number, loss, TOLERANCE, `batch ${i}`));
    });
  });
}
