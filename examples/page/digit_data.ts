/** The digits to learn from: the library's own, MNIST's four files beside the page, or files that were picked. */
import { backendName, fromData, type Tensor } from "@gradus/gradus";
import { digits, type LabelledImages, readIdx } from "@gradus/gradus/data";
import { SIDE } from "./centre.ts";
import { centredPicture } from "./centre_picture.ts";
import { BUILT_IN, type DataSummary } from "./messages.ts";

/** Pictures to learn from, and pictures that are held out to judge by: uint8 [n, 1, 28, 28] and their digits [n]. */
export interface DigitData {
  readonly name: string;
  readonly train: LabelledImages;
  readonly held: LabelledImages;
}

/** How many digits the library draws. */
const DRAWN = { train: 8000, test: 1000 };

/** The most digits that are judged by, also where plain loops compute: more would take long each time. */
const MOST_HELD = 2000, MOST_HELD_OF_LOOPS = 250;

/** The part that is held out where files come without a test set. */
const HELD_PART = 1 / 10;

/** The digits that the library draws, centred as MNIST centres. */
export function builtInDigits(): DigitData {
  const { train, test } = digits(DRAWN);
  return { name: BUILT_IN, train: centredAll(train), held: heldOut(centredAll(test)) };
}

function centredAll({ images, labels }: LabelledImages): LabelledImages {
  const from = images.data as Uint8Array, size = SIDE * SIDE, to = new Uint8Array(from.length);
  for (let at = 0; at < from.length; at += size) to.set(centredPicture(from.subarray(at, at + size)), at);
  return { images: fromData(to, [labels.numel(), 1, SIDE, SIDE]), labels };
}

/** How many there are. */
export function summaryOf({ name, train, held }: DigitData): DataSummary {
  return { name, train: train.labels.numel(), held: held.labels.numel() };
}

/** The addresses of MNIST's files beside the page, as `settings.json` names them. */
export type FilesBeside = readonly string[];

/** The digits in MNIST's files beside the page. */
export async function digitsBeside(addresses: FilesBeside): Promise<DigitData> {
  const tensors = await Promise.all(addresses.map(async (address) => readIdx(await fetch(address))));
  return { ...inPairs(tensors), name: "MNIST" };
}

/**
 * The digits in files that were picked: IDX, gzipped or not. Pictures and digits belong together if there are as many of both; of two
 * such pairs the larger one is learned from.
 */
export async function digitsPicked(files: readonly File[]): Promise<DigitData> {
  return { ...inPairs(await Promise.all(files.map((file) => readIdx(file)))), name: "Your files" };
}

/** Pairs of pictures and their digits, the larger one to learn from. */
function inPairs(tensors: readonly Tensor[]): Omit<DigitData, "name"> {
  const labels = tensors.filter(isLabels);
  const pairs = tensors.filter(isImages).flatMap((images) => {
    const own = labels.filter(({ shape }) => shape[0] === images.shape[0]);
    return own.length === 1 ? [{ images: images.reshape(-1, 1, SIDE, SIDE), labels: own[0] }] : [];
  }).sort((a, b) => b.labels.numel() - a.labels.numel());
  if (pairs.length === 0 || 2 * pairs.length !== tensors.length || pairs[0].labels.numel() < 100) {
    const found = tensors.map(({ dtype, shape }) => `${dtype} [${shape}]`).join(", ");
    throw new RangeError(
      `Cannot learn from these files: they hold ${found}; pick pictures, bytes of [n, 28, 28], with their digits, bytes of [n]`,
    );
  }
  return pairs.length === 1 ? parted(pairs[0]) : { train: pairs[0], held: heldOut(pairs[1]) };
}

function isImages({ dtype, shape }: Tensor): boolean {
  return dtype === "uint8" && shape.length === 3 && shape[1] === SIDE && shape[2] === SIDE;
}

function isLabels({ dtype, shape, data }: Tensor): boolean {
  return dtype === "uint8" && shape.length === 1 && data.every((label) => label < 10);
}

/** Where there is no test set: the last pictures are held out. */
function parted({ images, labels }: LabelledImages): Omit<DigitData, "name"> {
  const from = Math.floor(labels.numel() * (1 - HELD_PART));
  const held = { images: images.slice(0, from).clone(), labels: labels.slice(0, from).clone() };
  return { train: first({ images, labels }, from), held: heldOut(held) };
}

/** As many of these as are judged by. */
function heldOut(digits: LabelledImages): LabelledImages {
  return first(digits, backendName() === "reference" ? MOST_HELD_OF_LOOPS : MOST_HELD);
}

function first({ images, labels }: LabelledImages, most: number): LabelledImages {
  return { images: images.slice(0, 0, most).clone(), labels: labels.slice(0, 0, most).clone() };
}
