/** A run that has everything a checkpoint must hold: dropout, momentum, a schedule per batch, shuffled batches, batch norm. */
import { manualSeed, randn, type Tensor } from "@gradus/gradus";
import { DataLoader, TensorDataset } from "@gradus/gradus/data";
import { type Batches, type BatchSource, type Callback, Learner, type TrainingBatch } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";
import * as metrics from "@gradus/gradus/metrics";

/** Epochs of a full run. */
export const EPOCHS = 3;
/** Batches of an epoch; the last one is short. */
export const BATCHES = 5;

/** 38 points in the plane, and whether they lie outside a circle. */
export function points(): { x: Tensor; y: Tensor } {
  manualSeed(7);
  const x = randn([38, 2]);
  return { x, y: x.mul(x).sum(1).gt(1.4).int() };
}

/** A small classifier. */
export function network(): nn.Sequential {
  manualSeed(1);
  return new nn.Sequential(
    new nn.Linear(2, 8),
    new nn.BatchNorm1d(8),
    new nn.ReLU(),
    new nn.Dropout(0.3),
    new nn.Linear(8, 2),
  );
}

/** The same with layers over images in between. */
export function networkOfImages(): nn.Sequential {
  manualSeed(1);
  return new nn.Sequential(
    ...[new nn.Linear(2, 36), new nn.Unflatten(1, [1, 6, 6])],
    ...[new nn.Conv2d(1, 3, 3), new nn.BatchNorm2d(3), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Dropout2d(0.3)],
    ...[new nn.ConvTranspose2d(3, 2, 2), new nn.Flatten(), new nn.Linear(18, 2)],
  );
}

/** Shuffled batches of 8 from the default generator. */
export function shuffled(): BatchSource & Iterable<TrainingBatch> {
  const { x, y } = points();
  return new DataLoader(new TensorDataset(x, y), { batchSize: 8, shuffle: true });
}

/** The same batches from samples that come as promises, the next one prepared while this one is learned from. */
export function promised(): Batches {
  const { x, y } = points();
  const rows = new TensorDataset(x, y);
  const getBatch = async (numbers: Int32Array) => {
    await new Promise((done) => setTimeout(done, 0));
    return rows.getBatch(numbers);
  };
  const dataset = { length: rows.length, get: (i: number) => Promise.resolve(rows.get(i)), getBatch };
  return new DataLoader(dataset, { batchSize: 8, shuffle: true });
}

/** All points in order, in two batches; even so the loader draws a seed each time. */
export function inOrder(): BatchSource & Iterable<TrainingBatch> {
  const { x, y } = points();
  return new DataLoader(new TensorDataset(x, y), { batchSize: 20 });
}

/** The learner of the run. */
export function smallLearner(callbacks: Callback[] = [], train: Batches = shuffled(), model = network()): Learner {
  const valid = inOrder();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 0.05, totalSteps: EPOCHS * BATCHES });
  manualSeed(3);
  return new Learner({
    model,
    optimizer,
    loss: nn.functional.crossEntropy,
    data: { train, valid },
    metrics: [metrics.accuracy(), metrics.confusionMatrix(2)],
    callbacks,
    scheduler: { scheduler, per: "batch" },
  });
}

/** Everything a run ended with, bit for bit: weights, buffers, the optimiser's memory, history without its times. */
export function bitsOf(learner: Learner): unknown {
  const { model, optimizer, epoch, batch, step, callbacks } = learner.stateDict();
  const history = learner.history.map(({ seconds: _, ...row }) => row);
  const tensors = [...model, ...Object.values(optimizer.state).flatMap((parts) => Object.entries(parts))];
  const values = tensors.map(([name, tensor]) => [name, tensor.toArray()]);
  return { values, groups: optimizer.param_groups, schedule: callbacks["Schedule"], epoch, batch, step, history };
}
