/**
 * What the library needs of the program that runs it: Deno, Node.js or Bun, or a browser. Which one it is is asked when something is needed,
 * never at import; and nothing in here prompts.
 */

/** The global `process` of Node.js and Bun, as far as it is used here. */
interface Process {
  readonly platform: string;
  readonly arch: string;
  readonly argv: readonly string[];
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly versions?: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  cwd(): string;
  /** A module, at once; Node.js has it from 20.16 on. */
  getBuiltinModule?(name: string): unknown;
  /** Seconds since it began. */
  uptime(): number;
  kill(pid: number, signal: 0): unknown;
  on(signal: "SIGINT", listener: () => void): unknown;
  off(signal: "SIGINT", listener: () => void): unknown;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Node.js's or Bun's `process`; `null` in Deno, which has one too, and in a browser. */
export function nodeProcess(): Process | null {
  const { process } = globalThis as { process?: Process };
  return typeof Deno === "undefined" && process?.versions?.node !== undefined ? process : null;
}

/** The modules that are taken at once. */
interface NodeModules {
  "node:child_process": typeof import("node:child_process");
  "node:fs": typeof import("node:fs");
  "node:module": typeof import("node:module");
  "node:os": typeof import("node:os");
  "node:zlib": typeof import("node:zlib");
}

/**
 * A module of Node.js or Bun, at once: `import()` waits, and what must be there at the first product cannot.
 *
 * @throws {Error} In Node.js before 20.16.
 */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  const found = (globalThis as { process?: Process }).process?.getBuiltinModule?.(name); // Deno has them too
  if (found === undefined) throw new Error(`Cannot load ${name} at once: take Node.js 20.16 or later`);
  return found as NodeModules[Name];
}

/** Whether there are files: everywhere but in a browser. */
export function hasFiles(): boolean {
  return typeof Deno !== "undefined" || nodeProcess() !== null;
}

// Permissions and the environment.

/** What may be allowed to a program: in the words of Deno's flags. */
interface Permission {
  /** Its kind, as in `--allow-read`. */
  readonly name: "read" | "write" | "env" | "net" | "run" | "ffi" | "sys";
  /** The file or folder that is read, written or loaded. */
  readonly path?: string;
  /** The variable that is read. */
  readonly variable?: string;
  /** The host that is spoken to. */
  readonly host?: string;
  /** The program that is run. */
  readonly command?: string;
  /** What is asked of the system. */
  readonly kind?: string;
}

/** Whether a permission has been granted already. */
export function granted(permission: Permission): boolean {
  if (typeof Deno === "undefined") return nodeProcess() !== null; // Node.js and Bun do not ask
  return Deno.permissions.querySync(permission as Deno.PermissionDescriptor).state === "granted";
}

/** An environment variable, or `undefined` where it is unset, empty, or not readable without asking. */
export function environment(variable: string): string | undefined {
  if (typeof Deno === "undefined") return nodeProcess()?.env[variable] || undefined;
  return granted({ name: "env", variable }) ? Deno.env.get(variable) || undefined : undefined;
}

/** The operating system: `"windows"`, `"darwin"` or another name; `""` in a browser. */
export function operatingSystem(): string {
  if (typeof Deno !== "undefined") return Deno.build.os;
  return (nodeProcess()?.platform ?? "").replace("win32", "windows");
}

/** What programs are compiled for, in the words of compilers: `"x86_64-unknown-linux-gnu"`. */
export function target(): string {
  if (typeof Deno !== "undefined") return Deno.build.target;
  const { arch = "", platform = "" } = nodeProcess() ?? {};
  const machine = { x64: "x86_64", arm64: "aarch64" }[arch] ?? arch;
  const system = { linux: "unknown-linux-gnu", darwin: "apple-darwin", win32: "pc-windows-msvc" }[platform] ?? platform;
  return `${machine}-${system}`;
}

/** The folder that paths begin at. */
export function workingFolder(): string {
  return typeof Deno === "undefined" ? nodeProcess()?.cwd() ?? "" : Deno.cwd();
}

