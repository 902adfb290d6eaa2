/** Data files in the folder where they are kept, known by their digests. */
import { writeAtomically } from "../../core/io/atomic_write.ts";
import { cacheDir, environment, granted } from "../../core/io/cache_dir.ts";
import { hashInSlices } from "../../core/io/in_steps.ts";

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

// What is known of a file before it comes: a digest of its bytes.

/** The digest of a file's bytes in lower-case hex: SHA-256, or MD5 where nobody tells a better one. */
export type Digest = { readonly sha256: string } | { readonly md5: string };

/** The digest of `bytes` of the same algorithm as `wanted`, in lower-case hex. */
export async function digestLike(bytes: Uint8Array<ArrayBuffer>, wanted: Digest): Promise<string> {
  if ("md5" in wanted) return await hashInSlices("md5", bytes); // OpenML tells no other
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** The digest itself, and what people call its algorithm. */
export function nameDigest(digest: Digest): { hex: string; algorithm: string } {
  return "md5" in digest ? { hex: digest.md5, algorithm: "MD5" } : { hex: digest.sha256, algorithm: "SHA-256" };
}

// Where data sets are kept.

/**
 * The folder for the data set `name`: `within` the folder that `GRADUS_DATA` names, else `name` in the user's cache.
 *
 * @throws {Error} if the environment tells neither, or may not be read
 */
export function dataFolder(name: string, within: string = `/${name}`): string {
  const named = environment("GRADUS_DATA");
  if (named !== undefined) return `${named}${within}`;
  const cache = cacheDir();
  if (cache !== null) return `${cache}/${name}`;
  throw new Error(`no folder to keep ${name} in: set GRADUS_DATA and allow reading it (--allow-env)`);
}
