/** Compiled files that are kept from one run of the tests to the next, in the cache folder. */
import { cacheDir, granted } from "../../../../core/host/host.ts";
import { fingerprint } from "../../../../core/kernels/sources.ts";

/** A file by its name where it is used, the commands that make it, and a fingerprint of all that it depends on. */
export interface Kept {
  readonly output: string;
  readonly lines: readonly string[];
  readonly key: string;
}

/** The folder, or `null` where there is none that may be used. */
function keptFolder(): string | null {
  const cache = cacheDir();
  if (cache === null || !granted({ name: "read", path: cache }) || !granted({ name: "write", path: cache })) {
    return null;
  }
  return `${cache}/test-programs`;
}

/** Puts the file into `folder` if it is kept; whether it is. One that is damaged is not. */
export function restore(folder: string, { output, lines, key }: Kept): boolean {
  try {
    const kept = keptFolder();
    const prefix = `${fingerprintOf(lines)}-${key}-`;
    const name = kept && namesIn(kept).find((name) => name.startsWith(prefix));
    if (!name) return false;
    const bytes = Deno.readFileSync(`${kept}/${name}`);
    if (name !== prefix + fingerprint(bytes)) return false;
    Deno.writeFileSync(`${folder}/${output}`, bytes);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false; // removed by another run
    throw error;
  }
}

/** Keeps the file of this name in `folder`, in place of what the same commands made before. */
export function keep(folder: string, { output, lines, key }: Kept): void {
  const kept = keptFolder();
  if (kept === null) return;
  Deno.mkdirSync(kept, { recursive: true });
  namesIn(kept).filter((name) => name.startsWith(fingerprintOf(lines))).forEach((name) => remove(`${kept}/${name}`));
  const bytes = Deno.readFileSync(`${folder}/${output}`);
  Deno.writeFileSync(`${kept}/${fingerprintOf(lines)}-${key}-${fingerprint(bytes)}`, bytes);
}

function fingerprintOf(lines: readonly string[]): string {
  return fingerprint(lines.join("\n"));
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // another run was faster
  }
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name);
}
