/**
 * MNIST, learned by a Learner for an epoch: from the files in a folder that is named, else digits that are drawn.
 *
 * @module
 */
import "./plain_simd.js";
import { backendName, manualSeed, nn, optim } from "@gradus/gradus";
import { digits, imageLoaders, readIdx } from "@gradus/gradus/data";
import { Learner, metrics } from "@gradus/gradus/train";

/** The pictures and labels in MNIST's files, each of which `sourceOf` gives by its name. */
async function read(sourceOf) {
  const file = async (name, count) => (await readIdx(await sourceOf(`${name}.gz`))).at(`:${count}`);
  const set = async (prefix, count) => ({
    images: await file(`${prefix}-images-idx3-ubyte`, count),
    labels: await file(`${prefix}-labels-idx1-ubyte`, count),
  });
  return { train: await set("train", 10_000), test: await set("t10k", 2_000) };
}

/** The losses of an epoch on 10,000 pictures of MNIST, or on fewer digits where there are no files. */
export async function mnist(sourceOf) {
  manualSeed(42);
  const pictures = sourceOf === null ? digits({ train: 2_000, test: 500 }) : await read(sourceOf);
  const { train, valid } = imageLoaders(pictures, { batchSize: 64, shape: [784] });
  const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
  const learner = new Learner({
    model,
    loss: nn.functional.crossEntropy,
    optimizer: new optim.Adam(model.parameters(), { lr: 0.003 }),
    data: { train, valid },
    metrics: [metrics.accuracy()],
  });
  await learner.fit(1);
  const [{ trainLoss, validLoss, metrics: { accuracy } }] = learner.history;
  return { backend: backendName(), trainLoss, validLoss, accuracy };
}

const [folder] = globalThis.Deno?.args ?? globalThis.process?.argv.slice(2) ?? [];
if (folder !== undefined) {
  console.log(JSON.stringify(await mnist(folder === "" ? null : (name) => `${folder}/${name}`)));
}
