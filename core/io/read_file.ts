/** Whole files, within a cap. */
import { checkOptions } from "../arguments.ts";
import { Cap, type ReadOptions } from "./cap.ts";
import { joinBytes } from "./join_bytes.ts";

/**
 * The bytes of the file `path`. A pipe or a device is read as far as `maxBytes` allows: it may have no end.
 *
 * @throws {RangeError} if there are more than `maxBytes`
 */
export async function readFile(path: string, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions(`read ${path}`, options, ["maxBytes"]);
  const { isFile, size } = await Deno.stat(path);
  const cap = new Cap(path, options, isFile ? size : null);
  if (isFile) {
    cap.take(size, () => "the file");
    return await Deno.readFile(path);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of (await Deno.open(path)).readable) {
    cap.take(piece.length, () => "what came so far");
    pieces.push(piece);
  }
  return joinBytes(pieces);
}
