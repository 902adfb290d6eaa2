/** Files and programs at once, for what has to be there at the first product: Deno's, or the same ones of Node.js's modules. */
import { failure, nodeModule, operatingSystem } from "./host.ts";

/** Facts about a file; Windows has no mode and no user. */
export interface SyncFacts {
  readonly isFile: boolean;
  readonly mode: number | null;
  readonly uid: number | null;
  readonly mtime: Date | null;
}

/** Files without waiting, as Deno has them: its own object is one. */
interface SyncFiles {
  readDirSync(path: string): Iterable<{ readonly name: string }>;
  statSync(path: string): SyncFacts;
  lstatSync(path: string): SyncFacts;
  readFileSync(path: string): Uint8Array<ArrayBuffer>;
  readTextFileSync(path: string): string;
  writeTextFileSync(path: string, text: string): void;
  openSync(path: string, options: { read: true; write: true }): { syncSync(): void; close(): void };
  makeTempDirSync(options: { dir: string; prefix: string }): string;
  mkdirSync(path: string, options: { recursive: true; mode?: number }): void;
  chmodSync(path: string, mode: number): void;
  renameSync(from: string, to: string): void;
  removeSync(path: string, options?: { recursive: true }): void;
}

/** The files of this host, which must have some. */
export function syncFiles(): SyncFiles {
  return typeof Deno === "undefined" ? nodeSyncFiles() : Deno;
}

function nodeSyncFiles(): SyncFiles {
  const fs = nodeModule("node:fs");
  return {
    readDirSync: (path) => fs.readdirSync(path).map((name) => ({ name })),
    statSync: (path) => factsOf(fs.statSync(path)),
    lstatSync: (path) => factsOf(fs.lstatSync(path)),
    readFileSync: (path) => new Uint8Array(fs.readFileSync(path)),
    readTextFileSync: (path) => fs.readFileSync(path, "utf8"),
    writeTextFileSync: (path, text) => fs.writeFileSync(path, text),
    openSync: (path) => {
      const descriptor = fs.openSync(path, "r+");
      return { syncSync: () => fs.fsyncSync(descriptor), close: () => fs.closeSync(descriptor) };
    },
    makeTempDirSync: ({ dir, prefix }) => fs.mkdtempSync(`${dir}/${prefix}`),
    mkdirSync: (path, options) => void fs.mkdirSync(path, options),
    chmodSync: (path, mode) => fs.chmodSync(path, mode),
    renameSync: (from, to) => fs.renameSync(from, to),
    removeSync: (path, options) => options?.recursive ? fs.rmSync(path, options) : fs.unlinkSync(path),
  };
}

interface Stats {
  isFile(): boolean;
  readonly mode: number;
  readonly uid: number;
  readonly mtime: Date;
}

function factsOf(stats: Stats): SyncFacts {
  const posix = operatingSystem() !== "windows";
  const { mtime } = stats;
  return { isFile: stats.isFile(), mode: posix ? stats.mode : null, uid: posix ? stats.uid : null, mtime };
}

// The memory that this thread and the Worker share: the state, the program's exit code, the length of its output, whether it was killed,
// and from byte HEADER on the output.
const [STATE, CODE, LENGTH, KILLED, HEADER, TEXT] = [0, 1, 2, 3, 16, 1 << 16];
const [CALLED, RUNNING] = [0, 1];
const START_TIMEOUT = 30_000; // milliseconds for the Worker to begin

// In a Worker, because this thread blocks and could not kill a program that runs too long.
const WORKER = `self.onmessage = async ({ data: { shared, command, args, cwd, milliseconds } }) => {
  const header = new Int32Array(shared, 0, 4), text = new Uint8Array(shared, ${HEADER});
  const next = () => (Atomics.add(header, ${STATE}, 1), Atomics.notify(header, ${STATE}));
  const say = (code, bytes) => (text.set(bytes.subarray(0, text.length)), header[${CODE}] = code,
    header[${LENGTH}] = Math.min(bytes.length, text.length), next());
  next();
  try {
    const child = new Deno.Command(command, { args, cwd, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
    const timer = setTimeout(() => (header[${KILLED}] = 1, child.kill("SIGKILL")), milliseconds);
    const { code, stdout, stderr } = await child.output();
    clearTimeout(timer);
    say(code, code === 0 ? stdout : stderr);
  } catch (error) {
    say(error instanceof Deno.errors.NotFound ? -2 : -1, new TextEncoder().encode(error.message));
  }
};`;

/**
 * Runs a program with a time limit; `output` is what it wrote to stdout if it succeeded, else to stderr.
 *
 * @throws {Error} That it is not found, of Deno's class or with Node.js's code, if there is no such program.
 * @throws {Error} That it timed out, if it does not end in time; it is killed then.
 */
export function runLimited(
  command: string,
  args: readonly string[],
  cwd: string | undefined,
  milliseconds: number,
): { success: boolean; output: string } {
  if (typeof Deno === "undefined") return runInNode(command, args, cwd, milliseconds);
  const shared = new SharedArrayBuffer(HEADER + TEXT);
  const header = new Int32Array(shared, 0, 4);
  const worker = new Worker(`data:application/javascript,${encodeURIComponent(WORKER)}`, { type: "module" });
  try {
    worker.postMessage({ shared, command, args, cwd, milliseconds });
    Atomics.wait(header, STATE, CALLED, START_TIMEOUT);
    if (header[STATE] === CALLED) throw new Error(`no Worker began in which ${command} could run`);
    // A second more: child processes of its own may keep its output open.
    Atomics.wait(header, STATE, RUNNING, milliseconds + 1000);
    if (header[STATE] === RUNNING || header[KILLED] === 1) {
      throw timedOut(command, milliseconds);
    }
    const output = new TextDecoder().decode(new Uint8Array(shared, HEADER, header[LENGTH]).slice());
    if (header[CODE] === -2) throw failure("NotFound", output);
    if (header[CODE] === -1) throw new Error(output);
    return { success: header[CODE] === 0, output };
  } finally {
    worker.terminate();
  }
}

function timedOut(command: string, milliseconds: number): Error {
  return failure("TimedOut", `${command} did not end within ${milliseconds / 1000} s`);
}

function runInNode(
  command: string,
  args: readonly string[],
  cwd: string | undefined,
  milliseconds: number,
): { success: boolean; output: string } {
  const { spawnSync } = nodeModule("node:child_process");
  const options = { encoding: "utf8", maxBuffer: 1 << 24, killSignal: "SIGKILL", timeout: milliseconds } as const;
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    ...options,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const { code } = Object(error) as { code?: string };
  if (code === "ENOENT") throw failure("NotFound", `${command} is not there`);
  if (code === "ETIMEDOUT") throw timedOut(command, milliseconds);
  if (error !== undefined) throw error;
  return { success: status === 0, output: (status === 0 ? stdout : stderr).slice(0, TEXT) };
}
