/** The shim as a file: found in the cache, or compiled into it by the `mpicc` of the MPI that started this process. */
import {
  cachedLibraries,
  compileLibrary,
  type Host,
  type Recipe,
  runCompiler,
  versionOf,
} from "../backend/native/library_file.ts";
import { cacheDir, granted, target } from "../host/host.ts";
import { isNotInstalled } from "../host/program.ts";
import { fingerprint } from "../kernels/sources.ts";
import { openShim, type Shim } from "./open_shim.ts";
import { SHIM, SHIM_SOURCE } from "./shim_source.ts";

const FLAGS = ["-O2", "-std=c11", "-D_GNU_SOURCE", "-fvisibility=hidden", "-shared", "-fPIC"];

function recipe(command: string): Recipe {
  const key = fingerprint([SHIM_SOURCE, ...FLAGS, target(), command].join("\0"));
  return {
    ...{ name: "mpi", spokenName: "the shim of MPI", command, compiler: "compiler of MPI" },
    ...{ sources: () => ({ [SHIM]: SHIM_SOURCE }), main: SHIM, flags: FLAGS, key },
  };
}

function hostOf(command: string): Host {
  return { folder: cacheDir(), compile: (args, cwd) => runCompiler(command, args, cwd) };
}

/** A text of the shim: the library that runs (-1), the one that it was compiled for (-2), or an error's. */
export function textOf(shim: Shim, code: number): string {
  const text = new Uint8Array(8192);
  shim.gradus_mpi_text(code, text);
  return new TextDecoder().decode(text.subarray(0, text.indexOf(0))).trim();
}

/**
 * The shim that belongs to one of these compilers: from the cache, if it was compiled for the version that is installed, else compiled
 * now.
 *
 * @throws {Error} With the reason in a line.
 */
export function loadShim(commands: readonly string[]): Shim {
  const command = commands.find((name) => granted({ name: "run", command: name }) && !isNotInstalled(name));
  for (const name of command === undefined ? commands : [command]) {
    for (const path of cachedLibraries(recipe(name), hostOf(name))) {
      const shim = openShim(path);
      if (fits(shim)) return shim;
    }
  }
  const compiler = command ?? commands.at(-1)!;
  return openShim(compileLibrary(recipe(compiler), hostOf(compiler), (path) => void openShim(path)).path);
}

/** Whether the library that runs is of the version for which the shim was compiled. */
function fits(shim: Shim): boolean {
  const [runs, compiledFor] = [textOf(shim, -1), textOf(shim, -2)];
  return runs.includes(compiledFor.replace(/^.*?v(?=\d)/, ""));
}

/** Which MPI a compiler has, in a line, or `null` where there is none or it may not be run. */
export function mpiVersion(command = "mpicc"): string | null {
  try {
    const compiler = versionOf({ command, compiler: "compiler of MPI" }, hostOf(command));
    const said = runCompiler(command, ["-show"]).output;
    const library = /openmpi/i.test(said) ? "Open MPI" : /mpich/i.test(said) ? "MPICH" : "MPI";
    return `${library} by ${command} (${compiler})`;
  } catch {
    return null;
  }
}
