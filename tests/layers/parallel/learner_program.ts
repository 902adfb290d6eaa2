/**
 * Run by each rank, or alone: a learner whose batches all ranks share. `learner_program.ts EPOCHS FOLDER PARTS`: checkpoints go into the
 * folder, "" for none, and alone it takes PARTS parts of each batch one after another. Prints a hash of the weights, the history, and
 * which samples each batch had. `… SLOW RANK SECONDS`: waits SLOW milliseconds after each batch, and kills that rank after so many seconds.
 */
import { manualSeed, nn, optim, randn } from "../../../mod.ts";
import { DataLoader, TensorDataset } from "../../../datasets/data.ts";
import { allGather, DataParallel, init, rank, worldSize } from "../../../layers/parallel/parallel.ts";
import { type Callback, Checkpoints, Learner, metrics } from "../../../layers/train/train.ts";
import { fromData } from "../../../core/create.ts";
import { hashOf } from "./hash.ts";

const [epochs, folder = "", parts = "1", slow = "0", killed = "-1", seconds = "0"] = Deno.args;
const BATCH = 24;

init({ timeout: 60 });
if (rank() === Number(killed)) {
  const args = ["-c", `sleep ${seconds}; kill -9 ${Deno.pid}`]; // from outside: it may wait in MPI
  new Deno.Command("sh", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn().unref();
}
// Held until the process ends: who finds it free knows that no rank is left.
if (folder !== "") (await Deno.open(`${folder}/rank-${rank()}.lock`, { create: true, write: true })).lockSync(true);
manualSeed(3);
const x = randn([BATCH * 6, 8]), y = x.narrow(1, 0, 3).argmax(1);
const set = new TensorDataset(x, y), validSet = new TensorDataset(x.narrow(0, 0, 50), y.narrow(0, 0, 50));
const alone = Number(parts) > 1;
const train = alone
  ? new DataLoader(set, { batchSize: BATCH / Number(parts), shuffle: true })
  : new DataLoader(set, { batchSize: BATCH, shuffle: true, parallel: true });
const model = new DataParallel(new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 3)));
const seen: string[] = [];
const spy: Callback = {
  beforeBatch({ training, samples }) {
    if (!training) return;
    const own = fromData(Int32Array.from(samples!), [samples!.length]);
    seen.push([...allGather(own).data].sort((a, b) => a - b).join(" "));
  },
  async afterBatch() {
    if (slow !== "0") await new Promise((resolve) => setTimeout(resolve, Number(slow)));
  },
};
const learner = new Learner({
  model,
  optimizer: new optim.Adam(model.parameters(), { lr: 0.01 }),
  loss: nn.functional.crossEntropy,
  metrics: [metrics.accuracy()],
  data: { train, valid: new DataLoader(validSet, { batchSize: 24, parallel: true }) },
  accumulate: Number(parts),
  callbacks: [spy, ...folder === "" ? [] : [new Checkpoints(folder, { everySteps: 2, warn: () => {} })]],
});
const { history } = await learner.fit(Number(epochs), { resume: folder !== "" });
const hash = await hashOf([...model.stateDict().values()]);
const records = history.map(({ trainLoss, validLoss, metrics }) => [trainLoss, validLoss, metrics.accuracy]);
console.log(JSON.stringify({ rank: rank(), size: worldSize(), hash, records, seen, step: learner.step }));
