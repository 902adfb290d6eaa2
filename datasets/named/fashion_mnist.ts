/** Fashion-MNIST: pictures of clothes in the format of MNIST. */
import type { MnistOptions } from "./mnist.ts";
import type { ImageDataset } from "./mnist_folder.ts";
import { loadPublished, type PublishedSet } from "./published_set.ts";

/** Where Fashion-MNIST is on the web, in the order in which they are tried. */
export const FASHION_MIRRORS: readonly string[] = [
  "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
  "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
];

/** The names of the classes 0 to 9. */
export const FASHION_CLASSES: readonly string[] = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

/** The set as it is published: there is one compression of each file. */
const FASHION: PublishedSet = {
  name: "fashion-mnist",
  title: "Fashion-MNIST",
  mirrors: FASHION_MIRRORS,
  digests: {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
  },
};

/**
 * Fashion-MNIST's 60,000 + 10,000 pictures of clothes, as `loadMnist` gives MNIST; the names of the classes are
 * {@linkcode FASHION_CLASSES}.
 *
 * With `dir` they are read there, as in Debian's `/usr/share/datasets/fashion-mnist` (package `dataset-fashion-mnist`). Otherwise they are read in the folder `cache`, or downloaded into it (31 MB); the default is the
 * folder `fashion-mnist` in the one that `GRADUS_DATA` names, else in the user's cache. A file there is checked by SHA-256 once, and
 * again when its size or time has changed; a wrong one is renamed to `*.wrong`. Never asks for a permission.
 *
 * @throws {Deno.errors.NotFound} if `dir` lacks a file; the message lists the names looked for
 * @throws {Error} if the pictures are in no folder and cannot be downloaded; the message says why, and which files to put where
 * @throws {Deno.errors.NotCapable} if `dir` may not be read
 * @throws {SyntaxError | RangeError} if a file in `dir` is damaged
 * @see {@link https://github.com/zalandoresearch/fashion-mnist} by Xiao, Rasul and Vollgraf
 */
export async function fashionMnist(options: Omit<MnistOptions, "seed"> = {}): Promise<ImageDataset> {
  return await loadPublished(FASHION, options);
}
