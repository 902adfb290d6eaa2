/** Files that are wholly old or wholly new, never in between. */
import { requirePath } from "../arguments.ts";

/** Parts shorter than so many bytes are gathered before they are written. */
const SMALL = 1 << 16;

/** What the names of temporary files and probes end with. */
const LEFT = /^(\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})+(\.tmp)?$/;

/**
 * Writes `parts` one after the other to `path`: all of them, or the old file stays as it was.
 *
 * They go to a temporary name in the same folder, are synced to the disk, and take the final name in one rename; then
 * the folder is synced too. A process killed on the way leaves the old file and at most a stray `.tmp` beside it.
 *
 * @throws {Deno.errors.NotCapable} if the folder may not be written and read, both of which the rename asks for
 * @throws {Error} what the file system said; the temporary file is gone by then.
 */
export async function writeAtomically(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  requirePath(path, "write");
  const folder = folderOf(path);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await writeSynced(temporary, parts);
    await Deno.rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {}); // it may never have been created; the first error is the one to tell
    if (!(error instanceof Deno.errors.NotCapable)) throw namingFile(error, path);
    throw new Deno.errors.NotCapable(
      `Cannot write ${path}: it goes through a temporary file beside it, allow its folder: ` +
        `--allow-read=${folder} --allow-write=${folder}`,
      { cause: error },
    );
  }
}

/** A system's error with the name of the file in front, which it leaves out where a disk is full or broken; others as they are. */
export function namingFile(error: unknown, path: string): unknown {
  if (!(error instanceof Error && typeof (error as { code?: unknown }).code === "string")) return error;
  const reason = error.message.replace(/: \w+ '.*'$/, ""); // the name of a temporary file means nothing to anybody
  const Kind = error.constructor as ErrorConstructor;
  return Object.assign(new Kind(`Cannot write ${path}: ${reason}`, { cause: error }), {
    code: (error as { code?: unknown }).code,
  });
}

/** Makes `folder` and those above it where they are not there, each synced into the one that it stands in. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder);
    await syncFolder(folderOf(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && folderOf(folder) !== folder) {
      await makeFolder(folderOf(folder));
      return await makeFolder(folder);
    }
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/**
 * Tries `writeAtomically` with an empty file beside `path`, which is taken away again: before the work whose result goes there.
 *
 * @throws {Error} Whose message is the reason alone: the probe's name means nothing to anybody.
 */
export async function tryWriting(path: string): Promise<void> {
  const probe = `${path}.${crypto.randomUUID()}`;
  try {
    await writeAtomically(probe, []);
    await Deno.remove(probe);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
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
  const isFolder = await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
  if (isFolder) throw new Error(`Cannot write ${path}: it is a folder`);
  await tryWriting(path).catch((error) => {
    throw new Error(`Cannot write ${path}: ${error.message}`, { cause: error.cause });
  });
}

/** Removes what processes that were killed while they wrote `path` left beside it; nobody may be writing it now. */
export async function sweepTemporary(path: string): Promise<void> {
  const folder = folderOf(path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  for await (const entry of Deno.readDir(folder)) {
    const left = entry.name.startsWith(name) && LEFT.test(entry.name.slice(name.length));
    if (left) await Deno.remove(`${folder}/${entry.name}`);
  }
}

function folderOf(path: string): string {
  const name = Deno.build.os === "windows" ? /[/\\]?[^/\\]*$/ : /\/?[^/]*$/;
  return path.replace(name, "") || (/^[/\\]/.test(path) ? "/" : ".");
}

async function writeSynced(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  for (const part of gathered(parts)) await writeAll(file, part);
  await file.sync();
}

/** The parts with small neighbours as one: a call to the system takes as long as to copy 64 kB. Valid until the next is asked for. */
function* gathered(parts: Iterable<Uint8Array>): Generator<Uint8Array, void> {
  const room = new Uint8Array(SMALL);
  let used = 0;
  for (const part of parts) {
    if (used + part.length > SMALL) {
      yield room.subarray(0, used);
      used = 0;
    }
    if (part.length >= SMALL) yield part;
    else {
      room.set(part, used);
      used += part.length;
    }
  }
  if (used > 0) yield room.subarray(0, used);
}

/** Makes what was made or renamed in `folder` last; left out where folders cannot be opened (Windows) or may not be read. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  if (Deno.permissions.querySync({ name: "read", path: folder }).state !== "granted") return;
  try {
    using handle = await Deno.open(folder, { read: true });
    await handle.sync();
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
}

/** Writes every one of `bytes` to `file`, which may take them in several pieces. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

// One process at a time.

/**
 * The file `path`, locked for whoever holds it, or `null` where another does. Closing it unlocks it, and so does the end of the
 * process, so a crash leaves none behind; the empty file stays, because removing it could leave two holders, one of the old file
 * and one of a new one.
 */
export async function tryFileLock(path: string): Promise<Deno.FsFile | null> {
  const file = await Deno.open(path, { write: true, create: true });
  const free = await file.tryLock(true).catch(() => true); // where nothing can be locked nobody is kept out
  if (free) return file;
  file.close();
  return null;
}
