/** Fashion-MNIST: ten kinds of clothes in MNIST's layout. */
import { checkOptions } from "../core/arguments.ts";
import { granted } from "../core/cache_dir.ts";
import { dataFolder } from "./data_folder.ts";
import { download } from "./download.ts";
import type { ImageDataset } from "./image_dataset.ts";
import type { MnistOptions } from "./mnist.ts";
import { readMnistFolder } from "./mnist_files.ts";

/** Where Fashion-MNIST is kept on the web, the first asked first. */
export const FASHION_MIRRORS: readonly string[] = [
  "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
  "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
];

/** What the labels 0 to 9 stand for. */
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

/** The files as published, each with the SHA-256 of its gzip: there is one compression of each. */
const FILES: Readonly<Record<string, string>> = {
  "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
  "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
  "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
  "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
};

/**
 * Fashion-MNIST's 60,000 + 10,000 pictures of clothes, laid out as `loadMnist` lays out MNIST.
 *
 * Looks in `dir` alone if given; else in the folder `cache`, which is `fashion-mnist` in the folder that `GRADUS_DATA`
 * names, else in the user's cache; else downloads into it, 31 MB, each file checked by SHA-256. Asks for no permission.
 *
 * @throws {Deno.errors.NotFound} if `dir` lacks a file; the message lists the names looked for
 * @throws {Error} if the pictures are not there and cannot be had; the message says why, and which files to put where
 * @throws {SyntaxError | RangeError} if a file is damaged
 * @see {@link https://github.com/zalandoresearch/fashion-mnist} by Xiao, Rasul and Vollgraf
 */
export async function fashionMnist(options: Omit<MnistOptions, "seed"> = {}): Promise<ImageDataset> {
  checkOptions("load Fashion-MNIST", options, ["dir", "cache", "offline", "mirrors", "onProgress", "signal"]);
  const name = "fashion-mnist";
  if (options.dir !== undefined) {
    return { ...await readMnistFolder(options.dir), name, source: `files in ${options.dir}` };
  }
  const folder = options.cache ?? dataFolder(name);
  try {
    return { ...await readMnistFolder(folder), name, source: `cache ${folder}` };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await downloadAll(folder, options).catch((error: Error) => {
    options.signal?.throwIfAborted();
    const files = Object.keys(FILES).join(", ");
    throw new Error(`Cannot load Fashion-MNIST: ${error.message}; or put ${files} into ${folder}`, { cause: error });
  });
  return { ...await readMnistFolder(folder), name, source: `downloaded to ${folder}` };
}

async function downloadAll(folder: string, options: Omit<MnistOptions, "seed">): Promise<void> {
  const { mirrors = FASHION_MIRRORS, offline, onProgress, signal } = options;
  if (offline) throw new Error(`offline, and it is not in ${folder}`);
  if (!granted({ name: "write", path: folder })) throw new Error(`no permission to write ${folder} (--allow-write)`);
  await Deno.mkdir(folder, { recursive: true });
  for (const [file, sha256] of Object.entries(FILES)) {
    const urls = mirrors.map((mirror) => `${mirror}${file}`);
    await download({ urls, digest: { sha256 }, keepGzip: true, target: `${folder}/${file}`, onProgress, signal });
  }
}
