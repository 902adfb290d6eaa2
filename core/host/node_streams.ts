/** What Node.js's modules, which Deno and Bun have too, do better than the Web's: hashes in pieces, and inflating in small ones. */
import { hasFiles } from "./host.ts";

/** A hash that takes bytes piece by piece. */
interface Hash {
  /** Adds bytes. */
  update(bytes: Uint8Array): unknown;
  /** The hash in lower-case hex. */
  digest(encoding: "hex"): string;
}

/**
 * Node's hash, which can be fed in pieces. The Web's has no MD5, and copies its whole input first, a millisecond a megabyte.
 * It is imported when it is used: to load it takes a third of the library's start.
 *
 * @throws {Error} In a browser, which has none.
 */
export async function newHash(algorithm: "md5" | "sha256"): Promise<Hash> {
  if (!hasFiles()) throw new Error(`Cannot take an ${algorithm} piece by piece: a browser cannot`);
  const { createHash } = await import("node:crypto");
  return createHash(algorithm);
}

/** Bytes inflated at a time. */
const PIECE = 1 << 16;

type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** What the compressed stream in `pieces` inflates to, piece by piece. */
export async function* inflated(
  pieces: Pieces,
  format: "gzip" | "zlib" = "gzip",
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (!hasFiles()) return yield* inflatedByWeb(pieces, format === "gzip" ? "gzip" : "deflate");
  // The Web's DecompressionStream refuses a second member, and inflates a whole piece at once. To load Node's takes time: only here.
  const [zlib, { pipeline, Readable }] = await Promise.all([import("node:zlib"), import("node:stream")]);
  const inflate = format === "gzip"
    ? zlib.createGunzip({ chunkSize: PIECE })
    : zlib.createInflate({ chunkSize: PIECE });
  pipeline(Readable.from(pieces, { objectMode: true }), inflate, () => {}); // an error comes out of the iteration as well
  yield* inflate;
}

async function* inflatedByWeb(pieces: Pieces, format: CompressionFormat): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream(format);
  const writer = writable.getWriter();
  const written = (async () => {
    for await (const piece of pieces) await writer.write(piece as Uint8Array<ArrayBuffer>);
    await writer.close();
  })();
  written.catch((error) => writer.abort(error).catch(() => {})); // it comes out of the reading as well
  yield* piecesOf(readable);
}

/** What a stream gives, piece by piece: not every browser lets one iterate it. It is cancelled where nobody wants the rest. */
export async function* piecesOf<T>(stream: ReadableStream<T>): AsyncGenerator<T, void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // of one that failed the first error is the one to tell
    reader.releaseLock();
  }
}
