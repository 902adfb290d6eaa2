/** MNIST from the nearest place that has it. */
import { checkOptions } from "../core/arguments.ts";
import { runInSlices } from "../core/event_loop.ts";
import { granted } from "../core/cache_dir.ts";
import { dataFolder } from "./data_folder.ts";
import type { Digest } from "./digest.ts";
import { writingDigits } from "./digits.ts";
import { download } from "./download.ts";
import { gunzip } from "./gunzip.ts";
import type { ImageDataset } from "./image_dataset.ts";
import { candidates, MNIST_FILES, readMnistFolder } from "./mnist_files.ts";
import { type DownloadProgress, Unreachable } from "./receive.ts";
import { setWrongAside } from "./verified_files.ts";

/** Where MNIST is kept on the web, the first asked first. */
export const MNIST_MIRRORS: readonly string[] = [
  "https://ossci-datasets.s3.amazonaws.com/mnist/",
  "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

/** Where {@linkcode loadMnist} may look. */
export interface MnistOptions {
  /** A folder that holds the four IDX files, gzipped or not: then nowhere else is looked. */
  dir?: string;
  /**
   * Where downloads are kept; when absent the folder that `GRADUS_DATA` names, else `mnist` in the user's cache. Files in it that are
   * not the data set's own are set aside: another set of the same layout is read by `dir`.
   */
  cache?: string;
  /** Keep off the network. */
  offline?: boolean;
  /** Folders on the web to download from; {@linkcode MNIST_MIRRORS} when absent. */
  mirrors?: readonly string[];
  /** Seed of the built-in digits, if it comes to them; 0 when absent. */
  seed?: number;
  /** Told how far each file's download has come. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Ends the download, and with it the call. */
  signal?: AbortSignal;
}

/**
 * MNIST's 60,000 + 10,000 handwritten digits, or where they cannot be had the built-in ones of {@linkcode digits}.
 *
 * Looks in `dir` alone if given. Else in the cache folder, see {@linkcode MnistOptions.cache}; else downloads into it,
 * 11 MB; else generates. Each file in the cache is checked by SHA-256 once, and again when its size or time has changed; one that is
 * wrong is named in `source` and set aside. `name` and `source` of the result tell which, and which files to
 * put where to have MNIST itself. Asks for no permission: without `--allow-net`, say, it generates.
 *
 * @throws {Deno.errors.NotFound} if `dir` lacks a file; the message lists the missing ones
 * @throws {Deno.errors.NotCapable} if `dir` may not be read
 * @throws {SyntaxError | RangeError} if a file in `dir` is damaged
 * @see {@link http://yann.lecun.com/exdb/mnist/} by LeCun, Cortes and Burges
 *
 * @example
 * ```ts
 * import { loadMnist } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const { test } = await loadMnist({ offline: true });
 * assertEquals(test.images.shape.slice(1), [28, 28]);
 * ```
 */
export async function loadMnist(options: MnistOptions = {}): Promise<ImageDataset> {
  checkOptions("load MNIST", options, ["dir", "cache", "offline", "mirrors", "seed", "onProgress", "signal"]);
  return await loadMnistOf(MNIST_FILES, options);
}

/** The same for files with these digests, of their content before compression. */
export async function loadMnistOf(
  digests: Readonly<Record<string, string>>,
  options: MnistOptions,
): Promise<ImageDataset> {
  const { dir, seed = 0, signal } = options;
  if (dir !== undefined) return { ...await readMnistFolder(dir), source: `files in ${dir}` };
  try {
    return await fromCacheOrWeb(digests, options);
  } catch (error) {
    signal?.throwIfAborted();
    const generated = await runInSlices(writingDigits({ seed }));
    return { ...generated, source: `${generated.source} (${(error as Error).message})` };
  }
}

/** Where no mirror answers, that is all there is to say, and not what each resolver said. */
function inShort(error: Error): string {
  const failures: unknown[] = error instanceof AggregateError ? error.errors : [];
  const silent = failures.filter((failure) => failure instanceof Unreachable);
  if (silent.length === 0 || silent.length < failures.length) return error.message;
  return `no network: ${silent.map(({ host }) => host).join(" and ")} cannot be reached`;
}

async function fromCacheOrWeb(
  digests: Readonly<Record<string, string>>,
  options: MnistOptions,
): Promise<ImageDataset> {
  const folder = options.cache ?? dataFolder("mnist", "");
  if (!granted({ name: "read", path: folder })) throw new Error(`no permission to read ${folder} (--allow-read)`);
  const wrong = await setWrongAside(
    folder,
    digestsOf(digests),
    async (path) => gunzip(await Deno.readFile(path), path),
  );
  const writable = granted({ name: "write", path: folder });
  const because = wrong.length > 0 ? ` (${wrong.join("; ")})` : "";
  const kept = wrong.length === 0 || writable ? await readKept(folder) : "a file there is wrong"; // and cannot be set aside
  if (typeof kept !== "string") return { ...kept, source: `cache ${folder}${because}` };
  const cure = `put ${Object.keys(digests).map((name) => `${name}.gz`).join(", ")} into ${folder}`;
  if (options.offline) throw new Error(`offline, and ${kept}${because}; ${cure}`);
  if (!writable) throw new Error(`${kept}${because}; no permission to write there (--allow-write)`);
  await downloadAll(folder, digests, options).catch((error) => {
    throw new Error(`${inShort(error)}${because}; or ${cure}`, { cause: error });
  });
  return { ...await readMnistFolder(folder), source: `downloaded to ${folder}${because}` };
}

/** Each name that a file may go by in the cache, with its digest. */
function digestsOf(digests: Readonly<Record<string, string>>): Record<string, Digest> {
  return Object.fromEntries(
    Object.entries(digests).flatMap(([name, sha256]) => candidates(name).map((candidate) => [candidate, { sha256 }])),
  );
}

/** The data set in the cache, or what is wrong with it. */
async function readKept(folder: string): Promise<Omit<ImageDataset, "source"> | string> {
  try {
    return await readMnistFolder(folder);
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? `MNIST is not in ${folder}` : (error as Error).message;
  }
}

async function downloadAll(
  folder: string,
  digests: Readonly<Record<string, string>>,
  options: MnistOptions,
): Promise<void> {
  const { onProgress, signal } = options;
  let mirrors = options.mirrors ?? MNIST_MIRRORS;
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, sha256] of Object.entries(digests)) {
    const urls = mirrors.map((mirror) => `${mirror}${name}.gz`);
    const url = await download({ urls, digest: { sha256 }, target: `${folder}/${name}`, onProgress, signal });
    // The mirror that gave this file is asked first for the next: a dead one costs its time-out once.
    mirrors = mirrors.toSorted((a, b) => Number(url?.startsWith(b)) - Number(url?.startsWith(a)));
  }
}
