/**
 * Trains 784-128-64-10 on MNIST with the layer classes of stage 2, and shows what it learned.
 *
 *     deno task train [--data DIR] [--epochs N] [--seed S] [--out FILE] [--json]
 */
import { parseArgs } from "node:util";
import {
  backend,
  backendReason,
  drawDigit,
  type ImageDataset,
  type LabelledImages,
  loadMnist,
  manualSeed,
  Progress,
  randn,
  randperm,
  type Tensor,
  writeSafetensors,
  zeros,
} from "@gradus/gradus";
import { CrossEntropy, Lin, Model, Relu } from "@gradus/gradus/classes";

const HELP = `Train a 784-128-64-10 network on handwritten digits.

  --data DIR    folder with the four MNIST files (IDX, gzipped or not); without it: cache, download, built-in digits
  --epochs N    times through the training images (5)
  --seed S      seed of the weights and of the order of the images (42)
  --out FILE    where the weights go (mnist.safetensors)
  --json        one JSON object as the last line
  --debug       show where an error came from
  --help        this text`;

const BATCH = 64;
const RATE = 0.1; // of the first epoch; it falls evenly, to a fifth of it in the last of five

/** Grey levels [n, 28, 28] to network inputs [n, 784]. */
type Normalize = (images: Tensor) => Tensor;

interface Settings {
  data: string | undefined;
  epochs: number;
  seed: number;
  out: string;
  json: boolean;
}

async function main(settings: Settings): Promise<void> {
  const dataset = await loadMnist({
    ...(settings.data === undefined ? {} : { dir: settings.data }),
    seed: settings.seed,
  });
  const [train, test] = [dataset.train.images.shape[0], dataset.test.images.shape[0]];
  console.log(`Data: ${dataset.name}, ${train} images to learn from and ${test} to judge by; ${dataset.source}`);
  console.log(`Back end: ${backend().name} (${backendReason()})`);

  manualSeed(settings.seed);
  const model = network([784, 128, 64, 10]);
  const normalize = normalizer(dataset.train.images);
  const accuracy = fit(model, dataset, normalize, settings.epochs);

  await writeSafetensors(settings.out, namedWeights(model));
  console.log(`Weights saved in ${settings.out}\n`);
  console.log(showPredictions(model, dataset.test, normalize));

  const seconds = Math.round(performance.now()) / 1000;
  const { name } = backend();
  const result = { dataset: dataset.name, train, test, epochs: settings.epochs, seconds, accuracy, backend: name };
  console.log(settings.json ? JSON.stringify(result) : `${(100 * accuracy).toFixed(2)} % right after ${seconds} s`);
}

/** Linear layers with ReLU between them; weights by He's rule, `randn · √(2 / in)`. */
function network(sizes: number[]): Model {
  const layers = sizes.slice(1).flatMap((out, i) => {
    const lin = new Lin(randn([sizes[i], out]).mul(Math.sqrt(2 / sizes[i])), zeros([out]));
    return i === sizes.length - 2 ? [lin] : [lin, new Relu()];
  });
  return new Model(layers, new CrossEntropy());
}

/** Runs the epochs and returns the accuracy on the test images after the last. */
function fit(model: Model, { train, test }: ImageDataset, normalize: Normalize, epochs: number): number {
  const [x, y] = [normalize(train.images), train.labels.int()];
  const [xTest, yTest] = [normalize(test.images), test.labels.int()];
  let score = accuracyOf(model, xTest, yTest);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const label = `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`;
    const loss = trainEpoch(model, x, y, RATE * (1 - (epoch - 1) / epochs), label);
    score = accuracyOf(model, xTest, yTest);
    console.log(`${label}  loss ${loss.toFixed(4)}  accuracy ${score.toFixed(4)}`);
  }
  return score;
}

/** Takes the training images' mean and deviation out; 10,000 of them tell both to three digits. */
function normalizer(images: Tensor): Normalize {
  const sample = images.slice(0, 0, 10_000).float();
  const [mean, std] = [sample.mean().item(), sample.std().item()];
  return (images) => images.view(-1, 784).float().sub_(mean).div_(std);
}

function trainEpoch(model: Model, x: Tensor, y: Tensor, rate: number, label: string): number {
  const count = x.shape[0];
  const steps = Math.ceil(count / BATCH);
  const order = randperm(count);
  const bar = new Progress(label, steps);
  let total = 0;
  for (let step = 0; step < steps; step++) {
    const rows = order.slice(0, step * BATCH, (step + 1) * BATCH);
    total += model.call(x.index(rows), y.index(rows)).item();
    model.backward();
    for (const p of model.parameters) p.sub_(p.g!.mul(rate));
    bar.update(step + 1, `loss ${(total / (step + 1)).toFixed(4)}`);
  }
  bar.clear();
  return total / steps;
}

/** The share of images whose most likely class is the right one. */
function accuracyOf(model: Model, x: Tensor, y: Tensor): number {
  return model.predict(x).argmax(1).eq(y).sum().item() / y.numel();
}

function namedWeights(model: Model): Record<string, Tensor> {
  return Object.fromEntries(model.parameters.map((p, i) => [`${i >> 1}.${i % 2 === 0 ? "w" : "b"}`, p]));
}

/** A few test digits side by side, each with what the network takes it for. */
function showPredictions(model: Model, { images, labels }: LabelledImages, normalize: Normalize): string {
  const shown = images.slice(0, 0, 3);
  const guesses = model.predict(normalize(shown)).argmax(1);
  const pictures = [0, 1, 2].map((i) =>
    drawDigit(shown.at(i).view(-1).toArray() as number[], { columns: 24 }).split("\n")
  );
  const rows = pictures[0].map((_, row) => pictures.map((lines) => lines[row].padEnd(26)).join("").trimEnd());
  const verdicts = [0, 1, 2].map((i) => `taken for ${guesses.at(i).item()}, is ${labels.at(i).item()}`.padEnd(26));
  return [...rows, verdicts.join("").trimEnd(), ""].join("\n");
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      epochs: { type: "string", default: "5" },
      seed: { type: "string", default: "42" },
      out: { type: "string", default: "mnist.safetensors" },
      json: { type: "boolean", default: false },
      debug: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  return {
    ...values,
    data: values.data,
    epochs: wholeNumber("epochs", values.epochs),
    seed: wholeNumber("seed", values.seed),
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new RangeError(`Cannot use --${name} ${text}: expected a whole number of 0 or more`);
  }
  return Number(text);
}

try {
  await main(readSettings());
} catch (error) {
  if (Deno.args.includes("--debug")) throw error;
  console.error(`error: ${(error as Error).message}`);
  Deno.exit(1);
}
