/** Compiled files that are kept from one run of the tests to the next, in the cache folder. */
import { cacheDir, granted } from "../../../core/io/cache_dir.ts";
import { fingerprint } from "../../../core/kernels/sources.ts";

/** A file by its name where it is used, and a fingerprint of all that it depends on. */
export interface Kept {
  readonly output: string;
  readonly key: string;
}

const MONTH = 30 * 24 * 3_600_000;

/** The folder, or `null` where there is none that may be used. */
function keptFolder(): string | null {
  const cache = cacheDir();
  if (cache === null || !granted({ name: "read", path: cache }) || !granted({ name: "write", path: cache })) {
    return null;
  }
  return `${cache}/test-programs`;
}

/** Puts the file into `folder` if it is kept; whether it is. One that is damaged is not. */
export function restore(folder: string, { output, key }: Kept): boolean {
  try {
    const kept = keptFolder();
    const name = kept && namesIn(kept).find((name) => name.startsWith(`${key}-`));
    if (!name) return false;
    const bytes = Deno.readFileSync(`${kept}/${name}`);
    if (name !== `${key}-${fingerprint(bytes)}`) return false;
    Deno.writeFileSync(`${folder}/${output}`, bytes);
    Deno.utimeSync(`${kept}/${name}`, new Date(), new Date());
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false; // removed by another run
    throw error;
  }
}

/** Keeps the file of this name in `folder`, whole or not at all, and removes what was not used for a month. */
export function keep(folder: string, { output, key }: Kept): void {
  const kept = keptFolder();
  if (kept === null) return;
  Deno.mkdirSync(kept, { recursive: true });
  const bytes = Deno.readFileSync(`${folder}/${output}`);
  const room = Deno.makeTempFileSync({ dir: kept });
  Deno.writeFileSync(room, bytes);
  Deno.renameSync(room, `${kept}/${key}-${fingerprint(bytes)}`);
  for (const name of namesIn(kept)) {
    const { mtime } = Deno.statSync(`${kept}/${name}`);
    if (mtime !== null && mtime.getTime() < Date.now() - MONTH) Deno.removeSync(`${kept}/${name}`);
  }
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name);
}
