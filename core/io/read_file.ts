/** Whole files, within a cap. */
import { checkOptions, requirePath } from "../arguments.ts";
import { Cap, type ReadOptions } from "./cap.ts";
import { joinBytes } from "./join_bytes.ts";

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
