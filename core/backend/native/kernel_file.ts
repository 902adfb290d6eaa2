/** The compiled kernel as a file: found in the cache, or compiled into it by the C compiler that is installed (`cc`). */
import { cacheDir, failure, granted, isFailure, nodeModule, operatingSystem, target } from "../../host/host.ts";
import { runLimited, type SyncFacts, syncFiles } from "../../host/sync_files.ts";
import { SOURCES_FINGERPRINT, sourcesDeflated } from "../../kernels/source_texts.js";
import { fingerprint, MAIN_SOURCE, type Sources, writeSources } from "../../kernels/sources.ts";

/** The cache folder and the compiler; tests replace them. */
export interface Host {
  /** The cache folder, or `null`. */
  folder: string | null;
  /** Runs the C compiler in a folder; throws if there is none. */
  compile(args: string[], cwd?: string): { success: boolean; output: string };
}

/** The folder and the compiler of this system. */
export function thisHost(): Host {
  return { folder: cacheDir(), compile: runCompiler };
}

/** Arithmetic stays IEEE's but for contraction to fused multiply-add; `-fno-math-errno` and `-fno-trapping-math` change no result. */
function compilerFlags(): string[] {
  const tune = target().startsWith("aarch64") ? "-mcpu=native" : "-march=native";
  const language = ["-std=c11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"];
  return ["-O3", tune, ...language, "-fvisibility=hidden", "-pthread", "-shared", "-fPIC"];
}

/**
 * The kernels in the cache for these sources, flags and target, newest first. Left out are damaged ones, what is not a file, and those that
 * another user could have put there or changed.
 *
 * @throws {Error} If other users may write the folder: whatever is in it would run with this program's rights.
 */
export function cachedKernels(host: Host): string[] {
  const folder = host.folder;
  if (folder === null || !granted({ name: "read", path: folder })) return [];
  const names = namesIn(folder);
  if (names.length === 0) return [];
  const { uid } = trustedFolder(folder);
  names.filter((name) => name.startsWith(BUILD_PREFIX)).forEach((name) => removeStale(`${folder}/${name}`));
  const prefix = `kernel-${key()}-`;
  return names.filter((name) => name.startsWith(prefix) && name.endsWith(suffix()))
    .map((name) => `${folder}/${name}`)
    .filter((path) => isTrusted(path, uid) && isWhole(path))
    .sort((x, y) => modified(y) - modified(x));
}

/** Why the last compilation failed, if that was in the past day; else `null`. */
export function rememberedFailure(host: Host): string | null {
  if (host.folder === null || !granted({ name: "read", path: host.folder })) return null;
  const note = noteIn(host.folder);
  try {
    const left = modified(note) + DAY - Date.now();
    if (left < 0 || left > DAY) return null;
    const reason = syncFiles().readTextFileSync(note).split("\n", 1)[0].slice(0, 500);
    return `${reason} (tried again in ${Math.ceil(left / HOUR)} h, or when ${note} is removed)`;
  } catch {
    return null;
  }
}

/**
 * Compiles the kernel into the cache; returns its path and the compiler's version. If `test` throws, the kernel is not kept. That failure
 * is remembered, and so is one of the compiler.
 *
 * Several processes may do so at once: each works in a folder of its own, and the last step is a rename.
 *
 * @throws {Error} If a permission, the compiler or the folder is missing, or the compiler or the test fails; the message is one line.
 */
export function compileKernel(host: Host, test: (path: string) => void): { path: string; compiler: string } {
  const folder = writableFolder(host);
  const note = noteIn(folder);
  const buildFolder = syncFiles().makeTempDirSync({ dir: folder, prefix: BUILD_PREFIX });
  try {
    const compiler = versionOf(host);
    const built = build(host, buildFolder);
    // Stands only if the test does not return, because the kernel crashed the process.
    remember(note, `the kernel that ${compiler} compiled ended the program in its test`);
    test(built);
    const path = install(folder, built, compiler);
    syncFiles().removeSync(note);
    return { path, compiler };
  } catch (error) {
    if (!(isFailure(error, "NotFound"))) remember(note, (error as Error).message);
    throw error;
  } finally {
    syncFiles().removeSync(buildFolder, { recursive: true });
  }
}

/** The first line of `cc --version`, or `null` where there is no compiler or it may not be run. */
export function compilerVersion(host: Host = thisHost()): string | null {
  try {
    return versionOf(host);
  } catch {
    return null;
  }
}

