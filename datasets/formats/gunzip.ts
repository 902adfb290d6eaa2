/** gzip, inflated within a cap. */
import { Cap, type ReadOptions } from "../../core/io/read_file.ts";

/** A header of 10 bytes, an empty block of 2, a trailer of 8. */
const LEAST = 20;

/** Deflate makes at most 1032 bytes of one. */
const MOST_GROWTH = 1032;

/** Bytes inflated at a time. */
const PIECE = 1 << 16;

/**
 * `bytes` inflated if they begin with gzip's `1f 8b`, else as they are. As gzip's tools do, it reads several members one
 * after the other, and overlooks zeros behind the last.
 *
 * @param name What to call the file in errors
 * @throws {SyntaxError} if the gzip stream is damaged, ends early, or something but zeros follows it
 * @throws {RangeError} if it says that it inflates past `maxBytes`, or does
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  name: string = "gzip",
  options: ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const cap = new Cap(name, options, bytes.length);
  let content = new ArrayBuffer(wholeLength(bytes, cap));
  let length = 0;
  for await (const piece of namingErrors(inflated([bytes]), name, () => length)) {
    cap.count(piece.length, () => `what is inflated so far`);
    const end = length + piece.length;
    if (end > content.byteLength) {
      content = content.transfer(Math.max(end, Math.min(2 * content.byteLength, cap.limit)));
    }
    new Uint8Array(content, length).set(piece);
    length = end;
  }
  return new Uint8Array(content.byteLength === length ? content : content.transfer(length));
}

/** What the compressed stream in `pieces` inflates to, piece by piece. */
export async function* inflated(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  format: "gzip" | "zlib" = "gzip",
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  // The Web's DecompressionStream refuses a second member, and inflates a whole piece at once. Node's costs a start: only here.
  const [zlib, { pipeline, Readable }] = await Promise.all([import("node:zlib"), import("node:stream")]);
  const inflate = format === "gzip"
    ? zlib.createGunzip({ chunkSize: PIECE })
    : zlib.createInflate({ chunkSize: PIECE });
  pipeline(Readable.from(pieces, { objectMode: true }), inflate, () => {}); // an error comes out of the iteration as well
  yield* inflate;
}

async function* namingErrors<T>(pieces: AsyncIterable<T>, name: string, length: () => number): AsyncGenerator<T> {
  try {
    yield* pieces;
  } catch (error) {
    throw new SyntaxError(`Cannot inflate ${name}: ${(error as Error).message}, ${length()} bytes on`, {
      cause: error,
    });
  }
}

/** The length that a trailer must tell where it is whole: that of the last member, and less where zeros follow. */
function wholeLength(bytes: Uint8Array, cap: Cap): number {
  const found = bytes.length;
  if (found < LEAST) {
    throw new SyntaxError(`Cannot inflate ${cap.where}: a gzip file has ${LEAST} bytes or more, not ${found}`);
  }
  const length = declaredLength(bytes.subarray(-4), found, cap);
  if (length !== null) return length;
  throw new SyntaxError(
    `Cannot inflate ${cap.where}: ${found} bytes cannot be what byte ${found - 4} says: it was cut short`,
  );
}

/**
 * The length that the last four bytes of a gzip file of `found` bytes tell; `null` where so few cannot inflate to it.
 *
 * @throws {RangeError} if it is past the cap
 */
export function declaredLength(last: Uint8Array, found: number, cap: Cap): number | null {
  const length = new DataView(last.buffer, last.byteOffset).getUint32(0, true);
  if (length > found * MOST_GROWTH) return null;
  cap.check(length, () => `what byte ${found - 4} tells`);
  return length;
}
