/** Run by each rank: a fault of rank 1 amid steps, or of all. `fault_program.ts KIND`. */
import { manualSeed, nn, ones, randn } from "../../../mod.ts";
import { DataLoader, TensorDataset } from "../../../datasets/data.ts";
import { allReduce, DataParallel, init, rank } from "../../../layers/parallel/parallel.ts";

const [kind] = Deno.args;
const isOdd = () => rank() === 1;

init({ timeout: kind === "hang" ? 3 : 60 });
manualSeed(1);
if (kind === "data") {
  const set = new TensorDataset(ones([rank() === 1 ? 8 : 12, 2]));
  for (const _ of new DataLoader(set, { batchSize: 6, parallel: true }));
}
const model = new DataParallel(new nn.Linear(2, kind === "model" && isOdd() ? 3 : 2));
for (let step = 0; step < 6; step++) {
  if (isOdd() && step === 3) {
    if (kind === "throw") throw new RangeError("Cannot read sample 7");
    if (kind === "reject") setTimeout(() => Promise.reject(new RangeError("Cannot read sample 8")));
    if (kind === "exit") Deno.exit(5);
    if (kind === "die") Deno.kill(Deno.pid, "SIGKILL");
    if (kind === "hang") { for (;;); }
    if (kind === "fewer") break;
    if (kind === "other") allReduce(ones([3]));
  }
  if (kind === "reject") await new Promise((resolve) => setTimeout(resolve, 1));
  model.call(randn([4, 2])).sum().backward();
}
