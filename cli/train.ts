/**
 * `train`: trains a network on MNIST, and shows what it learned.
 *
 *     train [--model mlp|lenet|resnet] [--data DIR] [--epochs N] [--seed S] [--out FILE] [--checkpoints DIR] [--plot] [--watch] [--json]
 */
import { backendName, manualSeed, nn, noGrad, optim } from "../mod.ts";
import { drawDigits, imageLoaders, loadMnist, normalizer } from "../datasets/data.ts";
import { terminal } from "../core/host/host.ts";
import { requireWritable, writeSafetensors } from "../core/io/io.ts";
import { Checkpoints, Learner, metrics, RunSettings, showDownload, ShowProgress } from "../layers/train/train.ts";
import {
  IMAGE_FOLDER,
  INTERRUPTED,
  requireWritableFolder,
  runCommand,
  tellData,
  type Values,
  WATCH,
  watching,
} from "./command_line.ts";
import { compilingKernel, downloadingMnist, noteMissing, readingEnvironment, readingMnist } from "./permissions.ts";
import { joinRanks, speakingWithMpi } from "./ranks.ts";
import { type NetworkName, NETWORKS } from "./networks.ts";

const KEEPING =
  "keep checkpoints there (Ctrl-C leaves one), and go on from the newest with the same --model, --epochs, --seed and data";
const options = {
  model: { value: "NAME", choices: Object.keys(NETWORKS), default: "mlp", help: "the network" },
  data: { value: "DIR", help: `${IMAGE_FOLDER}; without it: cache, download, own digits` },
  epochs: { value: "N", least: 1, default: 5, help: "times through the training images" },
  seed: { value: "S", least: 0, default: 42, help: "seed of the weights and of the order of the images" },
  out: { value: "FILE", default: "mnist.safetensors", help: "where the weights go" },
  checkpoints: { value: "DIR", help: KEEPING },
  plot: { help: "draw the losses and the accuracy of the epochs" },
  watch: WATCH,
  json: { help: "one JSON object as the last line" },
} as const;

type Given = Values<typeof options>;
async function main({ data, epochs, seed, out, checkpoints, plot, watch, json, ...given }: Given): Promise<number> {
  await requireWritable(out);
  if (checkpoints !== undefined) await requireWritableFolder(checkpoints);
  const ranks = await joinRanks(), isFirst = ranks.rank === 0;
  if (!isFirst) ranks.meet(); // the first may have to download
  const dataset = await loadMnist({ dir: data, seed, ...isFirst ? { onProgress: showDownload() } : {} });
  if (isFirst) ranks.meet();
  const counts = isFirst ? tellData(dataset) : {};
  if (isFirst) noteMissing(readingEnvironment());

  manualSeed(seed);
  const { make, shape, maxLr } = NETWORKS[given.model as NetworkName], model = ranks.share(make());
  const [batchSize, testBatchSize] = [64, 1000].map((rows) => Math.ceil(rows / ranks.size) * ranks.size);
  const parallel = ranks.size > 1;
  const { train, valid, normalize } = imageLoaders(dataset, { shape, batchSize, testBatchSize, parallel });
  const optimizer = new optim.AdamW(model.parameters(), { weightDecay: 0.1 });
  const scheduler = new optim.OneCycleLR(optimizer, { maxLr, totalSteps: epochs * train.length });
  const settings = { "--model": given.model, "--seed": seed, "--epochs": epochs, data: dataset.name };
  const keeping = checkpoints ? [new RunSettings(checkpoints, settings), new Checkpoints(checkpoints)] : [];
  const learner = new Learner({
    ...{ model, optimizer, loss: nn.functional.crossEntropy, metrics: [metrics.accuracy()], data: { train, valid } },
    scheduler: { scheduler, per: "batch" },
    callbacks: [
      new ShowProgress(),
      ...keeping,
      ...await watching(isFirst && watch, folderAbove(checkpoints)),
    ],
  });
  const { reason } = await learner.fit(epochs, { resume: checkpoints !== undefined });
  const accuracy = (await learner.evaluate()).accuracy as number;
  if (!isFirst) return reason === null ? 0 : INTERRUPTED;

  const goOn = checkpoints ? `: the same command goes on from there, by the checkpoints in ${checkpoints}` : "";
  if (reason !== null) console.log(`Ended by ${reason} at step ${learner.step}${goOn}`);
  await writeSafetensors(out, model.stateDict(), { mean: `${normalize.mean}`, std: `${normalize.std}` });
  console.log(`Weights saved in ${out}\n`);
  const { images, labels } = dataset.test, shown = images.at(":3");
  const guesses = noGrad(() => model.eval().call(normalizer(normalize)(shown.view(-1, ...shape)))).argmax(1);
  const captions = Array.from(guesses.data, (guess, i) => `taken for ${guess}, is ${labels.at(i).item()}`);
  console.log(`${drawDigits(shown, captions, { columns: 24 })}\n`);

  if (plot && learner.history.length > 0) console.log(`${await drawn(learner)}\n`);
  const seconds = Math.round(performance.now()) / 1000;
  const facts = { dataset: dataset.name, ...counts, epochs: learner.epoch, seconds, accuracy, backend: backendName() };
  console.log(json ? JSON.stringify(facts) : `${(100 * accuracy).toFixed(2)} % right after ${seconds} s`);
  return reason === null ? 0 : INTERRUPTED;
}

/** The curves of a run, as wide as the terminal. */
async function drawn({ history }: Learner): Promise<string> {
  const { plotHistory } = await import("../display/display.ts"); // not at every start
  return plotHistory(history).toText({ columns: Math.min(100, Math.max(40, terminal("stdout").columns)) });
}

/** Where other runs may be: in the folders beside the checkpoints. */
function folderAbove(checkpoints: string | undefined): { runs?: string } {
  const above = checkpoints === undefined ? undefined : /^(.+)[/\\][^/\\]+[/\\]*$/.exec(checkpoints)?.[1];
  return above === undefined ? {} : { runs: above };
}

const permissions = () => [
  ...[...readingEnvironment(), compilingKernel(), readingMnist(), downloadingMnist()],
  ...speakingWithMpi(),
];
/** Runs `train`, and gives its exit code. */
export async function train(args: readonly string[]): Promise<number> {
  return await runCommand({ purpose: "Train a network on handwritten digits.", options, permissions, run: main }, args);
}
