/** One process at a time. */

/**
 * What `task` gives, run while this process alone holds `path` locked. The lock ends with the process, so a crash
 * leaves none behind; the empty file stays, because removing it could split two waiting processes between an old lock
 * and a new one.
 */
export async function withFileLock<T>(path: string, task: () => Promise<T>): Promise<T> {
  using file = await Deno.open(path, { write: true, create: true });
  await file.lock(true); // closing the file unlocks it
  return await task();
}
