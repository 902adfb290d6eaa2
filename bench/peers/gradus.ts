/**
 * This library as one of the peers: reads a workload in JSON from each line, and answers with the microseconds of one run. With the
 * argument `classes`, training steps use the layer classes of stage 2 instead of `nn` and the tape. With `used`, the memory of a
 * product is released and used for the next one, which only the library itself can do.
 */
import { manualSeed, nn, optim, rand, randint, randn, type Tensor, threads, zeros } from "@gradus/gradus";
import { CrossEntropy, Lin, Model, Relu, Sigmoid } from "@gradus/gradus/classes";
import { TextLineStream } from "@std/streams";
import { release, trackAcquired } from "../../core/memory/pool.ts";
import { convolution, network } from "./networks.ts";
import { tensorOperation } from "./tensor_workloads.ts";
import { checkedStep, checkProduct } from "./verify.ts";
import type { Step, Workload } from "./workloads.ts";

const classes = Deno.args.includes("classes");
const used = Deno.args.includes("used");

/** The function to time, after its result has been verified; `null` for a workload that this way does not have. */
function prepare(workload: Workload): (() => void) | null {
  manualSeed(42);
  if (used && workload.kind !== "matmul") return null;
  if (workload.kind === "step") return checkedStep(workload, classes ? classStep : tapeStep);
  if (classes) return null;
  if (workload.kind === "convolution") return convolution(workload);
  if (workload.kind === "tensor") return tensorOperation(workload);
  if (workload.kind === "network") return network(workload);
  if (workload.kind === "forward") return forward(workload.sizes, workload.batch);
  return matmul(workload.m, workload.k, workload.n);
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

function tapeStep(workload: Step): () => number {
  const activation = () => (workload.activation === "relu" ? new nn.ReLU() : new nn.Sigmoid());
  const model = new nn.Sequential(
    ...workload.sizes.slice(1).flatMap((out, i) => {
      const linear = new nn.Linear(workload.sizes[i], out);
      return i < workload.sizes.length - 2 ? [linear, activation()] : [linear];
    }),
  );
  const optimizer = optimizerOf(workload, model.parameters());
  const [x, y] = batchOf(workload);
  return () => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.call(x), y);
    loss.backward();
    optimizer.step();
    return loss.item();
  };
}

function classStep(workload: Step): () => number {
  const activation = () => (workload.activation === "relu" ? new Relu() : new Sigmoid());
  const model = new Model(
    workload.sizes.slice(1).flatMap((out, i) => {
      const lin = new Lin(randn([workload.sizes[i], out]).mul(Math.sqrt(2 / workload.sizes[i])), zeros([out]));
      return i < workload.sizes.length - 2 ? [lin, activation()] : [lin];
    }),
    new CrossEntropy(),
  );
  const optimizer = optimizerOf(workload, model.parameters);
  const [x, y] = batchOf(workload);
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

/** Microseconds of one run: the mean over about 60 ms; the clock is read after each batch of runs. */
function time(run: () => void, batch: number): number {
  const start = performance.now();
  for (let runs = batch;; runs += batch) {
    for (let i = 0; i < batch; i++) run();
    const passed = performance.now() - start;
    if (passed >= 60) return (passed * 1000) / runs;
  }
}

/**
 * Milliseconds until the engine has compiled what it runs; with several threads, until a virtual machine has got back its idle cores:
 * on one machine two threads took as long as one for their first second.
 */
const WARM_UP = threads() > 1 ? 2500 : 500;

/** Runs that long; returns how many runs fit in a millisecond. */
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
  const workload: Workload = JSON.parse(line);
  if (workload.name !== name) { // operands of one workload at a time, so that they do not crowd the caches
    [name, run] = [workload.name, prepare(workload)];
    if (run !== null) batch = warmUp(run);
  }
  console.log(JSON.stringify({ us: run === null ? null : time(run, batch) }));
}
