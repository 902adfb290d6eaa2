/** Files: Deno's, or those of Node.js and Bun, loaded when they are first needed; a browser has none. */
import { hasFiles } from "./host.ts";

/** Facts about a file. */
export interface FileFacts {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly size: number;
  readonly mtime: Date | null;
}

/** How a file is opened: for reading, where nothing is said. */
export interface OpenOptions {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly append?: boolean;
  readonly create?: boolean;
  readonly createNew?: boolean;
  readonly truncate?: boolean;
}

/** An open file, as Deno has it. */
export interface OpenFile {
  /** Its bytes from here on; the file is closed at the end. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  /** Goes to a byte counted from the beginning (`whence` 0) or from the end (2). */
  seek(offset: number, whence: number): Promise<number>;
  stat(): Promise<FileFacts>;
  sync(): Promise<void>;
  /** Locks the file against other processes; `false` if another has done so. */
  tryLock(exclusive: boolean): Promise<boolean>;
  close(): void;
}

/** The files of a host, as Deno has them: its own object is one. */
export interface Files {
  open(path: string, options?: OpenOptions): Promise<OpenFile>;
  stat(path: string): Promise<FileFacts>;
  lstat(path: string): Promise<FileFacts>;
  readDir(path: string): AsyncIterable<{ readonly name: string; readonly isDirectory: boolean }>;
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  readTextFile(path: string): Promise<string>;
  writeTextFile(path: string, text: string): Promise<void>;
  mkdir(path: string, options?: { recursive?: boolean }): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string, options?: { recursive?: boolean }): Promise<void>;
}

let nodeFiles: Promise<Files> | undefined;

/**
 * The files of this host.
 *
 * @param action What they are needed for, as in `"read model.safetensors"`
 * @param cure What a browser can do instead
 * @throws {Error} In a browser, which has none.
 */
export async function files(action: string, cure: string = cureOf(action)): Promise<Files> {
  if (typeof Deno !== "undefined") return Deno;
  if (!hasFiles()) throw new Error(`Cannot ${action}: a browser has no files; ${cure}`);
  return await (nodeFiles ??= import("./node.ts").then(({ openNodeFiles }) => openNodeFiles())); // not at every start
}

function cureOf(action: string): string {
  return action.startsWith("read ") ? "give bytes, a Blob or a Response" : "the functions named encode… give its bytes";
}
