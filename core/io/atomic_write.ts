/** Atomic writes: a file is the old one or the new one in full, never anything between. */
import { requirePath } from "../arguments.ts";
import { files, type OpenFile } from "../host/files.ts";
import { failure, granted, isFailure, operatingSystem } from "../host/host.ts";

/** Shorter parts are collected in a buffer of so many bytes before they are written. */
const BUFFER_SIZE = 1 << 16;

/** The ending of the names of temporary files and probes. */
const TEMPORARY = /^(\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})+(\.tmp)?$/;

/**
 * Writes `parts` one after the other to `path`: all of them, or the old file stays as it was.
 *
 * They go to a temporary name in the same folder, are synced to the disk, and take the final name in one rename; then
 * the folder is synced too. A process killed on the way leaves the old file and at most a stray `.tmp` beside it.
 *
 * @throws {Deno.errors.NotCapable} if there is no permission to read and write the folder, both of which the rename needs
 * @throws {Error} if the file system fails; the temporary file is removed.
 */
export async function writeAtomically(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  requirePath(path, "write");
  const { rename, remove } = await files(`write ${path}`);
  const folder = folderOf(path);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await writeSynced(temporary, parts);
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await remove(temporary).catch(() => {}); // it may never have been created; the first error is the one to tell
    if (!isFailure(error, "NotCapable")) throw namingFile(error, path);
    throw failure(
      "NotCapable",
      `Cannot write ${path}: it goes through a temporary file beside it, allow its folder: ` +
        `--allow-read=${folder} --allow-write=${folder}`,
      { cause: error },
    );
  }
}

/** An error of the system with the file's name in its message, which it lacks for a full or broken disk; other errors as they are. */
export function namingFile(error: unknown, path: string): unknown {
  if (!(error instanceof Error && typeof (error as { code?: unknown }).code === "string")) return error;
  const reason = error.message.replace(/[:,] \w+ '.*'$/, ""); // the name of a temporary file would mislead
  const Kind = error.constructor as ErrorConstructor;
  return Object.assign(new Kind(`Cannot write ${path}: ${reason}`, { cause: error }), {
    code: (error as { code?: unknown }).code,
  });
}

/** Makes `folder` and its parents where they do not exist, and syncs each parent. */
export async function makeFolder(folder: string): Promise<void> {
  const { mkdir } = await files(`make ${folder}`);
  try {
    await mkdir(folder);
    await syncFolder(folderOf(folder));
  } catch (error) {
    if (isFailure(error, "NotFound") && folderOf(folder) !== folder) {
      await makeFolder(folderOf(folder));
      return await makeFolder(folder);
    }
    if (!isFailure(error, "AlreadyExists")) throw error;
  }
}

/**
 * Tries whether `writeAtomically` could write `path`, with an empty file beside it that is removed: to be called before long work.
 *
 * @throws {Error} If it could not; the message is the reason alone.
 */
export async function tryWriting(path: string): Promise<void> {
  const probe = `${path}.${crypto.randomUUID()}`;
  try {
    await writeAtomically(probe, []);
    await (await files(`write ${path}`)).remove(probe);
  } catch (error) {
    const reason = isFailure(error, "NotFound")
      ? "its folder is not there, make it first"
      : (error as Error).message.replace(`Cannot write ${probe}: `, "");
    throw new Error(reason, { cause: error });
  }
}

/**
 * Checks that a file can be written at `path`, in the way in which `writeSafetensors` and its kin write it: before the work whose
 * result goes there. Writes an empty file beside it, and removes it again.
 *
 * @throws {Error} With the file system's reason, or the permissions that are missing and their flags.
 *
 * @example
 * ```ts
 * import { requireWritable } from "@gradus/gradus/io";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => requireWritable("no/such/folder/weights.safetensors"), Error, "its folder is not there");
 * ```
 */
export async function requireWritable(path: string): Promise<void> {
  requirePath(path, "write");
  const { stat } = await files(`write ${path}`);
  const isFolder = await stat(path).then(({ isDirectory }) => isDirectory, () => false);
  if (isFolder) throw new Error(`Cannot write ${path}: it is a folder`);
  await tryWriting(path).catch((error) => {
    throw new Error(`Cannot write ${path}: ${error.message}`, { cause: error.cause });
  });
}

/** Removes the temporary files of processes that were killed while they wrote `path`; no process may be writing it now. */
export async function sweepTemporary(path: string): Promise<void> {
  const folder = folderOf(path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const { readDir, remove } = await files(`write ${path}`);
  for await (const entry of readDir(folder)) {
    const left = entry.name.startsWith(name) && TEMPORARY.test(entry.name.slice(name.length));
    if (!left) continue;
    await remove(`${folder}/${entry.name}`).catch((error) => { // one that another process just tried the folder with
      if (!isFailure(error, "NotFound")) throw error;
    });
  }
}

function folderOf(path: string): string {
  const name = operatingSystem() === "windows" ? /[/\\]?[^/\\]*$/ : /\/?[^/]*$/;
  return path.replace(name, "") || (/^[/\\]/.test(path) ? "/" : ".");
}

async function writeSynced(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  const file = await (await files(`write ${path}`)).open(path, { write: true, createNew: true });
  try {
    for (const part of buffered(parts)) await writeAll(file, part);
    await file.sync();
  } finally {
    file.close();
  }
}

/** The parts, small neighbours joined: a call to the system takes as long as to copy 64 kB. Each is valid until the next is asked for. */
function* buffered(parts: Iterable<Uint8Array>): Generator<Uint8Array, void> {
  const buffer = new Uint8Array(BUFFER_SIZE);
  let used = 0;
  for (const part of parts) {
    if (used + part.length > BUFFER_SIZE) {
      yield buffer.subarray(0, used);
      used = 0;
    }
    if (part.length >= BUFFER_SIZE) yield part;
    else {
      buffer.set(part, used);
      used += part.length;
    }
  }
  if (used > 0) yield buffer.subarray(0, used);
}

/** Syncs `folder`, so that new and renamed files survive a crash; not on Windows, nor without permission to read it. */
async function syncFolder(folder: string): Promise<void> {
  if (operatingSystem() === "windows" || !granted({ name: "read", path: folder })) return;
  try {
    const handle = await (await files(`write in ${folder}`)).open(folder, { read: true });
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    if (!isFailure(error, "PermissionDenied")) throw error;
  }
}

/** Writes all of `bytes` to `file`: a single call may write only a part. */
export async function writeAll(file: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

/**
 * Opens and locks the file `path`; `null` if another process has locked it. Closing the file unlocks it, and so does the end of the
 * process, also by a crash. The empty file is not removed: two processes could then hold a lock, one on the old file and one on a new one.
 */
export async function tryFileLock(path: string): Promise<OpenFile | null> {
  const file = await (await files(`lock ${path}`)).open(path, { write: true, create: true });
  const free = await file.tryLock(true).catch(() => true); // a file system without locks locks nobody out
  if (free) return file;
  file.close();
  return null;
}
