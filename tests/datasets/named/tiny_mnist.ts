/** A data set of MNIST's form with five pictures, that tests load in its place. */
import { assertEquals } from "@std/assert";
import type { ImageDataset } from "@gradus/gradus/data";
import { digestLike } from "../../../datasets/download/verified_files.ts";
import { inFolder } from "../../core/io/in_folder.ts";

export function idx(sizes: number[], elements: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array([0, 0, 8, sizes.length, ...sizes.flatMap((size) => [0, 0, 0, size]), ...elements]);
}

export const images = (n: number) => idx([n, 28, 28], Array.from({ length: n * 784 }, (_, i) => i % 256));

/** The four files of a data set with 3 + 2 pictures. */
export const tiny: Record<string, Uint8Array<ArrayBuffer>> = {
  "train-images-idx3-ubyte": images(3),
  "train-labels-idx1-ubyte": idx([3], [7, 0, 9]),
  "t10k-images-idx3-ubyte": images(2),
  "t10k-labels-idx1-ubyte": idx([2], [1, 2]),
};

/** The digests of their contents. */
export const tinyDigests = Object.fromEntries(
  await Promise.all(Object.entries(tiny).map(async ([name, bytes]) => [name, await digestLike(bytes, { sha256: "" })])),
);

export async function fill(folder: string, files: Record<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) await Deno.writeFile(`${folder}/${name}`, bytes);
}

/** Runs `task` with a folder that has the tiny data set; some files may be replaced. */
export const withTiny = (changed: Record<string, Uint8Array>, task: (folder: string) => Promise<void>) =>
  inFolder(async (folder) => {
    await fill(folder, { ...tiny, ...changed });
    await task(folder);
  });

export function isTiny({ train, test }: ImageDataset): void {
  assertEquals([train.images.shape, test.images.shape], [[3, 28, 28], [2, 28, 28]]);
  assertEquals([train.labels.toArray(), test.labels.toArray()], [[7, 0, 9], [1, 2]]);
}
