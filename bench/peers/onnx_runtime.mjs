// ONNX Runtime as one of the peers, on one thread: reads a workload in JSON from each line, and answers with the microseconds of one
// prediction, or null for a workload that it does not have. The package is that of the working directory, the models and what they
// must give are those of the folder that is the first argument.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";

const { InferenceSession, Tensor } = createRequire(`${process.cwd()}/`)("onnxruntime-node");
const [, , folder] = process.argv;
const NEAR = 1e-5; // what the models were exported to within

/** A prediction by the model of a network, which gives what this library gives. */
async function prediction(network) {
  const { x, shape, y } = JSON.parse(readFileSync(`${folder}/${network}.json`, "utf8"));
  const settings = { intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: "all" };
  const session = await InferenceSession.create(`${folder}/${network}.onnx`, settings);
  const feeds = { input: new Tensor("float32", Float32Array.from(x), shape) };
  const run = async () => (await session.run(feeds)).output.data;
  const found = await run();
  const odd = y.findIndex((value, i) => !(Math.abs(found[i] - value) <= NEAR * Math.max(1, Math.abs(value))));
  if (odd >= 0) throw new Error(`Cannot time ${network}: output ${odd} is ${found[odd]}, and not ${y[odd]}`);
  return run;
}

/** Microseconds of one run: the mean over about 60 ms; the clock is read after each batch of runs. */
async function time(run, batch) {
  const start = performance.now();
  for (let runs = batch;; runs += batch) {
    for (let i = 0; i < batch; i++) await run();
    const passed = performance.now() - start;
    if (passed >= 60) return (passed * 1000) / runs;
  }
}

async function warmUp(run) {
  const start = performance.now();
  for (let runs = 1;; runs++) {
    await run();
    const passed = performance.now() - start;
    if (passed >= 500) return Math.ceil(runs / passed);
  }
}

let [name, run, batch] = ["", null, 1];
for await (const line of createInterface({ input: process.stdin })) {
  const workload = JSON.parse(line);
  if (workload.name !== name) {
    const has = workload.kind === "network" && workload.task === "predict" && workload.batch === 1;
    [name, run] = [workload.name, has ? await prediction(workload.network) : null];
    if (run !== null) batch = await warmUp(run);
  }
  console.log(JSON.stringify({ us: run === null ? null : await time(run, batch) }));
}
