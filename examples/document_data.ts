/** What the replays of the documents share: their arguments, and MNIST itself. */
import { backendName, backendReason } from "@gradus/gradus";
import { type ImageDataset, loadMnist } from "@gradus/gradus/data";
import { compiledKernel, findingFolders, heeding, noteMissing, readingMnist, type Use } from "./permissions.ts";
import { parseOptions, UsageError, wholeNumber } from "./script.ts";

/** What a replay may be told. */
export interface ReplaySettings {
  /** Folder with the four MNIST files; undefined for the cache. */
  data: string | undefined;
  /** How many epochs to run. */
  epochs: number;
}

/**
 * Reads `--data DIR` and `--epochs N`; `null` where `--help` was asked for and shown, with `purpose` as its first line.
 *
 * @throws {UsageError} If the number of epochs is no whole number from 1 to `most`, as many as there are numbers to compare with.
 * @throws {TypeError} If `GRADUS_BACKEND` names no back end.
 */
export function replaySettings(args: string[], purpose: string, most: number): ReplaySettings | null {
  const { values } = parseOptions({
    args,
    options: {
      data: { type: "string" },
      epochs: { type: "string", default: `${most}` },
      "require-permissions": { type: "boolean", default: false },
      debug: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(helpOf(purpose, most));
    return null;
  }
  const epochs = wholeNumber("epochs", values.epochs, 1);
  if (epochs > most) {
    throw new UsageError(`Cannot run --epochs ${epochs}: there are numbers to compare with for ${most}`);
  }
  backendName(); // a wish that cannot be met is told before the data are read
  return { data: values.data, epochs };
}

function helpOf(purpose: string, most: number): string {
  const epochs = most > 1 ? `\n  --epochs N  times through the training images (${most}, and no more)` : "";
  return `${purpose}

  --data DIR  folder with the four MNIST files (IDX, gzipped or not); without it: the cache, where deno task train puts them${epochs}
  --debug     show where an error came from
  --help      this text`;
}

/** What a replay's permissions are for. */
export function replayUses(): Use[] {
  return [
    heeding("GRADUS_BACKEND", "GRADUS_THREADS"),
    findingFolders(),
    compiledKernel(),
    readingMnist(),
  ];
}

/**
 * The real MNIST, from `dir` or the cache; tells by which back end it will be learned from.
 *
 * @throws {Error} If it is not there: the built-in digits are other pictures, and give other numbers.
 */
export async function realMnist(dir?: string): Promise<ImageDataset> {
  const dataset = await loadMnist(dir === undefined ? { offline: true } : { dir });
  if (dataset.name === "mnist") {
    tellBackend();
    return dataset;
  }
  const reason = /\((?:offline, and )?(.*)\)$/.exec(dataset.source)?.[1] ?? dataset.source;
  throw new Error(
    `Cannot replay without MNIST itself: ${reason}; give --data DIR with its files, or run deno task train, which downloads it`,
  );
}

/** The back end, and what its reason does not tell. */
function tellBackend(): void {
  console.log(`Back end: ${backendName()} (${backendReason()})`);
  noteMissing([heeding("GRADUS_BACKEND", "GRADUS_THREADS"), findingFolders()]);
}
