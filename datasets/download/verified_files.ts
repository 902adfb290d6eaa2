/** Downloaded files, checked by their digests. */
import { writeAtomically } from "../../core/io/atomic_write.ts";
import { files } from "../../core/host/files.ts";
import { cacheDir, environment, granted, hasFiles, isFailure } from "../../core/host/host.ts";
import { hashInSlices, toHex } from "../../core/io/in_steps.ts";

/** What is noted about a file whose digest is right: while none of it changes, the file is not read again. */
interface Verified {
  readonly size: number;
  readonly modified: number;
  readonly digest: string;
}

const NOTE = "verified.json";

/**
 * Checks the digests of those files that are in `folder`. A wrong one is renamed to `*.wrong` if the folder may be written, and has a
 * line in the result; right ones are noted in `verified.json`.
 *
 * @param read Reads what the digest is taken of: by default the bytes of the file
 */
export async function verifyFiles(
  folder: string,
  digests: Readonly<Record<string, Digest>>,
  read: (path: string) => Promise<Uint8Array<ArrayBuffer>> = async (path) =>
    await (await files(`read ${path}`)).readFile(path),
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
    else wrong.push(`Cannot use ${path}: ${problem}; ${writable ? await renameWrong(path) : "remove it"}`);
    learned ||= problem === null;
  }
  if (learned && writable) {
    await writeAtomically(`${folder}/${NOTE}`, [new TextEncoder().encode(JSON.stringify(Object.fromEntries(note)))]);
  }
  return wrong;
}

/** What would be noted about a file, or `null` if there is none. */
async function factsOf(path: string, digest: Digest): Promise<Verified | null> {
  try {
    const { stat } = await files(`read ${path}`);
    const { isFile, size, mtime } = await stat(path);
    return isFile ? { size, modified: mtime?.getTime() ?? NaN, digest: nameDigest(digest).hex } : null;
  } catch (error) {
    if (isFailure(error, "NotFound")) return null;
    throw error;
  }
}

/** Whether nothing has changed; an unknown time, NaN, always has. */
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

async function renameWrong(path: string): Promise<string> {
  const { rename } = await files(`write ${path}`);
  await rename(path, `${path}.wrong`);
  return `it is set aside as ${path}.wrong`;
}

async function readNote(folder: string): Promise<Map<string, Partial<Verified>>> {
  const { readTextFile } = await files(`read ${folder}/${NOTE}`);
  try {
    return new Map(Object.entries(JSON.parse(await readTextFile(`${folder}/${NOTE}`)) ?? {}));
  } catch (error) {
    if (isFailure(error, "NotFound") || error instanceof SyntaxError) return new Map();
    throw error;
  }
}

// Digests.

/** The digest of a file's bytes in lower-case hex: SHA-256, or MD5 if nothing better is published. */
export type Digest = { readonly sha256: string } | { readonly md5: string };

/** The digest of `bytes` by the algorithm of `wanted`, in lower-case hex. */
export async function digestLike(bytes: Uint8Array<ArrayBuffer>, wanted: Digest): Promise<string> {
  if ("md5" in wanted) return await hashInSlices("md5", bytes); // OpenML publishes no other
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** The digest in hex, and the name of its algorithm. */
export function nameDigest(digest: Digest): { hex: string; algorithm: string } {
  return "md5" in digest ? { hex: digest.md5, algorithm: "MD5" } : { hex: digest.sha256, algorithm: "SHA-256" };
}

/**
 * The folder for the data set `name`: `within` in the one that `GRADUS_DATA` names, else `name` in the user's cache.
 *
 * @throws {Error} if the environment has neither, or may not be read; or in a browser
 */
export function dataFolder(name: string, within: string = `/${name}`): string {
  if (!hasFiles()) throw new Error(`a browser has no files to keep ${name} in`);
  const named = environment("GRADUS_DATA");
  if (named !== undefined) return `${named}${within}`;
  const cache = cacheDir();
  if (cache !== null) return `${cache}/${name}`;
  throw new Error(`no folder to keep ${name} in: set GRADUS_DATA and allow reading it (--allow-env)`);
}
