/** MNIST, from a folder, the cache or the web. */
import { checkOptions, requireTexts } from "../../core/arguments.ts";
import { runInSlices } from "../../core/event_loop.ts";
import { digitsInSteps } from "../digits/digits.ts";
import type { DownloadProgress } from "../download/receive.ts";
import { type ImageDataset, MNIST_FILES, readMnistFolder } from "./mnist_folder.ts";

/** Where MNIST is on the web, in the order in which they are tried. */
export const MNIST_MIRRORS: readonly string[] = [
  "https://ossci-datasets.s3.amazonaws.com/mnist/",
  "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

/** Where {@linkcode loadMnist} looks. */
export interface MnistOptions {
  /**
   * A folder with the four IDX files, gzipped or not, of MNIST or of another set in its format: the only place where is looked. The
   * package `dataset-fashion-mnist` of Debian, for instance, puts Fashion-MNIST into `/usr/share/datasets/fashion-mnist`.
   */
  dir?: string | undefined;
  /**
   * The folder in which downloads are kept. A file in it with other content than MNIST's is renamed: use `dir` for another data set
   * in the same format.
   *
   * @default {mnistFolder()}
   */
  cache?: string;
  /**
   * Whether to stay off the network.
   *
   * @default {false}
   */
  offline?: boolean;
  /**
   * Folders on the web to download from.
   *
   * @default {MNIST_MIRRORS}
   */
  mirrors?: readonly string[];
  /**
   * Seed of the digits that are drawn if MNIST cannot be had.
   *
   * @default {0}
   */
  seed?: number;
  /** Called while a file is downloaded; `showDownload()` of `@gradus/gradus/train` draws a bar. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Aborts the download and the call. */
  signal?: AbortSignal;
}

/** The types of the options that say where to look. */
export const PLACES = { dir: "string", cache: "string", offline: "boolean", onProgress: "function" } as const;

/**
 * MNIST's 60,000 + 10,000 handwritten digits, or if they cannot be had the ones that {@linkcode digits} draws: `name` and `source` of
 * the result say which, and why.
 *
 * With `dir` they are read there. Otherwise they are read in the folder `cache`, or downloaded into it (11 MB), or drawn. A file in the
 * cache is checked by SHA-256 once, and again when its size or time has changed; a wrong one is renamed to `*.wrong` and named in
 * `source`. Never asks for a permission: without `--allow-net`, for instance, it draws digits.
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

/** The same for files with these SHA-256 digests of their inflated content. */
export async function loadMnistOf(
  digests: Readonly<Record<string, string>>,
  options: MnistOptions,
): Promise<ImageDataset> {
  const { dir, seed = 0, signal } = options;
  if (dir !== undefined) return { ...await readMnistFolder(dir), source: `files in ${dir}` };
  try {
    const { fromCacheOrWeb } = await import("./mnist_cache.ts"); // loads all that downloads need: not at every start
    return await fromCacheOrWeb(digests, { ...options, mirrors: options.mirrors ?? MNIST_MIRRORS });
  } catch (error) {
    signal?.throwIfAborted();
    const generated = await runInSlices(digitsInSteps({ seed }));
    return { ...generated, source: `${generated.source} (${(error as Error).message})` };
  }
}
