/** The compiled kernel as a file: found in the cache, or compiled into it by the user's own C compiler. */
import { cacheDir, granted } from "../cache_dir.ts";
import { fingerprint, MAIN_SOURCE, SOURCES, sourcesFingerprint } from "../kernels/sources.ts";

/** What the outside world does for a kernel file: replaced in tests to make each of them fail. */
export interface Host {
  /** The cache folder, or `null`. */
  folder: string | null;
  /** Runs the C compiler in a folder; throws if there is none. */
  compile(args: string[], cwd?: string): { success: boolean; output: string };
}

/** The machine this runs on. */
export function thisHost(): Host {
  return { folder: cacheDir(), compile: runCompiler };
}

/**
 * Contraction to fused multiply-add is the only liberty taken with IEEE arithmetic: errno and traps, which nobody reads, change no
 * number.
 */
export function compilerFlags(arch: string): string[] {
  const tune = arch === "aarch64" ? "-mcpu=native" : "-march=native";
  const language = ["-std=c11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"];
  return ["-O3", tune, ...language, "-fvisibility=hidden", "-pthread", "-shared", "-fPIC"];
}

/** The kernels in the cache that belong to these sources, flags and kind of machine, newest first. Damaged ones are left out. */
export function cachedKernels(host: Host): string[] {
  if (host.folder === null || !granted({ name: "read", path: host.folder })) return [];
  const prefix = `kernel-${key()}-`;
  try {
    return [...Deno.readDirSync(host.folder)]
      .filter((entry) => entry.name.startsWith(prefix) && entry.name.endsWith(suffix()))
      .map((entry) => `${host.folder}/${entry.name}`)
      .filter(isWhole)
      .sort((x, y) => modified(y) - modified(x));
  } catch {
    return []; // no folder yet, or one that vanished meanwhile
  }
}

/**
 * Compiles the kernel into the cache and says where it is and which compiler made it.
 *
 * Several processes may do so at once: each works in a folder of its own, and the last step is a rename.
 *
 * @throws {Error} If a permission, the compiler or the folder is missing, or the compiler fails; the message is one line.
 */
export function compileKernel(host: Host): { path: string; compiler: string } {
  const folder = writableFolder(host);
  const compiler = compilerVersion(host);
  if (compiler === null) throw new Error("no C compiler found (cc)");
  const room = Deno.makeTempDirSync({ dir: folder, prefix: "compile-" });
  try {
    return { path: install(folder, build(host, room), compiler), compiler };
  } finally {
    Deno.removeSync(room, { recursive: true });
  }
}

/** The first line of `cc --version`, or `null` where there is no compiler or it may not be run. */
export function compilerVersion(host: Host = thisHost()): string | null {
  try {
    const { success, output } = host.compile(["--version"]);
    return success ? output.split("\n", 1)[0].trim() : null;
  } catch {
    return null;
  }
}

function writableFolder(host: Host): string {
  const folder = host.folder;
  if (folder === null) throw new Error("no cache folder (set GRADUS_CACHE, and allow reading it with --allow-env)");
  if (!granted({ name: "read", path: folder }) || !granted({ name: "write", path: folder })) {
    throw new Error(`no permission to use the cache (--allow-read=${folder} --allow-write=${folder})`);
  }
  if (!granted({ name: "run", command: "cc" })) {
    throw new Error("no C compiler: cc is not installed, or must not be run (--allow-run=cc)");
  }
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Error(`cannot write the cache ${folder}: ${(error as Error).message}`);
  }
  return folder;
}

function build(host: Host, room: string): string {
  for (const [name, text] of Object.entries(SOURCES)) Deno.writeTextFileSync(`${room}/${name}`, text);
  const { success, output } = host.compile([...compilerFlags(Deno.build.arch), MAIN_SOURCE, "-o", "kernel"], room);
  if (!success) throw new Error(`the C compiler failed: ${output.trim().split("\n", 1)[0]}`);
  return `${room}/kernel`;
}

// The name carries the fingerprint of the content, so that a damaged file is known before it is loaded.
function install(folder: string, built: string, compiler: string): string {
  const sum = fingerprint(Deno.readFileSync(built));
  const path = `${folder}/kernel-${key()}-${fingerprint(compiler)}-${sum}${suffix()}`;
  using file = Deno.openSync(built, { read: true, write: true });
  file.syncSync();
  Deno.renameSync(built, path);
  return path;
}

function isWhole(path: string): boolean {
  return path.endsWith(`-${fingerprint(Deno.readFileSync(path))}${suffix()}`);
}

function modified(path: string): number {
  return Deno.statSync(path).mtime?.getTime() ?? 0;
}

function suffix(): string {
  return { windows: ".dll", darwin: ".dylib" }[Deno.build.os as string] ?? ".so";
}

// The CPU is no part of it: to read its name takes a permission, and as long as the rest of the start. Machines that share a home
// folder share kernels: each kernel knows what it was compiled for, and gradus_check refuses to run on less.
function key(): string {
  return fingerprint([sourcesFingerprint(), ...compilerFlags(Deno.build.arch), Deno.build.target].join("\0"));
}

function runCompiler(args: string[], cwd?: string): { success: boolean; output: string } {
  if (!granted({ name: "run", command: "cc" })) throw new Error("not allowed");
  const command = new Deno.Command("cc", {
    args,
    ...(cwd === undefined ? {} : { cwd }),
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = command.outputSync();
  return { success, output: new TextDecoder().decode(success ? stdout : stderr) };
}
