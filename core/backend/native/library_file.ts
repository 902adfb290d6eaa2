/** Libraries that are compiled on this machine, as files: found in the cache, or compiled into it. */
import { failure, granted, isFailure, operatingSystem } from "../../host/host.ts";
import { runLimited, type SyncFacts, syncFiles } from "../../host/sync_files.ts";
import { fingerprint, type Sources, writeSources } from "../../kernels/sources.ts";

/** The cache folder and the compiler; tests replace them. */
export interface Host {
  /** The cache folder, or `null`. */
  folder: string | null;
  /** Runs the C compiler in a folder; throws if there is none. */
  compile(args: string[], cwd?: string): { success: boolean; output: string };
}

/** What is compiled, and by what. */
export interface Recipe {
  /** What the file is called in the cache: `kernel`. */
  readonly name: string;
  /** What it is called in sentences: `the kernel`. */
  readonly spokenName: string;
  /** The compiler's command: `cc`. */
  readonly command: string;
  /** The compiler as sentences name it: `C compiler`. */
  readonly compiler: string;
  /** The sources, of which `main` is given to the compiler. */
  sources(): Sources;
  /** The one of them that is given to the compiler. */
  readonly main: string;
  /** What the compiler is told before the source. */
  readonly flags: readonly string[];
  /** Tells libraries apart by sources, flags and target. */
  readonly key: string;
}

/**
 * The libraries in the cache by this recipe, newest first. Left out are damaged ones, what is not a file, and those that
 * another user could have put there or changed.
 *
 * @throws {Error} If other users may write the folder: whatever is in it would run with this program's rights.
 */
export function cachedLibraries(recipe: Recipe, host: Host): string[] {
  const folder = host.folder;
  if (folder === null || !granted({ name: "read", path: folder })) return [];
  const names = namesIn(folder);
  if (names.length === 0) return [];
  const { uid } = trustedFolder(folder);
  names.filter((name) => name.startsWith(BUILD_PREFIX)).forEach((name) => removeStale(`${folder}/${name}`));
  const prefix = `${recipe.name}-${recipe.key}-`;
  return names.filter((name) => name.startsWith(prefix) && name.endsWith(suffix()))
    .map((name) => `${folder}/${name}`)
    .filter((path) => isTrusted(path, uid) && isWhole(path))
    .sort((x, y) => modified(y) - modified(x));
}

/** Why the last compilation failed, if that was in the past day; else `null`. */
export function failureOf(recipe: Recipe, host: Host): string | null {
  if (host.folder === null || !granted({ name: "read", path: host.folder })) return null;
  const note = noteIn(recipe, host.folder);
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
 * Compiles a library into the cache; returns its path and the compiler's version. If `test` throws, the library is not kept. That failure
 * is remembered, and so is one of the compiler.
 *
 * Several processes may do so at once: each works in a folder of its own, and the last step is a rename.
 *
 * @throws {Error} If a permission, the compiler or the folder is missing, or the compiler or the test fails; the message is one line.
 */
export function compileLibrary(
  recipe: Recipe,
  host: Host,
  test: (path: string) => void,
): { path: string; compiler: string } {
  const folder = writableFolder(recipe, host);
  const note = noteIn(recipe, folder);
  const buildFolder = syncFiles().makeTempDirSync({ dir: folder, prefix: BUILD_PREFIX });
  try {
    const compiler = versionOf(recipe, host);
    const built = build(recipe, host, buildFolder);
    // Stands only if the test does not return, because the library crashed the process.
    remember(note, `${recipe.spokenName} that ${compiler} compiled ended the program in its test`);
    test(built);
    const path = install(recipe, folder, built, compiler);
    forget(note);
    return { path, compiler };
  } catch (error) {
    if (!(isFailure(error, "NotFound"))) remember(note, (error as Error).message);
    throw error;
  } finally {
    syncFiles().removeSync(buildFolder, { recursive: true });
  }
}

/** The first line of what the compiler says of its version; throws where there is none or it may not be run. */
export function versionOf({ command, compiler }: Pick<Recipe, "command" | "compiler">, host: Host): string {
  let said: { success: boolean; output: string };
  try {
    said = host.compile(["--version"]);
  } catch (error) {
    if (isFailure(error, "NotFound")) throw failure("NotFound", `no ${compiler} found (${command})`);
    throw new Error(`the ${compiler} cannot be run: ${(error as Error).message}`);
  }
  const line = said.output.trim().split("\n", 1)[0];
  if (!said.success) throw new Error(`the ${compiler} is there, but ${command} --version fails: ${line}`);
  return line;
}

function writableFolder({ command, compiler }: Recipe, host: Host): string {
  const folder = host.folder;
  if (folder === null) throw new Error("no cache folder (set GRADUS_CACHE, and allow reading it with --allow-env)");
  if (!granted({ name: "read", path: folder }) || !granted({ name: "write", path: folder })) {
    throw new Error(`no permission to use the cache (--allow-read=${folder} --allow-write=${folder})`);
  }
  if (!granted({ name: "run", command })) {
    throw new Error(`no ${compiler}: ${command} is not installed, or must not be run (--allow-run=${command})`);
  }
  try {
    syncFiles().mkdirSync(folder, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new Error(`cannot write the cache ${folder}: ${(error as Error).message}`);
  }
  trustedFolder(folder);
  return folder;
}

function build({ name, compiler, sources, flags, main }: Recipe, host: Host, folder: string): string {
  writeSources(folder, sources());
  const { success, output } = host.compile([...flags, main, "-o", name], folder);
  if (!success) throw new Error(`the ${compiler} failed: ${output.trim().split("\n", 1)[0]}`);
  return `${folder}/${name}`;
}

// The name has the fingerprint of the content in it, so that a damaged file is noticed before it is loaded.
function install({ name, key }: Recipe, folder: string, built: string, compiler: string): string {
  const sum = fingerprint(syncFiles().readFileSync(built));
  const path = `${folder}/${name}-${key}-${fingerprint(compiler)}-${sum}${suffix()}`;
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

function noteIn({ name, key }: Recipe, folder: string): string {
  return `${folder}/${name}-${key}.failed`;
}

function remember(note: string, reason: string): void {
  try {
    syncFiles().writeTextFileSync(note, reason);
  } catch { // a full disk, say: the next start tries again
  }
}

function forget(note: string): void {
  try {
    syncFiles().removeSync(note);
  } catch (error) { // another process, that compiled at the same time, was faster
    if (!isFailure(error, "NotFound")) throw error;
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

/** Runs a compiler, where that is allowed. */
export function runCompiler(command: string, args: string[], cwd?: string): { success: boolean; output: string } {
  if (!granted({ name: "run", command })) throw failure("NotFound", "not allowed");
  return runLimited(command, args, cwd, cwd === undefined ? 10_000 : 300_000);
}
