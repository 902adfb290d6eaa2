/** The cache folder, and permissions that are already granted. Nothing in here prompts. */

/** Whether a permission has been granted already; `false` where there is no Deno. */
export function granted(permission: Deno.PermissionDescriptor): boolean {
  return typeof Deno !== "undefined" && Deno.permissions.querySync(permission).state === "granted";
}

/** An environment variable, or `undefined` where it is unset, empty, or not readable without asking. */
export function environment(variable: string): string | undefined {
  return granted({ name: "env", variable }) ? Deno.env.get(variable) || undefined : undefined;
}

/**
 * The folder for compiled kernels and downloads; it need not exist yet.
 *
 * `GRADUS_CACHE` if it is set, else `$XDG_CACHE_HOME/gradus`, else the system's own: `$HOME/.cache/gradus`,
 * `$HOME/Library/Caches/gradus` on macOS, `%LOCALAPPDATA%\gradus` on Windows. `null` where the environment does not say, or
 * may not be read.
 */
export function cacheDir(): string | null {
  if (typeof Deno === "undefined") return null;
  return environment("GRADUS_CACHE") ?? within(environment("XDG_CACHE_HOME"), "gradus") ?? systemCache(Deno.build.os);
}

function systemCache(os: string): string | null {
  if (os === "windows") return within(environment("LOCALAPPDATA"), "gradus");
  return within(environment("HOME"), os === "darwin" ? "Library/Caches/gradus" : ".cache/gradus");
}

function within(folder: string | undefined, name: string): string | null {
  return folder === undefined ? null : `${folder}/${name}`;
}
