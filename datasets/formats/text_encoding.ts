/** From the bytes of a text, piece by piece, to characters: in an encoding that is given or guessed, with the place of a wrong byte. */
import { joinBytes } from "../../core/io/in_steps.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes from which the encoding is guessed. */
const HEAD = 1 << 16;

/** The encoding of a text, which is guessed where it is not given. */
export class TextEncoding {
  /** Its name, `null` before it is known. */
  name: string | null;

  /** This encoding, or the one that the first 64 kB show. */
  constructor(name?: string) {
    this.name = name ?? null;
  }
}

/**
 * Bytes decoded at a time. What is being read when the engine collects garbage survives, and where much survives it lets garbage grow:
 * with 64 kB a table of 100 MB left a heap of 100 MB.
 */
const PIECE = 1 << 12;

/** Of a character that two pieces share, the first holds this many bytes at most. */
const CUT = 3;

/** Text without its byte order mark; fails with a SyntaxError that names the first wrong byte of UTF-8. */
export async function* decoded(pieces: AsyncIterable<Bytes>, encoding: TextEncoding): AsyncGenerator<string, void> {
  const known = encoding.name === null ? fromHead(pieces, encoding) : pieces;
  let decode: ((bytes: Bytes, last: boolean) => string) | null = null;
  for await (const bytes of known) {
    for (let at = 0; at < bytes.length; at += PIECE) {
      yield (decode ??= decoderOf(encoding.name!))(bytes.subarray(at, at + PIECE), false);
    }
  }
  yield (decode ?? decoderOf(encoding.name!))(new Uint8Array(), true);
}

/** The same bytes, the first 64 kB in one piece, from which the encoding is guessed. */
async function* fromHead(pieces: AsyncIterable<Bytes>, encoding: TextEncoding): AsyncGenerator<Bytes, void> {
  let head: Bytes[] | null = [], length = 0;
  for await (const bytes of pieces) {
    if (head === null) yield bytes;
    else {
      head.push(bytes);
      if ((length += bytes.length) < HEAD) continue;
      const all = joinBytes(head);
      head = null;
      encoding.name = guessEncoding(all.subarray(0, HEAD));
      yield all;
    }
  }
  if (head === null) return;
  const all = joinBytes(head);
  encoding.name = guessEncoding(all);
  yield all;
}

/** A decoder that remembers where it is in the file. */
function decoderOf(encoding: string): (bytes: Bytes, last: boolean) => string {
  const decoder = new TextDecoder(encoding, { fatal: true });
  let tail: Bytes = new Uint8Array(), read = 0;
  return (bytes, last) => {
    try {
      return decoder.decode(bytes, { stream: !last });
    } catch {
      if (decoder.encoding !== "utf-8") throw new SyntaxError(`its text is not ${decoder.encoding}`);
      const known = join(tail, bytes);
      const at = firstWrong(known);
      const byte = known[at].toString(16).padStart(2, "0");
      throw new SyntaxError(`byte ${read - tail.length + at} (0x${byte}) is not UTF-8: save the file as UTF-8`);
    } finally {
      read += bytes.length;
      tail = join(tail, bytes.subarray(-CUT)).slice(-CUT);
    }
  };
}

/**
 * The encoding that the first bytes of a file show: by a byte order mark; UTF-16 where every other byte is 0; windows-1252 where more
 * bytes are wrong in UTF-8 than characters of several bytes are right; else UTF-8.
 */
function guessEncoding(head: Uint8Array): string {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return "utf-8";
  const zeros = [0, 0];
  head.forEach((byte, i) => zeros[i % 2] += Number(byte === 0));
  if (zeros[1] > head.length / 4 && zeros[0] === 0) return "utf-16le";
  if (zeros[0] > head.length / 4 && zeros[1] === 0) return "utf-16be";
  const { right, wrong } = countUtf8(head);
  return wrong > right ? "windows-1252" : "utf-8";
}

/** How many characters of several bytes are right in UTF-8, and how many bytes belong to none. */
function countUtf8(bytes: Uint8Array): { right: number; wrong: number } {
  let right = 0, wrong = 0;
  for (let i = 0; i < bytes.length; i++) {
    const first = bytes[i];
    if (first < 0x80) continue;
    const more = first >= 0xc2 && first < 0xe0
      ? 1
      : first >= 0xe0 && first < 0xf0
      ? 2
      : first >= 0xf0 && first < 0xf5
      ? 3
      : 0;
    let found = 0;
    while (found < more && (bytes[i + found + 1] & 0xc0) === 0x80) found++;
    if (more > 0 && (found === more || i + more >= bytes.length)) right++; // the head may end within a character
    else wrong++;
    i += found;
  }
  return { right, wrong };
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Where in `bytes` the first wrong character begins; the end of one that began before them is skipped. */
function firstWrong(bytes: Uint8Array<ArrayBuffer>): number {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let start = 0;
  while (start < CUT && (bytes[start] & 0xc0) === 0x80 && bytes.length > CUT) start++;
  try {
    for (let i = start; i < bytes.length; i++) {
      if (decoder.decode(bytes.subarray(i, i + 1), { stream: true }) !== "") start = i + 1;
    }
  } catch {
    return start;
  }
  return start; // the text ends within a character
}
