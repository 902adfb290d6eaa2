/** Reading whole files, with a cap on what becomes of them, so that a small file cannot fill the memory. */
import { checkOptions, requirePath } from "../arguments.ts";
import { files, type OpenFile } from "../host/files.ts";
import { failure } from "../host/host.ts";
import { piecesOf } from "../host/node_streams.ts";
import { joinBytes } from "./in_steps.ts";

/** Options of the functions that read files. */
export interface ReadOptions {
  /**
   * Most bytes of memory that may become of the file: inflated, and as tensors.
   *
   * @default {Math.max(2 ** 28, 32 * size)} for a file of `size` bytes: 256 MiB, or 32 times its size where that is more; 1 GiB
   * for a stream or a pipe, whose size nobody knows
   */
  maxBytes?: number | undefined;
}

/**
 * What a file is read from: its path; or, in a browser above all, its bytes, a `Blob` (the `File` that was picked is one), or the
 * `Response` that brings it.
 */
export type FileSource = string | Uint8Array | Blob | Response;

/** What to call the file of a source in errors: by its path, address or name, or as `otherwise` says. */
export function sourceName(source: FileSource, otherwise: string = "the bytes"): string {
  if (typeof source === "string") return source;
  return (source instanceof Response ? source.url : (source as { name?: string }).name) || otherwise; // of a File
}

/** What every file may come to: MNIST as float32 is 220 MB. */
const MIN_CAP = 2 ** 28;

/** How many times its size a larger file may come to: gzipped CSV of MNIST, read as float64, comes to about 28 times. */
const GROWTH = 32;

/** What a stream may come to by default. */
const STREAM_CAP = 2 ** 30;

/** Counts the bytes that become of a file, and throws where they are more than `maxBytes`. */
export class Cap {
  readonly #maxBytes: number | undefined;
  #taken = 0;

  /**
   * A cap for a file, which errors call `where`; `size` is the file's size, `null` for a stream.
   *
   * @throws {RangeError} if `maxBytes` is not a number of bytes
   */
  constructor(readonly where: string, { maxBytes }: ReadOptions, public size: number | null = null) {
    if (maxBytes !== undefined && !(typeof maxBytes === "number" && maxBytes >= 0)) {
      throw new RangeError(`Cannot set maxBytes to ${String(maxBytes)}: expected a number of bytes, 0 or more`);
    }
    this.#maxBytes = maxBytes;
  }

  /** The most bytes that the file may come to. */
  get limit(): number {
    return this.#maxBytes ?? (this.size === null ? STREAM_CAP : Math.max(MIN_CAP, GROWTH * this.size));
  }

  /** Adds `bytes`, before they are allocated, and throws a RangeError if they are too many; `what` names their subject in the message. */
  count(bytes: number, what: () => string): void {
    this.#taken += bytes;
    if (this.#taken > this.limit) this.check(this.#taken, what);
  }

  /** Compares `bytes` alone with the limit, for memory that is not kept, such as a line. */
  check(bytes: number, what: () => string): void {
    if (bytes <= this.limit) return;
    throw new RangeError(
      `Cannot read ${this.where}: ${what()} comes to ${bytes} bytes, and maxBytes allows ${this.limit}: raise it if you trust the file`,
    );
  }
}

/** Most characters of a file's contents that an error message quotes. */
const MAX_QUOTED = 100;

/** A text from a file for an error message, cut where it is long: a name may have megabytes. */
export function shortened(text: string): string {
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}

/** The same in quotes. */
export function quoted(name: string): string {
  return JSON.stringify(shortened(name));
}

/** Bytes read at a time. */
const PIECE = 1 << 22;

/**
 * The bytes of a file, or those given in its place. A pipe or a device is read as far as `maxBytes` allows: it may have no end.
 *
 * @throws {TypeError} if `source` is nothing that a file is read from
 * @throws {RangeError} if there are more than `maxBytes`
 * @throws {Error} if `source` is a response of an error
 */
export async function readFile(source: FileSource, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof Uint8Array) return source as Uint8Array<ArrayBuffer>;
  if (source instanceof Blob) return await readBlob(source, options);
  if (source instanceof Response) return await readResponse(source, options);
  return await readPath(source, options);
}

/** The first bytes of a file. */
interface Beginning {
  /** The bytes: as many as were wanted, or all there are. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many the file has; `null` for a stream, which nobody knows. */
  readonly size: number | null;
}

/**
 * The first bytes of a file, or of what is given in its place: of a large one no more is read.
 *
 * @param wanted How many are wanted, by those that came; it is asked until there are as many
 * @throws {TypeError} if `source` is nothing that a file is read from
 * @throws {Error} if `source` is a response of an error
 */
