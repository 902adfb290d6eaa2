/** The permissions that the commands can do without: what each is for, and what is said where one is missing. */
import { granted, operatingSystem } from "../core/host/host.ts";
import { isNotInstalled } from "../core/host/program.ts";
import { MNIST_MIRRORS, mnistFolder } from "../datasets/data.ts";
import { cacheDir } from "../mod.ts";

/** The option by which a command ends where a permission is missing, instead of doing without; the tasks give it. */
export const REQUIRE_PERMISSIONS = "--require-permissions";

/** Something that takes permissions. */
export interface PermissionUse {
  /** What they let a command do, after "Cannot". */
  readonly purpose: string;
  /** Each with the flag that grants it and no more. */
  readonly permissions: readonly (Parameters<typeof granted>[0] & { readonly flag: string })[];
}

/** Reading these variables of the environment. */
export function readingVariables(...variables: string[]): PermissionUse {
  const permissions = variables.map((variable) => ({
    name: "env" as const,
    variable,
    flag: `--allow-env=${variable}`,
  }));
  return { purpose: `read ${variables.join(" and ")}`, permissions };
}

/** Reading the variables that choose the back end, and those that name the cache folder, which differ between systems. */
export function readingEnvironment(): PermissionUse[] {
  const home = operatingSystem() === "windows" ? "LOCALAPPDATA" : "HOME";
  const { permissions } = readingVariables("GRADUS_CACHE", "GRADUS_DATA", "XDG_CACHE_HOME", home);
  const purpose = "find the cache folder";
  return [readingVariables("GRADUS_BACKEND", "GRADUS_THREADS"), { purpose, permissions }];
}

/** Finding, compiling and loading the kernel. */
export function compilingKernel(): PermissionUse {
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
export function readingMnist(): PermissionUse {
  const path = folderOfMnist();
  return { purpose: "read MNIST", permissions: [{ name: "read", path, flag: `--allow-read=${path}` }] };
}

/** Downloading MNIST into its folder. */
export function downloadingMnist(): PermissionUse {
  const path = folderOfMnist();
  const hosts = MNIST_MIRRORS.map((mirror) => new URL(mirror).hostname);
  return {
    purpose: "download MNIST",
    permissions: [
      { name: "write", path, flag: `--allow-write=${path}` },
      ...hosts.map((host) => ({ name: "net" as const, host: `${host}:443`, flag: `--allow-net=${host}` })),
    ],
  };
}

function folderOfMnist(): string {
  try {
    return mnistFolder();
  } catch {
    return "."; // the environment does not tell, which readingEnvironment() tells
  }
}

/** Says in a line for each use what a command goes on without, and which flags would grant it. */
export function noteMissing(uses: readonly PermissionUse[]): void {
  for (const { purpose, permissions } of uses) {
    const missing = permissions.filter((permission) => !granted(permission));
    if (missing.length > 0) console.error(`note: going on without permission to ${purpose} (${flagsOf(missing)})`);
  }
}

/**
 * Checks that nothing is missing.
 *
 * @throws {Error} With all that the first incomplete use is missing, and the flags.
 */
export function requirePermissions(uses: readonly PermissionUse[]): void {
  for (const { purpose, permissions } of uses) {
    const missing = permissions.filter((permission) => !granted(permission) && !isAbsent(permission));
    if (missing.length === 0) continue;
    const kinds = [...new Set(missing.map(({ name }) => name))].join(" and ");
    const orElse = `or leave out ${REQUIRE_PERMISSIONS}, to do without`;
    throw new Error(`Cannot ${purpose}: no ${kinds} permission, add ${flagsOf(missing)} (${orElse})`);
  }
}

/** Whether it is a program that is not installed: no flag can grant that, and where there is no compiler none is needed. */
function isAbsent({ name, command }: PermissionUse["permissions"][number]): boolean {
  return name === "run" && command !== undefined && isNotInstalled(command);
}

/** The flags as they are given: those of one kind as one list. */
function flagsOf(permissions: PermissionUse["permissions"]): string {
  const lists = Map.groupBy(permissions, ({ flag }) => flag.split("=", 1)[0]);
  return Array.from(lists, ([name, all]) => `${name}=${all.map(({ flag }) => flag.slice(name.length + 1)).join(",")}`)
    .join(" ");
}
