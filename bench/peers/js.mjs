// tfjs-wasm or jax-js (the first argument) as one of the peers, on one thread: reads a workload in JSON from each line, and answers
// with the microseconds of one run, or null for a workload that it does not have. The packages are those of the working directory.
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { resolve } = createRequire(`${process.cwd()}/`);
const load = (name) => import(pathToFileURL(resolve(name)));

const peers = { tfjs, jax };
const workloads = await peers[process.argv[2]]();

async function tfjs() {
  const tf = await load("@tensorflow/tfjs");
  const wasm = await load("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(`${process.cwd()}/node_modules/@tensorflow/tfjs-backend-wasm/dist/`);
  wasm.setThreadsCount(1);
  if (!await tf.setBackend("wasm")) throw new Error("tfjs has no WebAssembly here, and would run its plain loops");
  await tf.ready();
  return {
    matmul({ m, k, n }) {
      const [a, b] = [tf.randomNormal([m, k]), tf.randomNormal([k, n])];
      return () => {
        const c = tf.matMul(a, b);
        c.dataSync();
        c.dispose();
      };
    },
    step({ sizes, batch, activation, optimizer }) {
      const weights = sizes.slice(1).flatMap((out, i) => [
        tf.variable(tf.randomNormal([sizes[i], out], 0, Math.sqrt(2 / sizes[i]))),
        tf.variable(tf.zeros([out])),
      ]);
      const x = tf.randomUniform([batch, sizes[0]]);
      const y = tf.oneHot(tf.randomUniform([batch], 0, 10, "int32"), 10).toFloat();
      const update = optimizer === "adam" ? tf.train.adam(1e-3) : tf.train.sgd(0.1);
      const act = activation === "relu" ? tf.relu : tf.sigmoid;
      const loss = () => {
        let h = x;
        for (let i = 0; i < weights.length; i += 2) {
          h = tf.add(tf.matMul(h, weights[i]), weights[i + 1]);
          if (i + 2 < weights.length) h = act(h);
        }
        return tf.losses.softmaxCrossEntropy(y, h);
      };
      return () => update.minimize(loss);
    },
    // Of LeNet the forward pass alone, also of a step: there is no gradient of a convolution in WebAssembly.
    network({ network, batch, task }) {
      const normal = (shape) => tf.randomNormal(shape, 0, 0.1);
      if (network === "mlp" && task === "predict") return perceptron(normal([batch, 784]), normal);
      if (network !== "lenet") return null;
      const [x, k1, k2] = [normal([batch, 28, 28, 1]), normal([5, 5, 1, 6]), normal([5, 5, 6, 16])];
      const dense = [normal([400, 120]), normal([120, 84]), normal([84, 10])];
      const block = (h, kernel, padding) => tf.maxPool(tf.relu(tf.conv2d(h, kernel, 1, padding)), 2, 2, "valid");
      const forward = () => {
        const flat = block(block(x, k1, "same"), k2, "valid").reshape([batch, 400]);
        return dense.reduce((h, w, i) => i === 0 ? tf.matMul(h, w) : tf.matMul(tf.relu(h), w), flat);
      };
      return reading(forward);
    },
  };

  /** The prediction of 784-128-64-10. */
  function perceptron(x, normal) {
    const layers = [[784, 128], [128, 64], [64, 10]].map(([from, to]) => [normal([from, to]), normal([to])]);
    const layer = (h, [w, b]) => tf.add(tf.matMul(h, w), b);
    return reading(() => layers.reduce((h, weights, i) => layer(i === 0 ? h : tf.relu(h), weights), x));
  }

  /** Computes a result, reads it and lets it go. */
  function reading(forward) {
    return () => {
      const y = tf.tidy(forward);
      y.dataSync();
      y.dispose();
    };
  }
}

async function jax() {
  const { defaultDevice, init, jit, nn, numpy: np, random, valueAndGrad } = await load("@jax-js/jax");
  await init();
  defaultDevice("wasm");
  return {
    matmul({ m, k, n }) {
      const [a, b] = [random.normal(random.key(1), [m, k]), random.normal(random.key(2), [k, n])];
      return () => np.matmul(a.ref, b.ref).dataSync();
    },
    step({ sizes, batch, activation, optimizer }) {
      if (optimizer !== "sgd") return null;
      let weights = sizes.slice(1).flatMap((out, i) => [
        random.normal(random.key(i), [sizes[i], out]).mul(Math.sqrt(2 / sizes[i])),
        np.zeros([out]),
      ]);
      const x = random.uniform(random.key(9), [batch, sizes[0]]);
      const classes = np.array(Array.from({ length: batch }, (_, i) => i % 10), { dtype: "int32" });
      const y = nn.oneHot(classes, 10);
      const loss = (ws, x, y) => {
        let h = x;
        for (let i = 0; i < ws.length; i += 2) {
          h = np.matmul(h, ws[i]).add(ws[i + 1]);
          if (i + 2 < ws.length) h = activation === "relu" ? nn.relu(h) : nn.sigmoid(h);
        }
        return nn.logSoftmax(h).mul(y).sum().mul(-1 / batch);
      };
      const move = jit((ws, x, y) => {
        const [value, grads] = valueAndGrad(loss)(ws.map((w) => w.ref), x, y);
        return [value, ws.map((w, i) => w.sub(grads[i].mul(0.1)))];
      });
      return () => {
        const [value, moved] = move(weights, x.ref, y.ref);
        value.dataSync();
        weights = moved;
      };
    },
  };
}

function time(run, batch) {
  const start = performance.now();
  for (let runs = batch;; runs += batch) {
    for (let i = 0; i < batch; i++) run();
    const passed = performance.now() - start;
    if (passed >= 60) return (passed * 1000) / runs;
  }
}

function warmUp(run) {
  const start = performance.now();
  for (let runs = 1;; runs++) {
    run();
    const passed = performance.now() - start;
    if (passed >= 500) return Math.ceil(runs / passed);
  }
}

let [name, run, batch] = ["", null, 1];
for await (const line of createInterface({ input: process.stdin })) {
  const workload = JSON.parse(line);
  if (workload.name !== name) {
    [name, run] = [workload.name, workloads[workload.kind]?.(workload) ?? null];
    if (run !== null) batch = warmUp(run);
  }
  console.log(JSON.stringify({ us: run === null ? null : time(run, batch) }));
}
