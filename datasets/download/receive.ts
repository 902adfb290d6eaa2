/** One HTTP request whose answer goes into a partial file. */
import { namingFile, writeAll } from "../../core/io/atomic_write.ts";
import { Cap } from "../../core/io/read_file.ts";

/** How far a download has come. */
export interface DownloadProgress {
  /** The file's name. */
  readonly name: string;
  /** Bytes received so far, those of an earlier try included. */
  readonly received: number;
  /** Bytes there will be, where the server says so. */
  readonly total: number | null;
}

/** Bounds and listeners of one request. */
export interface ReceiveOptions {
  /** The most bytes to take. */
  maxBytes: number;
  /** Milliseconds to wait for an answer to begin. */
  connectTimeout: number;
  /** Milliseconds to wait for the next {@linkcode LEAST} bytes of it. */
  stallTimeout: number;
  /** Called after each piece. */
  onProgress?: ((received: number, total: number | null) => void) | undefined;
  /** Ends the request. */
  signal?: AbortSignal | undefined;
}

/** An answer that brings fewer bytes than these in the time of a stall does not end while anybody waits. */
const LEAST = 2 ** 14;

/** No answer at all: no network, no such host, nobody listening. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  /** No answer from `host`, for a reason in the system's words. */
  constructor(readonly host: string, reason: string, options?: ErrorOptions) {
    super(`${host}: ${reason}`, options);
  }

  /** What a `fetch` of `url` threw, with its host and the system's own words. */
  static by(error: Error, url: string): Unreachable {
    return new Unreachable(new URL(url).host, reasonOf(error), { cause: error });
  }
}

/**
 * Fills `partial` with what `url` gives, going on where an earlier try stopped if the server still has the same file.
 *
 * @throws {Unreachable} if there is no answer
 * @throws {Transient} if the answer may be better next time: 408, 429, 5xx, a range that was not met, or a body cut
 * short
 * @throws {RangeError} if there are more than `maxBytes`
 * @throws {Error} if the answer is any other than the file
 */
export async function receive(url: string, partial: PartialFile, options: ReceiveOptions): Promise<void> {
  using patience = new StallTimeout(options.signal);
  const have = await partial.resumable(url);
  patience.restart(options.connectTimeout, "no answer");
  const response = await ask(url, have, patience.signal, options.signal);
  const start = await startOf(response, have?.size ?? 0, url, partial);
  const total = totalOf(response);
  const cap = new Cap(url, options);
  const check = (bytes: number) => cap.check(bytes, () => "the file");
  check(total ?? 0);
  using file = start > 0 ? await partial.resume() : await partial.begin(url, response.headers.get("etag"));
  const received = await copy(pieces(response, url, patience, options), file, start, (received) => {
    check(received);
    options.onProgress?.(received, total);
  }).catch((error) => {
    throw namingFile(error, partial.path);
  });
  if (total === null || received === total) return;
  throw new Transient(`${url} ended after ${received} of ${total} bytes`);
}

async function ask(
  url: string,
  have: { size: number; etag: string } | null,
  signal: AbortSignal,
  outer?: AbortSignal,
): Promise<Response> {
  const headers = new Headers({ "accept-encoding": "identity" }); // ranges and lengths count the bytes as sent
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

/** The system's own words, without Deno's around them. */
function reasonOf(error: Error): string {
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message.replace(/^error sending request for url \([^)]*\): (client error \(Connect\): )?/, "");
}

/** The byte of the file at which the answer's body begins: 0, or `have` where the server went on from there. */
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
  const seconds = Number(response.headers.get("retry-after") ?? NaN); // a date is NaN: the usual pause serves
  throw new Transient(message, { wait: seconds >= 0 ? seconds * 1000 : undefined });
}

function totalOf({ status, headers }: Response): number | null {
  const text = status === 206 ? headers.get("content-range")?.split("/")[1] : headers.get("content-length");
  return text && /^[0-9]+$/.test(text) ? Number(text) : null;
}

/**
 * Appends `body` to `file`, telling `check` how many bytes it has before each piece is written; gives how many at the
 * end.
 */
async function copy(
  body: AsyncIterable<Uint8Array>,
  file: Deno.FsFile,
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

/** The body piece by piece; a break in it is a {@linkcode Transient}. */
async function* pieces(response: Response, url: string, patience: StallTimeout, options: ReceiveOptions) {
  const restart = () => patience.restart(options.stallTimeout, `fewer than ${LEAST} bytes`);
  let since = 0;
  restart();
  try {
    for await (const piece of response.body ?? []) {
      since += piece.length;
      if (since >= LEAST) since = 0;
      if (since === 0) restart();
      yield piece;
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new Transient(`${url} broke off: ${(error as Error).message}`, { cause: error });
  }
}

/** An abort signal that fires when nothing has happened for too long. */
class StallTimeout implements Disposable {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Fires when patience ends, or when `outer` does. */
  readonly signal: AbortSignal;

  /** Patience without end, until {@linkcode restart} bounds it. */
  constructor(outer?: AbortSignal) {
    this.signal = outer === undefined ? this.#controller.signal : AbortSignal.any([outer, this.#controller.signal]);
  }

  /** Waits `milliseconds` from now, and then says that there was `what`. */
  restart(milliseconds: number, what: string): void {
    clearTimeout(this.#timer);
    const reason = new Error(`${what} for ${milliseconds / 1000} s`);
    this.#timer = setTimeout(() => this.#controller.abort(reason), milliseconds);
  }

  /** Stops waiting, and ends whatever still hangs on the signal. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}

// What a broken-off download left behind, and what is needed to go on with it.

/** Where the bytes of a partial file came from. */
interface Origin {
  /** The address they were asked from. */
  readonly url: string;
  /** The strong ETag they came with; without one a download cannot go on where it stopped. */
  readonly etag: string;
}

/** The file `TARGET.part`, and `TARGET.part.json` that says where its bytes came from. */
export class PartialFile {
  /** Where the bytes are. */
  readonly path: string;
  readonly #note: string;

  /** The partial file that belongs to the final file `target`. */
  constructor(target: string) {
    this.path = `${target}.part`;
    this.#note = `${target}.part.json`;
  }

  /** The bytes there are from `url` and their ETag; `null` if there is nothing to go on with. */
  async resumable(url: string): Promise<{ size: number; etag: string } | null> {
    try {
      const origin: Origin = JSON.parse(await Deno.readTextFile(this.#note));
      const { size } = await Deno.stat(this.path);
      return size > 0 && origin.url === url && isStrong(origin.etag) ? { size, etag: origin.etag } : null;
    } catch {
      return null; // no note, no file or a torn note: each means to begin anew
    }
  }

  /** Empties the file, notes where its bytes will come from, and opens it. */
  async begin(url: string, etag: string | null): Promise<Deno.FsFile> {
    await this.discard();
    const file = await Deno.open(this.path, { write: true, create: true, truncate: true });
    if (isStrong(etag)) await Deno.writeTextFile(this.#note, JSON.stringify({ url, etag } satisfies Origin));
    return file;
  }

  /** Opens the file to write on at its end. */
  async resume(): Promise<Deno.FsFile> {
    return await Deno.open(this.path, { append: true });
  }

  /** Removes the file and its note. */
  async discard(): Promise<void> {
    for (const path of [this.#note, this.path]) {
      await Deno.remove(path).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }
}

/** Only a strong ETag promises equal bytes; a weak one (`W/"…"`) promises equal meaning. */
function isStrong(etag: unknown): etag is string {
  return typeof etag === "string" && etag.startsWith('"');
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
