/**
 * Run by each rank, or alone: 50 steps of each network, and a hash of its weights. Alone it takes the parts of the ranks one after
 * another: `training_program.ts PARTS BUCKET_BYTES`.
 */
import { manualSeed, nn, optim, randn, type Tensor } from "../../../mod.ts";
import { TensorDataset } from "../../../datasets/data.ts";
import { DataParallel, init, rank, worldSize } from "../../../layers/parallel/parallel.ts";
import { hashOf } from "./hash.ts";

const [parts = "1", buckets = "20000"] = Deno.args;
const STEPS = 50, ROWS = 4; // of a part

class LastOf extends nn.Module {
  lstm = new nn.LSTM(6, 8, { batchFirst: true });
  out = new nn.Linear(8, 4);
  forward(x: Tensor): Tensor {
    return this.out.call(this.lstm.call(x)[0].select(1, -1));
  }
}

const NETWORKS: Record<string, { make(): nn.Module; shape: number[]; lr: number }> = {
  mlp: {
    make: () =>
      new nn.Sequential(
        new nn.Linear(20, 64),
        new nn.ReLU(),
        new nn.Linear(64, 64),
        new nn.ReLU(),
        new nn.Linear(64, 4),
      ),
    ...{ shape: [20], lr: 0.1 },
  },
  lenet: {
    make: () =>
      new nn.Sequential(
        ...[new nn.Conv2d(1, 6, 5), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Conv2d(6, 16, 5), new nn.ReLU()],
        ...[new nn.MaxPool2d(2), new nn.Flatten(), new nn.Linear(256, 120), new nn.ReLU(), new nn.Linear(120, 4)],
      ),
    ...{ shape: [1, 28, 28], lr: 0.05 },
  },
  lstm: { make: () => new LastOf(), shape: [5, 6], lr: 0.1 },
};

init({ timeout: 60 });

for (const { make, shape, lr } of Object.values(NETWORKS)) {
  manualSeed(1);
  const size = Math.max(worldSize(), Number(parts));
  const x = randn([STEPS * ROWS * size, ...shape]), y = x.view(x.shape[0], -1).narrow(1, 0, 4).argmax(1);
  const dataset = new TensorDataset(x, y);
  manualSeed(worldSize() === 1 ? 2 : 2 + rank()); // weights that differ, until rank 0 gives its own
  const model = new DataParallel(make(), { bucketBytes: Number(buckets) });
  const optimizer = new optim.Adam(model.parameters(), { lr: lr / 10 });

  const own = worldSize() === 1 ? Array.from({ length: size }, (_, part) => part) : [rank()];
  for (let step = 0; step < STEPS; step++) {
    optimizer.zeroGrad();
    for (const part of own) {
      const first = (step * size + part) * ROWS;
      const [inputs, targets] = dataset.getBatch(Int32Array.from({ length: ROWS }, (_, i) => first + i));
      nn.functional.crossEntropy(model.call(inputs), targets).backward();
    }
    if (own.length > 1) model.parameters().forEach(({ g }) => g!.mul_(1 / own.length));
    optimizer.step();
  }
  console.log(await hashOf([...model.stateDict().values()]));
}
