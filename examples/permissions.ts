/** The permissions that the scripts can do without: what each is for, and what is said where it is missing. */
import { MNIST_MIRRORS } from "@gradus/gradus/data";
import { cacheDir, granted } from "../core/io/cache_dir.ts";
import { dataFolder } from "../datasets/download/verified_files.ts";

/** The option by which a script ends where a permission is missing, instead of doing without; the tasks give it. */
export const REQUIRE_PERMISSIONS = "--require-permissions";

/** What permissions are for. */
export interface Use {
  /** What they let a script do, after "Cannot". */
  readonly purpose: string;
  /** Each with the flag that grants it and no more. */
  readonly permissions: readonly (Deno.PermissionDescriptor & { flag: string })[];
}

/** Heeding these variables of the environment. */
export function heeding(...variables: string[]): Use {
  const permissions = variables.map((variable) => ({
    name: "env" as const,
    variable,
    flag: `--allow-env=${variable}`,
  }));
  return { purpose: `read ${variables.join(" and ")}`, permissions };
}

/** Finding the cache folder, which is told by other variables on other systems. */
export function findingFolders(): Use {
  const home = Deno.build.os === "windows" ? "LOCALAPPDATA" : "HOME";
  return { ...heeding("GRADUS_CACHE", "GRADUS_DATA", "XDG_CACHE_HOME", home), purpose: "find the cache folder" };
}

/** Finding, compiling and loading the kernel. */
export function compiledKernel(): Use {
  const path = cacheDir() ?? ".";
  return {
    purpose: "use the compiled kernel",
    permissions: [
      { name: "read", path, flag: `--allow-read=${path}` },
      { name: "write", path, flag: `--allow-write=${path}` },
      { name: "ffi", path, flag: `--allow-ffi=${path}` },
      { name: "run", command: "cc", flag: "--allow-run=cc" },
    ],
  };
}

/** Reading MNIST in its folder. */
export function readingMnist(): Use {
  const path = mnistFolder();
  return { purpose: "read MNIST", permissions: [{ name: "read", path, flag: `--allow-read=${path}` }] };
}

/** Downloading MNIST into its folder. */
export function downloadingMnist(): Use {
  const path = mnistFolder();
  const hosts = MNIST_MIRRORS.map((mirror) => new URL(mirror).hostname);
  return {
    purpose: "download MNIST",
    permissions: [
      { name: "write", path, flag: `--allow-write=${path}` },
      ...hosts.map((host) => ({ name: "net" as const, host: `${host}:443`, flag: `--allow-net=${host}` })),
    ],
  };
}

/**
 * Ends the script at the first use of which a permission is missing.
 *
 * @throws {Error} With all that it is missing, and the flags.
 */
export function requirePermissions(uses: readonly Use[]): void {
  for (const { purpose, permissions } of uses) {
    const missing = permissions.filter((permission) => !granted(permission) && !isAbsent(permission));
    if (missing.length === 0) continue;
    const kinds = [...new Set(missing.map(({ name }) => name))].join(" and ");
    throw new Error(
      `Cannot ${purpose}: no ${kinds} permission, add ${
        flagsOf(missing)
      } (or leave out ${REQUIRE_PERMISSIONS}, to do without)`,
    );
  }
}

/** Whether it is a program that is not installed: no flag can grant that, and where there is no compiler none is needed. */
function isAbsent(permission: Deno.PermissionDescriptor): boolean {
  if (permission.name !== "run" || permission.command === undefined) return false;
  try {
    new Deno.Command(permission.command, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound; // a program that is there and not granted is another error
  }
}

/** Says in a line for each use what a script goes on without, and which flags would buy it. */
export function noteMissing(uses: readonly Use[]): void {
  for (const { purpose, permissions } of uses) {
    const missing = permissions.filter((permission) => !granted(permission));
    if (missing.length > 0) console.error(`note: going on without permission to ${purpose} (${flagsOf(missing)})`);
  }
}

/** The flags as they are given: what is asked for of one kind stands in one list. */
function flagsOf(permissions: Use["permissions"]): string {
  const lists = Map.groupBy(permissions, ({ flag }) => flag.split("=", 1)[0]);
  return Array.from(lists, ([name, all]) => `${name}=${all.map(({ flag }) => flag.slice(name.length + 1)).join(",")}`)
    .join(" ");
}

function mnistFolder(): string {
  try {
    return dataFolder("mnist", "");
  } catch {
    return "."; // the environment does not tell, which is another use's complaint
  }
}
