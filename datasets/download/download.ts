/** Downloads that end with the right file or with none. */
import { sweepTemporary, tryFileLock, writeAtomically } from "../../core/io/atomic_write.ts";
import { granted } from "../../core/io/cache_dir.ts";
import { readFile } from "../../core/io/read_file.ts";
import { type DownloadProgress, PartialFile, receive, type ReceiveOptions, Unreachable } from "./receive.ts";
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

// Trying again, later and later.

/** How often and how patiently to try. */
export interface RetryOptions {
  /** Tries in all, at least 1; 4 when absent. */
  attempts?: number;
  /** The longest first pause in milliseconds, doubled for each further one; 500 when absent. */
  pause?: number;
  /** Ends the pauses early. */
  signal?: AbortSignal | undefined;
}

/** A failure that may pass: {@linkcode retry} tries again after one, and only after one. */
export class Transient extends Error {
  /** Milliseconds the other side asked us to wait, if it did. */
  readonly wait: number | undefined;

  /** A failure told by `message`, perhaps with a wish how long to wait. */
  constructor(message: string, options: ErrorOptions & { wait?: number | undefined } = {}) {
    super(message, options);
    this.name = "Transient";
    this.wait = options.wait;
  }
}

/** Milliseconds; who asks for a longer pause is not waited for. */
const LONGEST_PAUSE = 10_000;

/**
 * What `task` gives, tried again while it throws {@linkcode Transient}, after pauses that double and vary by chance so
 * that many clients do not come back at once. The last failure is thrown, and one that asks for a wait of more than ten seconds.
 */
export async function retry<T>(task: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 4, pause = 500, signal } = options;
  for (let attempt = 1;; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof Transient) || attempt >= attempts) throw error;
      if (error.wait !== undefined && error.wait > LONGEST_PAUSE) throw error;
      const backOff = pause * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
      await sleep(Math.min(error.wait ?? backOff, LONGEST_PAUSE), signal);
    }
  }
}

/** Waits so many milliseconds, or until `signal` ends it with its reason. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
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
