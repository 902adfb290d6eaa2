/** What the replays of the documents share: their arguments, and MNIST itself. */
import { parseArgs } from "node:util";
import { type ImageDataset, loadMnist } from "@gradus/gradus";

/** What a replay may be told. */
export interface ReplaySettings {
  /** Folder with the four MNIST files; undefined for the cache, or else a download. */
  data: string | undefined;
  /** How many epochs to run. */
  epochs: number;
}

/**
 * Reads `--data DIR` and `--epochs N`.
 *
 * @throws {RangeError} If the number of epochs is no whole number from 1 to `epochs`, as many as there are numbers to compare with.
 */
export function replaySettings(args: string[], epochs = 1): ReplaySettings {
  const { values } = parseArgs({ args, options: { data: { type: "string" }, epochs: { type: "string" } } });
  const wanted = Number(values.epochs ?? epochs);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > epochs) {
    throw new RangeError(`Cannot run --epochs ${values.epochs}: give a whole number from 1 to ${epochs}`);
  }
  return { data: values.data, epochs: wanted };
}

/**
 * The real MNIST, from `dir` or wherever `loadMnist` finds it.
 *
 * @throws {Error} If there are only the built-in digits: other pictures give other numbers.
 */
export async function realMnist(dir?: string): Promise<ImageDataset> {
  const dataset = await loadMnist(dir === undefined ? {} : { dir });
  if (dataset.name === "mnist") return dataset;
  throw new Error(`Cannot replay on other pictures than MNIST: found ${dataset.source}; give --data DIR`);
}
