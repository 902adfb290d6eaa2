/**
 * A library opened by whatever this runtime has for it: Deno's own, `bun:ffi`, or the package koffi in Node.js. This is the only file that
 * opens a library.
 */
import { nodeModule, nodeProcess } from "../../host/host.ts";
import { SYMBOLS, type Symbols } from "./symbols.ts";

/** An open library. */
interface Library {
  readonly symbols: Symbols;
  close(): void;
}

/** What opens libraries here. */
interface Opener {
  /** Its name, where it is not the runtime itself. */
  readonly name: string;
  /** Opens a library by its absolute path; throws if it cannot. */
  open(path: string): Library;
}

/**
 * What opens libraries here. It is loaded now, and not at import.
 *
 * @throws {Error} If there is nothing; the message says what is missing.
 */
export function libraryOpener(): Opener {
  if (typeof Deno !== "undefined") return { name: "", open: (path) => Deno.dlopen(path, SYMBOLS) };
  return nodeProcess()?.versions?.bun === undefined ? koffiOpener() : bunOpener();
}

/** The parts of `bun:ffi` that are used. */
interface BunFfi {
  dlopen(path: string, symbols: Record<string, { args: readonly string[]; returns: string }>): Library;
}

function bunOpener(): Opener {
  const ffi = nodeProcess()?.getBuiltinModule?.("bun:ffi") as BunFfi | undefined;
  if (ffi === undefined) throw new Error("this version of Bun does not give bun:ffi at once, take a later one");
  const symbols = Object.entries(SYMBOLS).map((
    [name, { parameters, result }],
  ) => [name, { args: parameters, returns: result }]);
  return { name: "bun:ffi", open: (path) => ffi.dlopen(path, Object.fromEntries(symbols)) };
}

/** The parts of koffi that are used. */
interface Koffi {
  load(path: string): { func(name: string, result: string, parameters: readonly string[]): unknown; unload(): void };
}

/** Koffi's names for what Deno and Bun call alike. */
const KOFFI_TYPES = { buffer: "void *", i32: "int32_t", void: "void" } as const;

function koffiOpener(): Opener {
  const { load } = requireKoffi();
  const open = (path: string) => {
    const library = load(path);
    const symbols = Object.entries(SYMBOLS).map(([name, { parameters, result }]) => {
      return [name, library.func(name, KOFFI_TYPES[result], parameters.map((type) => KOFFI_TYPES[type]))];
    });
    return { symbols: Object.fromEntries(symbols), close: () => library.unload() };
  };
  return { name: "koffi", open };
}

function requireKoffi(): Koffi {
  const from = import.meta.url ?? nodeProcess()!.argv[1]; // a bundle in the old format of Node.js does not know its own place
  try {
    return nodeModule("node:module").createRequire(from)("koffi");
  } catch (error) {
    if ((error as { code?: string }).code !== "MODULE_NOT_FOUND") throw error;
    throw new Error("koffi is not installed, by which Node.js opens libraries (npm install koffi)");
  }
}
