/**
 * When is `vendor/` complete? When `vendor/.complete` holds the digest of everything that decided its contents.
 *
 * @module
 */

/** The folder Deno reads remote modules from because `deno.json` says `"vendor": true`. */
export const VENDOR = new URL("../vendor/", import.meta.url);

const MARKER = new URL(".complete", VENDOR);
const LOCK = ".lock";
const INPUTS = ["../deno.json", "bdd.ts", "bridge.ts", "std_types.ts"];

/** The modules that `jsr:` must be able to deliver before any task runs. */
export const ENTRIES = ["@std/assert", "@std/path", "@std/streams", "@std/testing/bdd"];

async function digest(): Promise<string> {
  const read = (name: string) => Deno.readTextFile(new URL(name, import.meta.url));
  const texts = await Promise.all(INPUTS.map(read));
  texts[0] = JSON.stringify(JSON.parse(texts[0]).imports);
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(texts.join("\0")));
  return new Uint8Array(sum).toHex();
}

/** Whether an earlier run finished `vendor/` for exactly these imports. */
export async function isComplete(): Promise<boolean> {
  return await readMarker() === await digest();
}

async function readMarker(): Promise<string | null> {
  try {
    return await Deno.readTextFile(MARKER);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Runs `body` while no other process changes `vendor/`. */
export async function alone(body: () => Promise<void>): Promise<void> {
  await Deno.mkdir(VENDOR, { recursive: true });
  using lock = await Deno.open(new URL(LOCK, VENDOR), { create: true, write: true });
  await lock.lock(true);
  await body();
}

/** Empties a `vendor/` that was finished for other inputs: an older stand-in would answer in JSR's place. */
export async function clearStale(): Promise<void> {
  if (await readMarker() === null || await isComplete()) return;
  for (const { name } of Deno.readDirSync(VENDOR)) {
    if (name !== LOCK) await Deno.remove(new URL(name, VENDOR), { recursive: true });
  }
}

/** Records that `vendor/` is finished. */
export async function markComplete(): Promise<void> {
  await Deno.mkdir(VENDOR, { recursive: true });
  await Deno.writeTextFile(MARKER, await digest());
}
