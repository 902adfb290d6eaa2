/** Runs `task` with a new folder, and removes the folder with all that is in it. */
export async function inFolder(task: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await task(folder);
  } finally {
    await removeWhole(folder);
  }
}

/** Removes a folder. Processes that a browser leaves may still write into its profile while that goes on: then it begins anew. */
export async function removeWhole(folder: string, tries = 50): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (tries === 0 || !(error as Error).message.startsWith("Directory not empty")) throw error;
    await new Promise((done) => setTimeout(done, 100));
    await removeWhole(folder, tries - 1);
  }
}

/** The names in `folder`, sorted. */
export function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), (entry) => entry.name).sort();
}
