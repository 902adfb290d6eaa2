/**
 * Trains 784-128-64-10 on MNIST, and shows what it learned.
 *
 *     deno task train [--data DIR] [--epochs N] [--seed S] [--out FILE] [--checkpoints DIR] [--json]
 */
import { backendName, backendReason, manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import { DataLoader, drawDigits, loadMnist, normalizationOf, normalizer, TensorDataset } from "@gradus/gradus/data";
import { requireWritable, writeSafetensors } from "@gradus/gradus/io";
import { Checkpoints, Learner, metrics, RunSettings, showDownload, ShowProgress } from "@gradus/gradus/train";
import { INTERRUPTED, requireWritableFolder, runCommand, type Values } from "./command_line.ts";
import { compilingKernel, downloadingMnist, noteMissing, readingEnvironment, readingMnist } from "./permissions.ts";

const options = {
  data: {
    value: "DIR",
    help: "folder with the four IDX files, gzipped or not; without it: cache, download, own digits",
  },
  epochs: { value: "N", least: 1, default: 5, help: "times through the training images" },
  seed: { value: "S", least: 0, default: 42, help: "seed of the weights and of the order of the images" },
  out: { value: "FILE", default: "mnist.safetensors", help: "where the weights go" },
  checkpoints: {
    value: "DIR",
    help:
      "keep checkpoints there (Ctrl-C leaves one), and go on from the newest with the same --epochs, --seed and data",
  },
  json: { help: "one JSON object as the last line" },
} as const;

async function main({ data, epochs, seed, out, checkpoints, json }: Values<typeof options>): Promise<number> {
  await requireWritable(out);
  if (checkpoints !== undefined) await requireWritableFolder(checkpoints);
  const { name, source, train, test } = await loadMnist({ dir: data, seed, onProgress: showDownload() });
  const counts = { train: train.labels.numel(), test: test.labels.numel() };
  console.log(`Data: ${name}, ${counts.train} images to learn from and ${counts.test} to judge by; ${source}`);
  console.log(`Back end: ${backendName()} (${backendReason()})`);
  noteMissing(readingEnvironment());

  manualSeed(seed);
  const model = new nn.Sequential(
    ...[new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 64), new nn.ReLU(), new nn.Linear(64, 10)],
  );
  model.apply((layer) => void (layer instanceof nn.Linear && nn.init.kaimingNormal_(layer.weight)));
  const normalize = normalizationOf(train.images.at(":10000"));
  const [learnFrom, judgeBy] = [train, test].map((part) =>
    new TensorDataset(part.images.view(-1, 784), part.labels.int())
  );
  const batches = new DataLoader(learnFrom, { batchSize: 64, shuffle: true, normalize });
  const optimizer = new optim.AdamW(model.parameters(), { weightDecay: 0.1 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 3e-3, totalSteps: epochs * batches.length });
  const settings = { "--seed": seed, "--epochs": epochs, data: name }; // a run that goes on must have the same
  const keeping = checkpoints ? [new RunSettings(checkpoints, settings), new Checkpoints(checkpoints)] : [];
  const learner = new Learner({
    ...{ model, optimizer, loss: nn.functional.crossEntropy, metrics: [metrics.accuracy()] },
    data: { train: batches, valid: new DataLoader(judgeBy, { batchSize: 1000, normalize }) },
    scheduler: { scheduler: schedule, per: "batch" },
    callbacks: [new ShowProgress(), ...keeping],
  });
  const { reason } = await learner.fit(epochs, { resume: checkpoints !== undefined });
  const accuracy = (await learner.evaluate()).accuracy as number;

  const goOn = checkpoints ? `: the same command goes on from there, by the checkpoints in ${checkpoints}` : "";
  if (reason !== null) console.log(`Ended by ${reason} at step ${learner.step}${goOn}`);
  await writeSafetensors(out, model.stateDict(), { mean: `${normalize.mean}`, std: `${normalize.std}` });
  console.log(`Weights saved in ${out}\n`);
  const shown = test.images.at(":3");
  const guesses = noGrad(() => model.eval().call(normalizer(normalize)(shown.view(-1, 784)))).argmax(1);
  const captions = Array.from(guesses.data, (guess, i) => `taken for ${guess}, is ${test.labels.at(i).item()}`);
  console.log(`${drawDigits(shown, captions, { columns: 24 })}\n`);

  const seconds = Math.round(performance.now()) / 1000;
  const facts = { dataset: name, ...counts, epochs: learner.epoch, seconds, accuracy, backend: backendName() };
  console.log(json ? JSON.stringify(facts) : `${(100 * accuracy).toFixed(2)} % right after ${seconds} s`);
  return reason === null ? 0 : INTERRUPTED;
}

await runCommand({
  purpose: "Train a 784-128-64-10 network on handwritten digits.",
  options,
  permissions: () => [...readingEnvironment(), compilingKernel(), readingMnist(), downloadingMnist()],
  run: main,
});
