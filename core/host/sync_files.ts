/** Files and programs at once, for what has to be there at the first product: Deno's, or the same ones of Node.js's modules. */
import { nodeModule, operatingSystem } from "./host.ts";

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
