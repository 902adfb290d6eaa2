/**
 * Names the digits in pictures, by the weights that `deno task train` saves.
 *
 *     deno task predict FILE… [--weights FILE] [--top N] [--json]
 */
import { backendName, fromData, nn, type Tensor } from "@gradus/gradus";
import { drawDigit, readIdx, readPng, toMnistDigit } from "@gradus/gradus/data";
import { readSafetensors } from "@gradus/gradus/io";
import { heeding, noteMissing } from "./permissions.ts";
import { COMMON_OPTIONS, parseOptions, runScript, UsageError, wholeNumber } from "./script.ts";

const HELP = `Name the digits in pictures.

  FILE…           PNG pictures, one digit in each, of any size; or IDX files of 28×28 images, gzipped or not
  --weights FILE  safetensors from deno task train (mnist.safetensors)
  --from I        the first image of an IDX file to look at, counted from 0 (0)
  --count N       how many of them (5)
  --top N         how many classes to name for each (3)
  --draw          draw what the network sees
  --json          one JSON object a picture
  --require-permissions
                  end where a permission is missing, instead of doing without; deno task predict says so
  --debug         show where an error came from
  --help          this text`;

interface Settings {
  files: string[];
  weights: string;
  from: number;
  count: number;
  top: number;
  draw: boolean;
  json: boolean;
}

/** A picture as the network is shown it. */
interface Picture {
  name: string;
  levels: Uint8Array;
}

/** A network with what its inputs were made of. */
interface Classifier {
  probabilities(levels: Uint8Array): number[];
}

async function main(): Promise<void> {
  const settings = readSettings();
  if (settings === null) return;
  backendName(); // a wish that cannot be met is told first
  const classifier = await readClassifier(settings.weights);
  noteMissing([heeding("GRADUS_BACKEND")]);
  for (const file of settings.files) {
    for (const { name, levels } of await readPictures(file, settings)) {
      const probabilities = classifier.probabilities(levels);
      if (settings.draw) console.log(drawDigit(levels));
      console.log(settings.json ? toJson(name, probabilities) : toLine(name, probabilities, settings.top));
    }
  }
}

/** Whether a file is IDX or PNG is told by its first bytes. */
async function readPictures(file: string, { from, count }: Settings): Promise<Picture[]> {
  const bytes = await Deno.readFile(file);
  const isPng = [0x89, 0x50, 0x4e, 0x47].every((byte, i) => bytes[i] === byte);
  if (isPng) return [{ name: file, levels: toMnistDigit(await readPng(file), file).data as Uint8Array }];
  const isIdx = (bytes[0] === 0 && bytes[1] === 0) || (bytes[0] === 0x1f && bytes[1] === 0x8b);
  if (!isIdx) throw new SyntaxError(`Cannot read ${file}: it begins neither as PNG nor as IDX, perhaps gzipped`);
  return slices(await readIdx(file), file, from, count);
}

function slices(images: Tensor, file: string, from: number, count: number): Picture[] {
  const [n, ...size] = images.shape;
  if (images.dtype !== "uint8" || size.join() !== "28,28") {
    throw new RangeError(
      `Cannot look at ${file}: expected bytes of shape [n, 28, 28], found ${images.dtype} [${images.shape}]`,
    );
  }
  if (from >= n) throw new RangeError(`Cannot begin at image ${from} of ${file}: it has ${n}`);
  return Array.from({ length: Math.min(count, n - from) }, (_, i) => ({
    name: `${file}#${from + i}`,
    levels: Uint8Array.from(images.at(from + i).clone().data),
  }));
}

/** Rebuilds the network from the weights alone: linear layers with ReLU between them. */
async function readClassifier(path: string): Promise<Classifier> {
  const { tensors, metadata } = await readSafetensors(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot read the weights ${path}: there is no such file; deno task train makes it`, {
      cause: error,
    });
  });
  const model = network(tensors, path);
  const [mean, std] = [Number(metadata.get("mean") ?? 0.1307), Number(metadata.get("std") ?? 0.3081)];
  if (!(Number.isFinite(mean) && std > 0)) throw new RangeError(`Cannot use ${path}: its mean or std is no number`);
  return {
    probabilities(levels) {
      const x = fromData(levels, [1, levels.length]).float().div(255).sub(mean).div(std);
      return nn.functional.softmax(model.call(x)).view(-1).toArray() as number[];
    },
  };
}

function network(tensors: Map<string, Tensor>, path: string): nn.Sequential {
  const names = [...tensors.keys()].filter((name) => /^\d+\.weight$/.test(name));
  const places = names.map((name) => parseInt(name)).sort((a, b) => a - b);
  const shapes = places.map((place) => tensors.get(`${place}.weight`)!.shape);
  const fits = shapes.every((shape, i) =>
    shape.length === 2 && (i === 0 ? shape[1] === 784 : shape[1] === shapes[i - 1][0])
  );
  if (shapes.length === 0 || !fits) {
    throw new RangeError(
      `Cannot use ${path}: expected the weights of linear layers from 784 values on, made by deno task train, found ${
        Array.from(tensors, ([name, { shape }]) => `${name} [${shape}]`).slice(0, 8).join(", ")
      }`,
    );
  }
  const layers = shapes.flatMap(([outputs, inputs], i) => {
    const linear = new nn.Linear(inputs, outputs);
    return i === shapes.length - 1 ? [linear] : [linear, new nn.ReLU()];
  });
  const model = new nn.Sequential(...layers);
  model.loadStateDict(tensors);
  return model.eval().requiresGrad_(false);
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

function readSettings(): Settings | null {
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: {
      weights: { type: "string", default: "mnist.safetensors" },
      from: { type: "string", default: "0" },
      count: { type: "string", default: "5" },
      top: { type: "string", default: "3" },
      draw: { type: "boolean", default: false },
      ...COMMON_OPTIONS,
    },
  });
  if (values.help) {
    console.log(HELP);
    return null;
  }
  if (positionals.length === 0) throw new UsageError("Cannot predict without a picture: name PNG or IDX files");
  return {
    ...values,
    files: positionals,
    from: wholeNumber("from", values.from),
    count: wholeNumber("count", values.count, 1),
    top: wholeNumber("top", values.top, 1),
  };
}

await runScript(main, () => [heeding("GRADUS_BACKEND")]);
