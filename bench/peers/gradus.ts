/**
 * This library as one of the peers: reads a piece of work a line, answers with the microseconds of one run.
 * With the argument `classes`, steps go through the layer classes of stage 2 instead of `nn` and the tape. With `used`, products
 * give their result's memory back, which nobody outside the library can: the next one needs no new memory.
 */
import { manualSeed, nn, optim, rand, randint, randn, type Tensor, threads, zeros } from "@gradus/gradus";
import { CrossEntropy, Lin, Model, Relu, Sigmoid } from "@gradus/gradus/classes";
import { TextLineStream } from "@std/streams";
import { release, trackAcquired } from "../../core/memory/pool.ts";
import { checkedStep, checkProduct } from "./verify.ts";
import type { Step, Work } from "./workloads.ts";

const classes = Deno.args.includes("classes");
const used = Deno.args.includes("used");

/** What to run, once its operands are there and its result has been checked; `null` for what is not asked of this way. */
function prepare(work: Work): (() => void) | null {
  manualSeed(42);
  if (used && work.kind !== "matmul") return null;
  if (work.kind === "step") return checkedStep(work, classes ? classStep : tapeStep);
  if (classes) return null;
  if (work.kind === "forward") return forward(work.sizes, work.batch);
  return matmul(work.m, work.k, work.n);
}

function matmul(m: number, k: number, n: number): () => void {
  const [a, b] = [randn([m, k]), randn([k, n])];
  checkProduct(a, b);
  return used ? intoUsedMemory(() => a.matmul(b)) : () => a.matmul(b);
}

function intoUsedMemory(product: () => Tensor): () => void {
  return () => release(trackAcquired([], product).data);
}

function forward(sizes: number[], batch: number): () => void {
  const x = randn([batch, sizes[0]]);
  const [w1, b1, w2, b2] = [randn([784, 50]), zeros([50]), randn([50, 1]), zeros([1])];
  const model = new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new CrossEntropy());
  return () => model.predict(x);
}

function batchOf({ sizes, batch }: Step): [x: Tensor, y: Tensor] {
  return [rand([batch, sizes[0]]), randint(0, 10, [batch])];
}

function tapeStep(work: Step): () => number {
  const activation = () => (work.activation === "relu" ? new nn.ReLU() : new nn.Sigmoid());
  const model = new nn.Sequential(
    ...work.sizes.slice(1).flatMap((out, i) => {
      const linear = new nn.Linear(work.sizes[i], out);
      return i < work.sizes.length - 2 ? [linear, activation()] : [linear];
    }),
  );
  const optimizer = optimizerOf(work, model.parameters());
  const [x, y] = batchOf(work);
  return () => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.call(x), y);
    loss.backward();
    optimizer.step();
    return loss.item();
  };
}

function classStep(work: Step): () => number {
  const activation = () => (work.activation === "relu" ? new Relu() : new Sigmoid());
  const model = new Model(
    work.sizes.slice(1).flatMap((out, i) => {
      const lin = new Lin(randn([work.sizes[i], out]).mul(Math.sqrt(2 / work.sizes[i])), zeros([out]));
      return i < work.sizes.length - 2 ? [lin, activation()] : [lin];
    }),
    new CrossEntropy(),
  );
  const optimizer = optimizerOf(work, model.parameters);
  const [x, y] = batchOf(work);
  return () => {
    const loss = model.call(x, y);
    model.backward({ inputGrad: false }); // as the tape and PyTorch: data need no gradient
    optimizer.step();
    return loss.item();
  };
}

function optimizerOf({ optimizer }: Step, parameters: Tensor[]) {
  return optimizer === "adam" ? new optim.Adam(parameters) : new optim.SGD(parameters, { lr: 0.1 });
}

/** Microseconds of one run: the average over about a twentieth of a second; the clock is read once a batch of runs. */
function time(run: () => void, batch: number): number {
  const start = performance.now();
  for (let runs = batch;; runs += batch) {
    for (let i = 0; i < batch; i++) run();
    const passed = performance.now() - start;
    if (passed >= 60) return (passed * 1000) / runs;
  }
}

/**
 * Milliseconds until the engine has compiled what it runs; with several threads, until a virtual machine has been given back the
 * cores that it left idle: on one, two threads were seen to take as long as one for their first second.
 */
const WARM_UP = threads() > 1 ? 2500 : 500;

/** Runs that long; answers how many runs a millisecond holds. */
function warmUp(run: () => void): number {
  const start = performance.now();
  for (let runs = 1;; runs++) {
    run();
    const passed = performance.now() - start;
    if (passed >= WARM_UP) return Math.ceil(runs / passed);
  }
}

let name: string | null = null;
let run: (() => void) | null = null;
let batch = 1;
for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
  const work: Work = JSON.parse(line);
  if (work.name !== name) { // one piece of work at a time, so that operands do not crowd the caches
    [name, run] = [work.name, prepare(work)];
    if (run !== null) batch = warmUp(run);
  }
  console.log(JSON.stringify({ us: run === null ? null : time(run, batch) }));
}
