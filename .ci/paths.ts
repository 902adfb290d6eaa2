/**
 * Prints paths for a task's `--allow-…=` flags: the library's own rules decide, so that a flag names exactly what the
 * code will ask for. Give one or more of `cache`, `data`, `temp`, `deno`.
 *
 * @module
 */
import { cacheDir } from "../core/host/host.ts";

const env = (name: string): string | null => Deno.env.get(name) || null;

const PATHS: Record<string, () => string | null> = {
  cache: cacheDir,
  data: () => env("GRADUS_DATA"),
  temp: () => env("TMPDIR") ?? env("TEMP") ?? (Deno.build.os === "windows" ? null : "/tmp"),
  deno: Deno.execPath,
};

/** The paths of these kinds, as a permission flag takes them. */
export function paths(kinds: readonly string[]): string {
  const found = kinds.map((kind) => PATHS[kind]()).filter((path) => path !== null);
  // An empty flag would be an error, so that a machine without any of them names a path that is never made.
  return (found.length > 0 ? found : ["no-such-path"]).map((path) => path.replaceAll(",", ",,")).join(",");
}

if (import.meta.main) console.log(paths(Deno.args));
