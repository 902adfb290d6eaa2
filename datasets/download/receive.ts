/** One HTTP request whose answer goes into a partial file, which a later request can resume. */
import { files, type OpenFile } from "../../core/host/files.ts";
import { isFailure } from "../../core/host/host.ts";
import { piecesOf } from "../../core/host/node_streams.ts";
import { namingFile, writeAll } from "../../core/io/atomic_write.ts";
import { Cap } from "../../core/io/read_file.ts";

/** How far a download has come. */
export interface DownloadProgress {
  /** The file's name. */
  readonly name: string;
  /** Bytes received so far, including those of earlier tries. */
  readonly received: number;
  /** Bytes in all, or `null` if the server does not say. */
  readonly total: number | null;
}

/** Limits and callbacks of one request. */
export interface ReceiveOptions {
  /** The most bytes to receive. */
  maxBytes: number;
  /** Milliseconds to wait for an answer to begin. */
  connectTimeout: number;
  /** Milliseconds to wait for each further {@linkcode STALL_BYTES} of it. */
  stallTimeout: number;
  /** Called after each piece. */
  onProgress?: ((received: number, total: number | null) => void) | undefined;
  /** Aborts the request. */
  signal?: AbortSignal | undefined;
}

/** A server that sends fewer bytes within `stallTimeout` is given up. */
const STALL_BYTES = 2 ** 14;

/** No answer: there is no network, no such host, or nothing listens there. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  /** No answer from `host`, for this reason. */
  constructor(readonly host: string, reason: string, options?: ErrorOptions) {
    super(`${host}: ${reason}`, options);
  }

  /** The error of a `fetch` of `url`, with its host and the system's message. */
  static by(error: Error, url: string): Unreachable {
    return new Unreachable(new URL(url).host, reasonOf(error), { cause: error });
  }
}

/**
 * Receives `url` into `partial`, resuming an earlier try if the server still has the same file.
 *
 * @throws {Unreachable} if there is no answer
 * @throws {Transient} if the failure may be temporary: 408, 429, 5xx, another range than the requested one, or a body that is cut short
 * @throws {RangeError} if there are more than `maxBytes`
 * @throws {Error} if the answer is anything else than the file
 */
export async function receive(url: string, partial: PartialFile, options: ReceiveOptions): Promise<void> {
  const timeout = new StallTimeout(options.signal);
  await receiveWithin(timeout, url, partial, options).finally(() => timeout.end());
}

async function receiveWithin(
  timeout: StallTimeout,
  url: string,
  partial: PartialFile,
  options: ReceiveOptions,
): Promise<void> {
  const have = await partial.resumable(url);
  timeout.restart(options.connectTimeout, "no answer");
  const response = await ask(url, have, timeout.signal, options.signal);
  const start = await startOf(response, have?.size ?? 0, url, partial);
  const total = totalOf(response);
  const cap = new Cap(url, options);
  const check = (bytes: number) => cap.check(bytes, () => "the file");
  check(total ?? 0);
  const file = start > 0 ? await partial.resume() : await partial.begin(url, response.headers.get("etag"));
  const received = await copy(pieces(response, url, timeout, options), file, start, (received) => {
    check(received);
    options.onProgress?.(received, total);
  }).catch((error) => {
    throw namingFile(error, partial.path);
  }).finally(() => file.close());
  if (total === null || received === total) return;
  throw new Transient(`${url} ended after ${received} of ${total} bytes`);
}

async function ask(
  url: string,
  have: { size: number; etag: string } | null,
  signal: AbortSignal,
  outer?: AbortSignal,
): Promise<Response> {
  const headers = new Headers({ "accept-encoding": "identity" }); // so that ranges and lengths count the bytes of the file
  if (have !== null) {
    headers.set("range", `bytes=${have.size}-`);
    headers.set("if-range", have.etag);
  }
  try {
    return await fetch(url, { headers, redirect: "manual", signal });
  } catch (error) {
    outer?.throwIfAborted();
    throw Unreachable.by(error as Error, url);
  }
}

/** The system's message, without what Deno puts around it. */
function reasonOf(error: Error): string {
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message.replace(/^error sending request for url \([^)]*\): (client error \(Connect\): )?/, "");
}

/** The byte of the file at which the answer's body begins: 0, or `have` if the server resumes there. */
async function startOf(response: Response, have: number, url: string, partial: PartialFile): Promise<number> {
  const { status } = response;
  if (status === 200) return 0;
  if (status === 206 && have > 0 && response.headers.get("content-range")?.startsWith(`bytes ${have}-`)) return have;
  if (status === 206 || status === 416) {
    await partial.discard();
    throw new Transient(`${url} answered ${status}, but not with the bytes from ${have} on`, { wait: 0 });
  }
  const message = `${url} answered ${status} ${response.statusText}`.trimEnd();
  if (status !== 408 && status !== 429 && status < 500) throw new Error(message);
  const seconds = Number(response.headers.get("retry-after") ?? NaN); // a date becomes NaN, and the pause the usual one
  throw new Transient(message, { wait: seconds >= 0 ? seconds * 1000 : undefined });
}

function totalOf({ status, headers }: Response): number | null {
  const text = status === 206 ? headers.get("content-range")?.split("/")[1] : headers.get("content-length");
  return text && /^[0-9]+$/.test(text) ? Number(text) : null;
}

