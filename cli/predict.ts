/**
 * `predict`: names the digits in pictures, by the weights that `train` saves.
 *
 *     predict FILE… [--weights FILE] [--top N] [--json]
 */
import { files } from "../core/host/files.ts";
import { isFailure } from "../core/host/host.ts";
import { nn, noGrad, stack, type Tensor } from "../mod.ts";
import { drawDigit, normalizer, parsePng, readIdx, toMnistDigit } from "../datasets/data.ts";
import { readSafetensors } from "../core/io/io.ts";
import { runCommand, UsageError, type Values } from "./command_line.ts";
import { networkOf } from "./networks.ts";
import { noteMissing, readingVariables } from "./permissions.ts";

const options = {
  weights: { value: "FILE", default: "mnist.safetensors", help: "safetensors from train" },
  from: { value: "I", least: 0, default: 0, help: "the first image of an IDX file to look at, counted from 0" },
  count: { value: "N", least: 1, default: 5, help: "how many of them" },
  top: { value: "N", least: 1, default: 3, help: "how many classes to name for each" },
  draw: { help: "draw what the network sees" },
  json: { help: "one JSON object a picture" },
} as const;

type Settings = Values<typeof options>;

async function main(settings: Settings, files: string[]): Promise<void> {
  if (files.length === 0) throw new UsageError("Cannot predict without a picture: name PNG or IDX files");
  const probabilitiesOf = await readClassifier(settings.weights);
  noteMissing([readingVariables("GRADUS_BACKEND")]);
  for (const file of files) {
    const { pictures, names } = await readPictures(file, settings);
    const probabilities = probabilitiesOf(pictures).toArray() as number[][];
    names.forEach((name, i) => {
      if (settings.draw) console.log(drawDigit(pictures.at(i)));
      console.log(settings.json ? toJson(name, probabilities[i]) : toLine(name, probabilities[i], settings.top));
    });
  }
}

/** The pictures in a file, uint8 [n, 28, 28]; its first bytes show whether it is PNG or IDX. */
async function readPictures(file: string, { from, count }: Settings): Promise<{ pictures: Tensor; names: string[] }> {
  const { readFile } = await files(`read ${file}`);
  const bytes = await readFile(file);
  const first = bytes.subarray(0, 4).toHex();
  if (first === "89504e47") {
    return { pictures: stack([toMnistDigit(await parsePng(bytes, file), file)]), names: [file] };
  }
  if (!/^(0000|1f8b)/.test(first)) {
    throw new SyntaxError(`Cannot read ${file}: it begins neither as PNG nor as IDX, perhaps gzipped`);
  }
  const images = await readIdx(file);
  const [n, ...size] = images.shape;
  if (images.dtype !== "uint8" || size.join() !== "28,28") {
    const found = `${images.dtype} [${images.shape}]`;
    throw new RangeError(`Cannot look at ${file}: expected bytes of shape [n, 28, 28], found ${found}`);
  }
  if (from >= n) throw new RangeError(`Cannot begin at image ${from} of ${file}: it has ${n}`);
  const pictures = images.slice(0, from, from + count);
  return { pictures, names: Array.from({ length: pictures.shape[0] }, (_, i) => `${file}#${from + i}`) };
}

/** A function from pictures [n, 28, 28] to the probabilities of their classes [n, classes], by the weights in a file. */
async function readClassifier(path: string): Promise<(pictures: Tensor) => Tensor> {
  const { tensors, metadata } = await readSafetensors(path).catch((error) => {
    if (!(isFailure(error, "NotFound"))) throw error;
    const cure = "there is no such file; train makes it";
    throw new Error(`Cannot read the weights ${path}: ${cure}`, { cause: error });
  });
  if (metadata.has("schema")) {
    throw new RangeError(`Cannot use ${path}: it learned a table, tabular predict FILE --model ${path} applies it`);
  }
  const [mean, std] = [Number(metadata.get("mean") ?? 0.1307), Number(metadata.get("std") ?? 0.3081)];
  if (!(Number.isFinite(mean) && std > 0)) throw new RangeError(`Cannot use ${path}: its mean or std is no number`);
  const { model, shape } = networkOf(tensors, path), normalize = normalizer({ mean, std });
  return (pictures) => noGrad(() => nn.functional.softmax(model.call(normalize(pictures.reshape(-1, ...shape)))));
}

/** Classes and probabilities, the likeliest first. */
function ranked(probabilities: readonly number[]): [digit: number, probability: number][] {
  return probabilities.map((p, digit): [number, number] => [digit, p]).sort((a, b) => b[1] - a[1]);
}

function toLine(name: string, probabilities: readonly number[], top: number): string {
  const parts = ranked(probabilities).slice(0, top).map(([digit, p]) => `${digit} ${(100 * p).toFixed(1)} %`);
  return `${name}  ${parts.join("  ")}`;
}

function toJson(name: string, probabilities: readonly number[]): string {
  return JSON.stringify({ name, class: ranked(probabilities)[0][0], probabilities });
}

/** Runs `predict`, and gives its exit code. */
export async function predict(args: readonly string[]): Promise<number> {
  return await runCommand({
    purpose: "Name the digits in pictures.",
    words: ["FILE…", "PNG pictures, one digit in each, of any size; or IDX files of 28×28 images, gzipped or not"],
    options,
    permissions: () => [readingVariables("GRADUS_BACKEND")],
    run: main,
  }, args);
}
