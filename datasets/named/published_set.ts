/** Data sets in the format of MNIST that are published as four gzipped files. */
import { checkOptions, requireTexts } from "../../core/arguments.ts";
import { files } from "../../core/host/files.ts";
import { granted, isFailure } from "../../core/host/host.ts";
import { download } from "../download/download.ts";
import { dataFolder, type Digest, verifyFiles } from "../download/verified_files.ts";
import { type MnistOptions, PLACES } from "./mnist.ts";
import { type ImageDataset, readMnistFolder } from "./mnist_folder.ts";

/** A published data set. */
export interface PublishedSet {
  /** Its name in the result, and that of its folder in the cache. */
  readonly name: string;
  /** What errors call it. */
  readonly title: string;
  /** Where it is on the web, in the order in which they are tried. */
  readonly mirrors: readonly string[];
  /** The names of its files, each with the SHA-256 of the gzipped file. */
  readonly digests: Readonly<Record<string, string>>;
}

/**
 * The data set from `dir`; without it from the cache folder, or downloaded into it. Never asks for a permission.
 *
 * @throws {Error} if it is in no folder and cannot be downloaded; the message says why, and which files to put where
 */
export async function loadPublished(set: PublishedSet, options: Omit<MnistOptions, "seed">): Promise<ImageDataset> {
  const { name, title, digests } = set;
  checkOptions(`load ${title}`, options, ["dir", "cache", "offline", "mirrors", "onProgress", "signal"], PLACES);
  requireTexts(`load ${title}`, "mirrors", options.mirrors);
  if (options.dir !== undefined) {
    return { ...await readMnistFolder(options.dir), name, source: `files in ${options.dir}` };
  }
  const folder = options.cache ?? dataFolder(name);
  const wrong: string[] = [];
  try {
    if (!granted({ name: "read", path: folder })) throw new Error(`no permission to read ${folder} (--allow-read)`);
    wrong.push(...await verifyFiles(folder, digestsOf(set)));
    const kept = wrong.length > 0 ? null : await readKept(folder);
    if (kept !== null) return { ...kept, name, source: `cache ${folder}` };
    await downloadAll(folder, set, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    const reasons = [(error as Error).message, ...wrong].join("; ");
    const files = Object.keys(digests).join(", ");
    throw new Error(`Cannot load ${title}: ${reasons}; or put ${files} into ${folder}`, { cause: error });
  }
  const because = wrong.length > 0 ? ` (${wrong.join("; ")})` : "";
  return { ...await readMnistFolder(folder, gzipped), name, source: `downloaded to ${folder}${because}` };
}

/** The name of a file in the cache: only gzipped files have a known digest. */
const gzipped = (name: string) => [`${name}.gz`];

function digestsOf({ digests }: PublishedSet): Record<string, Digest> {
  return Object.fromEntries(Object.entries(digests).map(([name, sha256]) => [name, { sha256 }]));
}

/** The data set in the cache, or `null` if a file is missing. */
async function readKept(folder: string): Promise<Omit<ImageDataset, "source"> | null> {
  return await readMnistFolder(folder, gzipped).catch((error) => {
    if (isFailure(error, "NotFound")) return null;
    throw error;
  });
}

async function downloadAll(folder: string, set: PublishedSet, options: Omit<MnistOptions, "seed">): Promise<void> {
  const { mirrors = set.mirrors, offline, onProgress, signal } = options;
  if (offline) throw new Error(`offline, and it is not in ${folder}`);
  if (!granted({ name: "write", path: folder })) throw new Error(`no permission to write ${folder} (--allow-write)`);
  const { mkdir } = await files(`write ${folder}`);
  await mkdir(folder, { recursive: true });
  for (const [file, sha256] of Object.entries(set.digests)) {
    const urls = mirrors.map((mirror) => `${mirror}${file}`);
    await download({ urls, digest: { sha256 }, keepGzip: true, target: `${folder}/${file}`, onProgress, signal });
  }
}
