/** Text of a file or a stream, piece by piece and line by line. */
import { describe } from "../../core/arguments.ts";
import { TimeSlice, yieldToEventLoop } from "../../core/event_loop.ts";
import { files, type OpenFile } from "../../core/host/files.ts";
import { inflated, piecesOf } from "../../core/host/node_streams.ts";
import { isFailure } from "../../core/host/host.ts";
import { bodyOf, type Cap, sourceName } from "../../core/io/read_file.ts";
import { declaredLength } from "./gunzip.ts";
import { decoded, TextEncoding } from "./text_encoding.ts";

/** The path of a file; or a stream of its bytes, a `Blob` (the `File` that was picked is one), or the `Response` that brings it. */
export type TextSource = string | ReadableStream<Uint8Array<ArrayBuffer>> | Blob | Response;

type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes of memory for each character of a line: two for the text, and a cell may begin at each second one. */
const LINE_COST = 8;

/** The most characters given out at a time, so that the event loop can turn in between. */
const PIECE = 1 << 16;

/** The longest string in V8. */
const MAX_TEXT = 2 ** 29 - 24;

/** Characters from which the line ends are guessed, and what a caller of the splitter may look at. */
const HEAD = 1 << 16;

/**
 * The text of `source`, piece by piece, within `cap`; a path that ends in `.gz` is inflated. The event loop turns between two
 * pieces where the caller has taken long. Without an `encoding` it is UTF-8. Where nothing of it is kept it may be as long as it likes.
 *
 * Errors of the decoder and of the decompressor become a SyntaxError with the name of the file and the place that `after` gives.
 */
export async function* readText(
  source: TextSource,
  cap: Cap,
  after: () => string,
  encoding: TextEncoding = new TextEncoding("utf-8"),
  isKept = true,
): AsyncGenerator<string> {
  const isGzip = textName(source, "").endsWith(".gz");
  const bytes = await openSource(source, isGzip, cap);
  const text = decoded(isGzip ? inflated(piecesOf(bytes)) : piecesOf(bytes), encoding);
  const slice = new TimeSlice();
  let length = 0;
  for await (const piece of namingErrors(text, cap.where, after)) {
    if (isKept) cap.check(length += piece.length, () => "its text");
    for (let at = 0; at < piece.length; at += PIECE) {
      yield piece.slice(at, at + PIECE);
      if (slice.isOver()) await yieldToEventLoop();
    }
  }
}

/** What to call a source in errors: by its path, address or name, or as `otherwise` says. */
export function textName(source: TextSource, otherwise: string): string {
  const known = typeof source === "string" || source instanceof Blob || source instanceof Response;
  return known ? sourceName(source, otherwise) : otherwise;
}

async function openSource(source: TextSource, isGzip: boolean, cap: Cap): Promise<ReadableStream<Bytes>> {
  if (typeof source === "string") return await openFile(source, isGzip, cap);
  if (source instanceof ReadableStream) return source;
  if (source instanceof Blob) {
    cap.size = source.size;
    return source.stream();
  }
  if (source instanceof Response) return bodyOf(source, cap);
  throw new TypeError(
    `Cannot read ${describe(source)} as text: give a path, a Blob, a Response, or a stream such as a response's body`,
  );
}

/** Opens the file at `path` and gives its size to `cap`; the length that a gzip file claims is checked. */
async function openFile(path: string, isGzip: boolean, cap: Cap): Promise<ReadableStream<Bytes>> {
  const file = await (await files(`read ${path}`)).open(path);
  try {
    const { isFile, size } = await file.stat();
    cap.size = isFile ? size : null;
    if (isFile && isGzip && size >= 4) await checkClaimedLength(file, size, cap);
    return file.readable;
  } catch (error) {
    file.close();
    throw error;
  }
}

async function checkClaimedLength(file: OpenFile, size: number, cap: Cap): Promise<void> {
  const last = new Uint8Array(4);
  await file.seek(-4, 2);
  await file.read(last);
  await file.seek(0, 0);
  declaredLength(last, size, cap);
}

async function* namingErrors<T>(parts: AsyncIterable<T>, where: string, after: () => string): AsyncGenerator<T> {
  try {
    yield* parts;
  } catch (error) {
    if (isFailure(error, "IsADirectory")) {
      throw new SyntaxError(`Cannot read ${where}: it is a folder, name a file in it`, { cause: error });
    }
    throw new SyntaxError(`Cannot read ${where} after ${after()}: ${(error as Error).message}`, { cause: error });
  }
}

/** Splits text that comes in pieces into lines, without their ends: LF or CRLF; CR where the first 64 kB have no LF. */
export class LineSplitter {
  #head: string[] | null = [];
  #headLength = 0;
  #end = "\n";
  #pending: string[] = [];
  #length = 0;

  /** A splitter that calls `begin` with the first 64 kB of the text, and `take` with each line. */
  constructor(readonly cap: Cap, readonly take: (line: string) => void, readonly begin?: (head: string) => void) {}

  /** Adds a piece of text. */
  push(text: string): void {
    if (this.#head === null) return this.#split(text);
    this.#head.push(text);
    if ((this.#headLength += text.length) >= HEAD) this.#begin(this.#head);
  }

  /** Ends the text, and with it a last line without an end. */
  end(): void {
    if (this.#head !== null) this.#begin(this.#head);
    if (this.#length > 0) this.#finish("");
  }

  #begin(pieces: string[]): void {
    const text = pieces.join(""), head = text.slice(0, HEAD);
    this.#head = null;
    // A CR at the end of the head may be one half of the first CRLF.
    if (!head.includes("\n") && head.slice(0, -1).includes("\r")) this.#end = "\r";
    this.begin?.(head);
    this.#split(text);
  }

  #split(text: string): void {
    let start = 0;
    for (let end = text.indexOf(this.#end); end >= 0; end = text.indexOf(this.#end, start)) {
      this.#finish(text.slice(start, end));
      start = end + 1;
    }
    if (start < text.length) this.#keep(text.slice(start));
  }

  #keep(part: string): void {
    this.#length += part.length;
    checkLine(this.#length, this.cap);
    this.#pending.push(part);
  }

  #finish(rest: string): void {
    if (this.#length > 0) {
      rest = this.#pending.join("") + rest;
      this.#pending = [];
      this.#length = 0;
    }
    this.take(rest.endsWith("\r") ? rest.slice(0, -1) : rest);
  }
}

/**
 * Checks the length of a line, or of a cell that has several.
 *
 * @throws {RangeError} if it would take more memory than `cap` allows
 */
export function checkLine(length: number, cap: Cap): void {
  if (length > MAX_TEXT) {
    throw new RangeError(`Cannot read ${cap.where}: a line of ${length} characters is longer than any text can be`);
  }
  cap.check(LINE_COST * length, () => `a line of ${length} characters`);
}
