/** gzip files, inflated up to a limit. */
import { inflated } from "../../core/host/node_streams.ts";
import { Cap, type ReadOptions } from "../../core/io/read_file.ts";

/** The shortest gzip file: a header of 10 bytes, an empty block of 2, a trailer of 8. */
const MIN_LENGTH = 20;

/** A byte inflates to at most 1032. */
const MAX_RATIO = 1032;

/**
 * `bytes` inflated if they begin with gzip's `1f 8b`, else as they are. As in gzip's tools, there may be several members one after
 * the other, and zeros after the last.
 *
 * @param name What errors call the file
 * @throws {SyntaxError} if the gzip stream is damaged, ends early, or something but zeros follows it
 * @throws {RangeError} if it claims to inflate to more than `maxBytes`, or does
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  name: string = "gzip",
  options: ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const cap = new Cap(name, options, bytes.length);
  let content = new ArrayBuffer(claimedLength(bytes, cap));
  let length = 0;
  for await (const piece of namingErrors(inflated([bytes]), name, () => length)) {
    cap.count(piece.length, () => `what is inflated so far`);
    const end = length + piece.length;
    if (end > content.byteLength) {
      content = resized(content, Math.max(end, Math.min(2 * content.byteLength, cap.limit)));
    }
    new Uint8Array(content, length).set(piece);
    length = end;
  }
  return new Uint8Array(content.byteLength === length ? content : resized(content, length));
}

/** The same bytes in a buffer of another length. */
function resized(content: ArrayBuffer, length: number): ArrayBuffer {
  if (typeof content.transfer === "function") return content.transfer(length); // Node.js has it from 21 on
  const other = new Uint8Array(length);
  other.set(new Uint8Array(content, 0, Math.min(length, content.byteLength)));
  return other.buffer;
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

/** The inflated length that the trailer claims: of the last member, or less if zeros follow it. */
function claimedLength(bytes: Uint8Array, cap: Cap): number {
  const found = bytes.length;
  if (found < MIN_LENGTH) {
    throw new SyntaxError(`Cannot inflate ${cap.where}: a gzip file has ${MIN_LENGTH} bytes or more, not ${found}`);
  }
  const length = declaredLength(bytes.subarray(-4), found, cap);
  if (length !== null) return length;
  throw new SyntaxError(
    `Cannot inflate ${cap.where}: ${found} bytes cannot be what byte ${found - 4} says: it was cut short`,
  );
}

/**
 * The inflated length that the last four bytes of a gzip file of `found` bytes claim; `null` if the file is too short for it.
 *
 * @throws {RangeError} if it is more than the cap allows
 */
export function declaredLength(last: Uint8Array, found: number, cap: Cap): number | null {
  const length = new DataView(last.buffer, last.byteOffset).getUint32(0, true);
  if (length > found * MAX_RATIO) return null;
  cap.check(length, () => `what byte ${found - 4} tells`);
  return length;
}