/** Appends `body` to `file`, and returns the length of the file; `check` is called with it before each piece is written. */
async function copy(
  body: AsyncIterable<Uint8Array>,
  file: OpenFile,
  start: number,
  check: (received: number) => void,
): Promise<number> {
  let received = start;
  for await (const piece of body) {
    received += piece.length;
    check(received);
    await writeAll(file, piece);
  }
  return received;
}

/** The body piece by piece; if it breaks off, a {@linkcode Transient}. */
async function* pieces(response: Response, url: string, timeout: StallTimeout, options: ReceiveOptions) {
  const restart = () => timeout.restart(options.stallTimeout, `fewer than ${STALL_BYTES} bytes`);
  let since = 0;
  restart();
  try {
    for await (const piece of response.body === null ? [] : piecesOf(response.body)) {
      since += piece.length;
      if (since >= STALL_BYTES) since = 0;
      if (since === 0) restart();
      yield piece;
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new Transient(`${url} broke off: ${(error as Error).message}`, { cause: error });
  }
}

/** A timeout that is restarted whenever something has arrived, with an abort signal for `fetch`. */
class StallTimeout {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Aborts when the time is over, or when `outer` does. */
  readonly signal: AbortSignal;

  /** A timeout that begins with the first {@linkcode restart}. */
  constructor(outer?: AbortSignal) {
    this.signal = outer === undefined ? this.#controller.signal : AbortSignal.any([outer, this.#controller.signal]);
  }

  /** Begins anew: after `milliseconds` it aborts with an error that says that there was `what`. */
  restart(milliseconds: number, what: string): void {
    clearTimeout(this.#timer);
    const reason = new Error(`${what} for ${milliseconds / 1000} s`);
    this.#timer = setTimeout(() => this.#controller.abort(reason), milliseconds);
  }

  /** Ends the timeout, and aborts what still uses the signal. */
  end(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}

// What an interrupted download leaves behind.

/** Where the bytes of a partial file came from. */
interface Origin {
  /** Their address. */
  readonly url: string;
  /** The strong ETag they came with; without one a download cannot be resumed. */
  readonly etag: string;
}

/** The file `TARGET.part` with the bytes that have arrived, and `TARGET.part.json` with their {@linkcode Origin}. */
export class PartialFile {
  /** The path of `TARGET.part`. */
  readonly path: string;
  readonly #note: string;

  /** The partial file of `target`. */
  constructor(target: string) {
    this.path = `${target}.part`;
    this.#note = `${target}.part.json`;
  }

  /** How many bytes of `url` have arrived, and their ETag; `null` if there is nothing to resume. */
  async resumable(url: string): Promise<{ size: number; etag: string } | null> {
    const { readTextFile, stat } = await files(`read ${this.path}`);
    try {
      const origin: Origin = JSON.parse(await readTextFile(this.#note));
      const { size } = await stat(this.path);
      return size > 0 && origin.url === url && isStrong(origin.etag) ? { size, etag: origin.etag } : null;
    } catch {
      return null; // no note, no file or a damaged note: begin anew
    }
  }

  /** Opens a new file, and notes where its bytes will come from. */
  async begin(url: string, etag: string | null): Promise<OpenFile> {
    await this.discard();
    const { open, writeTextFile } = await files(`write ${this.path}`);
    const file = await open(this.path, { write: true, create: true, truncate: true });
    if (isStrong(etag)) await writeTextFile(this.#note, JSON.stringify({ url, etag } satisfies Origin));
    return file;
  }

  /** Opens the file to append to it. */
  async resume(): Promise<OpenFile> {
    return await (await files(`write ${this.path}`)).open(this.path, { append: true });
  }

  /** Removes the file and its note. */
  async discard(): Promise<void> {
    const { remove } = await files(`remove ${this.path}`);
    for (const path of [this.#note, this.path]) {
      await remove(path).catch((error) => {
        if (!isFailure(error, "NotFound")) throw error;
      });
    }
  }
}

/** Only a strong ETag promises equal bytes; a weak one, `W/"…"`, promises equal meaning. */
function isStrong(etag: unknown): etag is string {
  return typeof etag === "string" && etag.startsWith('"');
}

// Tries with exponential backoff.

/** How often to try, and how long to wait in between. */
export interface RetryOptions {
  /**
   * Tries in all, at least 1.
   *
   * @default {4}
   */
  attempts?: number;
  /**
   * The longest first pause in milliseconds, doubled for each further one.
   *
   * @default {500}
   */
  pause?: number;
  /** Aborts the pauses. */
  signal?: AbortSignal | undefined;
}

/** A temporary failure: {@linkcode retry} tries again after one, and after no other error. */
export class Transient extends Error {
  /** Milliseconds that the server asks to wait, if it does. */
  readonly wait: number | undefined;

  /** A failure with this message. */
  constructor(message: string, options: ErrorOptions & { wait?: number | undefined } = {}) {
    super(message, options);
    this.name = "Transient";
    this.wait = options.wait;
  }
}

/** Milliseconds; a server that asks for a longer pause is not waited for. */
const LONGEST_PAUSE = 10_000;

/**
 * Runs `task`, again while it throws {@linkcode Transient}, and returns what it returns. Pauses double, with jitter so that many
 * clients do not come back at once. Throws the last failure, or one that asks for a pause of more than ten seconds.
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

/** Waits so many milliseconds; rejects when `signal` aborts. */
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
