/** gzip, inflated with a ceiling. */

/** The most bytes {@linkcode gunzip} inflates when nothing else is said: 1 GiB. */
export const MAX_INFLATED = 2 ** 30;

/** A header of 10 bytes, an empty block of 2, a trailer of 8. */
const LEAST = 20;

/** Deflate makes at most 1032 bytes of one. */
const MOST_GROWTH = 1032;

const PIECE = 1 << 14;

/**
 * `bytes` inflated if they begin with gzip's `1f 8b`, else as they are.
 *
 * @param name What to call the file in errors
 * @param limit The most bytes to inflate to, so that a small file cannot fill the memory
 * @throws {SyntaxError} if the gzip stream is damaged, ends early, or is longer than its trailer says
 * @throws {RangeError} if its trailer says that it inflates past `limit`
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  name: string = "gzip",
  limit: number = MAX_INFLATED,
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const content = new Uint8Array(checkTrailer(bytes, name, limit));
  let length = 0;
  try {
    for await (const chunk of ReadableStream.from(inPieces(bytes)).pipeThrough(new DecompressionStream("gzip"))) {
      if (length + chunk.length > content.length) throw new Error(`it is longer than the ${content.length} bytes said`);
      content.set(chunk, length);
      length += chunk.length;
    }
  } catch (error) {
    throw new SyntaxError(`Cannot inflate ${name}: ${(error as Error).message}, ${length} bytes on`, { cause: error });
  }
  return content;
}

/** Small pieces, for one that inflates to hundreds of megabytes is inflated at once. */
function* inPieces(bytes: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

/** The length that the last four bytes tell, once it is found possible and allowed. */
function checkTrailer(bytes: Uint8Array<ArrayBuffer>, name: string, limit: number): number {
  const found = bytes.length;
  if (found < LEAST) {
    throw new SyntaxError(`Cannot inflate ${name}: a gzip file has ${LEAST} bytes or more, not ${found}`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(found - 4, true);
  if (length > found * MOST_GROWTH) {
    throw new SyntaxError(
      `Cannot inflate ${name}: byte ${found - 4} says ${length} bytes, which ${found} cannot be: it was cut short`,
    );
  }
  if (length <= limit) return length;
  throw new RangeError(
    `Cannot inflate ${name}: byte ${found - 4} says ${length} bytes, longer than the ${limit} bytes allowed`,
  );
}