export async function readBeginning(
  source: FileSource,
  options: ReadOptions,
  wanted: (begin: Uint8Array) => number,
): Promise<Beginning> {
  if (source instanceof Uint8Array) return { bytes: source as Uint8Array<ArrayBuffer>, size: source.length };
  const { stream, size } = await openStream(source, options);
  let pieces: Uint8Array[] = [], length = 0, target = wanted(new Uint8Array());
  for await (const piece of piecesOf(stream)) {
    pieces.push(piece);
    length += piece.length;
    if (length < target) continue;
    pieces = [joinBytes(pieces)];
    target = wanted(pieces[0]);
    if (length >= target) break;
  }
  return { bytes: joinBytes(pieces), size };
}

async function openStream(
  source: string | Blob | Response,
  options: ReadOptions,
): Promise<{ stream: ReadableStream<Uint8Array>; size: number | null }> {
  if (source instanceof Blob) return { stream: source.stream(), size: source.size };
  if (source instanceof Response) return { stream: bodyOf(source, new Cap(sourceName(source), options)), size: null };
  requirePath(source, "read");
  const { open, stat } = await files(`read ${source}`);
  const { isFile, isDirectory, size } = await stat(source);
  if (isDirectory) throw isFolder(source);
  return { stream: (await open(source)).readable, size: isFile ? size : null };
}

/** Parts of a file, read without the rest. */
export interface FileParts {
  /** How many bytes the file has. */
  readonly size: number;
  /** The bytes from `begin` on, before `end`; fewer where the file ends. */
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Closes the file. */
  close(): void;
}

/** A file to be read in parts; `null` for what can be read only from its beginning to its end. */
export async function openParts(source: FileSource): Promise<FileParts | null> {
  if (source instanceof Blob) {
    const read = async (begin: number, end: number) => new Uint8Array(await source.slice(begin, end).arrayBuffer());
    return { size: source.size, read, close: () => {} };
  }
  if (typeof source !== "string") return null;
  const { open, stat } = await files(`read ${source}`);
  const { isFile, size } = await stat(source);
  if (!isFile || size === 0) return null;
  const file = await open(source);
  const read = async (begin: number, end: number) => {
    await file.seek(begin, 0);
    return await readOn(file, end - begin);
  };
  return { size, read, close: () => file.close() };
}

async function readBlob(blob: Blob, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  new Cap(sourceName(blob), options, blob.size).count(blob.size, () => "the file");
  return new Uint8Array(await blob.arrayBuffer());
}

async function readResponse(response: Response, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const cap = new Cap(sourceName(response), options);
  return await joinPieces(bodyOf(response, cap), cap);
}

/**
 * The bytes that a server answered, which `cap` names.
 *
 * @throws {Error} if it answered with an error
 */
export function bodyOf(response: Response, cap: Cap): ReadableStream<Uint8Array<ArrayBuffer>> {
  if (!response.ok) throw new Error(`Cannot read ${cap.where}: the server answered ${response.status}`);
  return response.body ?? new Blob([]).stream();
}

async function joinPieces(stream: ReadableStream<Uint8Array>, cap: Cap): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of piecesOf(stream)) {
    cap.count(piece.length, () => "what came so far");
    pieces.push(piece);
  }
  return joinBytes(pieces);
}

async function readPath(path: string, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  requirePath(path, "read");
  checkOptions(`read ${path}`, options, ["maxBytes"]);
  const { open, stat } = await files(`read ${path}`);
  const { isFile, isDirectory, size } = await stat(path);
  if (isDirectory) throw isFolder(path);
  const cap = new Cap(path, options, isFile ? size : null);
  if (isFile && size > 0) { // of size 0 are also files that are made while they are read, as in Linux's /proc
    cap.count(size, () => "the file");
    return await readWhole(path, size);
  }
  return await joinPieces((await open(path)).readable, cap);
}

function isFolder(path: string): Error {
  return failure("IsADirectory", `Cannot read ${path}: it is a folder, name a file in it`);
}

/** The `size` bytes of a file. Deno.readFile would block the event loop while it allocates, 0.6 s a gigabyte. */
export async function readWhole(path: string, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const file = await (await files(`read ${path}`)).open(path);
  try {
    return await readOn(file, size);
  } finally {
    file.close();
  }
}

/** The next `size` bytes of an open file; fewer where it ends. */
async function readOn(file: OpenFile, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = await file.read(bytes.subarray(at, at + PIECE));
    if (count === null) return bytes.slice(0, at);
    at += count;
  }
  return bytes;
}
