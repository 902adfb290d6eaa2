/** Data sets in the format of MNIST: four IDX files in a folder. */
import { files } from "../../core/host/files.ts";
import { failure, granted, isFailure } from "../../core/host/host.ts";
import { toHex } from "../../core/io/in_steps.ts";
import type { Tensor } from "../../core/tensor.ts";
import { dataFolder } from "../download/verified_files.ts";
import { readIdx } from "../formats/idx.ts";

/** Pictures and their classes. */
export interface LabelledImages {
  /** Grey levels 0 (background) to 255 (ink), uint8 [n, 28, 28]. */
  images: Tensor;
  /** Classes 0 to 9, uint8 [n]. */
  labels: Tensor;
}

/** A data set of pictures. */
export interface ImageDataset {
  /** Its name: `"mnist"`, `"fashion-mnist"` or `"digits"`. */
  name: string;
  /** Where it comes from, in a line for people. */
  source: string;
  /** The training set. */
  train: LabelledImages;
  /** The test set. */
  test: LabelledImages;
}

/** The names of the files, each with the SHA-256 of its inflated content. */
export const MNIST_FILES: Readonly<Record<string, string>> = {
  "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
  "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
  "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
};

/** The SHA-256 of the classes of Fashion-MNIST's test set: its files have the names of MNIST's. */
const FASHION_TEST_LABELS = "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9";

/**
 * The folder in which `loadMnist` keeps what it downloads: `GRADUS_DATA` if it is set, else `mnist` in the user's cache folder.
 *
 * @throws {Error} if the environment has neither, or may not be read
 */
export function mnistFolder(): string {
  return dataFolder("mnist", "");
}

const SIDE = 28;
const CLASSES = 10;

/**
 * The data set in the four IDX files of `dir`, gzipped or not: MNIST, or another one in its format such as Fashion-MNIST, which is
 * known by its classes.
 *
 * @param names The names that a file may have, in the order in which they are tried
 * @throws {Deno.errors.NotFound} if a file is missing; the message lists the missing ones
 * @throws {Deno.errors.NotCapable} if there is no permission to read the folder: none is asked for
 * @throws {SyntaxError} if a file is not IDX
 * @throws {RangeError} if a size is wrong: images are [n, 28, 28], labels [n] and below 10
 */
export async function readMnistFolder(dir: string, names = candidates): Promise<Omit<ImageDataset, "source">> {
  await files(`read ${dir}`, "read its files by readIdx()");
  if (!granted({ name: "read", path: dir })) {
    throw failure("NotCapable", `Cannot read ${dir}: no permission (--allow-read=${dir})`);
  }
  const paths = await Promise.all(Object.keys(MNIST_FILES).map((name) => find(dir, names(name))));
  const missing = Object.keys(MNIST_FILES).filter((_, i) => paths[i] === null);
  if (missing.length > 0) {
    throw failure(
      "NotFound",
      `Cannot find MNIST in ${dir}: no ${missing.join(", ")} (each plain or .gz, with - or . before idx)`,
    );
  }
  const [trainImages, trainLabels, testImages, testLabels] = paths as string[];
  const test = await readPart(testImages, testLabels);
  const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(test.labels.data))));
  const name = digest === FASHION_TEST_LABELS ? "fashion-mnist" : "mnist";
  return { name, train: await readPart(trainImages, trainLabels), test };
}

/** The names that a file may have: with a dash or a dot before `idx`, gzipped or not. */
export function candidates(name: string): string[] {
  const dotted = name.replace("-idx", ".idx");
  return [name, `${name}.gz`, dotted, `${dotted}.gz`];
}

async function find(dir: string, names: readonly string[]): Promise<string | null> {
  const { stat } = await files(`read ${dir}`);
  for (const candidate of names) {
    const path = `${dir}/${candidate}`;
    try {
      if ((await stat(path)).isFile) return path;
    } catch (error) {
      if (!isFailure(error, "NotFound")) throw error;
    }
  }
  return null;
}

async function readPart(imagesPath: string, labelsPath: string): Promise<LabelledImages> {
  const images = await readIdx(imagesPath);
  const labels = await readIdx(labelsPath);
  checkImages(images, imagesPath);
  checkLabels(labels, labelsPath, images.shape[0]);
  return { images, labels };
}

function checkImages({ dtype, shape }: Tensor, path: string): void {
  if (dtype === "uint8" && shape.length === 3 && shape[1] === SIDE && shape[2] === SIDE) return;
  throw new RangeError(`Cannot use ${path}: images are uint8 [n, ${SIDE}, ${SIDE}], these are ${dtype} [${shape}]`);
}

function checkLabels({ dtype, shape, data }: Tensor, path: string, images: number): void {
  if (dtype !== "uint8" || shape.length !== 1 || shape[0] !== images) {
    throw new RangeError(
      `Cannot use ${path}: ${images} images need labels uint8 [${images}], these are ${dtype} [${shape}]`,
    );
  }
  const odd = (data as Uint8Array).findIndex((label) => label >= CLASSES);
  if (odd >= 0) {
    throw new RangeError(`Cannot use ${path}: label ${odd} is ${data[odd]}, and classes are 0 to ${CLASSES - 1}`);
  }
}
