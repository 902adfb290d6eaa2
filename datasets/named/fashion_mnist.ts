/** Fashion-MNIST: pictures of clothes in the format of MNIST. */
import { checkOptions, requireTexts } from "../../core/arguments.ts";
import { granted } from "../../core/io/cache_dir.ts";
import { dataFolder, type Digest, verifyFiles } from "../download/verified_files.ts";
import { download } from "../download/download.ts";
import { type MnistOptions, PLACES } from "./mnist.ts";
import { type ImageDataset, readMnistFolder } from "./mnist_folder.ts";

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

type Digests = Readonly<Record<string, string>>;

/** The files as they are published, each with the SHA-256 of the gzipped file. */
const FILES: Digests = {
  "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
  "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
  "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
  "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
};

/**
 * Fashion-MNIST's 60,000 + 10,000 pictures of clothes, as `loadMnist` gives MNIST; the names of the classes are
 * {@linkcode FASHION_CLASSES}.
 *
 * With `dir` they are read there. Otherwise they are read in the folder `cache`, or downloaded into it (31 MB); the default is the
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
  checkOptions("load Fashion-MNIST", options, ["dir", "cache", "offline", "mirrors", "onProgress", "signal"], PLACES);
  requireTexts("load Fashion-MNIST", "mirrors", options.mirrors);
  return await fashionMnistOf(FILES, options);
}

/** The same for files with these SHA-256 digests. */
export async function fashionMnistOf(digests: Digests, options: Omit<MnistOptions, "seed">): Promise<ImageDataset> {
  const name = "fashion-mnist";
  if (options.dir !== undefined) {
    return { ...await readMnistFolder(options.dir), name, source: `files in ${options.dir}` };
  }
  const folder = options.cache ?? dataFolder(name);
  const wrong: string[] = [];
  try {
    if (!granted({ name: "read", path: folder })) throw new Error(`no permission to read ${folder} (--allow-read)`);
    wrong.push(...await verifyFiles(folder, digestsOf(digests)));
    const kept = wrong.length > 0 ? null : await readKept(folder);
    if (kept !== null) return { ...kept, name, source: `cache ${folder}` };
    await downloadAll(folder, digests, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    const reasons = [(error as Error).message, ...wrong].join("; ");
    const files = Object.keys(digests).join(", ");
    throw new Error(`Cannot load Fashion-MNIST: ${reasons}; or put ${files} into ${folder}`, { cause: error });
  }
  const because = wrong.length > 0 ? ` (${wrong.join("; ")})` : "";
  return { ...await readMnistFolder(folder, gzipped), name, source: `downloaded to ${folder}${because}` };
}

/** The name of a file in the cache: only gzipped files have a known digest. */
const gzipped = (name: string) => [`${name}.gz`];

function digestsOf(digests: Digests): Record<string, Digest> {
  return Object.fromEntries(Object.entries(digests).map(([name, sha256]) => [name, { sha256 }]));
}

/** The data set in the cache, or `null` if a file is missing. */
async function readKept(folder: string): Promise<Omit<ImageDataset, "source"> | null> {
  return await readMnistFolder(folder, gzipped).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
}

async function downloadAll(folder: string, digests: Digests, options: Omit<MnistOptions, "seed">): Promise<void> {
  const { mirrors = FASHION_MIRRORS, offline, onProgress, signal } = options;
  if (offline) throw new Error(`offline, and it is not in ${folder}`);
  if (!granted({ name: "write", path: folder })) throw new Error(`no permission to write ${folder} (--allow-write)`);
  await Deno.mkdir(folder, { recursive: true });
  for (const [file, sha256] of Object.entries(digests)) {
    const urls = mirrors.map((mirror) => `${mirror}${file}`);
    await download({ urls, digest: { sha256 }, keepGzip: true, target: `${folder}/${file}`, onProgress, signal });
  }
}
