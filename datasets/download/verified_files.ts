/** Kept files that are known by their digests, looked at once. */
import { granted } from "../../core/io/cache_dir.ts";
import { writeAtomically } from "../../core/io/atomic_write.ts";
import { type Digest, digestLike, nameDigest } from "./digest.ts";

/** What is remembered of a file that was found right: while all of it stays so, the file is not read again. */
interface Verified {
  readonly size: number;
  readonly modified: number;
  readonly digest: string;
}

const NOTE = "verified.json";

/**
 * Looks at those files of `folder` that are there, and says of each that is not what its digest tells what it is: it is set aside,
 * `.wrong` added to its name, where the folder may be written. Those that are right are noted in `verified.json`.
 *
 * @param read What the digest is taken of; the file's bytes when absent
 */
export async function setWrongAside(
  folder: string,
  digests: Readonly<Record<string, Digest>>,
  read: (path: string) => Promise<Uint8Array<ArrayBuffer>> = Deno.readFile,
): Promise<string[]> {
  const note = await readNote(folder);
  const writable = granted({ name: "write", path: folder });
  const wrong: string[] = [];
  let learned = false;
  for (const [name, digest] of Object.entries(digests)) {
    const path = `${folder}/${name}`;
    const now = await factsOf(path, digest);
    if (now === null || isSame(note.get(name), now)) continue;
    const problem = await problemOf(path, digest, read);
    if (problem === null) note.set(name, now);
    else wrong.push(`Cannot use ${path}: ${problem}; ${writable ? await setAside(path) : "remove it"}`);
    learned ||= problem === null;
  }
  if (learned && writable) {
    await writeAtomically(`${folder}/${NOTE}`, [new TextEncoder().encode(JSON.stringify(Object.fromEntries(note)))]);
  }
  return wrong;
}

/** What would be noted of a file, or `null` where there is none. */
async function factsOf(path: string, digest: Digest): Promise<Verified | null> {
  try {
    const { isFile, size, mtime } = await Deno.stat(path);
    return isFile ? { size, modified: mtime?.getTime() ?? NaN, digest: nameDigest(digest).hex } : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A time that nobody knows is NaN, and the same as none. */
function isSame(noted: Partial<Verified> | undefined, now: Verified): boolean {
  return noted?.size === now.size && noted.modified === now.modified && noted.digest === now.digest;
}

async function problemOf(
  path: string,
  digest: Digest,
  read: (path: string) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<string | null> {
  const { hex, algorithm } = nameDigest(digest);
  try {
    const found = await digestLike(await read(path), digest);
    return found === hex ? null : `its ${algorithm} is ${found}, expected ${hex}`;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return error.message;
    throw error;
  }
}

async function setAside(path: string): Promise<string> {
  await Deno.rename(path, `${path}.wrong`);
  return `it is set aside as ${path}.wrong`;
}

async function readNote(folder: string): Promise<Map<string, Partial<Verified>>> {
  try {
    return new Map(Object.entries(JSON.parse(await Deno.readTextFile(`${folder}/${NOTE}`)) ?? {}));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return new Map();
    throw error;
  }
}
