/**
 * What a step takes on this many ranks, each with its own part: `mpirun -n 2 deno run -A bench/parallel/step.ts mlp`, and the same without
 * mpirun. Prints the median and the least of the steps in milliseconds, and when the buckets of the last step went and came.
 */
import { manualSeed, nn, optim, rand, setThreads, tensor } from "@gradus/gradus";
import { barrier, DataParallel, init, rank, worldSize } from "@gradus/gradus/parallel";

const [name = "mlp", bucketBytes = `${1 << 20}`, order = "ranks"] = Deno.args;
const NETWORKS = {
  mlp: {
    ...{ shape: [784], rows: 128 },
    make: () =>
      new nn.Sequential(
        ...[new nn.Linear(784, 512), new nn.ReLU(), new nn.Linear(512, 512), new nn.ReLU(), new nn.Linear(512, 10)],
      ),
  },
  lenet: {
    ...{ shape: [1, 28, 28], rows: 64 },
    make: () =>
      new nn.Sequential(
        ...[new nn.Conv2d(1, 6, 5, { padding: 2 }), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Conv2d(6, 16, 5)],
        ...[new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten(), new nn.Linear(400, 120), new nn.ReLU()],
        ...[new nn.Linear(120, 84), new nn.ReLU(), new nn.Linear(84, 10)],
      ),
  },
};
const STEPS = 300, WARM = 60;

init();
setThreads(1);
manualSeed(1);
const { shape, rows, make } = NETWORKS[name as keyof typeof NETWORKS];
const model = new DataParallel(make(), { bucketBytes: Number(bucketBytes), deterministic: order === "ranks" });
const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
const x = rand([rows, ...shape]), y = tensor(Array.from({ length: rows }, (_, i) => i % 10), { dtype: "int32" });
const times: number[] = [];
barrier();
for (let step = 0; step < STEPS + WARM; step++) {
  const start = performance.now();
  optimizer.zeroGrad();
  nn.functional.crossEntropy(model.call(x), y).backward();
  optimizer.step();
  if (step >= WARM) times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
const { timeline } = model, began = timeline[0]?.sent ?? 0;
const sendings = timeline.map((
  { bytes, sent, done },
) => [bytes, +(sent - began).toFixed(2), +(done - began).toFixed(2)]);
if (rank() === 0) {
  console.log(JSON.stringify({ name, ranks: worldSize(), median: times[STEPS >> 1], least: times[0], sendings }));
}
