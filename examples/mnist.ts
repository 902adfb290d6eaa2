/**
 * Trains 784-128-64-10 on MNIST, and shows what it learned.
 *
 *     deno task train [--data DIR] [--epochs N] [--seed S] [--out FILE] [--checkpoints DIR] [--json]
 */
import { backendName, backendReason, manualSeed, nn, optim, type Tensor } from "@gradus/gradus";
import {
  DataLoader,
  drawDigit,
  type ImageDataset,
  type LabelledImages,
  loadMnist,
  TensorDataset,
} from "@gradus/gradus/data";
import { writeSafetensors } from "@gradus/gradus/io";
import {
  Checkpoints,
  type EpochRecord,
  Learner,
  metrics,
  RunSettings,
  showDownload,
  ShowProgress,
} from "@gradus/gradus/train";
import {
  compiledKernel,
  downloadingMnist,
  findingFolders,
  heeding,
  noteMissing,
  readingMnist,
  type Use,
} from "./permissions.ts";
import {
  COMMON_OPTIONS,
  INTERRUPTED,
  parseOptions,
  requireWritable,
  requireWritableFolder,
  runScript,
  wholeNumber,
} from "./script.ts";

const HELP = `Train a 784-128-64-10 network on handwritten digits.

  --data DIR         folder with the four MNIST files (IDX, gzipped or not); without it: cache, download, built-in digits
  --epochs N         times through the training images (5)
  --seed S           seed of the weights and of the order of the images (42)
  --out FILE         where the weights go (mnist.safetensors)
  --checkpoints DIR  keep checkpoints there, and go on from the newest one, with the same --epochs, --seed and
                     data; Ctrl-C leaves one behind
  --json             one JSON object as the last line
  --require-permissions
                     end where a permission is missing, instead of doing without; deno task train says so
  --debug            show where an error came from
  --help             this text`;

const BATCH = 64;
const RATE = 3e-3; // the highest: it warms up to it and falls, in one cycle over all epochs

interface Settings {
  data: string | undefined;
  epochs: number;
  seed: number;
  out: string;
  checkpoints: string | undefined;
  json: boolean;
}

/** Mean and deviation of the grey levels from 0 to 1. */
interface Normalization {
  mean: number;
  std: number;
}

async function main(): Promise<number> {
  const settings = readSettings();
  if (settings === null) return 0;
  backendName(); // a wish that cannot be met, or a file that cannot be written, is told before the data are read
  await requireWritable(settings.out);
  if (settings.checkpoints !== undefined) await requireWritableFolder(settings.checkpoints);
  const dataset = await loadMnist({
    ...(settings.data === undefined ? {} : { dir: settings.data }),
    seed: settings.seed,
    onProgress: showDownload(),
  });
  const [train, test] = [dataset.train.images.shape[0], dataset.test.images.shape[0]];
  console.log(`Data: ${dataset.name}, ${train} images to learn from and ${test} to judge by; ${dataset.source}`);
  console.log(`Back end: ${backendName()} (${backendReason()})`);
  noteMissing(unsaid());

  manualSeed(settings.seed);
  const normalize = normalization(dataset.train.images);
  const learner = learnerFor(dataset, normalize, settings);
  const { reason } = await learner.fit(settings.epochs, { resume: settings.checkpoints !== undefined });
  const accuracy = (await learner.evaluate()).accuracy as number;

  if (reason !== null) console.log(`Ended by ${reason} at step ${learner.step}${goingOn(settings)}`);
  const { mean, std } = normalize;
  await writeSafetensors(settings.out, learner.model.stateDict(), { mean: `${mean}`, std: `${std}` });
  console.log(`Weights saved in ${settings.out}\n`);
  console.log(showPredictions(learner, dataset.test, normalize));

  const seconds = Math.round(performance.now()) / 1000;
  const result = {
    dataset: dataset.name,
    train,
    test,
    epochs: learner.epoch,
    seconds,
    accuracy,
    backend: backendName(),
  };
  console.log(settings.json ? JSON.stringify(result) : `${(100 * accuracy).toFixed(2)} % right after ${seconds} s`);
  return reason === null ? 0 : INTERRUPTED;
}

