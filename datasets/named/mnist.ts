/** MNIST from the nearest place that has it. */
import { checkOptions, requireTexts } from "../../core/arguments.ts";
import { runInSlices } from "../../core/event_loop.ts";
import { writingDigits } from "../digits/digits.ts";
import type { DownloadProgress } from "../download/receive.ts";
import { type ImageDataset, MNIST_FILES, readMnistFolder } from "./mnist_folder.ts";

/** Where MNIST is kept on the web, the first asked first. */
export const MNIST_MIRRORS: readonly string[] = [
  "https://ossci-datasets.s3.amazonaws.com/mnist/",
  "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

/** Where {@linkcode loadMnist} may look. */
export interface MnistOptions {
  /** A folder that holds the four IDX files, gzipped or not: then nowhere else is looked. */
  dir?: string | undefined;
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

/** Of the options that tell where to look. */
export const PLACES = { dir: "string", cache: "string", offline: "boolean", onProgress: "function" } as const;

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
 * import { loadMnist } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const { test } = await loadMnist({ offline: true });
 * assertEquals(test.images.shape.slice(1), [28, 28]);
 * ```
 */
export async function loadMnist(options: MnistOptions = {}): Promise<ImageDataset> {
  checkOptions("load MNIST", options, ["dir", "cache", "offline", "mirrors", "seed", "onProgress", "signal"], {
    ...PLACES,
    seed: "number",
  });
  requireTexts("load MNIST", "mirrors", options.mirrors);
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
    const { fromCacheOrWeb } = await import("./mnist_cache.ts"); // with all that downloads need: not at every start
    return await fromCacheOrWeb(digests, { ...options, mirrors: options.mirrors ?? MNIST_MIRRORS });
  } catch (error) {
    signal?.throwIfAborted();
    const generated = await runInSlices(writingDigits({ seed }));
    return { ...generated, source: `${generated.source} (${(error as Error).message})` };
  }
}
