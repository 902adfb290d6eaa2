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

// Locks, which Node.js has not: a file with the number of the process that holds one.

/** The locks of this process. */
const held = new Set<string>();

/** Milliseconds after which an empty file is nobody's: its process was killed between making and writing it. */
const UNWRITTEN = 10_000;

/** Takes the lock and returns what gives it back; `null` if a process that lives has it. */
function takeLock(fs: Fs, path: string): (() => void) | null {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      fs.writeFileSync(path, `${nodeProcess()!.pid}`, { flag: "wx" });
      held.add(path);
      return () => {
        held.delete(path);
        fs.rmSync(path, { force: true });
      };
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
    }
    if (isHeld(fs, path)) return null;
    fs.rmSync(path, { force: true });
  }
  return null;
}

function isHeld(fs: Fs, path: string): boolean {
  try {
    const pid = Number(fs.readFileSync(path, "utf8"));
    if (pid === 0) return Date.now() - fs.statSync(path).mtimeMs < UNWRITTEN;
    if (pid === nodeProcess()!.pid) return held.has(path); // else of a process that had this number before
    return isAlive(pid);
  } catch { // it has just been given back
    return false;
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
