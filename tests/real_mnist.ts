/** Tests that read the real files of MNIST and Fashion-MNIST, skipped by name where they are absent. */
import { type ImageDataset, loadMnist } from "@gradus/gradus/data";
import { it } from "./bdd.ts";

const MNIST = new URL("../../shared/data/mnist/", import.meta.url).pathname;
const FASHION = "/usr/share/datasets/fashion-mnist/"; // Debian's package dataset-fashion-mnist

const datasets = new Map<string, Promise<ImageDataset>>();

/** A test on MNIST. */
export function itOnMnist(name: string, fn: (dataset: ImageDataset) => void | Promise<void>): void {
  itOn(MNIST, name, fn);
}

/** A test on Fashion-MNIST. */
export function itOnFashionMnist(name: string, fn: (dataset: ImageDataset) => void | Promise<void>): void {
  itOn(FASHION, name, fn);
}

function itOn(dir: string, name: string, fn: (dataset: ImageDataset) => void | Promise<void>): void {
  const have = existing(dir);
  (have ? it : it.skip)(have ? name : `${name} (needs ${dir})`, async () => await fn(await load(dir)));
}

function load(dir: string): Promise<ImageDataset> {
  const loading = datasets.get(dir) ?? loadMnist({ dir });
  datasets.set(dir, loading);
  return loading;
}

function existing(folder: string): boolean {
  try {
    return Deno.statSync(folder).isDirectory;
  } catch {
    return false;
  }
}