function learnerFor({ name, train, test }: ImageDataset, normalize: Normalization, settings: Settings): Learner {
  const model = new nn.Sequential(
    new nn.Linear(784, 128),
    new nn.ReLU(),
    new nn.Linear(128, 64),
    new nn.ReLU(),
    new nn.Linear(64, 10),
  );
  model.apply((layer) => void (layer instanceof nn.Linear && nn.init.kaimingNormal_(layer.weight)));
  const optimizer = new optim.AdamW(model.parameters(), { weightDecay: 0.1 });
  const loader = new DataLoader(vectors(train), { batchSize: BATCH, shuffle: true, normalize });
  const totalSteps = Math.max(1, settings.epochs * loader.length);
  const { checkpoints, seed, epochs } = settings;
  const kept = { "--seed": seed, "--epochs": epochs, data: name }; // the rate's one cycle is planned over all epochs
  const keeping = checkpoints === undefined ? [] : [new RunSettings(checkpoints, kept), new Checkpoints(checkpoints)];
  return new Learner({
    model,
    optimizer,
    loss: nn.functional.crossEntropy,
    data: {
      train: loader,
      valid: new DataLoader(vectors(test), { batchSize: 1000, normalize }),
    },
    metrics: [metrics.accuracy()],
    scheduler: { scheduler: new optim.OneCycleLR(optimizer, { maxLr: RATE, totalSteps }), per: "batch" },
    callbacks: [new ShowProgress({ line }), ...keeping],
  });
}

/** Each image as one row of 784 bytes, with its class. */
function vectors({ images, labels }: LabelledImages): TensorDataset<readonly [Tensor, Tensor]> {
  return new TensorDataset(images.view(-1, 784), labels.int());
}

/** 10,000 of the training images tell mean and deviation to three digits. */
function normalization(images: Tensor): Normalization {
  const sample = images.slice(0, 0, 10_000).float().div_(255);
  return { mean: sample.mean().item(), std: sample.std().item() };
}

function line({ epoch, trainLoss, metrics }: EpochRecord, epochs: number): string {
  const label = `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`;
  return `${label}  loss ${trainLoss.toFixed(4)}  accuracy ${(metrics.accuracy as number).toFixed(4)}`;
}

/** A few test digits side by side, each with what the network takes it for. */
function showPredictions({ model }: Learner, part: LabelledImages, normalize: Normalization): string {
  const { images, labels } = part;
  const [[x]] = new DataLoader(vectors(part), { batchSize: 3, normalize });
  const guesses = model.eval().requiresGrad_(false).call(x).argmax(1);
  const shown = [0, 1, 2].slice(0, guesses.numel());
  const pictures = shown.map((i) =>
    drawDigit(images.at(i).view(-1).toArray() as number[], { columns: 24 }).split("\n")
  );
  const rows = pictures[0].map((_, row) => pictures.map((lines) => lines[row].padEnd(26)).join("").trimEnd());
  const verdicts = shown.map((i) => `taken for ${guesses.at(i).item()}, is ${labels.at(i).item()}`.padEnd(26));
  return [...rows, verdicts.join("").trimEnd(), ""].join("\n");
}

function readSettings(): Settings | null {
  const { values } = parseOptions({
    options: {
      data: { type: "string" },
      epochs: { type: "string", default: "5" },
      seed: { type: "string", default: "42" },
      out: { type: "string", default: "mnist.safetensors" },
      checkpoints: { type: "string" },
      ...COMMON_OPTIONS,
    },
  });
  if (values.help) {
    console.log(HELP);
    return null;
  }
  return {
    ...values,
    data: values.data,
    checkpoints: values.checkpoints,
    epochs: wholeNumber("epochs", values.epochs, 1),
    seed: wholeNumber("seed", values.seed),
  };
}

function goingOn({ checkpoints }: Settings): string {
  return checkpoints === undefined ? "" : `: the same command goes on from there, by the checkpoints in ${checkpoints}`;
}

/** What those two lines do not tell: which back end there is, and which data, they do. */
function unsaid(): Use[] {
  return [heeding("GRADUS_BACKEND", "GRADUS_THREADS"), findingFolders()];
}

function uses(): Use[] {
  const environment = [heeding("GRADUS_BACKEND", "GRADUS_THREADS"), findingFolders()];
  return [...environment, compiledKernel(), readingMnist(), downloadingMnist()];
}

await runScript(main, uses);
