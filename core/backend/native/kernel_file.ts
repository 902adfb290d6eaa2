/** The compiled kernel as a file: found in the cache, or compiled into it by the C compiler that is installed (`cc`). */
import { cacheDir, nodeModule, target } from "../../host/host.ts";
import { SOURCES_FINGERPRINT, sourcesDeflated } from "../../kernels/source_texts.js";
import { fingerprint, MAIN_SOURCE, type Sources } from "../../kernels/sources.ts";
import {
  cachedLibraries,
  compileLibrary,
  failureOf,
  type Host,
  type Recipe,
  runCompiler,
  versionOf,
} from "./library_file.ts";

export type { Host } from "./library_file.ts";

/** The folder and the compiler of this system. */
export function thisHost(): Host {
  return { folder: cacheDir(), compile: (args, cwd) => runCompiler("cc", args, cwd) };
}

/** Arithmetic stays IEEE's but for contraction to fused multiply-add; `-fno-math-errno` and `-fno-trapping-math` change no result. */
function compilerFlags(): string[] {
  const tune = target().startsWith("aarch64") ? "-mcpu=native" : "-march=native";
  const language = ["-std=c11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"];
  return ["-O3", tune, ...language, "-fvisibility=hidden", "-pthread", "-shared", "-fPIC"];
}

const COMPILER = { command: "cc", compiler: "C compiler" };

// The CPU is no part of the key: its name takes a permission, and as long to read as the rest of the start. Machines that share a home
// folder share kernels: each kernel knows the CPU features that it was compiled for, and gradus_open refuses a CPU that lacks one.
function recipe(): Recipe {
  const flags = compilerFlags();
  const key = fingerprint([SOURCES_FINGERPRINT, ...flags, target()].join("\0"));
  return { ...COMPILER, name: "kernel", spokenName: "the kernel", sources: sourceTexts, main: MAIN_SOURCE, flags, key };
}

/** The kernels in the cache for these sources, flags and target, as {@linkcode cachedLibraries} finds them. */
export function cachedKernels(host: Host): string[] {
  return cachedLibraries(recipe(), host);
}

/** Why the last compilation failed, if that was in the past day; else `null`. */
export function rememberedFailure(host: Host): string | null {
  return failureOf(recipe(), host);
}

/** Compiles the kernel into the cache, as {@linkcode compileLibrary} does. */
export function compileKernel(host: Host, test: (path: string) => void): { path: string; compiler: string } {
  return compileLibrary(recipe(), host, test);
}

/** The first line of `cc --version`, or `null` where there is no compiler or it may not be run. */
export function compilerVersion(host: Host = thisHost()): string | null {
  try {
    return versionOf(COMPILER, host);
  } catch {
    return null;
  }
}

/**
 * The C sources that travel with this module, or others that `sourceModule()` wrote.
 *
 * @throws {Error} In a browser, and in Node.js before 20.16, which lack what inflates them at once.
 */
export function sourceTexts(deflated = sourcesDeflated()): Sources {
  const bytes = Uint8Array.from(atob(deflated), (character) => character.charCodeAt(0));
  const text = nodeModule("node:zlib").inflateRawSync(bytes);
  return JSON.parse(new TextDecoder().decode(text));
}
