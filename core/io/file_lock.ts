/** One process at a time. */

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