function versionOf(host: Host): string {
  let said: { success: boolean; output: string };
  try {
    said = host.compile(["--version"]);
  } catch (error) {
    if (isFailure(error, "NotFound")) throw failure("NotFound", "no C compiler found (cc)");
    throw new Error(`the C compiler cannot be run: ${(error as Error).message}`);
  }
  const line = said.output.trim().split("\n", 1)[0];
  if (!said.success) throw new Error(`the C compiler is there, but cc --version fails: ${line}`);
  return line;
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
    syncFiles().mkdirSync(folder, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new Error(`cannot write the cache ${folder}: ${(error as Error).message}`);
  }
  trustedFolder(folder);
  return folder;
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

function build(host: Host, folder: string): string {
  writeSources(folder, sourceTexts());
  const { success, output } = host.compile([...compilerFlags(), MAIN_SOURCE, "-o", "kernel"], folder);
  if (!success) throw new Error(`the C compiler failed: ${output.trim().split("\n", 1)[0]}`);
  return `${folder}/kernel`;
}

// The name has the fingerprint of the content in it, so that a damaged file is noticed before it is loaded.
function install(folder: string, built: string, compiler: string): string {
  const sum = fingerprint(syncFiles().readFileSync(built));
  const path = `${folder}/kernel-${key()}-${fingerprint(compiler)}-${sum}${suffix()}`;
  const file = syncFiles().openSync(built, { read: true, write: true });
  file.syncSync();
  file.close();
  if (operatingSystem() !== "windows") syncFiles().chmodSync(built, 0o755);
  try {
    syncFiles().renameSync(built, path);
  } catch { // a folder is in its place
    syncFiles().removeSync(path, { recursive: true });
    syncFiles().renameSync(built, path);
  }
  return path;
}

function namesIn(folder: string): string[] {
  try {
    return [...syncFiles().readDirSync(folder)].map((entry) => entry.name);
  } catch {
    return []; // no folder yet, or one that vanished meanwhile
  }
}

const BUILD_PREFIX = "compile-";
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function noteIn(folder: string): string {
  return `${folder}/kernel-${key()}.failed`;
}

function remember(note: string, reason: string): void {
  try {
    syncFiles().writeTextFileSync(note, reason);
  } catch { // a full disk, say: the next start tries again
  }
}

/** Removes the build folder of a compilation that was killed: no compilation takes an hour. */
function removeStale(folder: string): void {
  try {
    if (Date.now() - modified(folder) > HOUR) syncFiles().removeSync(folder, { recursive: true });
  } catch { // another process was faster, or it may not be written
  }
}

/** The folder's owner and mode, once it is sure that no other user can put a library into it. Windows has neither. */
function trustedFolder(folder: string): SyncFacts {
  const info = syncFiles().statSync(folder);
  if (info.mode === null || info.uid === null) return info;
  const cure = "use another GRADUS_CACHE";
  if (info.mode & 0o002) {
    throw new Error(`anybody may write the cache ${folder}, so nothing in it is run: chmod o-w it, or ${cure}`);
  }
  if (info.uid !== 0 && isOthers(folder, info.mode)) {
    throw new Error(`the cache ${folder} belongs to another user (${info.uid}), so nothing in it is run: ${cure}`);
  }
  return info;
}

// The user's own id would take another permission (--allow-sys). But only the owner may set the mode, even to what it is already;
// without permission to write, the answer stays unknown.
function isOthers(folder: string, mode: number): boolean {
  if (!granted({ name: "write", path: folder })) return false;
  try {
    syncFiles().chmodSync(folder, mode & 0o7777);
    return false;
  } catch (error) {
    return isFailure(error, "PermissionDenied");
  }
}

/** Whether a path is a file of the folder's owner, or of root, that nobody else can change. */
function isTrusted(path: string, owner: number | null): boolean {
  try {
    const { isFile, uid, mode } = syncFiles().lstatSync(path);
    return isFile && (mode === null || uid === null || ((mode & 0o022) === 0 && (uid === owner || uid === 0)));
  } catch {
    return false;
  }
}

function isWhole(path: string): boolean {
  try {
    return path.endsWith(`-${fingerprint(syncFiles().readFileSync(path))}${suffix()}`);
  } catch {
    return false;
  }
}

function modified(path: string): number {
  return syncFiles().statSync(path).mtime?.getTime() ?? 0;
}

function suffix(): string {
  return { windows: ".dll", darwin: ".dylib" }[operatingSystem()] ?? ".so";
}

// The CPU is no part of it: its name takes a permission, and as long to read as the rest of the start. Machines that share a home folder
// share kernels: each kernel knows the CPU features that it was compiled for, and gradus_open refuses a CPU that lacks one.
function key(): string {
  return fingerprint([SOURCES_FINGERPRINT, ...compilerFlags(), target()].join("\0"));
}

function runCompiler(args: string[], cwd?: string): { success: boolean; output: string } {
  if (!granted({ name: "run", command: "cc" })) throw failure("NotFound", "not allowed");
  return runLimited("cc", args, cwd, cwd === undefined ? 10_000 : 300_000);
}
