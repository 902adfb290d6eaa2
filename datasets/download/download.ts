/** Downloads that end with the right file or with none. */
import { sweepTemporary, tryFileLock, writeAtomically } from "../../core/io/atomic_write.ts";
import { granted } from "../../core/io/cache_dir.ts";
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

/** What to fetch, from where, and to where. */
export interface DownloadOptions {
  /** Addresses of the same file, tried in order. */
  urls: readonly string[];
  /** What the file's content is known by, inflated if it comes gzipped and is not kept so. */
  digest: Digest;
  /** The file to write. Its folder exists. */
  target: string;
  /** Keep a gzipped file as it comes; inflate it when absent. */
  keepGzip?: boolean;
  /** The most bytes to receive or to inflate to; 256 MiB when absent. */
  maxBytes?: number;
  /** Milliseconds to wait for a server's answer; 3,000 when absent. */
  connectTimeout?: number;
  /** Milliseconds to wait for further 16 KiB, so that a drip does not pass for a download; 15,000 when absent. */
  stallTimeout?: number;
  /** How to try again after a failure that may pass. */
  retry?: RetryOptions;
  /** Told how far it has come. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Ends the download; what came so far is kept for the next one. */
  signal?: AbortSignal | undefined;
}

const MAX_BYTES = 2 ** 28;

/** Bytes that came whole and are not the file. */
class Damaged extends Error {}

/**
 * Brings the file `target` from the first of `urls` that gives the content with the right digest; the address that
 * did, or `null` if `target` already held it.
 *
 * What a broken-off try received stays in `TARGET.part` and is gone on with (`Range`, `If-Range`) while the server's
 * ETag stays the same. Passing failures (429, 5xx, a connection that drops) are tried again with growing pauses,
 * lasting ones (404, a wrong hash, no connection) send it to the next address. The final name appears by a rename,
 * after the hash was right. A lock on `TARGET.lock` keeps other processes from downloading the same. Asks for no
 * permission: an address not granted counts as a failure. `signal` ends the wait for another process as well.
 *
 * @throws {AggregateError} if no address gave the file; the message tells what each did
 */
export async function download(options: DownloadOptions): Promise<string | null> {
  return await withFileLock(`${options.target}.lock`, async () => {
    await sweepTemporary(options.target);
    if (await isWhole(options)) return null;
    const failures: Error[] = [];
    for (const url of options.urls) {
      try {
        await fromOne(url, options);
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
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * From one address; a damaged file is asked for once more from its first byte, for its parts may have been of two
 * files.
 */
async function fromOne(url: string, options: DownloadOptions): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  const host = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  if (!granted({ name: "net", host })) throw new Error(`no permission to reach ${hostname} (--allow-net=${hostname})`);
  const partial = new PartialFile(options.target);
  for (let last = false;; last = true) {
    await receiveAll(url, partial, options).catch(async (error) => {
      if (error instanceof RangeError) await partial.discard(); // too large: nothing to go on with
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

/** Receives until the file is complete. Once a server has answered, losing it is a failure that may pass. */
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

// One process at a time, in turn.

/** Milliseconds between two looks at a lock that another holds: a wait for the lock itself could not be ended. */
const PAUSE = 50;

/** What `task` gives, run while this process alone holds `path` locked; `signal` ends the wait for that. */
export async function withFileLock<T>(path: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    using lock = await tryFileLock(path);
    if (lock !== null) return await task();
    await sleep(PAUSE, signal);
  }
}