/**
 * The folder for compiled kernels and downloads; it need not exist yet.
 *
 * `GRADUS_CACHE` if it is set, else `$XDG_CACHE_HOME/gradus`, else the system's own: `$HOME/.cache/gradus`,
 * `$HOME/Library/Caches/gradus` on macOS, `%LOCALAPPDATA%\gradus` on Windows. `null` where the environment does not say, or
 * may not be read.
 */
export function cacheDir(): string | null {
  return environment("GRADUS_CACHE") ?? within(environment("XDG_CACHE_HOME"), "gradus") ??
    systemCache(operatingSystem());
}

function systemCache(os: string): string | null {
  if (os === "windows") return within(environment("LOCALAPPDATA"), "gradus");
  return within(environment("HOME"), os === "darwin" ? "Library/Caches/gradus" : ".cache/gradus");
}

function within(folder: string | undefined, name: string): string | null {
  return folder === undefined ? null : `${folder}/${name}`;
}

// The terminal.

/** Standard output or standard error. */
interface Terminal {
  /** Whether it is a terminal, where a line can be drawn over. */
  readonly terminal: boolean;
  /** How many characters fit in a line of the terminal; 80 where it is none. */
  readonly columns: number;
  /** Writes text as it is. */
  write(text: string): void;
}

/** Standard output or standard error; a browser has neither, and what is written goes nowhere. */
export function terminal(name: "stdout" | "stderr"): Terminal {
  if (typeof Deno === "undefined") return nodeTerminal(nodeProcess()?.[name]);
  const [stream, encoder] = [Deno[name], new TextEncoder()];
  return {
    terminal: stream.isTerminal(),
    get columns() { // asked for at each drawing: a window changes its size
      return this.terminal ? Deno.consoleSize().columns : 80;
    },
    write: (text) => void stream.writeSync(encoder.encode(text)),
  };
}

function nodeTerminal(stream: Output | undefined): Terminal {
  return {
    terminal: stream?.isTTY === true,
    get columns() {
      return stream?.columns ?? 80;
    },
    write: (text) => void stream?.write(text),
  };
}

/** Calls `listener` at each Ctrl-C until the returned function is called; a browser has none. */
export function onCtrlC(listener: () => void): () => void {
  if (typeof Deno === "undefined") {
    nodeProcess()?.on("SIGINT", listener);
    return () => void nodeProcess()?.off("SIGINT", listener);
  }
  Deno.addSignalListener("SIGINT", listener);
  return () => Deno.removeSignalListener("SIGINT", listener);
}

// What goes wrong.

/** The failures of a system that are told apart: Deno's class of each, and the codes that Node.js gives its errors. */
const FAILURES = {
  NotFound: ["ENOENT"],
  AlreadyExists: ["EEXIST"],
  NotADirectory: ["ENOTDIR"],
  FilesystemLoop: ["ELOOP"],
  PermissionDenied: ["EACCES", "EPERM"],
  NotCapable: ["ERR_ACCESS_DENIED"],
  InvalidData: ["EILSEQ"],
  TimedOut: ["ETIMEDOUT"],
  IsADirectory: ["EISDIR"],
  BrokenPipe: ["EPIPE"],
  AddrInUse: ["EADDRINUSE"],
} as const;

/** A failure, by the name of Deno's class of errors. */
type Failure = keyof typeof FAILURES;

/** Whether an error is one of these failures. */
export function isFailure(error: unknown, ...kinds: readonly Failure[]): boolean {
  if (typeof Deno !== "undefined") return kinds.some((kind) => error instanceof Deno.errors[kind]);
  const { code } = Object(error) as { code?: unknown };
  return kinds.some((kind) => FAILURES[kind].some((known) => known === code));
}

/** An error that tells of a failure: of Deno's class, elsewhere with Node.js's code. */
export function failure(kind: Failure, message: string, options?: ErrorOptions): Error {
  if (typeof Deno !== "undefined") return new Deno.errors[kind](message, options);
  return Object.assign(new Error(message, options), { name: kind, code: FAILURES[kind][0] });
}
