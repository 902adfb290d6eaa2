/**
 * How the cost of a training step grows: with the batch, the width and the depth of the network, and with the number of threads.
 *
 *     deno task bench bench/scaling.bench.ts
 */
import { manualSeed, nn, optim, rand, randint, randn, setThreads } from "@gradus/gradus";

/** A training step of a network with these layers, through `nn` and the tape. */
function stepOf(sizes: readonly number[], batch: number): () => void {
  manualSeed(42);
  const model = new nn.Sequential(
    ...sizes.slice(1).flatMap((out, i) => {
      const linear = new nn.Linear(sizes[i], out);
      return i < sizes.length - 2 ? [linear, new nn.ReLU()] : [linear];
    }),
  );
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
  const [x, y] = [rand([batch, sizes[0]]), randint(0, 10, [batch])];
  return () => {
    optimizer.zeroGrad();
    nn.functional.crossEntropy(model.call(x), y).backward();
    optimizer.step();
  };
}

/** Times a step on one thread: only the size changes. */
function bench(group: string, sizes: readonly number[], batch: number): void {
  const step = stepOf(sizes, batch);
  const name = `${sizes.join("-")}, batch ${batch}`;
  Deno.bench({ name, group, fn: () => (setThreads(1), step()) });
}

for (const batch of [1, 4, 16, 64, 256, 1024, 4096]) bench("batch", [784, 50, 10], batch);
for (const width of [16, 64, 256, 1024]) bench("width", [784, width, width, 10], 64);
for (const depth of [1, 2, 4, 8, 16]) bench("depth", [784, ...new Array<number>(depth).fill(64), 10], 64);

for (const size of [64, 256, 1024]) {
  const [a, b] = [randn([size, size]), randn([size, size])];
  for (const count of [1, 2, 4].filter((count) => count <= navigator.hardwareConcurrency)) {
    const name = `${size}×${size} @ ${size}×${size}, ${count} ${count === 1 ? "thread" : "threads"}`;
    Deno.bench({
      name,
      group: `threads, ${size}`,
      baseline: count === 1,
      fn: () => (setThreads(count), void a.matmul(b)),
    });
  }
}
