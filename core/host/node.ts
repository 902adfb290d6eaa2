/** Files through Node.js's own modules, for Node.js and Bun. */
import type { FileFacts, Files, OpenFile, OpenOptions } from "./files.ts";
import { nodeProcess } from "./host.ts";

type Fs = typeof import("node:fs");

/** Bytes of a piece of a stream. */
const PIECE = 1 << 16;

/** The files of Node.js or Bun, with the promises of Deno's. */
export async function openNodeFiles(): Promise<Files> {
  const [fs, { promisify }] = await Promise.all([import("node:fs"), import("node:util")]);
  const { lstat, mkdir, readdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } = fs.promises;
  const open = promisify(fs.open);
  return {
    open: async (path, options = {}) => openFile(fs, path, await open(path, flagsOf(fs, options), 0o666)),
    stat: async (path) => factsOf(await stat(path)),
    lstat: async (path) => factsOf(await lstat(path)),
    readDir: async function* (path) {
      for (const entry of await readdir(path, { withFileTypes: true })) {
        yield { name: entry.name, isDirectory: entry.isDirectory() };
      }
    },
    readFile: async (path) => new Uint8Array(await readFile(path)),
    readTextFile: async (path) => await readFile(path, "utf8"),
    writeTextFile: async (path, text) => await writeFile(path, text),
    mkdir: async (path, options = {}) => void await mkdir(path, options),
    rename,
    remove: async (path, { recursive = false } = {}) => {
      if (recursive) await rm(path, { recursive });
      else if ((await lstat(path)).isDirectory()) await rmdir(path);
      else await unlink(path);
    },
  };
}

function flagsOf({ constants }: Fs, options: OpenOptions): number {
  const { write = false, append = false, create = false, createNew = false, truncate = false } = options;
  const { read = !write && !append } = options;
  const access = write || append ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
  return access | (append ? constants.O_APPEND : 0) | (truncate ? constants.O_TRUNC : 0) |
    (create || createNew ? constants.O_CREAT : 0) | (createNew ? constants.O_EXCL : 0);
}

interface Stats {
  isFile(): boolean;
  isDirectory(): boolean;
  readonly size: number;
  readonly mtime: Date;
}

function factsOf(stats: Stats): FileFacts {
  return { isFile: stats.isFile(), isDirectory: stats.isDirectory(), size: stats.size, mtime: stats.mtime };
}

/** The file with this descriptor. Functions and a descriptor, for a `FileHandle` of Node.js cannot be closed at once. */
function openFile(fs: Fs, path: string, descriptor: number): OpenFile {
  let at: number | null = null; // where it was sought, else where the system stands
  let unlock = () => {};
  const wait = <T>(call: (done: (error: Error | null, value: T) => void) => void) =>
    new Promise<T>((resolve, reject) => call((error, value) => error ? reject(error) : resolve(value)));
  const stat = async () => factsOf(await wait<Stats>((done) => fs.fstat(descriptor, done)));
  const read = async (into: Uint8Array) => {
    const count = await wait<number>((done) => fs.read(descriptor, into, 0, into.length, at, done));
    if (at !== null) at += count;
    return count === 0 ? null : count;
  };
  const close = () => {
    unlock();
    fs.closeSync(descriptor);
  };
  return {
    get readable() {
      return streamOf(read, close);
    },
    read,
    write: async (bytes) => await wait<number>((done) => fs.write(descriptor, bytes, 0, bytes.length, null, done)),
    seek: async (offset, whence) => at = offset + (whence === 2 ? (await stat()).size : 0),
    stat,
    sync: async () => await wait<void>((done) => fs.fsync(descriptor, done as (error: Error | null) => void)),
    tryLock: () => {
      const lock = takeLock(fs, `${path}.pid`);
      if (lock !== null) unlock = lock;
      return Promise.resolve(lock !== null);
    },
    close,
  };
}

function streamOf(
  read: (into: Uint8Array) => Promise<number | null>,
  close: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const piece = new Uint8Array(PIECE);
      const count = await read(piece).catch((error) => {
        close();
        throw error;
      });
      if (count !== null) return controller.enqueue(piece.subarray(0, count));
      close();
      controller.close();
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

// Locks, which Node.js has not: a file with the number of the process that holds one, and when that began.

/** The locks of this thread. */
const held = new Set<string>();

/** Milliseconds after which a file that says nothing is nobody's: its process was killed between making and writing it. */
const UNWRITTEN = 10_000;

/** Takes the lock and returns what gives it back; `null` if a process that lives has it. */
function takeLock(fs: Fs, path: string): (() => void) | null {
  if (!make(fs, path) && !(mayClear(fs, path) && make(fs, path))) return null;
  held.add(path);
  return () => {
    held.delete(path);
    fs.rmSync(path, { force: true });
  };
}

/** Makes a file with this process in it; `false` if there is one already. */
function make(fs: Fs, path: string): boolean {
  const { pid } = nodeProcess()!;
  try {
    fs.writeFileSync(path, `${pid} ${startOf(fs, pid) ?? ""}`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes the lock of a process that is no more. Of several that find it one may do so, the maker of a second file, and looks once more:
 * another could remove what the first has taken meanwhile.
 */
function mayClear(fs: Fs, path: string): boolean {
  const clearing = `${path}.clearing`;
  if (isHeld(fs, path) || !make(fs, clearing) && !takeOver(fs, clearing)) return false;
  try {
    if (isHeld(fs, path)) return false;
    fs.rmSync(path, { force: true });
    return true;
  } finally {
    fs.rmSync(clearing, { force: true });
  }
}

/** The same file, made anew where its maker was killed while it cleared a lock away. */
function takeOver(fs: Fs, path: string): boolean {
  if (isHeld(fs, path)) return false;
  fs.rmSync(path, { force: true });
  return make(fs, path);
}

function isHeld(fs: Fs, path: string): boolean {
  try {
    const [pid, began] = fs.readFileSync(path, "utf8").split(" ");
    const { mtimeMs } = fs.statSync(path);
    if (pid === "") return Date.now() - mtimeMs < UNWRITTEN;
    const start = startOf(fs, Number(pid));
    if (start !== null && began) return start === began; // a later process may have the same number
    if (Number(pid) !== nodeProcess()!.pid) return isAlive(Number(pid));
    return held.has(path) || mtimeMs > Date.now() - nodeProcess()!.uptime() * 1000; // of another thread
  } catch { // it has just been given back
    return false;
  }
}

/** When a process began, in the words of a system that says so: Linux. */
function startOf(fs: Fs, pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // counted after the name, which may have spaces in it
    return fields[0] === "Z" ? "ended" : fields[19]; // a zombie holds nothing
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    nodeProcess()!.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}
