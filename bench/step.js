/**
 * Times one step of 784-50-10 with 64 rows, and one row through 784-128-64-10, in the runtime that runs it: plain JavaScript, to be copied
 * beside an installed package. With GRADUS_THREADS=1 the figures of several runtimes are compared in turns.
 *
 * @module
 */
import { backendReason, manualSeed, nn, noGrad, optim, randint, randn, useBackend } from "@gradus/gradus";

const RUNS = 60;

/** A layer of each size after the first, with ReLU between them. */
function network(...sizes) {
  const layers = sizes.slice(1).flatMap((size, i) => [new nn.ReLU(), new nn.Linear(sizes[i], size)]);
  return new nn.Sequential(...layers.slice(1));
}

/** What is timed: a step that answers its loss, and a prediction. */
function works() {
  manualSeed(1);
  const x = randn([64, 784]), y = randint(0, 10, [64]), row = randn([1, 784]);
  const model = network(784, 50, 10), deep = network(784, 128, 64, 10);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
  const step = () => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.call(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  };
  return { step, predict: () => noGrad(() => deep.call(row)) };
}

/** Microseconds of one call, the least of several runs. */
function time(call, count) {
  for (let i = 0; i < 150 * count; i++) call();
  const runs = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    for (let i = 0; i < count; i++) call();
    return (performance.now() - start) / count * 1000;
  });
  return Math.min(...runs);
}

/** The loss after ten steps. */
function tenSteps() {
  const { step } = works();
  return Array.from({ length: 10 }, () => step().item()).at(-1);
}

useBackend("reference");
const expected = tenSteps();
useBackend("auto");
if (!(Math.abs(tenSteps() - expected) < 1e-4)) throw new Error(`The loss is not ${expected}, as plain loops have it`);

const { step, predict } = works();
const { Bun, Deno, process } = globalThis;
const runtime = Deno ? `Deno ${Deno.version.deno}` : Bun ? `Bun ${Bun.version}` : `Node.js ${process.versions.node}`;
console.log(`${runtime}: step ${time(step, 20).toFixed(1)} µs, predict ${time(predict, 200).toFixed(1)} µs`);
console.log(backendReason());
