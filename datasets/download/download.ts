/** Downloads of files with a known digest: they end with the right file or with none. */
import { sweepTemporary, tryFileLock, writeAtomically } from "../../core/io/atomic_write.ts";
import { granted, isFailure } from "../../core/host/host.ts";
import { readFile } from "../../core/io/read_file.ts";
import {
  type DownloadProgress,
  PartialFile,
  receive,
  type ReceiveOptions,
  retry,
  type RetryOptions,
  sleep,
  Transient,
  Unreachable,
} from "./receive.ts";
import { type Digest, digestLike, nameDigest } from "./verified_files.ts";
import { gunzip } from "../formats/gunzip.ts";

/** What to download, from where, and to where. */
export interface DownloadOptions {
  /** Addresses of the same file, tried in order. */
  urls: readonly string[];
  /** The digest of the file's content, which is inflated first unless `keepGzip` is set. */
  digest: Digest;
  /** The path to write to, in a folder that exists. */
  target: string;
  /**
   * Whether to keep a gzipped file as it is, instead of inflating it.
   *
   * @default {false}
   */
  keepGzip?: boolean;
  /**
   * The most bytes to receive or to inflate to.
   *
   * @default {2 ** 28}
   */
  maxBytes?: number;
  /**
   * Milliseconds to wait for a server's answer.
   *
   * @default {3000}
   */
  connectTimeout?: number;
  /**
   * Milliseconds to wait for each further 16 KiB, so that a server that sends byte after byte does not hold the download up.
   *
   * @default {15000}
   */
  stallTimeout?: number;
  /** How to try again after a temporary failure. */
  retry?: RetryOptions;
  /** Called while bytes arrive. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Aborts the download; what has arrived is kept for the next one. */
  signal?: AbortSignal | undefined;
}

const MAX_BYTES = 2 ** 28;

/** All bytes arrived, and are not the file. */
class Damaged extends Error {}

/**
 * Downloads the file `target` from the first of `urls` that has the content with the right digest. Returns that address, or `null` if
 * `target` already had it.
 *
 * An interrupted download is kept in `TARGET.part` and resumed (`Range`, `If-Range`) while the server's ETag stays the same. Temporary
 * failures (429, 5xx, a lost connection) are tried again after growing pauses; after lasting ones (404, a wrong digest, no connection)
 * the next address is tried. The file gets its final name once its digest is right. A lock on `TARGET.lock` keeps other processes from
 * downloading the same file; `signal` aborts the wait for it, too. Never asks for a permission: an address that is not allowed is a
 * failure.
 *
 * @throws {AggregateError} if no address had the file; the message says what each answered
 */
export async function download(options: DownloadOptions): Promise<string | null> {
  return await withFileLock(`${options.target}.lock`, async () => {
    await sweepTemporary(options.target);
    if (await isWhole(options)) return null;
    const failures: Error[] = [];
    for (const url of options.urls) {
      try {
        await downloadFrom(url, options);
        return url;
      } catch (error) {
        options.signal?.throwIfAborted();
        failures.push(error as Error);
      }
    }
    const reasons = failures.map((failure) => failure.message).join("; ");
    throw new AggregateError(failures, `Cannot download ${nameOf(options.target)}: ${reasons}`);
  }, options.signal);
}

async function isWhole({ target, digest }: DownloadOptions): Promise<boolean> {
  try {
    return await digestLike(await readFile(target, { maxBytes: Infinity }), digest) === nameDigest(digest).hex;
  } catch (error) {
    if (isFailure(error, "NotFound")) return false;
    throw error;
  }
}

/** Downloads from one address. A damaged file is requested once more from its first byte: it may have been put together of two versions. */
async function downloadFrom(url: string, options: DownloadOptions): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  const host = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  if (!granted({ name: "net", host })) throw new Error(`no permission to reach ${hostname} (--allow-net=${hostname})`);
  const partial = new PartialFile(options.target);
  for (let last = false;; last = true) {
    await receiveAll(url, partial, options).catch(async (error) => {
      if (error instanceof RangeError) await partial.discard(); // too large: not to be resumed
      throw error;
    });
    try {
      const content = await verified(url, partial, options);
      await writeAtomically(options.target, [content]);
      return;
    } catch (error) {
      if (last || !(error instanceof Damaged)) throw error;
    } finally {
      await partial.discard();
    }
  }
}

/** Receives until the file is complete. Once a server has answered, losing it is a temporary failure. */
async function receiveAll(url: string, partial: PartialFile, options: DownloadOptions): Promise<void> {
  let reached = false;
  await retry(async () => {
    try {
      await receive(url, partial, toReceiveOptions(options));
    } catch (error) {
      const lost = reached && error instanceof Unreachable;
      reached ||= !(error instanceof Unreachable);
      throw lost ? new Transient(error.message, { cause: error }) : error;
    }
  }, { ...options.retry, signal: options.signal });
}

function toReceiveOptions(options: DownloadOptions): ReceiveOptions {
  const { maxBytes = MAX_BYTES, connectTimeout = 3_000, stallTimeout = 15_000, signal, onProgress } = options;
  const name = nameOf(options.target);
  return {
    maxBytes,
    connectTimeout,
    stallTimeout,
    signal,
    onProgress: onProgress && ((received, total) => onProgress({ name, received, total })),
  };
}

async function verified(url: string, partial: PartialFile, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const received = await readFile(partial.path, { maxBytes: Infinity });
  const content = options.keepGzip ? received : await inflated(received, url, options.maxBytes);
  const { hex, algorithm } = nameDigest(options.digest);
  const found = await digestLike(content, options.digest);
  if (found === hex) return content;
  throw new Damaged(`${url} gave ${content.length} bytes with ${algorithm} ${found}, not ${hex}`);
}

async function inflated(
  received: Uint8Array<ArrayBuffer>,
  url: string,
  maxBytes = MAX_BYTES,
): Promise<Uint8Array<ArrayBuffer>> {
  return await gunzip(received, url, { maxBytes }).catch((error) => {
    throw new Damaged(error.message, { cause: error });
  });
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

// One process at a time.

/** Milliseconds between two tries to lock: a wait for the lock itself could not be aborted. */
const PAUSE = 50;

/** Runs `task` while this process holds a lock on the file `path`, and returns what it returns; `signal` aborts the wait for the lock. */
export async function withFileLock<T>(path: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const lock = await tryFileLock(path);
    if (lock !== null) return await task().finally(() => lock.close());
    await sleep(PAUSE, signal);
  }
}
