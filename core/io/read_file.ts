/** Reading whole files within a cap, so that a small one cannot fill the memory. */
import { checkOptions, requirePath } from "../arguments.ts";
import { joinBytes } from "./in_steps.ts";

/** How much a reader may make of a file. */
export interface ReadOptions {
  /**
   * The most bytes that the file may come to: inflated, and as tensors.
   *
   * @default {Math.max(2 ** 28, 32 * size)} for a file of `size` bytes: 256 MiB, or 32 times its size where that is more; 1 GiB
   * for a stream or a pipe, whose size nobody knows
   */
  maxBytes?: number | undefined;
}

/** What any file may come to: MNIST as float32 is 220 MB. */
const LEAST = 2 ** 28;

/** How many times its size a larger file may come to: gzipped CSV of MNIST, read as float64, comes to about 28 times. */
const GROWTH = 32;

/** What a stream may come to by default. */
const UNKNOWN = 2 ** 30;

/** Counts what becomes of a file, and ends the reading where that is too much. */
export class Cap {
  readonly #maxBytes: number | undefined;
  #taken = 0;

  /**
   * A cap for a file, which errors call `where`; `size` is its own size, where that is known.
   *
   * @throws {RangeError} if `maxBytes` is no number of bytes
   */
  constructor(readonly where: string, { maxBytes }: ReadOptions, public size: number | null = null) {
    if (maxBytes !== undefined && !(typeof maxBytes === "number" && maxBytes >= 0)) {
      throw new RangeError(`Cannot set maxBytes to ${String(maxBytes)}: expected a number of bytes, 0 or more`);
    }
    this.#maxBytes = maxBytes;
  }

  /** The most bytes that the file may come to. */
  get most(): number {
    return this.#maxBytes ?? (this.size === null ? UNKNOWN : Math.max(LEAST, GROWTH * this.size));
  }

  /** Counts `bytes` that are about to be made, and throws a RangeError where they are too many; `what` says of what. */
  take(bytes: number, what: () => string): void {
    this.#taken += bytes;
    if (this.#taken > this.most) this.check(this.#taken, what);
  }

  /** The same for bytes that are not kept, such as those of a line. */
  check(bytes: number, what: () => string): void {
    if (bytes <= this.most) return;
    throw new RangeError(
      `Cannot read ${this.where}: ${what()} comes to ${bytes} bytes, and maxBytes allows ${this.most}: raise it if you trust the file`,
    );
  }
}

/** The most characters of a file that an error repeats. */
const LONGEST = 100;

/** What an error repeats of a file: its beginning where it is long, for a name may have megabytes. */
export function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** The same in quotes. */
export function quoted(name: string): string {
  return JSON.stringify(shortened(name));
}

// Whole files, within a cap.

/** Bytes read at a time. */
const PIECE = 1 << 22;

/**
 * The bytes of the file `path`. A pipe or a device is read as far as `maxBytes` allows: it may have no end.
 *
 * @throws {TypeError} if the path is none
 * @throws {RangeError} if there are more than `maxBytes`
 */
export async function readFile(path: string, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  requirePath(path, "read");
  checkOptions(`read ${path}`, options, ["maxBytes"]);
  const { isFile, size } = await Deno.stat(path);
  const cap = new Cap(path, options, isFile ? size : null);
  if (isFile && size > 0) { // one that says 0 may be made as it is read, as those of Linux's /proc
    cap.take(size, () => "the file");
    return await readWhole(path, size);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of (await Deno.open(path)).readable) {
    cap.take(piece.length, () => "what came so far");
    pieces.push(piece);
  }
  return joinBytes(pieces);
}

/** The `size` bytes of a file. Deno.readFile would hold the event loop while it takes its memory, 0.6 s a gigabyte. */
export async function readWhole(path: string, size: number): Promise<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = await file.read(bytes.subarray(at, at + PIECE));
    if (count === null) return bytes.slice(0, at);
    at += count;
  }
  return bytes;
}
