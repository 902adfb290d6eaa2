/** What an all-reduce in the order of ranks takes, by its size: `mpirun -n 2 deno run -A bench/parallel/all_reduce.ts`. */
import { ones } from "@gradus/gradus";
import { allReduce_, barrier, init, rank, worldSize } from "@gradus/gradus/parallel";

init();
for (const elements of [1, 1 << 14, 1 << 18, 1 << 20]) {
  const x = ones([elements]), times: number[] = [];
  for (let round = 0; round < 150; round++) {
    barrier();
    const start = performance.now();
    allReduce_(x.fill_(1));
    times.push(performance.now() - start);
    if (x.min().item() !== worldSize()) throw new Error(`Cannot trust the time: the sum is ${x.min().item()}`);
  }
  times.sort((a, b) => a - b);
  const [least, median] = [times[0], times[75]].map((ms) => Math.round(1000 * ms));
  if (rank() === 0) {
    console.log(`${4 * elements} bytes on ${worldSize()} ranks: least ${least} µs, median ${median} µs`);
  }
}
