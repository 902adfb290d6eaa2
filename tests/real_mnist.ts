/** Tests that read the real files of MNIST, skipped by name where they are absent. */
import { type ImageDataset, loadMnist } from "@gradus/gradus/data";
import { it } from "./bdd.ts";

const MNIST = new URL("../../shared/data/mnist/", import.meta.url);

let dataset: Promise<ImageDataset> | undefined;

/** A test on MNIST. */
export function itOnMnist(name: string, fn: (dataset: ImageDataset) => void): void {
  const have = existing(MNIST);
  (have ? it : it.skip)(have ? name : `${name} (needs ${MNIST.pathname})`, async () => fn(await mnist()));
}

function mnist(): Promise<ImageDataset> {
  return dataset ??= loadMnist({ dir: MNIST.pathname });
}

function existing(folder: URL): boolean {
  try {
    return Deno.statSync(folder).isDirectory;
  } catch {
    return false;
  }
}
